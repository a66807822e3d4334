//! Whether a token is genuine, meant for us, and of now.
//!
//! The header is the forger's to write. So the algorithm comes from the
//! allow-list and from the kind of the key, the key comes from the issuer's
//! set, and nothing of the payload is read before the signature fits.

use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::claims::{Claims, audiences};
use crate::encoding::{JsonError, object, same, shown};
use crate::issuer::Issuer;
use crate::jwks::{Jwks, KeyError};
use crate::jws::{Jws, JwsError, MAX_TOKEN};

/// How far an issuer's clock may be from ours.
const SKEW_S: i64 = 60;

/// What a token must be.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    /// Who issued it.
    pub issuer: &'a Issuer,
    /// Whom it may be meant for: the client id, or our names for workloads.
    pub audiences: Vec<&'a str>,
    /// How it may be signed.
    pub algorithms: &'a [Algorithm],
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
    /// How far the issuer's clock may be from ours, in seconds.
    pub skew_s: i64,
    /// For which sign-in it must be.
    pub nonce: Option<&'a str>,
    /// How long ago they may have shown who they are (`auth_time`).
    pub max_age_s: Option<i64>,
    /// How long ago it may have been issued (`iat`), however long it lasts.
    pub max_token_age_s: Option<i64>,
}

impl<'a> Expected<'a> {
    /// An ID token for the sign-in that was begun with `nonce`.
    #[must_use]
    pub fn id_token(
        issuer: &'a Issuer,
        client_id: &'a str,
        algorithms: &'a [Algorithm],
        nonce: &'a str,
        now_ms: i64,
    ) -> Self {
        Self { nonce: Some(nonce), ..Self::bearer(issuer, &[client_id], algorithms, now_ms) }
    }

    /// A token that a workload shows of itself.
    #[must_use]
    pub fn bearer(issuer: &'a Issuer, audiences: &[&'a str], algorithms: &'a [Algorithm], now_ms: i64) -> Self {
        Self {
            issuer,
            audiences: audiences.to_vec(),
            algorithms,
            now_ms,
            skew_s: SKEW_S,
            nonce: None,
            max_age_s: None,
            max_token_age_s: None,
        }
    }
}

/// Why a token is refused. A token with several faults is refused for the
/// first in this order, except that a claim is looked at when its turn comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Larger than any token.
    #[error("the token has more than {MAX_TOKEN} bytes")]
    TooLarge,
    /// Not three parts of base64url, or no JSON in them.
    #[error("the token is not a signed JWT, or was altered when it was copied")]
    Malformed,
    /// A name stands twice in its header or payload.
    #[error("the token has the same name twice in one object")]
    Duplicate,
    /// Its header has `crit`: an extension that must not be ignored.
    #[error("the token needs an extension that Alfred does not know")]
    Critical,
    /// It is a JWT, but of another type.
    #[error("the token is of the type `{0}`: expected a plain JWT")]
    Type(String),
    /// `none`, a shared secret, or not on the allow-list.
    #[error("the token is signed with `{0}`, which is not allowed for this issuer")]
    Algorithm(String),
    /// Its key is not in the set: fetching the set again may help.
    #[error("the issuer publishes no key {}", .0.as_ref().map_or_else(|| "for the token".to_owned(), |kid| format!("`{kid}`")))]
    UnknownKey(Option<String>),
    /// Several keys would do.
    #[error("the token does not say which of several keys it is signed with")]
    AmbiguousKey,
    /// The key that it names is for another algorithm.
    #[error("the key that the token names is not for its algorithm")]
    KeyMismatch,
    /// Forged or altered.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim is not there.
    #[error("the token has no `{0}`")]
    MissingClaim(&'static str),
    /// A claim is of another type than it must be.
    #[error("the token's `{0}` is not what it must be")]
    InvalidClaim(&'static str),
    /// Somebody else issued it.
    #[error("the token was issued by `{0}`, which is not the configured issuer")]
    Issuer(String),
    /// It is meant for somebody else.
    #[error("the token is meant for `{0}`: ask the issuer for one whose audience is Alfred's")]
    Audience(String),
    /// It is meant for others too, and was given to one of them.
    #[error("the token is meant for several, and `azp` does not say that Alfred asked for it")]
    AuthorizedParty,
    /// Too late.
    #[error("the token has expired: get a new one")]
    Expired,
    /// Too early.
    #[error("the token is not yet valid: check the clocks")]
    NotYetValid,
    /// From the future.
    #[error("the token was issued in the future: check the clocks")]
    IssuedInFuture,
    /// It was issued too long ago.
    #[error("the token was issued too long ago: get a new one")]
    TooOld,
    /// It answers another sign-in.
    #[error("the token is for another sign-in: start again")]
    Nonce,
    /// They showed too long ago who they are.
    #[error("the sign-in at the provider was too long ago: sign in there again")]
    SignInTooOld,
}

impl From<JwsError> for TokenError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLarge => Self::TooLarge,
            JwsError::Malformed => Self::Malformed,
            JwsError::Duplicate => Self::Duplicate,
            JwsError::Critical => Self::Critical,
        }
    }
}

impl From<JsonError> for TokenError {
    fn from(error: JsonError) -> Self {
        JwsError::from(error).into()
    }
}

/// Verifies a token: an ID token at sign-in, or a workload's token.
///
/// # Errors
/// [`TokenError`]; after [`TokenError::UnknownKey`] it is worth fetching the
/// keys again, now and then.
pub fn verify(token: &str, keys: &Jwks, expected: &Expected<'_>) -> Result<Claims, TokenError> {
    let jws = Jws::parse(token)?;
    check_signature(&jws, keys, expected.algorithms)?;
    let claims = Claims::read(object(&jws.payload)?)?;
    check_parties(&claims, expected)?;
    check_times(&claims, expected)?;
    check_sign_in(&claims, expected)?;
    Ok(claims)
}

/// Who a token says has issued it, to find whose keys to verify it with. It is
/// a claim like any other: nothing is known before [`verify`] has succeeded.
///
/// # Errors
/// When it does not say.
pub fn claimed_issuer(token: &str) -> Result<String, TokenError> {
    match object(&Jws::parse(token)?.payload)?.remove("iss") {
        Some(Value::String(issuer)) => Ok(issuer),
        Some(_) => Err(TokenError::InvalidClaim("iss")),
        None => Err(TokenError::MissingClaim("iss")),
    }
}

/// Whom a token says it is meant for, to find whose rules it must meet. Nothing
/// is known before [`verify`] has succeeded.
///
/// # Errors
/// When it does not say.
pub fn claimed_audiences(token: &str) -> Result<Vec<String>, TokenError> {
    audiences(object(&Jws::parse(token)?.payload)?.get("aud"))
}

fn check_signature(jws: &Jws<'_>, keys: &Jwks, allowed: &[Algorithm]) -> Result<(), TokenError> {
    if let Some(typ) = jws.typ.as_deref().filter(|typ| !is_plain(typ)) {
        return Err(TokenError::Type(shown(typ)));
    }
    let algorithm = Algorithm::named(&jws.algorithm)
        .filter(|algorithm| allowed.contains(algorithm))
        .ok_or_else(|| TokenError::Algorithm(shown(&jws.algorithm)))?;
    let key = keys.find(jws.kid.as_deref(), algorithm).map_err(|error| match error {
        KeyError::Unknown => TokenError::UnknownKey(jws.kid.as_deref().map(shown)),
        KeyError::Ambiguous => TokenError::AmbiguousKey,
        KeyError::Mismatch => TokenError::KeyMismatch,
    })?;
    if key.signed(jws.signed, &jws.signature) { Ok(()) } else { Err(TokenError::Signature) }
}

/// ID tokens and workloads' tokens have no type of their own. What has one,
/// such as a `logout+jwt` or an `at+jwt`, is signed with the same keys and
/// means something else (RFC 8725, 3.11).
fn is_plain(typ: &str) -> bool {
    let short = typ.get(..12).filter(|prefix| prefix.eq_ignore_ascii_case("application/")).and_then(|_| typ.get(12..));
    ["JWT", "JOSE"].iter().any(|plain| short.unwrap_or(typ).eq_ignore_ascii_case(plain))
}

fn check_parties(claims: &Claims, expected: &Expected<'_>) -> Result<(), TokenError> {
    if claims.issuer != expected.issuer.as_str() {
        return Err(TokenError::Issuer(shown(&claims.issuer)));
    }
    let ours = |name: &String| expected.audiences.contains(&name.as_str());
    if !claims.audiences.iter().any(ours) {
        return Err(TokenError::Audience(shown(&claims.audiences.join("`, `"))));
    }
    // Others for whom it is meant too could show it to us.
    let shared = !claims.audiences.iter().all(ours);
    if shared && !claims.authorized_party.as_ref().is_some_and(ours) {
        return Err(TokenError::AuthorizedParty);
    }
    Ok(())
}

fn check_times(claims: &Claims, expected: &Expected<'_>) -> Result<(), TokenError> {
    let now_s = expected.now_ms.div_euclid(1000);
    let (earliest, latest) = (now_s.saturating_sub(expected.skew_s), now_s.saturating_add(expected.skew_s));
    if claims.expires_s <= earliest {
        return Err(TokenError::Expired);
    }
    if claims.not_before_s.is_some_and(|not_before| not_before > latest) {
        return Err(TokenError::NotYetValid);
    }
    if claims.issued_s.is_some_and(|issued| issued > latest) {
        return Err(TokenError::IssuedInFuture);
    }
    if let Some(age) = expected.max_token_age_s {
        let issued = claims.issued_s.ok_or(TokenError::MissingClaim("iat"))?;
        if issued.saturating_add(age) < earliest {
            return Err(TokenError::TooOld);
        }
    }
    Ok(())
}

fn check_sign_in(claims: &Claims, expected: &Expected<'_>) -> Result<(), TokenError> {
    if let Some(nonce) = expected.nonce {
        let given = claims.nonce.as_deref().ok_or(TokenError::MissingClaim("nonce"))?;
        if !same(given, nonce) {
            return Err(TokenError::Nonce);
        }
    }
    if let Some(age) = expected.max_age_s {
        let authenticated = claims.authenticated_s.ok_or(TokenError::MissingClaim("auth_time"))?;
        let earliest = expected.now_ms.div_euclid(1000).saturating_sub(expected.skew_s);
        if authenticated.saturating_add(age) < earliest {
            return Err(TokenError::SignInTooOld);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
