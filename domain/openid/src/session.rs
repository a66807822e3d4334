//! Alfred's own sessions, once somebody has signed in.
//!
//! A session token is a JWT of some minutes that the edge verifies without
//! asking anybody; nothing can take it back before it expires. A refresh token
//! lasts longer, is asked about at the organization's actor each time, and can
//! be taken back there.
//!
//! Session tokens are signed with a key made from the deployment's master
//! secret. To change that, deploy the new one with the old one beside it: what
//! was signed under the old one stays valid until it expires.

use std::fmt;

use ::hmac::{Hmac, Mac};
use identity::{MemberId, OrganizationId, SessionId};
pub use identity::{RefreshError, RefreshToken};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::encoding::{base64url, object};
use crate::jws::Jws;

/// How long a session token should last: as long as somebody who was removed
/// may go on.
pub const LIFETIME_S: i64 = 10 * 60;

/// No session token lasts longer, whoever minted it.
const MAX_LIFETIME_S: i64 = 60 * 60;
/// How far clocks of the edge may be from each other.
const SKEW_S: i64 = 60;
/// One has some 350 bytes.
const MAX_TOKEN: usize = 1024;
/// What stands in the header, so that no other token passes for one.
const TYPE: &str = "alfred-session+jwt";
const ALGORITHM: &str = "HS256";

/// For what keys are derived; nothing else may be derived for the same.
const SIGNING: &[u8] = b"alfred session token v1: signing";
const NAMING: &[u8] = b"alfred session token v1: key id";

/// Why a session token is refused, or cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The master secret is too short to protect anything.
    #[error("the master secret must have at least 32 characters")]
    WeakMaster,
    /// It is no session token.
    #[error("the session token is incomplete, was altered, or is none of Alfred's")]
    Malformed,
    /// The master secret under which it was signed is gone.
    #[error("the session was signed under a key that is no longer used: refresh it")]
    UnknownKey,
    /// Forged or altered.
    #[error("the session token's signature is wrong")]
    Signature,
    /// Too late.
    #[error("the session token has expired: refresh it")]
    Expired,
    /// From the future.
    #[error("the session token was issued in the future")]
    IssuedInFuture,
}

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Its name, by which it is refreshed and ended.
    pub session: SessionId,
    /// In which organization.
    pub organization: OrganizationId,
    /// Who it is.
    pub member: MemberId,
    /// Since when, in seconds since 1970.
    pub issued_s: i64,
    /// Until when.
    pub expires_s: i64,
}

/// The form of the payload; pinned by a test.
#[derive(Deserialize)]
struct Wire {
    sid: SessionId,
    org: OrganizationId,
    sub: MemberId,
    iat: i64,
    exp: i64,
}

/// The keys that sign and verify session tokens. Their debug form shows only
/// their names.
#[derive(Clone)]
pub struct SessionKeys {
    current: Key,
    previous: Option<Key>,
}

#[derive(Clone)]
struct Key {
    kid: String,
    secret: [u8; 32],
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let previous = self.previous.as_ref().map(|key| &key.kid);
        write!(f, "SessionKeys({}, {previous:?})", self.current.kid)
    }
}

impl SessionKeys {
    /// The keys of the master secret and of the one before it, whose tokens
    /// are still verified.
    ///
    /// # Errors
    /// [`SessionError::WeakMaster`].
    pub fn new(master: &str, previous: Option<&str>) -> Result<Self, SessionError> {
        Ok(Self { current: Key::of(master)?, previous: previous.map(Key::of).transpose()? })
    }

    /// Writes a session token; [`LIFETIME_S`] is how long it should last.
    #[must_use]
    pub fn mint(
        &self,
        session: SessionId,
        organization: OrganizationId,
        member: MemberId,
        now_ms: i64,
        lifetime_s: i64,
    ) -> String {
        let iat = now_ms.div_euclid(1000);
        let exp = iat.saturating_add(lifetime_s.clamp(0, MAX_LIFETIME_S));
        // Nothing in them needs escaping: names of our own, ids and numbers.
        let kid = &self.current.kid;
        let header = format!(r#"{{"alg":"{ALGORITHM}","kid":"{kid}","typ":"{TYPE}"}}"#);
        let ids = format!(r#""sid":"{session}","org":"{organization}","sub":"{member}""#);
        let payload = format!(r#"{{{ids},"iat":{iat},"exp":{exp}}}"#);
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(payload.as_bytes()));
        let signature = hmac(&self.current.secret, signed.as_bytes());
        format!("{signed}.{}", base64url(&signature))
    }

    /// Verifies a session token.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Session, SessionError> {
        if token.len() > MAX_TOKEN {
            return Err(SessionError::Malformed);
        }
        let jws = Jws::parse(token).map_err(|_| SessionError::Malformed)?;
        if jws.algorithm != ALGORITHM || jws.typ.as_deref() != Some(TYPE) {
            return Err(SessionError::Malformed);
        }
        let mut keys = std::iter::once(&self.current).chain(&self.previous);
        let key = keys.find(|key| jws.kid.as_ref() == Some(&key.kid)).ok_or(SessionError::UnknownKey)?;
        // Compares in constant time.
        mac(&key.secret, jws.signed).verify_slice(&jws.signature).map_err(|_| SessionError::Signature)?;
        let payload = object(&jws.payload).map_err(|_| SessionError::Malformed)?;
        let wire: Wire = serde_json::from_value(Value::Object(payload)).map_err(|_| SessionError::Malformed)?;
        let now_s = now_ms.div_euclid(1000);
        if wire.exp.saturating_sub(wire.iat) > MAX_LIFETIME_S {
            return Err(SessionError::Malformed);
        }
        if now_s >= wire.exp {
            return Err(SessionError::Expired);
        }
        if wire.iat > now_s.saturating_add(SKEW_S) {
            return Err(SessionError::IssuedInFuture);
        }
        Ok(Session {
            session: wire.sid,
            organization: wire.org,
            member: wire.sub,
            issued_s: wire.iat,
            expires_s: wire.exp,
        })
    }
}

impl Key {
    /// The key and its name both come from the master secret, so that nobody
    /// has to number secrets, and neither says anything about the other.
    fn of(master: &str) -> Result<Self, SessionError> {
        if master.len() < 32 {
            return Err(SessionError::WeakMaster);
        }
        let name = derive(master.as_bytes(), b"", NAMING);
        let kid = name.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { kid, secret: derive(master.as_bytes(), b"", SIGNING) })
    }
}

/// HKDF with SHA-256 (RFC 5869), of which one block is enough.
fn derive(master: &[u8], salt: &[u8], purpose: &[u8]) -> [u8; 32] {
    let extracted = hmac(salt, master);
    hmac(&extracted, &[purpose, &[1]].concat())
}

/// HMAC with SHA-256 (RFC 2104).
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    mac(key, message).finalize().into_bytes().into()
}

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    // A key is filled up to a block; one that is longer is hashed before.
    let hashed: [u8; 32] = Sha256::digest(key).into();
    let short = if key.len() > 64 { &hashed[..] } else { key };
    let mut block = [0; 64];
    block.iter_mut().zip(short).for_each(|(to, from)| *to = *from);
    <Hmac<Sha256> as Mac>::new(&block.into()).chain_update(message)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
