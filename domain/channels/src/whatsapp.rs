//! WhatsApp, by Meta's Cloud API
//! (<https://developers.facebook.com/documentation/business-messaging/whatsapp>).
//!
//! Free text can be sent only within 24 hours after somebody wrote to us; who
//! knows when that was says so ([`Window`]). Outside, only templates that Meta
//! has approved can be sent. Ours have two placeholders in the body, for what
//! happened and for the details in one line; one of them has two quick replies,
//! for what can be decided.
//!
//! WhatsApp makes `*bold*` and links of plain text and has no escape. So
//! what would be markup is replaced by what looks like it, and links and
//! lines are broken up by an invisible character.

mod incoming;

use serde_json::{Value, json};

pub use incoming::{Incoming, Verified, challenge, verify};

use crate::endpoint::{Endpoint, Secret};
use crate::incoming::button_value;
use crate::message::{Fact, Link, Message};
use crate::outgoing::{Answer, Method, Outcome, Outgoing, set};
use crate::text::{At, JOINER, Page, fit, length, line, unlinked};

/// Where Meta's API is, with its version.
pub const API: &str = "https://graph.facebook.com/v23.0";

const BODY: usize = 1024;
const HEADER: usize = 60;
const BUTTON: usize = 20;
const BUTTONS: usize = 3;
const TEXT: usize = 4096;
/// A template's whole body has 1024: two placeholders and its own words.
const PLACEHOLDER: usize = 400;
const FACTS: usize = 15;

/// A business's number.
#[derive(Debug, Clone)]
pub struct Config {
    /// Meta's API: [`API`].
    pub api: Endpoint,
    /// The system user's token.
    pub token: Secret,
    /// The id of the number that writes (not the number).
    pub phone_number_id: String,
    /// What is sent outside of the window.
    pub notice: Option<Template>,
    /// The same with two quick replies, for messages with two actions.
    pub question: Option<Template>,
}

/// A template that Meta has approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language: `en`, `en_US`.
    pub language: String,
}

/// Whether somebody wrote to us within the last 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// They did: anything can be sent.
    Open,
    /// They did not, or nobody knows.
    Closed,
}

impl Window {
    /// How long it is open.
    pub const LENGTH_MS: i64 = 24 * 60 * 60 * 1000;

    /// The window at `now_ms` of somebody who last wrote then.
    #[must_use]
    pub const fn of(last_written_ms: Option<i64>, now_ms: i64) -> Self {
        match last_written_ms {
            Some(last_ms) if now_ms.saturating_sub(last_ms) < Self::LENGTH_MS => Self::Open,
            _ => Self::Closed,
        }
    }
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// They have not written for a day, and there is no template.
    #[error("they have not written to us for 24 hours, and no template is set up: only an approved one can be sent")]
    NoTemplate,
    /// No template has as many buttons.
    #[error("they have not written to us for 24 hours, and templates have no or two buttons, but the message has {0}")]
    Buttons(usize),
}

/// Sends the message to a number, as `wa_id`s are written: digits with the
/// country's code.
///
/// # Errors
/// [`RequestError`].
pub fn request(message: &Message, config: &Config, to: &str, window: Window) -> Result<Outgoing, RequestError> {
    let template = |template: &Option<Template>| {
        let template = template.as_ref().ok_or(RequestError::NoTemplate)?;
        Ok(from_template(message, template))
    };
    let mut body = match (window, message.actions.len()) {
        (Window::Open, 0) => text(message),
        (Window::Open, _) => interactive(message),
        (Window::Closed, 0) => template(&config.notice)?,
        (Window::Closed, 2) => template(&config.question)?,
        (Window::Closed, buttons) => return Err(RequestError::Buttons(buttons)),
    };
    set(&mut body, "to", to);
    Ok(call(config, body))
}

/// Asks for a reason. The answer comes as [`Incoming::Reply`] to the message
/// that this sends, if they answer it; who asks remembers what it was about.
#[must_use]
pub fn ask_reason(config: &Config, to: &str) -> Outgoing {
    call(config, json!({"to": to, "type": "text", "text": {"body": "Why? Answer this message.", "preview_url": false}}))
}

fn call(config: &Config, mut body: Value) -> Outgoing {
    set(&mut body, "messaging_product", "whatsapp");
    set(&mut body, "recipient_type", "individual");
    let url = config.api.below(&[&config.phone_number_id, "messages"]).url();
    Outgoing::json(Method::Post, url, &body).header(config.token.bearer())
}

/// What became of a message. The reference is WhatsApp's id of it, `wamid.…`.
/// That Meta took it does not say that it arrives: what went wrong later comes
/// as [`Incoming::Undelivered`].
#[must_use]
pub fn outcome(answer: &Answer<'_>) -> Outcome {
    let json = answer.json();
    let complaint = || json.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
    match json.pointer("/error/code").and_then(Value::as_i64) {
        Some(code) if is_temporary(code) => answer.retry(),
        Some(code) if is_gone(code) => answer.failed(complaint(), true),
        // A wrong number id is no recipient that is gone.
        Some(_) if answer.status < 500 && answer.status != 429 => answer.failed(complaint(), false),
        _ => answer.outcome(json.pointer("/messages/0/id").and_then(Value::as_str).map(str::to_owned)),
    }
}

/// Meta's codes for what ends by itself: unknown, unavailable, too many calls,
/// too many messages, too many to one person, maintenance.
const fn is_temporary(code: i64) -> bool {
    matches!(code, 1 | 2 | 4 | 80007 | 130_429 | 131_000 | 131_016 | 131_048 | 131_056 | 131_057 | 133_004)
}

/// Undeliverable, or nobody's number; and whoever said that they want nothing.
const fn is_gone(code: i64) -> bool {
    matches!(code, 131_026 | 131_050)
}

/// What they see who wrote within the last day, if there are no buttons.
fn text(message: &Message) -> Value {
    let title = fit(&line(&message.title), BODY, escaped);
    let mut page = Page::new(TEXT);
    page.add_whole(&format!("*{title}*\n\n"));
    let body = details(message, page, TEXT - BODY * 2);
    json!({"type": "text", "text": {"body": body, "preview_url": false}})
}

fn interactive(message: &Message) -> Value {
    let title = fit(&line(&message.title), HEADER, escaped);
    let mut page = Page::new(BODY);
    // The header is short: a longer title stands in full below it.
    if length(&line(&message.title)) > HEADER {
        page.add_whole(&format!("{}\n\n", fit(&line(&message.title), BODY / 4, escaped)));
    }
    let body = details(message, page, BODY / 4);
    let buttons = message.actions.iter().take(BUTTONS).map(|action| {
        let title = fit(&line(&action.label), BUTTON, escaped);
        json!({"type": "reply", "reply": {"id": button_value(&action.value, action.reason_asked), "title": title}})
    });
    json!({"type": "interactive", "interactive": {
        "type": "button",
        "header": {"type": "text", "text": title},
        // It may not be empty.
        "body": {"text": if body.is_empty() { &title } else { &body }},
        "action": {"buttons": buttons.collect::<Vec<_>>()},
    }})
}

/// Paragraphs, facts and the link, of which the link has its place for sure.
fn details(message: &Message, mut page: Page, most_body: usize) -> String {
    let body = message.body();
    if !body.is_empty() {
        page.add_whole(&format!("{}\n\n", fit(&body, most_body, escaped)));
    }
    let link = message.link.as_ref().and_then(Link::checked);
    let link = link.map(|(label, url)| format!("\n{}: {url}", fit(&label, HEADER, escaped)));
    let kept = link.as_deref().filter(|link| page.reserve(link));
    for Fact { label, value } in message.facts_up_to(FACTS) {
        page.add("", &format!("{label}: {value}"), "\n", escaped);
    }
    page.finish_with(kept.unwrap_or_default())
}

/// A template's placeholders take neither line breaks nor several spaces.
fn from_template(message: &Message, template: &Template) -> Value {
    let facts = message.facts_up_to(FACTS).into_iter().map(|fact| format!("{}: {}", fact.label, fact.value));
    let details: Vec<String> = message.paragraphs().chain(facts).map(|text| line(&text)).collect();
    let parameter = |text: &str| json!({"type": "text", "text": fit(text, PLACEHOLDER, escaped)});
    let body = [parameter(&line(&message.title)), parameter(&line(&details.join(" · ")))];
    let button = |(index, action): (usize, &crate::message::Action)| {
        let payload = button_value(&action.value, action.reason_asked);
        json!({
            "type": "button",
            "sub_type": "quick_reply",
            "index": index.to_string(),
            "parameters": [{"type": "payload", "payload": payload}],
        })
    };
    let mut components = vec![json!({"type": "body", "parameters": body})];
    components.extend(message.actions.iter().enumerate().map(button));
    json!({"type": "template", "template": {
        "name": template.name,
        "language": {"code": template.language},
        "components": components,
    }})
}

/// <https://faq.whatsapp.com/539178204879377>: what marks text is replaced,
/// but inside of words, where it marks nothing; and what begins a list or a
/// quotation no longer stands at the beginning of its line.
fn escaped(at: At, out: &mut String) {
    let marks = !at.is_inside_word();
    if at.begins_line() && (matches!(at.it, '>' | '-') || at.it.is_ascii_digit()) {
        out.push(JOINER);
    }
    match at.it {
        '*' if marks => out.push('∗'),
        '_' if marks => out.push('ˍ'),
        '~' if marks => out.push('∼'),
        '`' => out.push('ˋ'),
        _ => unlinked(at, out),
    }
}

#[cfg(test)]
#[path = "whatsapp/tests.rs"]
mod tests;
