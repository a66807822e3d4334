//! A Workflows webhook of Teams, and a program with a Standard Webhook.
//!
//! - <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>
//! - <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Answer, Books, Letter, Options, Sent};

/// Teams takes no more.
const MOST_BYTES: usize = 28 * 1024;

/// Starts the flow that posts the card.
pub(super) fn teams(sent: &Sent<'_>) -> Result<Letter, Answer> {
    let refuse = |why: &str| Err((400, json!({"error": {"code": "TriggerInputSchemaMismatch", "message": why}})));
    let Some(message) = sent.json() else { return refuse("the body is not JSON") };
    if sent.body.len() > MOST_BYTES {
        return Err((413, json!({"error": {"code": "RequestEntityTooLarge"}})));
    }
    let attachments = message.get("attachments").and_then(Value::as_array).cloned().unwrap_or_default();
    let [attachment] = attachments.as_slice() else { return refuse("one attachment") };
    let is = |place: &str, expected: &str| attachment.pointer(place).and_then(Value::as_str) == Some(expected);
    if message.get("type") != Some(&json!("message"))
        || !is("/contentType", "application/vnd.microsoft.card.adaptive")
        || !is("/content/type", "AdaptiveCard")
        || !is("/content/version", "1.4")
    {
        return refuse("a message with an Adaptive Card of version 1.4");
    }
    let card = attachment.get("content").cloned().unwrap_or_default();
    let body = card.get("body").and_then(Value::as_array).cloned().unwrap_or_default();
    if body.is_empty() || !body.iter().all(element) {
        return refuse("the card's body has an element that cards do not have");
    }
    let actions = card.get("actions").and_then(Value::as_array).cloned().unwrap_or_default();
    let opens = |action: &Value| {
        let text = |name: &str| action.get(name).and_then(Value::as_str).unwrap_or_default();
        text("type") == "Action.OpenUrl" && !text("title").is_empty() && text("url").starts_with("https://")
    };
    if actions.len() > 6 || !actions.iter().all(opens) {
        return refuse("a webhook's card has at most six actions, which open addresses");
    }
    let answer = (202, Value::Null);
    Ok(Letter { desk: "teams".to_owned(), path: sent.path.to_owned(), key: None, message, answer, again: 0 })
}

/// The elements of a card that its explorer has, as far as they are used.
fn element(element: &Value) -> bool {
    let all = |name: &str| element.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    match element.get("type").and_then(Value::as_str) {
        Some("Container") => !all("items").is_empty() && all("items").iter().all(self::element),
        Some("RichTextBlock") => {
            let run = |run: &Value| {
                run.get("type") == Some(&json!("TextRun")) && run.get("text").is_some_and(Value::is_string)
            };
            !all("inlines").is_empty() && all("inlines").iter().all(run)
        }
        _ => false,
    }
}

/// Takes what is signed with the secret, and knows what comes again.
pub(super) fn program(books: &mut Books, options: &Options, sent: &Sent<'_>) -> Result<Letter, Answer> {
    let refuse = |status: u16, why: &str| Err((status, json!({"error": why})));
    let (id, timestamp) = (sent.header("webhook-id"), sent.header("webhook-timestamp"));
    if id.is_empty() || id.contains('.') {
        return refuse(400, "no webhook-id");
    }
    if !timestamp.parse::<u64>().is_ok_and(|then| then.abs_diff(now()) <= 300) {
        return refuse(400, "webhook-timestamp is too far from now");
    }
    let key = options.secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let Ok(mac) = <Hmac<Sha256> as Mac>::new_from_slice(&key) else { return refuse(500, "no secret") };
    let signed = [id.as_bytes(), timestamp.as_bytes(), sent.body].join(&b'.');
    let signature = format!("v1,{}", STANDARD.encode(mac.chain_update(signed).finalize().into_bytes()));
    if !sent.header("webhook-signature").split(' ').any(|one| one == signature) {
        return refuse(401, "no signature is right");
    }
    let Some(message) = sent.json() else { return refuse(400, "not JSON") };
    let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("type").is_empty()
        || !text("timestamp").ends_with('Z')
        || !message.get("data").is_some_and(Value::is_object)
    {
        return refuse(400, "a webhook has `type`, `timestamp` and `data`");
    }
    if let Some(known) = books.known("hook", id) {
        known.again += 1;
        return Err(known.answer.clone());
    }
    let answer = (200, json!({}));
    let key = Some(id.to_owned());
    Ok(Letter { desk: "hook".to_owned(), path: sent.path.to_owned(), key, message, answer, again: 0 })
}

#[expect(clippy::disallowed_methods, reason = "the ban is for wasm; this runs natively")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}
