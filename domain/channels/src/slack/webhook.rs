//! Slack, by an incoming webhook: into one channel, and nothing comes back.
//! Actions are links.

use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::outgoing::{Answer, Method, Outcome, Outgoing, set};

use super::{Buttons, content};

/// Posts the message to a webhook, `https://hooks.slack.com/services/…`.
#[must_use]
pub fn request(message: &Message, webhook: &Endpoint) -> Outgoing {
    Outgoing::json(Method::Post, webhook.url(), &content(message, Buttons::Links))
}

/// Replaces the message whose button was pressed, by the `response_url` that
/// came with it. It works five times within 30 minutes, without a token.
#[must_use]
pub fn respond(message: &Message, response_url: &Endpoint) -> Outgoing {
    let mut body = content(message, Buttons::Answers);
    set(&mut body, "replace_original", true);
    Outgoing::json(Method::Post, response_url.url(), &body)
}

/// Answers a command, visible only to whoever gave it.
#[must_use]
pub fn tell(message: &Message, response_url: &Endpoint) -> Outgoing {
    let mut body = content(message, Buttons::Answers);
    set(&mut body, "response_type", "ephemeral");
    Outgoing::json(Method::Post, response_url.url(), &body)
}

/// What became of a message. There is no reference.
#[must_use]
pub fn outcome(answer: &Answer<'_>) -> Outcome {
    // Plain text: `ok`, `no_service`, `channel_is_archived`.
    let gone = ["no_service", "no_team", "channel_not_found", "channel_is_archived"];
    match str::from_utf8(answer.body).unwrap_or_default().trim() {
        error if gone.contains(&error) => answer.failed(error, true),
        _ => answer.outcome(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::Headers;

    #[test]
    fn reads_plain_answers() {
        let check = |status, body: &str| outcome(&Answer { status, headers: Headers(&[]), body: body.as_bytes() });
        assert_eq!(check(200, "ok"), Outcome::Delivered { reference: None });
        assert_eq!(check(500, "rollup_error"), Outcome::Retry { after_ms: None });
        for (status, body, gone) in [
            (410, "channel_is_archived", true),
            (404, "no_service", true),
            (403, "no_team", true),
            (403, "action_prohibited", false),
            (400, "invalid_payload", false),
        ] {
            let reason = format!("the provider answered with status {status}: {body}");
            assert_eq!(check(status, body), Outcome::Failed { reason, gone });
        }
    }
}
