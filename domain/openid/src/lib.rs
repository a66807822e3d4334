//! Who somebody is, as others attest it: OpenID Connect, tokens of trusted
//! issuers, and Alfred's own sessions.
//!
//! In scope: a provider's metadata and keys, whether a token is genuine and
//! meant for us, signing in with the authorization code flow and PKCE, what
//! the known providers need to be told, which claims and groups admit whom,
//! and session tokens.
//!
//! Out of scope: fetching anything, the clock and randomness (the shells hand
//! in `now` and bytes), where sign-ins and sessions are kept, when keys are
//! fetched again ([`TokenError::UnknownKey`] says that it may help), and what
//! somebody may do.
//!
//! What it follows: OpenID Connect Core and Discovery 1.0, RFC 6749 (OAuth),
//! RFC 7515 to 7519 (JOSE, JWT), RFC 7636 (PKCE), RFC 8037 (Ed25519), RFC 8725
//! (best practice for JWT), RFC 9207 (`iss` in the callback), RFC 9700 (best
//! practice for OAuth).
//!
//! Signatures are checked by `rsa`, `p256` and `ed25519-compact` directly.
//! `jwt-compact`, which wraps the same three, turns on their randomness, and
//! with it a `getrandom` that wasm32 has not.

mod algorithm;
mod attempt;
mod authorize;
mod callback;
mod claims;
mod discovery;
mod encoding;
mod exchange;
mod issuer;
mod jwks;
mod jws;
mod mapping;
mod preset;
mod rule;
pub mod session;
#[cfg(test)]
mod testing;
mod verify;

pub use algorithm::Algorithm;
pub use attempt::Attempt;
pub use authorize::{Authorization, Prompt};
pub use callback::{CallbackError, Code, Refusal, read_callback};
pub use claims::{Claims, EmailTrust, Groups, UserinfoError};
pub use discovery::{ClientAuthentication, Discovery, DiscoveryError, IssuerMetadata};
pub use exchange::{Client, ExchangeError, TokenRequest, TokenResponse};
pub use issuer::{Issuer, IssuerError, Transport};
pub use jwks::{Jwks, JwksError};
pub use mapping::{GroupRule, email_domain, granted};
pub use preset::{Preset, PresetError, Profile};
pub use rule::{ClaimRule, RuleError, Unmet, admit};
pub use verify::{Expected, TokenError, claimed_audiences, claimed_issuer, verify};
