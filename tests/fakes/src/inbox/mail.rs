//! Resend (<https://resend.com/docs/api-reference/emails/send-email>) and
//! Postmark (<https://postmarkapp.com/developer/api/email-api>).

use serde_json::{Value, json};

use super::{Answer, Books, Letter, Options, Sent};

const RESEND: &[&str] = &[
    "from",
    "to",
    "subject",
    "bcc",
    "cc",
    "scheduled_at",
    "reply_to",
    "html",
    "text",
    "headers",
    "attachments",
    "tags",
    "topic_id",
    "template",
];
const POSTMARK: &[&str] = &[
    "From",
    "To",
    "Cc",
    "Bcc",
    "Subject",
    "Tag",
    "HtmlBody",
    "TextBody",
    "ReplyTo",
    "Headers",
    "TrackOpens",
    "TrackLinks",
    "Attachments",
    "Metadata",
    "MessageStream",
];

/// Sends a mail once for each idempotency key.
pub(super) fn resend(books: &mut Books, options: &Options, sent: &Sent<'_>) -> Result<Letter, Answer> {
    let refuse = |status: u16, name: &str, message: &str| {
        Err((status, json!({"statusCode": status, "name": name, "message": message})))
    };
    if sent.path != "emails" {
        return refuse(404, "not_found", "The requested endpoint does not exist.");
    }
    if sent.header("user-agent").is_empty() {
        return refuse(403, "validation_error", "A User-Agent is required.");
    }
    if sent.header("authorization") != format!("Bearer {}", options.token) {
        return refuse(403, "invalid_api_key", "API key is invalid.");
    }
    let Some(mail) = sent.json() else { return refuse(422, "invalid_body", "The body is not JSON.") };
    if let Some(field) = stranger(&mail, RESEND) {
        return refuse(422, "validation_error", &format!("`{field}` is not a field."));
    }
    let text = |name: &str| mail.get(name).and_then(Value::as_str).unwrap_or_default();
    let to: Vec<&str> =
        mail.get("to").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if to.is_empty() || to.len() > 50 || !to.iter().all(|to| address(to).is_some()) {
        return refuse(422, "validation_error", "Invalid `to` field.");
    }
    if !address(text("from")).is_some_and(|from| from.ends_with(&format!("@{}", options.domain))) {
        return refuse(403, "validation_error", "The domain is not verified.");
    }
    if text("subject").is_empty() || text("subject").contains(['\r', '\n']) || text("html").is_empty() {
        return refuse(422, "missing_required_field", "Missing `subject` or `html` field.");
    }
    let key = sent.header("idempotency-key");
    if key.len() > 256 {
        return refuse(400, "invalid_idempotency_key", "The key must be between 1-256 chars.");
    }
    if let Some(known) = books.known("resend", key).filter(|_| !key.is_empty()) {
        if known.message != mail {
            return refuse(409, "invalid_idempotent_request", "Same idempotency key used with a different payload.");
        }
        known.again += 1;
        return Err(known.answer.clone());
    }
    let answer = (200, json!({"id": format!("re-{}", books.letters.len() + 1)}));
    let key = Some(key.to_owned()).filter(|key| !key.is_empty());
    Ok(Letter { desk: "resend".to_owned(), path: sent.path.to_owned(), key, message: mail, answer, again: 0 })
}

/// Sends a mail, as often as it is asked.
pub(super) fn postmark(options: &Options, sent: &Sent<'_>) -> Result<Letter, Answer> {
    let refuse = |status: u16, code: u16, message: &str| Err((status, json!({"ErrorCode": code, "Message": message})));
    if sent.path != "email" {
        return Err((404, Value::Null));
    }
    if sent.header("x-postmark-server-token") != options.token {
        return refuse(401, 10, "The Server Token you provided was invalid.");
    }
    if !sent.header("accept").starts_with("application/json") {
        return refuse(422, 402, "Accept must be application/json.");
    }
    let Some(mail) = sent.json() else { return refuse(422, 402, "Received invalid JSON.") };
    if let Some(field) = stranger(&mail, POSTMARK) {
        return refuse(422, 403, &format!("Incompatible JSON: {field}"));
    }
    let text = |name: &str| mail.get(name).and_then(Value::as_str).unwrap_or_default();
    if !address(text("From")).is_some_and(|from| from.ends_with(&format!("@{}", options.domain))) {
        return refuse(422, 400, "The 'From' address is not a Sender Signature.");
    }
    if address(text("To")).is_none() {
        return refuse(422, 300, "Invalid 'To' address.");
    }
    if text("TextBody").is_empty() || text("HtmlBody").is_empty() || text("Subject").contains(['\r', '\n']) {
        return refuse(422, 300, "Provide a subject and a body.");
    }
    let header = |one: &Value| ["Name", "Value"].iter().all(|name| one.get(name).is_some_and(Value::is_string));
    if !mail.get("Headers").and_then(Value::as_array).is_none_or(|all| all.iter().all(header)) {
        return refuse(422, 300, "Headers have Name and Value.");
    }
    if !["", "None", "HtmlAndText", "HtmlOnly", "TextOnly"].contains(&text("TrackLinks")) {
        return refuse(422, 300, "TrackLinks is None, HtmlAndText, HtmlOnly or TextOnly.");
    }
    if text("MessageStream") != "outbound" {
        return refuse(422, 1235, "The stream provided does not exist on this server.");
    }
    let answer = json!({"To": text("To"), "SubmittedAt": "2026-11-24T00:00:00Z", "MessageID": "pm-1", "ErrorCode": 0, "Message": "OK"});
    let answer = (200, answer);
    Ok(Letter { desk: "postmark".to_owned(), path: sent.path.to_owned(), key: None, message: mail, answer, again: 0 })
}

/// A field that the provider does not know.
fn stranger<'a>(mail: &'a Value, known: &[&str]) -> Option<&'a String> {
    mail.as_object()?.keys().find(|name| !known.contains(&name.as_str()))
}

/// The address of `ada@acme.example` or `"Ada" <ada@acme.example>`.
fn address(text: &str) -> Option<&str> {
    let inside = text.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    let address = inside.unwrap_or(text);
    let (user, domain) = address.split_once('@')?;
    let good = |text: &str| !text.is_empty() && !text.contains(['@', ' ', ',', '<', '>', '"', '\r', '\n']);
    (good(user) && good(domain) && domain.contains('.')).then_some(address)
}
