//! What Slack sends, signed:
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::Options;

fn text(asked: &Value, name: &str) -> Option<String> {
    asked.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// Somebody presses a button of a message.
pub(super) fn press(
    options: &Options,
    messages: &[Value],
    asked: &Value,
    trigger: &str,
    response_url: &str,
) -> Option<Value> {
    let ts = text(asked, "ts")?;
    let message = messages.iter().find(|one| one.get("ts") == Some(&json!(ts)))?;
    let blocks = message.pointer("/message/blocks")?.as_array()?;
    let elements = blocks.iter().filter_map(|block| block.get("elements")?.as_array()).flatten();
    let label = text(asked, "action")?;
    let button = elements.clone().find(|button| button.pointer("/text/text") == Some(&json!(label)));
    let value = text(asked, "value").or_else(|| text(button?, "value"))?;
    let action = button.and_then(|button| text(button, "action_id")).unwrap_or_else(|| "answer_0".to_owned());
    let team = text(asked, "team").unwrap_or_else(|| options.team.clone());
    let payload = json!({
        "type": "block_actions",
        "user": {"id": text(asked, "user")?, "team_id": team},
        "team": {"id": team, "domain": "acme"},
        "trigger_id": trigger,
        "response_url": response_url,
        "container": {"type": "message", "message_ts": ts, "channel_id": message.get("channel")},
        "channel": {"id": message.get("channel")},
        "message": {"ts": ts},
        "state": {"values": {"reason": {"text": {"type": "plain_text_input", "value": asked.get("reason")}}}},
        "actions": [{"type": "button", "action_id": action, "value": value, "action_ts": ts}],
    });
    Some(signed(options, asked, &form(&[("payload", &payload.to_string())])))
}

/// Somebody types `/alfred …`.
pub(super) fn typed(options: &Options, asked: &Value, trigger: &str) -> Value {
    let team = text(asked, "team").unwrap_or_else(|| options.team.clone());
    let body = form(&[
        ("command", "/alfred"),
        ("text", &text(asked, "text").unwrap_or_default()),
        ("user_id", &text(asked, "user").unwrap_or_default()),
        ("team_id", &team),
        ("trigger_id", trigger),
    ]);
    signed(options, asked, &body)
}

#[expect(clippy::disallowed_methods, reason = "the ban is for wasm; this runs natively")]
fn signed(options: &Options, asked: &Value, body: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
    let timestamp = now.saturating_sub(asked.get("age").and_then(Value::as_u64).unwrap_or_default()).to_string();
    let secret = text(asked, "secret").unwrap_or_else(|| options.signing_secret.clone());
    let mut key = [0; 64];
    key.iter_mut().zip(secret.bytes()).for_each(|(to, from)| *to = from);
    let mac = <Hmac<Sha256> as Mac>::new(&key.into()).chain_update(format!("v0:{timestamp}:{body}")).finalize();
    let hex: String = mac.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "headers": {
            "content-type": "application/x-www-form-urlencoded",
            "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": format!("v0={hex}"),
        },
        "body": body,
    })
}

fn form(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}
