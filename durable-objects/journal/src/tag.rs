//! Names for the states of things that can be changed, by which a change says
//! what it was meant for.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One state of one thing. Two states of the same thing have different tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(String);

/// Bytes of the digest: by chance two states have the same tag once in 2^80.
const BYTES: usize = 10;

impl Tag {
    /// Of what has versions.
    #[must_use]
    pub fn version(version: impl Into<u64>) -> Self {
        Self(format!("v{}", version.into()))
    }

    /// Of what has none: a digest of all that is in it.
    #[must_use]
    pub fn of(state: &impl Serialize) -> Self {
        let digest = Sha256::digest(serde_json::to_vec(state).unwrap_or_default());
        Self(digest.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect())
    }

    /// One that somebody sends back. What never was a tag is none of anything.
    #[must_use]
    pub fn shown(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_pinned() {
        // Clients keep them, and one version of the code compares another's.
        assert_eq!(Tag::version(7u32).to_string(), "v7");
        assert_eq!(Tag::of(&("a", 1)).to_string(), "135f17a475a61afdeeaf");
        assert_ne!(Tag::of(&("a", 1)), Tag::of(&("a", 2)));
        assert_eq!(serde_json::to_string(&Tag::shown("v7")).unwrap(), "\"v7\"");
    }
}
