//! Signed webhooks, for programs: Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks>, version 1.0).
//!
//! The body has the event itself, not only the words. Whoever receives it
//! checks the signature with any of that specification's libraries, or by
//! [`verify`].

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::crypto::{hmac, name_of, same};
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::incoming::{Refusal, check_age, check_size};
use crate::outgoing::{Answer, Headers, Method, Outcome, Outgoing};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const PREFIX: &str = "whsec_";

/// A text that is no secret of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a webhook's secret: expected `whsec_` and 24 to 64 bytes in Base64")]
pub struct SecretError;

/// What a webhook is signed with. Its debug form shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The text of a new secret, of 256 random bits.
    #[must_use]
    pub fn mint(bits: [u8; 32]) -> String {
        format!("{PREFIX}{}", STANDARD.encode(bits))
    }

    /// Reads a secret.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let bytes = text.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok()).ok_or(SecretError)?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes)).ok_or(SecretError)
    }

    fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        hmac(&self.0, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body])
    }
}

/// A webhook's secrets: of several, during a rotation, each signs, and the
/// receiver takes any that it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The one that there always is.
    pub current: Secret,
    /// Those that are going, or coming.
    pub others: Vec<Secret>,
}

impl Secrets {
    fn iter(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.current).chain(&self.others)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Tells a program of an event. Sent again it has the same `webhook-id`, by
/// which the receiver knows it, and a new time stamp.
#[must_use]
pub fn request(event: &Event, webhook: &Endpoint, secrets: &Secrets, now_ms: i64) -> Outgoing {
    let body = body(event, now_ms);
    let id = id(event);
    let timestamp = now_ms.div_euclid(1000).to_string();
    let sign = |secret: &Secret| format!("v1,{}", STANDARD.encode(secret.sign(&id, &timestamp, body.as_bytes())));
    let signatures: Vec<String> = secrets.iter().map(sign).collect();
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        (ID, id.clone()),
        (TIMESTAMP, timestamp.clone()),
        (SIGNATURE, signatures.join(" ")),
    ];
    Outgoing { method: Method::Post, url: webhook.url(), headers, body: body.into_bytes() }
}

/// Without the point that stands between what is signed.
fn id(event: &Event) -> String {
    format!("msg_{}", name_of(&event.message().id))
}

fn body(event: &Event, now_ms: i64) -> String {
    let message = event.message();
    let mut data = serde_json::to_value(event).unwrap_or_default();
    if let Some(data) = data.as_object_mut() {
        // The kind is the body's `type`; and whoever has the log of a webhook
        // shall not have anybody's buttons.
        data.remove("event");
        data.remove("answers");
        data.insert("title".to_owned(), Value::String(message.title.clone()));
    }
    let timestamp = Timestamp::from_millisecond(now_ms).unwrap_or_default();
    json!({"type": event.kind(), "timestamp": timestamp.to_string(), "data": data}).to_string()
}

/// What became of it. There is no reference.
#[must_use]
pub fn outcome(answer: &Answer<'_>) -> Outcome {
    answer.outcome(None)
}

/// Whether one of the secrets signed a request, within five minutes of now;
/// then its `webhook-id`, by which it is known if it comes again.
///
/// # Errors
/// [`Refusal`].
pub fn verify<'a>(secrets: &Secrets, headers: Headers<'a>, body: &[u8], now_ms: i64) -> Result<&'a str, Refusal> {
    check_size(body)?;
    let header = |name| headers.get(name).ok_or(Refusal::MissingHeader(name));
    let (id, timestamp, signatures) = (header(ID)?, header(TIMESTAMP)?, header(SIGNATURE)?);
    let shown = signatures.split(' ').filter_map(|text| STANDARD.decode(text.strip_prefix("v1,")?).ok());
    let made: Vec<[u8; 32]> = secrets.iter().map(|secret| secret.sign(id, timestamp, body)).collect();
    let mut pairs = shown.flat_map(|shown| made.iter().map(move |made| same(made, &shown)));
    if !pairs.any(|same| same) {
        return Err(Refusal::Signature);
    }
    check_age(timestamp, now_ms)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Transport;
    use crate::event::{Answer as Button, Answers, Asked, Wanted};
    use crate::testing::token;

    /// The specification's own example.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const HEADERS: [(&str, &str); 3] = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const NOW_MS: i64 = 1_614_265_330_000;

    fn secret(text: &str) -> Secret {
        Secret::parse(text).unwrap()
    }

    fn only(text: &str) -> Secrets {
        Secrets { current: secret(text), others: vec![] }
    }

    fn check(secrets: &Secrets, changed: usize, value: &str, body: &[u8], now_ms: i64) -> Result<(), Refusal> {
        let mut headers = HEADERS;
        headers[changed].1 = value;
        verify(secrets, Headers(&headers), body, now_ms).map(drop)
    }

    #[test]
    fn the_published_example_is_genuine() {
        let made = secret(SECRET).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", BODY);
        assert_eq!(STANDARD.encode(made), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(verify(&only(SECRET), Headers(&HEADERS), BODY, NOW_MS), Ok("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    }

    #[test]
    fn forged_altered_old_or_of_another_secret_is_refused() {
        let own = &only(SECRET);
        let other = &only(&Secret::mint([7; 32]));
        let [(_, id), (_, timestamp), (_, signature)] = HEADERS;
        assert_eq!(check(other, 0, id, BODY, NOW_MS), Err(Refusal::Signature));
        assert_eq!(check(own, 0, "msg_other", BODY, NOW_MS), Err(Refusal::Signature));
        assert_eq!(check(own, 1, "1614265331", BODY, NOW_MS), Err(Refusal::Signature));
        assert_eq!(check(own, 1, timestamp, b"{}", NOW_MS), Err(Refusal::Signature));
        assert_eq!(check(own, 1, timestamp, BODY, NOW_MS + 301_000), Err(Refusal::Stale));
        assert_eq!(check(own, 1, timestamp, BODY, NOW_MS - 301_000), Err(Refusal::Stale));
        for bad in ["", "v1,", "v1", &signature.replace("v1,", "v2,"), &signature.replace("g0", "g1"), &signature[3..]]
        {
            assert_eq!(check(own, 2, bad, BODY, NOW_MS), Err(Refusal::Signature), "{bad}");
        }
        let both = format!("v1a,AAAA v1,{} {signature}", STANDARD.encode([0; 32]));
        assert_eq!(check(own, 2, &both, BODY, NOW_MS), Ok(()), "one of several");
        assert_eq!(verify(own, Headers(&HEADERS[1..]), BODY, NOW_MS), Err(Refusal::MissingHeader("webhook-id")));
    }

    #[test]
    fn secrets_are_long_enough() {
        assert_eq!(secret(&Secret::mint([7; 32])).0, [7; 32]);
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAA", "whsec_é"] {
            assert_eq!(Secret::parse(text), Err(SecretError), "{text}");
        }
        assert_eq!(Secret::parse(&format!("whsec_{}", STANDARD.encode([0; 65]))), Err(SecretError));
    }

    #[test]
    fn what_is_sent_is_verified_by_either_secret() {
        let button = |n| Button { value: token(n), url: Some("https://alfred.example/d".into()) };
        let event = Event::ApprovalRequested(Asked {
            id: "req_1".into(),
            requester: "Ada".into(),
            wanted: Wanted::Draw { pool: "Vision".into() },
            amount: "500 credits".into(),
            reason: None,
            facts: vec![],
            since: "today".into(),
            expires: None,
            expires_ms: None,
            url: "https://alfred.example/r".into(),
            answers: Some(Answers { approve: button(1), deny: button(2) }),
        });
        let (old, new) = (secret(SECRET), secret(&Secret::mint([7; 32])));
        let hook = Endpoint::parse("https://hooks.example/x", Transport::Https).unwrap();
        let both = Secrets { current: new.clone(), others: vec![old.clone()] };
        let outgoing = request(&event, &hook, &both, NOW_MS);
        let headers: Vec<(&str, &str)> = outgoing.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for current in [old, new] {
            let known = Secrets { current, others: vec![] };
            let id = verify(&known, Headers(&headers), &outgoing.body, NOW_MS).unwrap();
            assert!(id.starts_with("msg_") && !id.contains('.'));
        }
        let text = String::from_utf8(outgoing.body.clone()).unwrap();
        assert!(!text.contains(token(1).as_str()) && !text.contains(token(2).as_str()), "{text}");
        let later = request(&event, &hook, &both, NOW_MS + 60_000);
        assert_eq!((&later.headers[1], &later.headers[2].1), (&outgoing.headers[1], &"1614265390".to_owned()));
        for now_ms in [i64::MIN, i64::MAX] {
            let _ = request(&event, &hook, &both, now_ms);
        }
    }

    #[test]
    fn whoever_says_that_it_is_gone_is_gone() {
        let check = |status| outcome(&Answer { status, headers: Headers(&[]), body: b"" });
        assert_eq!(check(204), Outcome::Delivered { reference: None });
        assert_eq!(check(503), Outcome::Retry { after_ms: None });
        assert!(matches!(check(410), Outcome::Failed { gone: true, .. }));
        assert!(matches!(check(401), Outcome::Failed { gone: false, .. }));
    }
}
