//! Slack, by a bot.
//!
//! What it follows: <https://docs.slack.dev> (Web API, Block Kit, formatting).
//! All text goes into `plain_text` objects: `mrkdwn` has no escape for `*` and
//! `_`. Slack decodes `&amp;`, `&lt;` and `&gt;` there as well, so they are
//! escaped. A reason is asked for in the message, beside the buttons.
//!
//! To reach a person, find them by their address ([`find_user`]), open the
//! conversation with them ([`open_conversation`]) and remember its id.

mod incoming;
pub mod webhook;

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

pub use incoming::{Incoming, Verified, verify};

use crate::endpoint::{Endpoint, Secret};
use crate::message::{Action, Link, Message, Style};
use crate::outgoing::{Answer, Method, Outcome, Outgoing, set};
use crate::text::{At, fit, line};

/// Where Slack's API is.
pub const API: &str = "https://slack.com/api";

/// The names by which a reason comes back.
pub(crate) const REASON_BLOCK: &str = "reason";
pub(crate) const REASON_FIELD: &str = "text";
/// What an answer's button is called, before its number.
pub(crate) const ANSWER: &str = "answer";

/// Limits of blocks.
const HEADER: usize = 150;
const SECTION: usize = 3000;
const FIELD: usize = 2000;
const FIELDS: usize = 10;
const BUTTON: usize = 75;
const URL: usize = 3000;
/// Of 25 that an actions block may have; with the link, one row.
const BUTTONS: usize = 4;
/// Slack cuts the fallback off at 40,000; 4,000 is what it advises.
const FALLBACK: usize = 4000;

/// A workspace's bot.
#[derive(Debug, Clone)]
pub struct Config {
    /// Slack's API: [`API`].
    pub api: Endpoint,
    /// The bot's token, `xoxb-…`, with the scopes `chat:write`, `im:write` and
    /// `users:read.email`.
    pub token: Secret,
}

/// Where a message stands. Its text form is what [`outcome`] answers as the
/// reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The conversation's id.
    pub conversation: String,
    /// The message's, within it.
    pub ts: String,
}

impl fmt::Display for Posted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.conversation, self.ts)
    }
}

/// A text that is no reference of a Slack message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the reference of a Slack message: expected `<conversation>/<ts>`")]
pub struct PostedError;

impl FromStr for Posted {
    type Err = PostedError;

    fn from_str(text: &str) -> Result<Self, PostedError> {
        let (conversation, ts) = text.split_once('/').ok_or(PostedError)?;
        let good = !conversation.is_empty() && !ts.is_empty() && !ts.contains('/');
        good.then(|| Self { conversation: conversation.to_owned(), ts: ts.to_owned() }).ok_or(PostedError)
    }
}

/// Posts the message in a conversation: a channel's id, or what
/// [`open_conversation`] opened.
#[must_use]
pub fn request(message: &Message, config: &Config, conversation: &str) -> Outgoing {
    let mut body = content(message, Buttons::Answers);
    set(&mut body, "channel", conversation);
    call(config, "chat.postMessage", &body)
}

/// Replaces a message, for example by what was decided.
#[must_use]
pub fn update(message: &Message, config: &Config, posted: &Posted) -> Outgoing {
    let mut body = content(message, Buttons::Answers);
    set(&mut body, "channel", posted.conversation.as_str());
    set(&mut body, "ts", posted.ts.as_str());
    call(config, "chat.update", &body)
}

/// Opens the conversation with a person. Asked again it is the same.
#[must_use]
pub fn open_conversation(config: &Config, user: &str) -> Outgoing {
    call(config, "conversations.open", &json!({"users": user}))
}

/// Looks for the person with that e-mail address.
#[must_use]
pub fn find_user(config: &Config, email: &str) -> Outgoing {
    // One of the methods that take no JSON.
    let url = config.api.below(&["users.lookupByEmail"]).with(&[("email", email)]);
    Outgoing { method: Method::Get, url, headers: vec![config.token.bearer()], body: vec![] }
}

/// Asks who somebody is.
#[must_use]
pub fn ask_who(config: &Config, user: &str) -> Outgoing {
    let url = config.api.below(&["users.info"]).with(&[("user", user)]);
    Outgoing { method: Method::Get, url, headers: vec![config.token.bearer()], body: vec![] }
}

/// The address of the person whom [`ask_who`] asked about: nobody's who is a
/// guest from another workspace, a bot, or gone.
///
/// # Errors
/// What became of the request, if nobody is meant.
pub fn address(answer: &Answer<'_>, workspace: &str) -> Result<String, Outcome> {
    let json = read(answer)?;
    let is = |place: &str| json.pointer(place).and_then(Value::as_bool).unwrap_or(false);
    let text = |place: &str| json.pointer(place).and_then(Value::as_str);
    let stranger = text("/user/team_id") != Some(workspace) || is("/user/is_stranger");
    if stranger || is("/user/is_bot") || is("/user/deleted") {
        return Err(answer.failed("not a member of the workspace", true));
    }
    let email = text("/user/profile/email").map(str::to_owned);
    email.ok_or_else(|| answer.failed("no address in the answer", false))
}

fn call(config: &Config, method: &str, body: &Value) -> Outgoing {
    Outgoing::json(Method::Post, config.api.below(&[method]).url(), body).header(config.token.bearer())
}

/// What became of a message. The reference is a [`Posted`].
#[must_use]
pub fn outcome(answer: &Answer<'_>) -> Outcome {
    let posted = |json: &Value| {
        let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
        Some(Posted { conversation: text("channel")?, ts: text("ts")? }.to_string())
    };
    match read(answer) {
        Ok(json) => Outcome::Delivered { reference: posted(&json) },
        Err(outcome) => outcome,
    }
}

/// The id of the conversation that [`open_conversation`] opened.
///
/// # Errors
/// What became of the request, if it was not opened.
pub fn opened(answer: &Answer<'_>) -> Result<String, Outcome> {
    id(answer, "/channel/id")
}

/// The id of the person whom [`find_user`] found.
///
/// # Errors
/// What became of the request, if nobody was found.
pub fn found(answer: &Answer<'_>) -> Result<String, Outcome> {
    id(answer, "/user/id")
}

fn id(answer: &Answer<'_>, place: &str) -> Result<String, Outcome> {
    let json = read(answer)?;
    let id = json.pointer(place).and_then(Value::as_str).map(str::to_owned);
    id.ok_or_else(|| answer.failed("no id in the answer", false))
}

/// Slack says 200 to most errors, and `ok: false` in the body.
fn read(answer: &Answer<'_>) -> Result<Value, Outcome> {
    if !answer.is_success() {
        return Err(answer.outcome(None));
    }
    let json = answer.json();
    if json.get("ok").and_then(Value::as_bool) == Some(true) {
        return Ok(json);
    }
    let error = json.get("error").and_then(Value::as_str).unwrap_or("no `ok` in the answer");
    Err(match error {
        "ratelimited"
        | "rate_limited"
        | "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org" => answer.retry(),
        "channel_not_found" | "is_archived" | "user_not_found" | "users_not_found" | "user_disabled"
        | "message_not_found" => answer.failed(error, true),
        _ => answer.failed(error, false),
    })
}

/// Which of a message's actions become buttons.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Buttons {
    /// All; what is pressed comes back.
    Answers,
    /// Those with an address, as links.
    Links,
}

fn content(message: &Message, buttons: Buttons) -> Value {
    json!({
        // For notifications and readers without blocks.
        "text": fit(&message.plain_text(), FALLBACK, escaped),
        "mrkdwn": false,
        "parse": "none",
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks(message, buttons),
    })
}

fn blocks(message: &Message, buttons: Buttons) -> Vec<Value> {
    let mut blocks = vec![json!({"type": "header", "text": plain(&line(&message.title), HEADER)})];
    let body = message.body();
    if !body.is_empty() {
        blocks.push(json!({"type": "section", "text": plain(&body, SECTION)}));
    }
    let facts = message.facts_up_to(2 * FIELDS);
    for facts in facts.chunks(FIELDS) {
        let field = |fact: &crate::message::Fact| plain(&format!("{}: {}", fact.label, fact.value), FIELD);
        blocks.push(json!({"type": "section", "fields": facts.iter().map(field).collect::<Vec<_>>()}));
    }
    let actions = message.actions.iter().take(BUTTONS).enumerate();
    let elements: Vec<Value> = match buttons {
        Buttons::Answers => actions.map(|(number, action)| answer_button(number, action)).collect(),
        Buttons::Links => actions.filter_map(|(number, action)| link_button(number, action.as_link()?)).collect(),
    };
    let link = message.link.as_ref().and_then(Link::checked).and_then(|link| link_button(BUTTONS, link));
    let asks = message.actions.iter().take(BUTTONS).any(|action| action.reason_asked);
    if asks && buttons == Buttons::Answers {
        blocks.push(json!({
            "type": "input",
            "block_id": REASON_BLOCK,
            "optional": true,
            "label": plain("Reason", BUTTON),
            "element": {"type": "plain_text_input", "action_id": REASON_FIELD, "max_length": 500},
        }));
    }
    let elements: Vec<Value> = elements.into_iter().chain(link).collect();
    if !elements.is_empty() {
        blocks.push(json!({"type": "actions", "elements": elements}));
    }
    blocks
}

fn answer_button(number: usize, action: &Action) -> Value {
    let mut button = json!({
        "type": "button",
        "action_id": format!("{ANSWER}_{number}"),
        "text": plain(&line(&action.label), BUTTON),
        "value": action.value.as_str(),
    });
    match action.style {
        Style::Primary => set(&mut button, "style", "primary"),
        Style::Danger => set(&mut button, "style", "danger"),
        Style::Plain => {}
    }
    button
}

/// Pressing it is reported too, as an action without a value.
fn link_button(number: usize, (label, url): (String, String)) -> Option<Value> {
    let button = json!({
        "type": "button",
        "action_id": format!("link_{number}"),
        "text": plain(&label, BUTTON),
        "url": url,
    });
    (url.len() <= URL).then_some(button)
}

fn plain(text: &str, limit: usize) -> Value {
    json!({"type": "plain_text", "text": fit(text, limit, escaped), "emoji": false})
}

/// <https://docs.slack.dev/messaging/formatting-message-text/#escaping>
fn escaped(at: At, out: &mut String) {
    match at.it {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        other => out.push(other),
    }
}

#[cfg(test)]
#[path = "slack/tests.rs"]
mod tests;
