//! What Telegram sends: pressed buttons, codes to link an account, replies,
//! commands.

use serde_json::Value;

use crate::command::{Command, CommandError};
use crate::crypto::same;
use crate::endpoint::Secret;
use crate::incoming::{self, Decision, Refusal, check_size, number, read_button, required, text};
use crate::outgoing::Headers;

use super::Posted;

const SECRET: &str = "x-telegram-bot-api-secret-token";
/// What Telegram takes behind `?start=`.
const MOST_CODE: usize = 64;

/// A request that Telegram sent.
#[derive(Debug)]
pub struct Verified<'a>(&'a [u8]);

/// Whether Telegram sent it, by the secret token that it was told with
/// `setWebhook`. There is no time stamp: the update's id alone says whether it
/// came before.
///
/// # Errors
/// [`Refusal`].
pub fn verify<'a>(secret: &Secret, headers: Headers<'_>, body: &'a [u8]) -> Result<Verified<'a>, Refusal> {
    check_size(body)?;
    let shown = headers.get(SECRET).ok_or(Refusal::MissingHeader(SECRET))?;
    if !same(shown.as_bytes(), secret.expose().as_bytes()) {
        return Err(Refusal::Signature);
    }
    Ok(Verified(body))
}

/// What Telegram sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Somebody pressed a button. [`answer`](super::answer) it.
    Decision {
        /// Who, and which.
        decision: Decision,
        /// By which it is answered.
        query: String,
        /// Where the message stands; Telegram leaves it out of old ones.
        posted: Option<Posted>,
    },
    /// Somebody wants to link their account: `/start CODE`.
    Link {
        /// By which it is known if it comes again.
        replay_id: String,
        /// Telegram's id of them.
        account: String,
        /// Where they can be written to.
        chat: i64,
        /// What Alfred showed them.
        code: String,
    },
    /// Somebody answered a message of ours.
    Reply {
        /// By which it is known if it comes again.
        replay_id: String,
        /// Telegram's id of them.
        account: String,
        /// What they answered.
        to: Posted,
        /// What they wrote.
        text: Option<String>,
    },
    /// Somebody typed a command.
    Command {
        /// By which it is known if it comes again.
        replay_id: String,
        /// Telegram's id of them.
        account: String,
        /// Where they can be answered.
        chat: i64,
        /// What they want, or what is wrong with it.
        command: Result<Command, CommandError>,
    },
    /// Something that there is nothing to be done about: answer 200.
    Other,
}

impl Verified<'_> {
    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn read(&self) -> Result<Incoming, Refusal> {
        let json = incoming::json(self.0)?;
        let replay_id = number(&json, "/update_id").ok_or(Refusal::Malformed("no update id"))?;
        match (json.get("callback_query"), json.get("message")) {
            (Some(query), _) => pressed(query, replay_id),
            (None, Some(message)) => Ok(written(message, replay_id).unwrap_or(Incoming::Other)),
            (None, None) => Ok(Incoming::Other),
        }
    }
}

fn pressed(query: &Value, replay_id: String) -> Result<Incoming, Refusal> {
    let Some(data) = text(query, "/data") else { return Ok(Incoming::Other) };
    let (token, reason_wanted) = read_button(data)?;
    let account = number(query, "/from/id").ok_or(Refusal::Malformed("no user"))?;
    let decision = Decision { replay_id, account, workspace: None, token, reason: None, reason_wanted };
    let posted = query.get("message").and_then(posted);
    Ok(Incoming::Decision { decision, query: required(query, "/id", "no query id")?, posted })
}

fn written(message: &Value, replay_id: String) -> Option<Incoming> {
    let account = number(message, "/from/id")?;
    let chat = posted(message)?.chat;
    let written = text(message, "/text")?;
    if let Some(to) = message.get("reply_to_message").and_then(posted) {
        return Some(Incoming::Reply { replay_id, account, to, text: incoming::reason(written) });
    }
    let mut words = written.split_whitespace();
    let verb = words.next()?;
    if !verb.starts_with('/') {
        return None;
    }
    if let (true, Some(code), None) = (verb.eq_ignore_ascii_case("/start"), words.next(), words.next()) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        // In a group everybody would see the code, and what is told later. A
        // conversation of two has the number of the other.
        let private = account == chat.to_string();
        let good = private && code.len() <= MOST_CODE && code.bytes().all(plain);
        return good.then(|| Incoming::Link { replay_id, account, chat, code: code.to_owned() });
    }
    let command = match verb.eq_ignore_ascii_case("/start") {
        true => Ok(Command::Help),
        false => Command::of_text(written),
    };
    Some(Incoming::Command { replay_id, account, chat, command })
}

fn posted(message: &Value) -> Option<Posted> {
    let number = |place: &str| message.pointer(place).and_then(Value::as_i64);
    Some(Posted { chat: number("/chat/id")?, message: number("/message_id")? })
}
