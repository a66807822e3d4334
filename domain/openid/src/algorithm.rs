//! How tokens of others may be signed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signature algorithm that Alfred checks. There is neither `none` nor one
/// with a shared secret: a token of another issuer is never signed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 to 4096 bits.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// All of them: what an issuer may use of which nothing else is known.
    pub const ALL: &'static [Self] = &[Self::Rs256, Self::Es256, Self::EdDsa];

    /// The algorithm of that name, as `alg` has it. Ed25519 has two names
    /// (RFC 8037 and RFC 9864).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        })
    }
}
