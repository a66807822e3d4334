//! Secrets at rest: AES-256-GCM (NIST SP 800-38D) under a master secret.
//!
//! In scope: sealing and opening one short secret, bound to what it is for, and
//! going over from one master secret to the next: while there are two, what is
//! sealed under either opens, and what is sealed anew is under the current one.
//!
//! Out of scope: where the master secret comes from (a binding of the
//! deployment) and randomness: the caller hands in 96 random bits, never twice
//! under one master secret. Random nonces are safe for 2^32 secrets.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What `v2` means: AES-256-GCM, the key is the SHA-256 of the master secret;
/// behind the form the id of that key, then, in Base64, 12 bytes of nonce, the
/// ciphertext and its 16 bytes of tag.
const FORM: &str = "v2:";
/// The same without the key's id, as it was written before keys had one.
const FORM_WITHOUT_KEY: &str = "v1:";
const NONCE: usize = 12;
/// For what the key's id is derived; nothing else may be derived for the same.
const NAMING: &[u8] = b"alfred vault key id v1:";

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

/// By what a master secret is told from another: 32 bits derived from it, which
/// say nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(u32);

impl KeyId {
    /// The id of a master secret.
    #[must_use]
    pub fn of(master: &str) -> Self {
        let digest: [u8; 32] = Sha256::new().chain_update(NAMING).chain_update(master.as_bytes()).finalize().into();
        let [first, second, third, fourth, ..] = digest;
        Self(u32::from_be_bytes([first, second, third, fourth]))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Seals under one master secret, and opens what is sealed under it or under
/// the one before it.
pub struct Vault {
    current: Key,
    previous: Option<Key>,
}

struct Key {
    id: KeyId,
    cipher: Aes256Gcm,
}

impl Key {
    fn of(master: &str) -> Result<Self, VaultError> {
        if master.len() < 32 {
            return Err(VaultError::WeakMaster);
        }
        let key: [u8; 32] = Sha256::digest(master.as_bytes()).into();
        Ok(Self { id: KeyId::of(master), cipher: Aes256Gcm::new(&aes_gcm::Key::<Aes256Gcm>::from(key)) })
    }

    fn open(&self, purpose: &str, text: &str) -> Result<String, VaultError> {
        let bytes = STANDARD.decode(text).map_err(|_| VaultError::Refused)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or(VaultError::Refused)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| VaultError::Refused)?;
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        let secret = self.cipher.decrypt(&Nonce::from(nonce), payload).map_err(|_| VaultError::Refused)?;
        String::from_utf8(secret).map_err(|_| VaultError::Refused)
    }
}

impl Vault {
    /// The vault of a master secret of at least 32 characters, and of the one
    /// before it where there is one.
    ///
    /// # Errors
    /// [`VaultError::WeakMaster`].
    pub fn new(master: &str, previous: Option<&str>) -> Result<Self, VaultError> {
        Ok(Self { current: Key::of(master)?, previous: previous.map(Key::of).transpose()? })
    }

    /// Under which key is sealed.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.current.id
    }

    /// Which key opens too.
    #[must_use]
    pub fn previous_key_id(&self) -> Option<KeyId> {
        self.previous.as_ref().map(|key| key.id)
    }

    /// Seals `secret` for `purpose` (whose it is), which must be given again
    /// to open it: a sealed secret cannot be moved to another owner.
    ///
    /// # Errors
    /// [`VaultError::Refused`] for a secret of more than 64 GB.
    pub fn seal(&self, purpose: &str, nonce: [u8; NONCE], secret: &str) -> Result<Sealed, VaultError> {
        let payload = Payload { msg: secret.as_bytes(), aad: purpose.as_bytes() };
        let sealed = self.current.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| VaultError::Refused)?;
        Ok(Sealed(format!("{FORM}{}:{}", self.current.id, STANDARD.encode([&nonce[..], &sealed].concat()))))
    }

    /// Opens what was sealed for the same purpose.
    ///
    /// # Errors
    /// [`VaultError::Refused`].
    pub fn open(&self, purpose: &str, sealed: &Sealed) -> Result<String, VaultError> {
        let mut keys = std::iter::once(&self.current).chain(&self.previous);
        match (sealed.parts(), sealed.0.strip_prefix(FORM_WITHOUT_KEY)) {
            (Some((id, text)), _) => {
                let key = keys.find(|key| key.id.to_string() == id).ok_or(VaultError::Refused)?;
                key.open(purpose, text)
            }
            // It does not say under which: the tag does.
            (None, Some(text)) => keys.find_map(|key| key.open(purpose, text).ok()).ok_or(VaultError::Refused),
            (None, None) => Err(VaultError::Refused),
        }
    }

    /// Whether it says that it is sealed under the current master secret: then
    /// no other is needed for it.
    #[must_use]
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        sealed.parts().is_some_and(|(id, _)| id == self.current.id.to_string())
    }
}

impl Sealed {
    /// The id of the key, and what is sealed; `None` where it does not say.
    fn parts(&self) -> Option<(&str, &str)> {
        self.0.strip_prefix(FORM)?.split_once(':')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER: &str = "a master secret of enough length";
    const NEXT: &str = "another master secret, as long as";

    fn vault(master: &str) -> Vault {
        Vault::new(master, None).unwrap()
    }

    #[test]
    fn opens_only_what_it_sealed_for_that_purpose() {
        let vault = vault(MASTER);
        let sealed = vault.seal("prov_1", [7; 12], "sk-upstream").unwrap();
        assert_eq!(vault.open("prov_1", &sealed).unwrap(), "sk-upstream");
        assert_eq!(vault.open("prov_2", &sealed), Err(VaultError::Refused));
        assert_eq!(self::vault(NEXT).open("prov_1", &sealed), Err(VaultError::Refused));
        for place in 0..sealed.0.len() {
            let mut altered = sealed.0.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = Sealed(String::from_utf8(altered).unwrap());
            assert_eq!(vault.open("prov_1", &altered), Err(VaultError::Refused), "at {place}");
        }
        assert!(Vault::new("short", None).is_err() && Vault::new(MASTER, Some("short")).is_err());
        assert_eq!(format!("{sealed:?}"), "Sealed(…)");
    }

    #[test]
    fn stored_form_is_pinned() {
        // Sealed keys are in every organization's database.
        let made = vault(MASTER).seal("p", [7; 12], "s").unwrap();
        assert_eq!(made.0, "v2:5140e3a4:BwcHBwcHBwcHBwcHmsVB4DIHvvC75UDoZEEVeZg=");
    }

    #[test]
    fn goes_over_from_one_master_secret_to_the_next() {
        let old = vault(MASTER).seal("p", [7; 12], "s").unwrap();
        let without_key = Sealed("v1:BwcHBwcHBwcHBwcHmsVB4DIHvvC75UDoZEEVeZg=".into());
        let both = Vault::new(NEXT, Some(MASTER)).unwrap();
        assert_eq!((both.key_id(), both.previous_key_id()), (KeyId::of(NEXT), Some(KeyId::of(MASTER))));
        for sealed in [&old, &without_key] {
            assert_eq!(vault(MASTER).open("p", sealed).as_deref(), Ok("s"));
            assert_eq!(both.open("p", sealed).as_deref(), Ok("s"));
            assert_eq!(both.open("q", sealed), Err(VaultError::Refused));
            assert!(!both.is_current(sealed), "it needs the old secret, or does not say that it does not");
            assert_eq!(vault(NEXT).open("p", sealed), Err(VaultError::Refused));
        }
        let new = both.seal("p", [8; 12], "s").unwrap();
        assert!(both.is_current(&new) && vault(NEXT).is_current(&new));
        assert_eq!(vault(NEXT).open("p", &new).as_deref(), Ok("s"));
        // Before anything is sealed under the next, everybody can open it.
        assert_eq!(Vault::new(MASTER, Some(NEXT)).unwrap().open("p", &new).as_deref(), Ok("s"));
        assert!(vault(MASTER).is_current(&old) && !vault(MASTER).is_current(&without_key));
    }
}
