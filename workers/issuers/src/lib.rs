//! What issuers of tokens publish about themselves: where people sign in, and
//! with which keys they sign. It is fetched when it is first needed and
//! remembered by the isolate; a token under a key that nobody knows makes the
//! keys be fetched again, but not more often than once a minute.
//!
//! In scope: asking issuers, with bounds on time and size, and remembering
//! what they said.
//!
//! Out of scope: what may be believed (`openid`), and which issuers are asked
//! at all: those that an organization's admins have configured.

pub mod address;
mod cache;
mod fetch;
pub mod workload;

pub use cache::{MOST_AGE_MS, verify};
pub use fetch::{Answer, Call, send};

use std::rc::Rc;

use openid::{Discovery, DiscoveryError, Issuer, IssuerMetadata, JwksError, TokenError, Unmet};
use url::Url;

use address::{Reach, check_public};

/// Why an issuer cannot be asked, or what it said is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It does not answer, or not in time.
    #[error("`{url}` does not answer: {why}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What happened.
        why: String,
    },
    /// It answers with an error.
    #[error("`{url}` answered with status {status}")]
    Status {
        /// What was asked.
        url: String,
        /// The answer's status.
        status: u16,
    },
    /// It, or what it points to, is where nothing may be asked.
    #[error("{0}")]
    Address(String),
    /// Nobody has said that its tokens are believed.
    #[error("tokens of `{0}` are not accepted here")]
    NotTrusted(String),
    /// The token is genuine, but not one of those that are accepted.
    #[error(transparent)]
    Unmet(#[from] Unmet),
    /// Its metadata is of no use.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// Its keys cannot be read.
    #[error(transparent)]
    Keys(#[from] JwksError),
    /// The token is refused.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// A provider at which people sign in.
///
/// # Errors
/// [`Fault`].
pub async fn provider(issuer: &Issuer, reach: Reach) -> Result<Rc<Discovery>, Fault> {
    let document = document(issuer, reach).await?;
    let discovery = Discovery::parse(&document, issuer, reach.transport())?;
    // The browser goes to its first endpoint, we to the others.
    check("`jwks_uri`", &discovery.tokens.jwks_uri, reach)?;
    check("`token_endpoint`", &discovery.token_endpoint, reach)?;
    if let Some(url) = &discovery.userinfo_endpoint {
        check("`userinfo_endpoint`", url, reach)?;
    }
    Ok(Rc::new(discovery))
}

/// An issuer whose tokens are believed.
///
/// # Errors
/// [`Fault`].
pub async fn metadata(issuer: &Issuer, reach: Reach) -> Result<IssuerMetadata, Fault> {
    let document = document(issuer, reach).await?;
    let metadata = IssuerMetadata::parse(&document, issuer, reach.transport())?;
    check("`jwks_uri`", &metadata.jwks_uri, reach)?;
    Ok(metadata)
}

async fn document(issuer: &Issuer, reach: Reach) -> Result<Rc<Vec<u8>>, Fault> {
    let url = issuer.as_str().parse().map_err(|_| Fault::Address(format!("`{issuer}` is not an address")))?;
    check("the issuer", &url, reach)?;
    cache::document(issuer).await
}

fn check(what: &str, url: &Url, reach: Reach) -> Result<(), Fault> {
    check_public(url, what, reach).map_err(Fault::Address)
}
