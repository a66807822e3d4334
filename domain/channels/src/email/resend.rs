//! E-mail, by Resend (<https://resend.com/docs/api-reference>).

use serde_json::{Value, json};

use crate::crypto::name_of;
use crate::endpoint::{Endpoint, Secret};
use crate::message::Message;
use crate::outgoing::{Answer, Method, Outcome, Outgoing};

use super::{Mailbox, letter};

/// Where Resend's API is.
pub const API: &str = "https://api.resend.com";

/// An account there.
#[derive(Debug, Clone)]
pub struct Config {
    /// Resend's API: [`API`].
    pub api: Endpoint,
    /// Its key, `re_…`.
    pub key: Secret,
    /// Who writes; the domain must be verified there.
    pub from: Mailbox,
}

/// Sends the message as a mail. Sent again within 24 hours it is the same
/// mail.
#[must_use]
pub fn request(message: &Message, config: &Config, to: &Mailbox) -> Outgoing {
    let letter = letter(message);
    let body = json!({
        "from": config.from.to_string(),
        "to": [to.to_string()],
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "headers": {"Auto-Submitted": "auto-generated"},
    });
    // One event may be told to several; the key must be plain ASCII.
    let idempotency = name_of(&format!("{} {}", to.address(), message.id));
    Outgoing::json(Method::Post, config.api.below(&["emails"]).url(), &body)
        .header(config.key.bearer())
        .header(("idempotency-key", idempotency))
}

/// What became of a mail. The reference is Resend's id of it.
#[must_use]
pub fn outcome(answer: &Answer<'_>) -> Outcome {
    let json = answer.json();
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    match text("name") {
        // The same mail is being sent at this moment.
        Some("concurrent_idempotent_requests") => answer.retry(),
        _ => answer.outcome(text("id").map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Transport;
    use crate::outgoing::Headers;
    use crate::testing::message;

    fn config() -> Config {
        Config {
            api: Endpoint::parse(API, Transport::Https).unwrap(),
            key: Secret::parse("re_1").unwrap(),
            from: Mailbox::new(Some("Alfred"), "alfred@acme.example").unwrap(),
        }
    }

    #[test]
    fn the_same_mail_has_the_same_key() {
        let to = |address| Mailbox::new(None, address).unwrap();
        let key =
            |outgoing: Outgoing| outgoing.headers.into_iter().find(|(name, _)| *name == "idempotency-key").unwrap().1;
        let first = request(&message(), &config(), &to("ada@acme.example"));
        assert_eq!(first.url, "https://api.resend.com/emails");
        assert!(first.headers.contains(&("authorization", "Bearer re_1".to_owned())));
        let again = key(request(&message(), &config(), &to("ada@acme.example")));
        assert_eq!(key(first), again);
        assert!(again.len() <= 256 && again.is_ascii());
        assert_ne!(key(request(&message(), &config(), &to("alan@acme.example"))), again);
        let other = Message { id: "other".into(), ..message() };
        assert_ne!(key(request(&other, &config(), &to("ada@acme.example"))), again);
    }

    #[test]
    fn reads_what_became_of_it() {
        let check = |status, body: &str| outcome(&Answer { status, headers: Headers(&[]), body: body.as_bytes() });
        assert_eq!(check(200, r#"{"id": "49a3"}"#), Outcome::Delivered { reference: Some("49a3".into()) });
        let concurrent = r#"{"statusCode": 409, "name": "concurrent_idempotent_requests", "message": "x"}"#;
        assert_eq!(check(409, concurrent), Outcome::Retry { after_ms: None });
        assert_eq!(check(429, r#"{"name": "daily_quota_exceeded"}"#), Outcome::Retry { after_ms: None });
        let reason = "the provider answered with status 422: Invalid `to` field.".to_owned();
        let invalid = r#"{"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}"#;
        assert_eq!(check(422, invalid), Outcome::Failed { reason, gone: false });
    }
}
