//! Discord, by an application's bot or a webhook
//! (<https://docs.discord.com/developers>).
//!
//! Discord's Markdown takes a backslash before any punctuation. What could be
//! part of markup, a link or a mention gets one. Nobody is pinged in any case
//! (`allowed_mentions`).

mod incoming;
pub mod webhook;

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

pub use incoming::{Incoming, PublicKey, PublicKeyError, Verified, verify};

use crate::crypto::name_of;
use crate::endpoint::{Endpoint, Secret};
use crate::incoming::button_value;
use crate::message::{Action, Fact, Link, Message, Style, Tone};
use crate::outgoing::{Answer, Method, Outcome, Outgoing, seconds, set};
use crate::text::{At, fit, line, verbatim};

/// Where Discord's API is.
pub const API: &str = "https://discord.com/api/v10";

/// The field by which a reason comes back.
pub(crate) const REASON: &str = "reason";

const CONTENT: usize = 2000;
/// An embed may have 6000 in all: 2600 and twelve facts of 280.
const DESCRIPTION: usize = 2600;
const FACTS: usize = 12;
const NAME: usize = 60;
const VALUE: usize = 220;
const LABEL: usize = 80;
const URL: usize = 512;
/// Five stand in a row; one is the link.
const BUTTONS: usize = 4;

/// An application's bot.
#[derive(Debug, Clone)]
pub struct Config {
    /// Discord's API: [`API`].
    pub api: Endpoint,
    /// The bot's token.
    pub token: Secret,
    /// Where Alfred is to be seen: Discord wants to know who calls.
    pub site: Endpoint,
}

/// Where a message stands. Its text form is what [`outcome`] answers as the
/// reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The id of the channel or conversation.
    pub conversation: String,
    /// The message's.
    pub message: String,
}

impl fmt::Display for Posted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.conversation, self.message)
    }
}

/// A text that is no reference of a Discord message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the reference of a Discord message: expected `<channel>/<message>`")]
pub struct PostedError;

impl FromStr for Posted {
    type Err = PostedError;

    fn from_str(text: &str) -> Result<Self, PostedError> {
        let (conversation, message) = text.split_once('/').ok_or(PostedError)?;
        let id = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let good = id(conversation) && id(message);
        good.then(|| Self { conversation: conversation.to_owned(), message: message.to_owned() }).ok_or(PostedError)
    }
}

/// Posts the message in a channel, or in what [`open_conversation`] opened.
/// Sent again within some minutes it is the same message.
#[must_use]
pub fn request(message: &Message, config: &Config, conversation: &str) -> Outgoing {
    let mut body = content(message, Buttons::Answers);
    let nonce = name_of(&format!("{conversation} {}", message.id));
    set(&mut body, "nonce", nonce.get(..25));
    set(&mut body, "enforce_nonce", true);
    call(config, Method::Post, &["channels", conversation, "messages"], &body)
}

/// Replaces a message, for example by what was decided.
#[must_use]
pub fn update(message: &Message, config: &Config, posted: &Posted) -> Outgoing {
    let path = ["channels", &posted.conversation, "messages", &posted.message];
    call(config, Method::Patch, &path, &content(message, Buttons::Answers))
}

/// Opens the conversation with a person. Asked again it is the same.
#[must_use]
pub fn open_conversation(config: &Config, user: &str) -> Outgoing {
    call(config, Method::Post, &["users", "@me", "channels"], &json!({"recipient_id": user}))
}

fn call(config: &Config, method: Method, path: &[&str], body: &Value) -> Outgoing {
    let authorization = format!("Bot {}", config.token.expose());
    Outgoing::json(method, config.api.below(path).url(), body)
        .header(("authorization", authorization))
        .header(user_agent(&config.site))
}

/// Discord turns away who does not say so who they are.
fn user_agent(site: &Endpoint) -> (&'static str, String) {
    ("user-agent", format!("DiscordBot ({}, {})", site.url(), env!("CARGO_PKG_VERSION")))
}

/// What became of a message. The reference is a [`Posted`].
#[must_use]
pub fn outcome(answer: &Answer<'_>) -> Outcome {
    let json = answer.json();
    let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    let code = json.get("code").and_then(Value::as_i64);
    match (answer.status, code) {
        (429, _) => match json.get("retry_after") {
            Some(after) => Outcome::Retry { after_ms: seconds(&after.to_string()) },
            None => answer.retry(),
        },
        // Unknown channel, message, user, webhook; cannot write to this person.
        (_, Some(10003 | 10008 | 10013 | 10015 | 50007)) => answer.failed(&text("message").unwrap_or_default(), true),
        // A wrong address is no address that is gone.
        (404, _) => answer.failed(&text("message").unwrap_or_default(), false),
        _ => {
            let posted = text("channel_id").zip(text("id"));
            answer.outcome(posted.map(|(conversation, message)| Posted { conversation, message }.to_string()))
        }
    }
}

/// The id of the conversation that [`open_conversation`] opened.
///
/// # Errors
/// What became of the request, if it was not opened.
pub fn opened(answer: &Answer<'_>) -> Result<String, Outcome> {
    match outcome(answer) {
        Outcome::Delivered { .. } => {
            let id = answer.json().get("id").and_then(Value::as_str).map(str::to_owned);
            id.ok_or_else(|| answer.failed("no id in the answer", false))
        }
        other => Err(other),
    }
}

/// What Discord's requests are answered with: the body, of type
/// `application/json`, with status 200.
pub mod reply {
    use super::{Buttons, REASON, content, escaped};
    use crate::incoming::button_value;
    use crate::message::Message;
    use crate::text::{fit, paragraph};
    use crate::token::ActionToken;
    use serde_json::json;

    /// To [`Incoming::Ping`](super::Incoming::Ping).
    #[must_use]
    pub fn pong() -> String {
        json!({"type": 1}).to_string()
    }

    /// Replaces the message whose button was pressed.
    #[must_use]
    pub fn update(message: &Message) -> String {
        json!({"type": 7, "data": content(message, Buttons::Answers)}).to_string()
    }

    /// Tells something to whoever pressed, and to nobody else.
    #[must_use]
    pub fn tell(text: &str) -> String {
        let text = fit(&paragraph(text), super::CONTENT, escaped);
        let data = json!({"content": text, "flags": 64, "allowed_mentions": {"parse": []}});
        json!({"type": 4, "data": data}).to_string()
    }

    /// Asks for a reason. It comes back with the button's value, as a
    /// decision.
    #[must_use]
    pub fn ask_reason(token: &ActionToken) -> String {
        let input = json!({"type": 4, "custom_id": REASON, "style": 2, "required": false, "max_length": 500});
        let label = json!({"type": 18, "label": "Reason", "component": input});
        let data = json!({"custom_id": button_value(token, false), "title": "Why?", "components": [label]});
        json!({"type": 9, "data": data}).to_string()
    }
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
    let colour = match message.tone {
        Tone::Info => 0x003b_5bdb,
        Tone::Success => 0x002b_8a3e,
        Tone::Warning => 0x00e6_7700,
    };
    let field = |fact: &Fact| {
        let cell = |text: &str, limit| fit(text, limit, escaped);
        json!({"name": cell(&fact.label, NAME), "value": cell(&fact.value, VALUE)})
    };
    let fields: Vec<Value> = message.facts_up_to(FACTS).iter().map(field).collect();
    let description = fit(&message.body(), DESCRIPTION, escaped);
    let mut embed = json!({"color": colour, "fields": fields});
    if !description.is_empty() {
        set(&mut embed, "description", description.as_str());
    }
    let embeds = if description.is_empty() && fields.is_empty() { vec![] } else { vec![embed] };
    json!({
        // What notifications show; embeds are not in them.
        "content": fit(&line(&message.title), CONTENT, escaped),
        "embeds": embeds,
        "components": components(message, buttons),
        "allowed_mentions": {"parse": []},
    })
}

fn components(message: &Message, buttons: Buttons) -> Vec<Value> {
    let actions = message.actions.iter().take(BUTTONS);
    let mut row: Vec<Value> = match buttons {
        Buttons::Answers => actions.map(answer_button).collect(),
        Buttons::Links => actions.filter_map(Action::as_link).filter_map(link_button).collect(),
    };
    row.extend(message.link.as_ref().and_then(Link::checked).and_then(link_button));
    // A message that is replaced loses its buttons only if that is said.
    if row.is_empty() { vec![] } else { vec![json!({"type": 1, "components": row})] }
}

fn answer_button(action: &Action) -> Value {
    let style = match action.style {
        Style::Primary => 1,
        Style::Plain => 2,
        Style::Danger => 4,
    };
    let id = button_value(&action.value, action.reason_asked);
    json!({"type": 2, "style": style, "label": fit(&line(&action.label), LABEL, verbatim), "custom_id": id})
}

fn link_button((label, url): (String, String)) -> Option<Value> {
    let label = fit(&label, LABEL, verbatim);
    (url.len() <= URL).then(|| json!({"type": 2, "style": 5, "label": label, "url": url}))
}

/// A backslash before what marks text, what holds links together (`:`, `/`,
/// `.`) and what begins mentions. Numbers and times stay as they are.
fn escaped(at: At, out: &mut String) {
    let number = matches!(at.it, '.' | ':') && at.is_inside_number();
    if r"\*_~`|<>#@[]()-+.:/!".contains(at.it) && !number {
        out.push('\\');
    }
    out.push(at.it);
}

#[cfg(test)]
#[path = "discord/tests.rs"]
mod tests;
