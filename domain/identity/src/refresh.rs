//! Refresh tokens: `rt-alf-<organization>-<session>-<secret><check>`.
//!
//! With one a browser or a tool gets its next short session token. It is made
//! as a key is (see `key.rs`): the public part says whom to ask, only the
//! SHA-256 is stored. Each is used once; that and what is to be done about
//! one that comes twice is decided where sessions are kept.

use crate::base32;
use crate::id::{OrganizationId, SessionId};
use crate::key::{KeyHash, SECRET, checked_body, with_check};

const PREFIX: &str = "rt-alf-";

/// A text that is not a refresh token. It does not say how close it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the refresh token is incomplete, was altered, or is none of Alfred's: sign in again")]
pub struct RefreshError;

/// A refresh token, cut into what the edge needs. The secret itself is not
/// kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Whose actor knows the session.
    pub organization: OrganizationId,
    /// Which session it continues.
    pub session: SessionId,
    /// What the actor knows it by.
    pub hash: KeyHash,
}

impl RefreshToken {
    /// Writes the token that 128 random bits make; shown once and then
    /// forgotten.
    #[must_use]
    pub fn mint(organization: OrganizationId, session: SessionId, secret: u128) -> String {
        with_check(format!("{PREFIX}{}-{}-{}", organization.suffix(), session.suffix(), base32::encode(secret)))
    }

    /// Reads a token that a client sent.
    ///
    /// # Errors
    /// [`RefreshError`] when it cannot be one of ours.
    pub fn parse(text: &str) -> Result<Self, RefreshError> {
        let body = checked_body(text, PREFIX).map_err(|_| RefreshError)?;
        let mut parts = body.split('-');
        let (Some(organization), Some(session), Some(secret), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(RefreshError);
        };
        if secret.len() != SECRET {
            return Err(RefreshError);
        }
        Ok(Self {
            organization: OrganizationId::from_suffix(organization).map_err(|_| RefreshError)?,
            session: SessionId::from_suffix(session).map_err(|_| RefreshError)?,
            hash: KeyHash::of(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::ApiKey;

    fn token() -> String {
        RefreshToken::mint(OrganizationId::from_u128(1 << 70), SessionId::from_u128(99), 0xfeed_beef)
    }

    #[test]
    fn form_is_pinned() {
        // Browsers keep them for weeks: a change of form would sign out all.
        assert_eq!(
            token(),
            "rt-alf-00000000000100000000000000-00000000000000000000000033-00000000000000000003zevfqfd1v3e4"
        );
        let parsed = RefreshToken::parse(&token()).unwrap();
        assert_eq!(parsed.organization, OrganizationId::from_u128(1 << 70));
        assert_eq!(parsed.session, SessionId::from_u128(99));
    }

    #[test]
    fn cut_altered_or_something_else_is_refused() {
        let token = token();
        for place in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[place] = if altered[place] == b'7' { b'8' } else { b'7' };
            assert!(RefreshToken::parse(&String::from_utf8(altered).unwrap()).is_err(), "altered at {place}");
            assert!(RefreshToken::parse(&token[..place]).is_err(), "cut at {place}");
        }
        let key = ApiKey::mint(OrganizationId::from_u128(1), crate::TeamId::from_u128(2), 3);
        for other in ["", "rt-alf-", "rt-alf-é", &format!("{token} "), &key] {
            assert!(RefreshToken::parse(other).is_err(), "{other}");
        }
        assert!(ApiKey::parse(&token).is_err());
    }
}
