//! Who sends, as push services want to know it (RFC 8292).

use std::fmt;

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;

use crate::crypto::{base64url, from_base64url};
use crate::email::Mailbox;
use crate::endpoint::Endpoint;

/// How long a token is good for, of the 24 hours that are allowed: clocks
/// differ.
const LIFETIME_S: i64 = 12 * 60 * 60;

/// Why keys are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a VAPID key: expected the private key, 32 bytes in base64url")]
pub struct VapidError;

/// The deployment's key, and whom push services can write to. Browsers are
/// told its public part when they subscribe, and take messages from nobody
/// else. Its debug form shows nothing.
pub struct Vapid {
    key: SigningKey,
    subject: String,
}

impl fmt::Debug for Vapid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vapid(…)")
    }
}

impl Vapid {
    /// Reads the private key, 32 bytes in base64url.
    ///
    /// # Errors
    /// [`VapidError`].
    pub fn parse(private_key: &str, contact: &Mailbox) -> Result<Self, VapidError> {
        let bytes = from_base64url(private_key).ok_or(VapidError)?;
        let key = SigningKey::from_slice(&bytes).map_err(|_| VapidError)?;
        Ok(Self { key, subject: format!("mailto:{}", contact.address()) })
    }

    /// What the browser's `pushManager.subscribe` takes as
    /// `applicationServerKey`.
    #[must_use]
    pub fn public_key(&self) -> String {
        base64url(self.key.verifying_key().to_encoded_point(false).as_bytes())
    }

    /// The header `authorization` for a push service.
    pub(super) fn authorization(&self, endpoint: &Endpoint, now_ms: i64) -> String {
        let expires_s = now_ms.div_euclid(1000).saturating_add(LIFETIME_S);
        let signed = signed(&endpoint.origin(), expires_s, &self.subject);
        let signature: Signature = self.key.sign(signed.as_bytes());
        format!("vapid t={signed}.{}, k={}", base64url(&signature.to_bytes()), self.public_key())
    }
}

/// What of the token is signed. Claims are in the order of their names, which
/// is that of RFC 8292's example.
pub(super) fn signed(audience: &str, expires_s: i64, subject: &str) -> String {
    let claims = json!({"aud": audience, "exp": expires_s, "sub": subject}).to_string();
    format!("{}.{}", base64url(br#"{"typ":"JWT","alg":"ES256"}"#), base64url(claims.as_bytes()))
}
