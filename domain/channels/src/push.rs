//! Notifications of the browser: Web Push (RFC 8030), encrypted (RFC 8291,
//! RFC 8188) and signed (RFC 8292).
//!
//! The [`payload`] is JSON for our own service worker, which shows it with
//! `showNotification` and opens `url`. Actions open theirs.
//!
//! `web-push-native` does the same in 128 KB, since it brings its own copies of
//! what is here already; and it makes its keys itself, where here they are
//! arguments.

mod encrypt;
mod vapid;

use std::fmt;

use serde_json::{Value, json};

pub use vapid::{Vapid, VapidError};

use crate::crypto::{from_base64url, name_of};
use crate::endpoint::Endpoint;
use crate::message::{Action, Link, Message, Tone};
use crate::outgoing::{Answer, Method, Outcome, Outgoing};
use crate::text::{fit, line, verbatim};

/// Most bytes of a payload: push services take 4096 in all (RFC 8030, 7.2), of
/// which 86 are the header, 16 the tag and 1 the delimiter.
const PAYLOAD: usize = 3993;
/// In UTF-16 units, of three bytes at most: 1980 bytes in all. JSON doubles
/// only what has one.
const TITLE: usize = 120;
const BODY: usize = 500;
const BUTTON: usize = 20;
/// Browsers show two.
const BUTTONS: usize = 2;
/// Three of them.
const URL: usize = 500;

/// A browser that wants to be told.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    endpoint: Endpoint,
    key: p256::PublicKey,
    auth: [u8; 16],
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription({:?})", self.endpoint)
    }
}

/// Why a subscription is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// `keys.p256dh` is wrong.
    #[error("`p256dh` is not a key: expected what the browser's `PushSubscription` has, 65 bytes in base64url")]
    Key,
    /// `keys.auth` is wrong.
    #[error("`auth` is not a secret: expected what the browser's `PushSubscription` has, 16 bytes in base64url")]
    Auth,
}

impl Subscription {
    /// What the browser's `PushSubscription.toJSON()` has.
    ///
    /// # Errors
    /// [`SubscriptionError`].
    pub fn new(endpoint: Endpoint, p256dh: &str, auth: &str) -> Result<Self, SubscriptionError> {
        let bytes = |text: &str| from_base64url(text.trim_end_matches('='));
        // 65 bytes are the uncompressed form, the only one allowed.
        let key = bytes(p256dh).filter(|key| key.len() == 65).ok_or(SubscriptionError::Key)?;
        let key = p256::PublicKey::from_sec1_bytes(&key).map_err(|_| SubscriptionError::Key)?;
        let auth = bytes(auth).and_then(|auth| auth.try_into().ok()).ok_or(SubscriptionError::Auth)?;
        Ok(Self { endpoint, key, auth })
    }
}

/// The random bits of one message; never the same twice.
pub struct Ephemeral {
    key: p256::SecretKey,
    salt: [u8; 16],
}

impl Ephemeral {
    /// Of random bits. Of two keys in 2^32 there is none; then ask again with
    /// others.
    #[must_use]
    pub fn new(key: [u8; 32], salt: [u8; 16]) -> Option<Self> {
        Some(Self { key: p256::SecretKey::from_slice(&key).ok()?, salt })
    }
}

/// How soon it must be shown, against how long a phone may sleep (RFC 8030,
/// 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// When it is convenient: digests.
    Low,
    /// As other messages.
    Normal,
    /// Now: somebody waits.
    High,
}

/// Sends the message to a browser. The push service keeps it for `ttl_s`
/// seconds if the browser is not there; another of the same event replaces it.
#[must_use]
pub fn request(
    message: &Message,
    subscription: &Subscription,
    vapid: &Vapid,
    ephemeral: &Ephemeral,
    urgency: Urgency,
    ttl_s: u32,
    now_ms: i64,
) -> Outgoing {
    let payload = payload(message).to_string();
    let urgency = match urgency {
        Urgency::Low => "low",
        Urgency::Normal => "normal",
        Urgency::High => "high",
    };
    let headers = vec![
        ("authorization", vapid.authorization(&subscription.endpoint, now_ms)),
        ("content-encoding", "aes128gcm".to_owned()),
        ("content-type", "application/octet-stream".to_owned()),
        // 32 characters of base64url at most (RFC 8030, 5.4).
        ("topic", name_of(&message.id)),
        ("ttl", ttl_s.to_string()),
        ("urgency", urgency.to_owned()),
    ];
    let body = encrypt::seal(payload.as_bytes(), subscription, ephemeral);
    Outgoing { method: Method::Post, url: subscription.endpoint.url(), headers, body }
}

/// What became of a message. The reference is where the push service keeps it.
#[must_use]
pub fn outcome(answer: &Answer<'_>) -> Outcome {
    answer.outcome(answer.headers.get("location").map(str::to_owned))
}

/// What the service worker reads: `title`, `body`, `tag`, `url`, `warning`, and
/// `actions` with `title` and `url`.
#[must_use]
pub fn payload(message: &Message) -> Value {
    let cut = |text: &str, limit| fit(text, limit, verbatim);
    let facts = message.facts_up_to(6).into_iter().map(|fact| format!("{}: {}", fact.label, fact.value));
    let lines: Vec<String> = message.paragraphs().chain(facts).collect();
    let links = message.actions.iter().filter_map(Action::as_link).filter(|(_, url)| url.len() <= URL);
    let actions = links.take(BUTTONS).map(|(label, url)| json!({"title": cut(&label, BUTTON), "url": url}));
    let url = message.link.as_ref().and_then(Link::checked).map(|(_, url)| url).filter(|url| url.len() <= URL);
    json!({
        "tag": name_of(&message.id),
        "title": cut(&line(&message.title), TITLE),
        "body": cut(&lines.join("\n"), BODY),
        "url": url,
        "warning": message.tone == Tone::Warning,
        "actions": actions.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
#[path = "push/tests.rs"]
mod tests;
