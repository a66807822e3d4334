//! What a button carries, and what comes back when somebody presses it.
//!
//! Channels leave little room for it: Telegram 64 bytes. So it is 40
//! characters of base64url, 30 bytes:
//!
//! | bytes | |
//! |---|---|
//! | 1 | version and verdict |
//! | 16 | the request |
//! | 13 | HMAC-SHA256 over both and the approver, shortened |
//!
//! The approver is under the MAC and not in the text: who presses is known from
//! the channel, which signs what it sends, and a button works only for whom it
//! was made. Organization and channel are in the key. So a token that is copied
//! to another organization, channel or person is refused, and nobody has to
//! remember to compare.
//!
//! 104 bits are enough for the MAC: it cannot be tried offline, since nobody
//! else has the key, and each try is a request that the channel must have
//! signed and that wakes an actor. A million of them a second for a thousand
//! years would hit with a chance of 1 in 600 trillion. (RFC 2104, 5, asks for at
//! least 80 bits and half of the hash is the custom; where there is room, as in
//! [`link`](crate::link), it is half.)
//!
//! It says nothing of time and use: a request that was decided, has expired or
//! whose approver may no longer decide is refused by the actor that knows it.

use std::fmt;
use std::str::FromStr;

use identity::{MemberId, OrganizationId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::channel::Channel;
use crate::crypto::{base64url, from_base64url, hkdf, hmac, same};

/// For what keys are derived; nothing else may be derived for the same.
const PURPOSE: &[u8] = b"alfred action token v1";
const VERSION: u8 = 0x10;
/// The part before the MAC.
const SIGNED: usize = 17;
const MAC: usize = 13;

/// What an approver says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It shall happen.
    Approve,
    /// It shall not.
    Deny,
}

impl Verdict {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Approve => 1,
            Self::Deny => 2,
        }
    }

    pub(crate) const fn of_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Approve),
            2 => Some(Self::Deny),
            _ => None,
        }
    }
}

/// Why keys cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the master secret must have at least 32 characters")]
pub struct WeakMaster;

/// Why a token is refused. It does not say how close it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token.
    #[error("the button's value is none of Alfred's")]
    Malformed,
    /// Forged, altered, or somebody else's.
    #[error("the button was made for somebody else, or its value was altered")]
    Refused,
}

/// The key of a purpose under a master secret, and the one under the secret
/// before it, which still verifies.
pub(crate) struct Keys {
    pub(crate) current: [u8; 32],
    pub(crate) previous: Option<[u8; 32]>,
}

impl Keys {
    /// Each part of the purpose stands behind its length, so that no two
    /// purposes read the same.
    pub(crate) fn new(master: &str, previous: Option<&str>, purpose: &[&[u8]]) -> Result<Self, WeakMaster> {
        let mut info = Vec::new();
        for part in purpose {
            info.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            info.extend_from_slice(part);
        }
        let key = |master: &str| match master.len() {
            32.. => Ok(hkdf(b"", master.as_bytes(), &[&info])),
            _ => Err(WeakMaster),
        };
        Ok(Self { current: key(master)?, previous: previous.map(key).transpose()? })
    }

    /// Whether `mac` is the beginning of what either key makes of the parts.
    pub(crate) fn verify(&self, parts: &[&[u8]], mac: &[u8]) -> bool {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .any(|key| hmac(key, parts).get(..mac.len()).is_some_and(|made| same(made, mac)))
    }
}

/// The keys that sign and verify the tokens of an organization in a channel.
/// Their debug form shows nothing.
pub struct ActionKeys(Keys);

impl fmt::Debug for ActionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActionKeys(…)")
    }
}

impl ActionKeys {
    /// The keys under a master secret of at least 32 characters, and under the
    /// one before it, whose tokens are still verified.
    ///
    /// # Errors
    /// [`WeakMaster`].
    pub fn new(
        master: &str,
        previous: Option<&str>,
        organization: OrganizationId,
        channel: Channel,
    ) -> Result<Self, WeakMaster> {
        let organization = organization.as_u128().to_be_bytes();
        Keys::new(master, previous, &[PURPOSE, &organization, channel.name().as_bytes()]).map(Self)
    }

    /// Writes the token for the button of that approver.
    #[must_use]
    pub fn sign(&self, request: u128, verdict: Verdict, approver: MemberId) -> ActionToken {
        let mut bytes = vec![VERSION | verdict.code()];
        bytes.extend(request.to_be_bytes());
        let mac = hmac(&self.0.current, &[&bytes, &approver.as_u128().to_be_bytes()]);
        bytes.extend(mac.iter().take(MAC));
        ActionToken(base64url(&bytes))
    }

    /// What somebody said by pressing a button. `approver` is whose account in
    /// the channel pressed it, as the channel signed.
    ///
    /// # Errors
    /// [`TokenError::Refused`]; `Malformed` for another version.
    pub fn verify(&self, token: &ActionToken, approver: MemberId) -> Result<Answered, TokenError> {
        let bytes = from_base64url(&token.0).ok_or(TokenError::Malformed)?;
        let (signed, mac) = bytes.split_at_checked(SIGNED).ok_or(TokenError::Malformed)?;
        let (first, request) = signed.split_first().ok_or(TokenError::Malformed)?;
        let verdict = Verdict::of_code(first ^ VERSION).ok_or(TokenError::Malformed)?;
        let request: [u8; 16] = request.try_into().map_err(|_| TokenError::Malformed)?;
        if mac.len() != MAC || !self.0.verify(&[signed, &approver.as_u128().to_be_bytes()], mac) {
            return Err(TokenError::Refused);
        }
        Ok(Answered { request: u128::from_be_bytes(request), verdict })
    }
}

/// What a verified token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Which request was decided.
    pub request: u128,
    /// How.
    pub verdict: Verdict,
}

/// The value of a button: 40 characters of base64url. Whether it is genuine
/// only [`ActionKeys::verify`] says; that it fits into every channel its type
/// says.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ActionToken(String);

impl ActionToken {
    /// How long it is, in bytes and in characters.
    pub const LENGTH: usize = 40;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ActionToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let ours = text.len() == Self::LENGTH && from_base64url(text).is_some();
        ours.then(|| Self(text.to_owned())).ok_or(TokenError::Malformed)
    }
}

/// Whoever has it can press the button, if they are who may: logs shall not
/// have it.
impl fmt::Debug for ActionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActionToken(…)")
    }
}

impl Serialize for ActionToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ActionToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
