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

mod cache;
mod fetch;

pub use cache::{MOST_AGE_MS, verify};
pub use fetch::{Answer, Call, send};

use std::rc::Rc;

use openid::{Discovery, DiscoveryError, Issuer, IssuerMetadata, JwksError, TokenError, Transport};

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
pub async fn provider(issuer: &Issuer, transport: Transport) -> Result<Rc<Discovery>, Fault> {
    let document = cache::document(issuer).await?;
    Ok(Rc::new(Discovery::parse(&document, issuer, transport)?))
}

/// An issuer whose tokens are believed.
///
/// # Errors
/// [`Fault`].
pub async fn metadata(issuer: &Issuer, transport: Transport) -> Result<IssuerMetadata, Fault> {
    let document = cache::document(issuer).await?;
    Ok(IssuerMetadata::parse(&document, issuer, transport)?)
}
