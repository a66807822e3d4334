//! One sign-in between its beginning and its callback.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::encoding::base64url;

/// What one sign-in is recognised by. The shell keeps it where only the same
/// browser brings it back (a sealed cookie), beside which provider it is for,
/// and forgets it after one callback.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(…)")
    }
}

impl Attempt {
    /// A sign-in, of three times 256 random bits.
    #[must_use]
    pub fn new(state: [u8; 32], nonce: [u8; 32], verifier: [u8; 32]) -> Self {
        Self { state: base64url(&state), nonce: base64url(&nonce), verifier: base64url(&verifier) }
    }

    /// What the callback must bring back.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// What the ID token must contain.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// What proves to the token endpoint that we began it (RFC 7636, 4.1).
    pub(crate) fn verifier(&self) -> &str {
        &self.verifier
    }

    /// What of the verifier may be seen before (RFC 7636, 4.2, `S256`).
    pub(crate) fn challenge(&self) -> String {
        base64url(&Sha256::digest(&self.verifier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_is_the_specification_s() {
        // RFC 7636, appendix B.
        let verifier = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191,
            240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let attempt = Attempt::new([1; 32], [2; 32], verifier);
        assert_eq!(attempt.verifier(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(attempt.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(format!("{attempt:?}"), "Attempt(…)");
    }
}
