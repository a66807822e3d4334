//! What chains lines: each one's hash covers the one before it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The SHA-256 of a line, which covers the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first line stands on.
    pub const START: Self = Self([0; 32]);

    /// The SHA-256 of these parts, one after the other.
    #[must_use]
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut sha = Sha256::new();
        parts.into_iter().for_each(|part| sha.update(part));
        Self(sha.finalize().into())
    }

    /// The hash of a line with these fields that comes after this one. Each
    /// field stands behind its length, so that no two lists of fields make the
    /// same bytes.
    #[must_use]
    pub fn chain<'a>(self, fields: impl IntoIterator<Item = &'a str>) -> Self {
        let mut sha = Sha256::new();
        sha.update(self.0);
        for field in fields {
            sha.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            sha.update(field.as_bytes());
        }
        Self(sha.finalize().into())
    }
}

/// The bits of the id of an actor's line: 48 of time, 32 of the actor's name
/// and 48 of the sequence. The same line always has the same id, and ids sort
/// by time.
#[must_use]
pub fn line_id(actor: &str, sequence: u64, time_ms: i64) -> u128 {
    let digest = Sha256::digest(actor.as_bytes());
    let actor = digest.iter().take(4).fold(0u128, |value, &byte| value << 8 | u128::from(byte));
    let time = u128::try_from(time_ms.max(0)).unwrap_or(0) & 0xffff_ffff_ffff;
    let sequence = u128::from(sequence) & 0xffff_ffff_ffff;
    time << 80 | actor << 48 | sequence
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a SHA-256 in hexadecimal");
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            let start = place.saturating_mul(2);
            let digits = text.get(start..start.saturating_add(2)).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
