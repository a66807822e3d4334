//! Tokens of workloads: a CI job, a pod or a virtual machine shows what its
//! platform signs of it, and needs no key that could be lost.

use identity::OrganizationId;
use openid::{Algorithm, ClaimRule, Expected, Issuer, TokenError, admit, claimed_audiences, claimed_issuer};
use runtime::now_ms;

use crate::address::Reach;
use crate::{Fault, cache, metadata};

/// What a token's audience begins with; the organization's id follows. So a
/// token that is meant for somebody else, or for another organization, is of
/// no use here.
pub const AUDIENCE: &str = "urn:alfred:";

/// No platform's tokens last longer than a day.
const MOST_TOKEN_AGE_S: i64 = 24 * 60 * 60;

/// Whose tokens are accepted, and which of them.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// Who signs them.
    pub issuer: &'a Issuer,
    /// What they must say: all of it.
    pub rules: &'a [ClaimRule],
}

/// The organization that a token says it is meant for. Nothing of it is known
/// to be true.
#[must_use]
pub fn organization(token: &str) -> Option<OrganizationId> {
    let audiences = claimed_audiences(token).ok()?;
    audiences.iter().find_map(|audience| audience.strip_prefix(AUDIENCE)?.parse().ok())
}

/// Which of these trusts accepts a token, and until when, in milliseconds
/// since 1970.
///
/// # Errors
/// [`Fault`].
pub async fn accept(
    token: &str,
    organization: OrganizationId,
    trusts: &[Trust<'_>],
    reach: Reach,
) -> Result<(usize, i64), Fault> {
    let claimed = claimed_issuer(token)?;
    let issuer = trusts.iter().map(|trust| trust.issuer).find(|issuer| issuer.as_str() == claimed);
    let issuer = issuer.ok_or_else(|| Fault::NotTrusted(claimed.chars().take(200).collect()))?;
    let metadata = metadata(issuer, reach).await?;
    let audience = format!("{AUDIENCE}{organization}");
    let algorithms: Vec<Algorithm> =
        Algorithm::ALL.iter().copied().filter(|algorithm| metadata.algorithms.contains(algorithm)).collect();
    let expected = Expected {
        max_token_age_s: Some(MOST_TOKEN_AGE_S),
        ..Expected::bearer(issuer, &[&audience], &algorithms, now_ms())
    };
    let claims = cache::verify(token, &metadata, &expected).await?;
    let mut unmet = None;
    for (place, trust) in trusts.iter().enumerate().filter(|(_, trust)| trust.issuer == issuer) {
        match admit(trust.rules, &claims) {
            Ok(()) => return Ok((place, claims.expires_s.saturating_mul(1000))),
            Err(error) => unmet = Some(error),
        }
    }
    Err(unmet.map_or_else(|| Fault::Token(TokenError::Malformed), Fault::Unmet))
}
