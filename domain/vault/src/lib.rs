//! Secrets at rest: AES-256-GCM (NIST SP 800-38D) under a master secret.
//!
//! In scope: sealing and opening one short secret, bound to what it is for.
//!
//! Out of scope: where the master secret comes from (a binding of the
//! deployment) and randomness: the caller hands in 96 random bits, never twice
//! under one master secret. Random nonces are safe for 2^32 secrets.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What `v1` means: AES-256-GCM, the key is the SHA-256 of the master secret,
/// 12 bytes of nonce before the ciphertext and its 16 bytes of tag.
const FORM: &str = "v1:";
const NONCE: usize = 12;

/// A sealed secret, as it is stored. Its debug form shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The master secret is too short to protect anything.
    #[error("the master secret must have at least 32 characters")]
    WeakMaster,
    /// Another master secret, another purpose, or altered.
    #[error("the secret cannot be opened: it was sealed under another master secret, for another purpose, or altered")]
    Refused,
}

/// Seals and opens under one master secret.
pub struct Vault(Aes256Gcm);

impl Vault {
    /// The vault of a master secret of at least 32 characters.
    ///
    /// # Errors
    /// [`VaultError::WeakMaster`].
    pub fn new(master: &str) -> Result<Self, VaultError> {
        if master.len() < 32 {
            return Err(VaultError::WeakMaster);
        }
        let key: [u8; 32] = Sha256::digest(master.as_bytes()).into();
        Ok(Self(Aes256Gcm::new(&Key::<Aes256Gcm>::from(key))))
    }

    /// Seals `secret` for `purpose` (whose it is), which must be given again
    /// to open it: a sealed secret cannot be moved to another owner.
    ///
    /// # Errors
    /// [`VaultError::Refused`] for a secret of more than 64 GB.
    pub fn seal(&self, purpose: &str, nonce: [u8; NONCE], secret: &str) -> Result<Sealed, VaultError> {
        let payload = Payload { msg: secret.as_bytes(), aad: purpose.as_bytes() };
        let sealed = self.0.encrypt(&Nonce::from(nonce), payload).map_err(|_| VaultError::Refused)?;
        Ok(Sealed(format!("{FORM}{}", STANDARD.encode([&nonce[..], &sealed].concat()))))
    }

    /// Opens what was sealed for the same purpose.
    ///
    /// # Errors
    /// [`VaultError::Refused`].
    pub fn open(&self, purpose: &str, sealed: &Sealed) -> Result<String, VaultError> {
        let text = sealed.0.strip_prefix(FORM).ok_or(VaultError::Refused)?;
        let bytes = STANDARD.decode(text).map_err(|_| VaultError::Refused)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or(VaultError::Refused)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| VaultError::Refused)?;
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        let secret = self.0.decrypt(&Nonce::from(nonce), payload).map_err(|_| VaultError::Refused)?;
        String::from_utf8(secret).map_err(|_| VaultError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER: &str = "a master secret of enough length";

    #[test]
    fn opens_only_what_it_sealed_for_that_purpose() {
        let vault = Vault::new(MASTER).unwrap();
        let sealed = vault.seal("prov_1", [7; 12], "sk-upstream").unwrap();
        assert_eq!(vault.open("prov_1", &sealed).unwrap(), "sk-upstream");
        assert_eq!(vault.open("prov_2", &sealed), Err(VaultError::Refused));
        assert_eq!(Vault::new(&"x".repeat(32)).unwrap().open("prov_1", &sealed), Err(VaultError::Refused));
        for place in 3..sealed.0.len() {
            let mut altered = sealed.0.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = Sealed(String::from_utf8(altered).unwrap());
            assert_eq!(vault.open("prov_1", &altered), Err(VaultError::Refused), "at {place}");
        }
        assert!(Vault::new("short").is_err());
        assert_eq!(format!("{sealed:?}"), "Sealed(…)");
    }

    #[test]
    fn stored_form_is_pinned() {
        // Sealed keys are in every organization's database.
        let made = Vault::new(MASTER).unwrap().seal("p", [7; 12], "s").unwrap();
        assert_eq!(made.0, "v1:BwcHBwcHBwcHBwcHmsVB4DIHvvC75UDoZEEVeZg=");
    }
}
