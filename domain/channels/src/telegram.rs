//! Telegram, by a bot (<https://core.telegram.org/bots/api>).
//!
//! Text is HTML. Telegram also makes links, mentions, commands and hashtags of
//! plain text, for which it has no escape; so an invisible character breaks
//! them up. Whoever shall get messages has to write to the bot first: with
//! `/start CODE`, for which a link `https://t.me/<bot>?start=CODE` is enough.
//!
//! Telegram takes no buttons that lead to `http` or to this machine.

mod incoming;

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

pub use incoming::{Incoming, Verified, verify};

use crate::endpoint::{Endpoint, Secret};
use crate::incoming::button_value;
use crate::message::{Link, Message};
use crate::outgoing::{Answer, Method, Outcome, Outgoing, seconds, set};
use crate::text::{At, Page, fit, line, unlinked, verbatim};

/// Where Telegram's API is.
pub const API: &str = "https://api.telegram.org";

/// Telegram counts 4096 without markup; here it is counted with it.
const TEXT: usize = 4096;
const TITLE: usize = 300;
const BODY: usize = 2500;
const FACTS: usize = 20;
const BUTTON: usize = 64;
const BUTTONS: usize = 8;
const URL: usize = 2048;
/// What `answerCallbackQuery` shows.
const TOAST: usize = 200;

/// A bot.
#[derive(Debug, Clone)]
pub struct Config {
    /// Telegram's API: [`API`].
    pub api: Endpoint,
    /// The bot's token, `123:ABC…`. It stands in the address of each request.
    pub token: Secret,
}

/// Where a message stands. Its text form is what [`outcome`] answers as the
/// reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// The chat's id.
    pub chat: i64,
    /// The message's, within it.
    pub message: i64,
}

impl fmt::Display for Posted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.chat, self.message)
    }
}

/// A text that is no reference of a Telegram message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the reference of a Telegram message: expected `<chat>/<message>`")]
pub struct PostedError;

impl FromStr for Posted {
    type Err = PostedError;

    fn from_str(text: &str) -> Result<Self, PostedError> {
        let (chat, message) = text.split_once('/').ok_or(PostedError)?;
        let number = |text: &str| text.parse().map_err(|_| PostedError);
        Ok(Self { chat: number(chat)?, message: number(message)? })
    }
}

/// Sends the message to a chat.
#[must_use]
pub fn request(message: &Message, config: &Config, chat: i64) -> Outgoing {
    let mut body = content(message);
    set(&mut body, "chat_id", chat);
    call(config, "sendMessage", &body)
}

/// Replaces a message, for example by what was decided.
#[must_use]
pub fn update(message: &Message, config: &Config, posted: Posted) -> Outgoing {
    let mut body = content(message);
    set(&mut body, "chat_id", posted.chat);
    set(&mut body, "message_id", posted.message);
    call(config, "editMessageText", &body)
}

/// Tells whoever pressed a button that it was heard; until then the button
/// waits. The text appears for a moment.
#[must_use]
pub fn answer(config: &Config, query: &str, text: &str) -> Outgoing {
    let text = fit(&line(text), TOAST, verbatim);
    call(config, "answerCallbackQuery", &json!({"callback_query_id": query, "text": text}))
}

/// Asks for a reason. The answer comes as [`Incoming::Reply`] to the message
/// that this sends; who asks remembers what it was about.
#[must_use]
pub fn ask_reason(config: &Config, chat: i64) -> Outgoing {
    let reply = json!({"force_reply": true, "input_field_placeholder": "Reason"});
    call(config, "sendMessage", &json!({"chat_id": chat, "text": "Why? Answer this message.", "reply_markup": reply}))
}

fn call(config: &Config, method: &str, body: &Value) -> Outgoing {
    let bot = format!("bot{}", config.token.expose());
    Outgoing::json(Method::Post, config.api.below(&[&bot, method]).url(), body)
}

/// What became of a message. The reference is a [`Posted`].
#[must_use]
pub fn outcome(answer: &Answer<'_>) -> Outcome {
    let json = answer.json();
    if json.get("ok").and_then(Value::as_bool) == Some(true) {
        let number = |place: &str| json.pointer(place).and_then(Value::as_i64);
        let posted = number("/result/chat/id").zip(number("/result/message_id"));
        return Outcome::Delivered { reference: posted.map(|(chat, message)| Posted { chat, message }.to_string()) };
    }
    let description = json.get("description").and_then(Value::as_str).unwrap_or_default();
    if let Some(after) = json.pointer("/parameters/retry_after") {
        return Outcome::Retry { after_ms: seconds(&after.to_string()) };
    }
    match answer.status {
        // The edit was made the first time.
        400 if description.contains("message is not modified") => Outcome::Delivered { reference: None },
        // Blocked by the person, thrown out of the group, or never written to.
        403 => answer.failed(description, true),
        400 if ["chat not found", "user not found", "message to edit not found"]
            .iter()
            .any(|gone| description.contains(gone)) =>
        {
            answer.failed(description, true)
        }
        // An answer without `ok` is not Telegram's.
        200..=299 => answer.failed("no `ok` in the answer", false),
        // A wrong token is no address that is gone.
        404 => answer.failed(description, false),
        _ => answer.outcome(None),
    }
}

fn content(message: &Message) -> Value {
    json!({
        "text": html(message),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": true},
        "reply_markup": {"inline_keyboard": keyboard(message)},
    })
}

fn html(message: &Message) -> String {
    let mut page = Page::new(TEXT);
    let title = fit(&line(&message.title), TITLE, escaped);
    page.add_whole(&format!("<b>{title}</b>\n\n"));
    let body = message.body();
    if !body.is_empty() {
        page.add_whole(&format!("{}\n\n", fit(&body, BODY, escaped)));
    }
    for fact in message.facts_up_to(FACTS) {
        page.add("", &format!("{}: {}", fact.label, fact.value), "\n", escaped);
    }
    page.finish()
}

fn keyboard(message: &Message) -> Vec<Vec<Value>> {
    let label = |text: &str| fit(&line(text), BUTTON, verbatim);
    let answers = message.actions.iter().take(BUTTONS).map(|action| {
        let data = button_value(&action.value, action.reason_asked);
        json!({"text": label(&action.label), "callback_data": data})
    });
    // Two in a row: more would leave no room for their labels on a phone.
    let answers: Vec<Value> = answers.collect();
    let mut rows: Vec<Vec<Value>> = answers.chunks(2).map(<[Value]>::to_vec).collect();
    let link = message.link.as_ref().and_then(Link::checked).filter(|(_, url)| taken(url));
    rows.extend(link.map(|(text, url)| vec![json!({"text": label(&text), "url": url})]));
    rows
}

/// Telegram refuses a message for a button whose address it doesn't take.
fn taken(url: &str) -> bool {
    let host = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#', ':']).next());
    url.len() <= URL && host.is_some_and(|host| host.contains('.') && !host.ends_with(|c: char| c.is_ascii_digit()))
}

/// <https://core.telegram.org/bots/api#html-style>
fn escaped(at: At, out: &mut String) {
    match at.it {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        _ => unlinked(at, out),
    }
}

#[cfg(test)]
#[path = "telegram/tests.rs"]
mod tests;
