//! Requests that may be repeated.
//!
//! The actors remember the reply to each idempotency key for a week, but not
//! the secrets that were shown with it. So where a client sends an
//! `Idempotency-Key`, the secret is **derived** from it (HMAC-SHA256 under the
//! deployment's master secret) instead of drawn: the repeated request makes
//! the same secret again, and nothing secret has to be stored. While the master
//! secret is being replaced, a request may have been sent under the one before:
//! so both are made, and the one whose hash is kept is shown.
//!
//! Orders without a key from the client carry one of their own, because they
//! may be sent to an actor more than once too.

use hmac::{Hmac, Mac};
use http::{HeaderMap, Method};
use identity::OrganizationId;
use journal::{Idempotency, Tag};
use sha2::{Digest, Sha256};

use crate::problem::{Code, Problem};
use crate::tags;

/// The header.
pub(crate) const HEADER: &str = "idempotency-key";
/// A client's key may be so long.
const LONGEST: usize = 255;

/// How a repetition of a request is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// The client's key, if it sent one.
    pub(crate) key: Option<String>,
    /// Of method, path and body.
    fingerprint: String,
    /// What the client says that a change is meant for; `None` for whatever is
    /// there.
    pub(crate) if_match: Option<Vec<Tag>>,
}

impl Repeat {
    /// Reads the header and fingerprints the request.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub(crate) fn read(headers: &HeaderMap, method: &Method, path: &str, body: &[u8]) -> Result<Self, Problem> {
        let wrong = || {
            let detail = format!("send one Idempotency-Key of 1 to {LONGEST} ASCII characters, a UUID for example");
            Problem::new(Code::InvalidIdempotencyKey, detail)
        };
        let mut keys = headers.get_all(HEADER).iter();
        let key = match (keys.next(), keys.next()) {
            (None, _) => None,
            (Some(_), Some(_)) => return Err(wrong()),
            (Some(key), None) => {
                let key = key.to_str().map_err(|_| wrong())?;
                let fits = (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                Some(key.to_owned()).filter(|_| fits).ok_or_else(wrong).map(Some)?
            }
        };
        let digest = hex(&Sha256::digest(body));
        let if_match = tags::if_match(headers, method);
        Ok(Self { key, fingerprint: format!("{method} {path} {digest}"), if_match })
    }

    /// The same request, meant for what was read under this tag, and for
    /// nothing if the client meant something else.
    pub(crate) fn meant_for(&self, tag: Tag) -> Self {
        let fits = self.if_match.as_ref().is_none_or(|tags| tags.contains(&tag));
        Self { if_match: Some(if fits { vec![tag] } else { Vec::new() }), ..self.clone() }
    }

    /// One of several orders that the request becomes: safe to repeat by
    /// itself, and meant for whatever is there.
    pub(crate) fn part(&self) -> Self {
        Self { key: None, if_match: None, ..self.clone() }
    }

    /// What an actor is told. Keys are an organization's own; a request
    /// without one gets `own`, which is used once.
    pub(crate) fn scoped(&self, organization: OrganizationId, own: u128) -> Idempotency {
        let key = match &self.key {
            Some(key) => format!("api/{organization}/{key}"),
            None => format!("api//{own:032x}"),
        };
        Idempotency { key, fingerprint: self.fingerprint.clone() }
    }

    /// 128 bits that the same request always gets again; `None` when the
    /// client sent no key. `purpose` keeps what is made of them apart.
    pub(crate) fn derive(&self, master: &str, purpose: &str, scope: &str) -> Option<u128> {
        let key = self.key.as_ref()?;
        derive(master, &[purpose, scope, key, &self.fingerprint])
    }

    /// The same, for whatever content: a name for what the key makes.
    pub(crate) fn derive_name(&self, master: &str, purpose: &str) -> Option<u128> {
        derive(master, &[purpose, self.key.as_ref()?])
    }
}

/// A secret that a request makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Minted {
    /// Under the current master secret; what is made anew has it.
    pub(crate) text: String,
    /// Under the one before: what an earlier request under the same key may
    /// have made.
    earlier: Option<String>,
}

impl Minted {
    /// What `mint` makes of the bits.
    pub(crate) fn new(bits: u128, earlier: Option<u128>, mint: impl Fn(u128) -> String) -> Self {
        Self { text: mint(bits), earlier: earlier.map(mint) }
    }

    /// What an earlier request may have made.
    pub(crate) fn earlier(&self) -> Option<&str> {
        self.earlier.as_deref()
    }

    /// The one that there is, by what is kept of it; `None` when its master
    /// secret is gone.
    pub(crate) fn kept(self, is_kept: impl Fn(&str) -> bool) -> Option<String> {
        std::iter::once(self.text).chain(self.earlier).find(|text| is_kept(text))
    }
}

/// 128 bits that the same parts always make under the same master secret.
pub(crate) fn derive(master: &str, parts: &[&str]) -> Option<u128> {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(master.as_bytes()).ok()?;
    mac.update(b"alfred idempotency v1");
    for part in parts {
        // Each part behind its length, so that no two lists make the same bytes.
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part.as_bytes());
    }
    let bytes = mac.finalize().into_bytes();
    Some(bytes.iter().take(16).fold(0u128, |value, &byte| value << 8 | u128::from(byte)))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &[u8], body: &[u8]) -> Result<Repeat, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, http::HeaderValue::from_bytes(key).unwrap());
        Repeat::read(&headers, &Method::POST, "/api/v1/teams", body)
    }

    #[test]
    fn keys() {
        for key in [&b"a"[..], b"0195-\"q\"", b"seed: a team", &[b'x'; 255]] {
            assert!(read(key, b"").is_ok());
        }
        for key in [&b""[..], b"a\tb", "é".as_bytes(), &[b'x'; 256]] {
            assert_eq!(read(key, b"").unwrap_err().code, Code::InvalidIdempotencyKey);
        }
        let mut twice = HeaderMap::new();
        twice.append(HEADER, "a".parse().unwrap());
        twice.append(HEADER, "b".parse().unwrap());
        assert!(Repeat::read(&twice, &Method::POST, "/", b"").is_err());
    }

    #[test]
    fn scope_and_fingerprint() {
        let organization = OrganizationId::from_u128(1);
        let one = read(b"k", b"{}").unwrap().scoped(organization, 7);
        assert_eq!(one.key, format!("api/{organization}/k"));
        assert_eq!(one, read(b"k", b"{}").unwrap().scoped(organization, 8));
        assert_ne!(one.fingerprint, read(b"k", b"{ }").unwrap().scoped(organization, 7).fingerprint);
        let own = Repeat::read(&HeaderMap::new(), &Method::POST, "/", b"").unwrap();
        assert_ne!(own.scoped(organization, 7).key, own.scoped(organization, 8).key);
        assert_eq!(own.derive("m", "p", "s"), None);
    }

    #[test]
    fn what_was_made_under_the_master_secret_before_is_known() {
        let minted = |earlier| Minted::new(1, earlier, |bits| format!("sk-{bits}"));
        assert_eq!(minted(None).text, "sk-1");
        assert_eq!(minted(Some(2)).kept(|text| text == "sk-1").as_deref(), Some("sk-1"));
        assert_eq!(minted(Some(2)).kept(|text| text == "sk-2").as_deref(), Some("sk-2"));
        assert_eq!(minted(None).kept(|text| text == "sk-2"), None);
    }

    #[test]
    fn derived_bits_are_pinned_and_depend_on_everything() {
        // A retry may come after a new version was deployed.
        let repeat = read(b"k", b"{}").unwrap();
        let bits = repeat.derive("master", "key", "org").unwrap();
        assert_eq!(format!("{bits:032x}"), "36d45e8c6a8d193935373a07d98e118f");
        for other in [
            repeat.derive("other", "key", "org"),
            repeat.derive("master", "other", "org"),
            repeat.derive("master", "key", "other"),
            read(b"other", b"{}").unwrap().derive("master", "key", "org"),
            read(b"k", b"other").unwrap().derive("master", "key", "org"),
        ] {
            assert_ne!(other, Some(bits));
        }
        assert_eq!(repeat.derive_name("m", "p"), read(b"k", b"other").unwrap().derive_name("m", "p"));
    }
}
