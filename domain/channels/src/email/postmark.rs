//! E-mail, by Postmark (<https://postmarkapp.com/developer/api/email-api>).
//! It knows no idempotency key: sent twice it is two mails.

use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Secret};
use crate::message::Message;
use crate::outgoing::{Answer, Method, Outcome, Outgoing};

use super::{Mailbox, letter};

/// Where Postmark's API is.
pub const API: &str = "https://api.postmarkapp.com";

/// Its word for an address that bounced, complained or was taken off.
const INACTIVE_RECIPIENT: i64 = 406;
/// Its words for what ends by itself: maintenance, and too many requests.
const LATER: [i64; 2] = [100, 429];

/// A server there.
#[derive(Debug, Clone)]
pub struct Config {
    /// Postmark's API: [`API`].
    pub api: Endpoint,
    /// The server's token.
    pub token: Secret,
    /// Who writes; the address or domain must be confirmed there.
    pub from: Mailbox,
    /// By which of the server's message streams; usually `outbound`.
    pub stream: String,
}

/// Sends the message as a mail.
#[must_use]
pub fn request(message: &Message, config: &Config, to: &Mailbox) -> Outgoing {
    let letter = letter(message);
    let body = json!({
        "From": config.from.to_string(),
        "To": to.to_string(),
        "Subject": letter.subject,
        "TextBody": letter.text,
        "HtmlBody": letter.html,
        "MessageStream": config.stream,
        "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
        // Signed links pass nobody else's server, and who reads is not watched.
        "TrackOpens": false,
        "TrackLinks": "None",
    });
    Outgoing::json(Method::Post, config.api.below(&["email"]).url(), &body)
        .header(("accept", "application/json".to_owned()))
        .header(("x-postmark-server-token", config.token.expose().to_owned()))
}

/// What became of a mail. The reference is Postmark's id of it.
#[must_use]
pub fn outcome(answer: &Answer<'_>) -> Outcome {
    let json = answer.json();
    let message = json.get("Message").and_then(Value::as_str).unwrap_or_default();
    match json.get("ErrorCode").and_then(Value::as_i64) {
        None | Some(0) => answer.outcome(json.get("MessageID").and_then(Value::as_str).map(str::to_owned)),
        Some(code) if LATER.contains(&code) => answer.retry(),
        Some(code) if answer.is_success() || answer.status == 422 => answer.failed(message, code == INACTIVE_RECIPIENT),
        Some(_) => answer.outcome(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Transport;
    use crate::outgoing::Headers;
    use crate::testing::message;

    #[test]
    fn is_not_watched_and_shows_who_we_are() {
        let config = Config {
            api: Endpoint::parse(API, Transport::Https).unwrap(),
            token: Secret::parse("server-token").unwrap(),
            from: Mailbox::new(Some("Alfred"), "alfred@acme.example").unwrap(),
            stream: "outbound".into(),
        };
        let outgoing = request(&message(), &config, &Mailbox::new(None, "ada@acme.example").unwrap());
        assert_eq!(outgoing.url, "https://api.postmarkapp.com/email");
        assert!(outgoing.headers.contains(&("x-postmark-server-token", "server-token".to_owned())));
        let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
        assert_eq!((&body["TrackOpens"], &body["TrackLinks"]), (&json!(false), &json!("None")));
        assert_eq!(body["From"], "\"Alfred\" <alfred@acme.example>");
    }

    #[test]
    fn reads_what_became_of_it() {
        let check = |status, body: &str| outcome(&Answer { status, headers: Headers(&[]), body: body.as_bytes() });
        let sent = r#"{"To": "ada@acme.example", "MessageID": "0a129aee", "ErrorCode": 0, "Message": "OK"}"#;
        assert_eq!(check(200, sent), Outcome::Delivered { reference: Some("0a129aee".into()) });
        for (status, body, gone) in [
            (422, r#"{"ErrorCode": 406, "Message": "inactive"}"#, true),
            (422, r#"{"ErrorCode": 300, "Message": "invalid"}"#, false),
            (401, r#"{"ErrorCode": 10, "Message": "token"}"#, false),
            (200, r#"{"ErrorCode": 406, "Message": "inactive"}"#, true),
        ] {
            assert!(matches!(check(status, body), Outcome::Failed { gone: read, .. } if read == gone), "{body}");
        }
        for (status, body) in [
            (503, r#"{"ErrorCode": 100, "Message": "maintenance"}"#),
            (422, r#"{"ErrorCode": 100, "Message": "maintenance"}"#),
            (429, r#"{"ErrorCode": 429, "Message": "rate"}"#),
            (500, "<html>"),
            (500, r#"{"ErrorCode": 1, "Message": "x"}"#),
        ] {
            assert_eq!(check(status, body), Outcome::Retry { after_ms: None }, "{body}");
        }
    }
}
