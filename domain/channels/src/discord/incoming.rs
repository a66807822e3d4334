//! What Discord sends: pings, pressed buttons, reasons, `/alfred`, codes to
//! link an account.

use serde_json::Value;

use crate::command::{Command, CommandError, Person, shown};
use crate::crypto::from_hex;
use crate::incoming::{self, Decision, Refusal, check_age, check_size, read_button, required, text};
use crate::outgoing::Headers;

use super::{Posted, REASON};

const TIMESTAMP: &str = "x-signature-timestamp";
const SIGNATURE: &str = "x-signature-ed25519";
/// The application command, with one option, `text`, for all that is said.
const COMMAND: &str = "alfred";
/// Before a code that links an account.
const LINK: &str = "link";
const LINKING: &str = "link and the code that Alfred shows where you sign in";

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an application's public key: expected the 64 hex digits that Discord shows")]
pub struct PublicKeyError;

/// The key that Discord signs an application's requests with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519_compact::PublicKey);

impl PublicKey {
    /// Reads the key from Discord's developer portal. One with which a
    /// signature could fit anything (RFC 8032, a point of small order) is
    /// refused.
    ///
    /// # Errors
    /// [`PublicKeyError`].
    pub fn parse(text: &str) -> Result<Self, PublicKeyError> {
        let bytes = from_hex(text).ok_or(PublicKeyError)?;
        let key = ed25519_compact::PublicKey::from_slice(&bytes).map_err(|_| PublicKeyError)?;
        key.validate().map(|()| Self(key)).map_err(|_| PublicKeyError)
    }
}

/// A request that Discord sent.
#[derive(Debug)]
pub struct Verified<'a>(&'a [u8]);

/// Whether Discord sent it: Ed25519 over the time stamp and the body. Discord
/// tries wrong signatures on purpose, and wants 401 for an answer.
///
/// # Errors
/// [`Refusal`].
pub fn verify<'a>(key: &PublicKey, headers: Headers<'_>, body: &'a [u8], now_ms: i64) -> Result<Verified<'a>, Refusal> {
    check_size(body)?;
    let timestamp = headers.get(TIMESTAMP).ok_or(Refusal::MissingHeader(TIMESTAMP))?;
    let signature = headers.get(SIGNATURE).ok_or(Refusal::MissingHeader(SIGNATURE))?;
    let signature = from_hex(signature).ok_or(Refusal::Signature)?;
    let signature = ed25519_compact::Signature::from_slice(&signature).map_err(|_| Refusal::Signature)?;
    // It takes only the canonical form of the signature's number, and no
    // points of small order.
    let signed = [timestamp.as_bytes(), body].concat();
    key.0.verify(signed, &signature).map_err(|_| Refusal::Signature)?;
    check_age(timestamp, now_ms)?;
    Ok(Verified(body))
}

/// What Discord sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Discord asks whether the address is ours: answer
    /// [`pong`](super::reply::pong).
    Ping,
    /// Somebody pressed a button, or gave the reason that they were asked for.
    /// Answer within three seconds with one of [`reply`](super::reply).
    Decision {
        /// Who, and which.
        decision: Decision,
        /// Where the message stands.
        posted: Option<Posted>,
    },
    /// Somebody wants to link their account: `/alfred link CODE`.
    Link {
        /// By which it is known if it comes again.
        replay_id: String,
        /// Discord's id of them. [`open_conversation`](super::open_conversation)
        /// finds where they can be written to.
        account: String,
        /// Where they said it: Discord's guild, none in a conversation.
        workspace: Option<String>,
        /// What Alfred showed them.
        code: String,
    },
    /// Somebody used `/alfred`. [`tell`](super::reply::tell) shows the answer
    /// to them alone.
    Command {
        /// By which it is known if it comes again.
        replay_id: String,
        /// Discord's id of them.
        account: String,
        /// Where they said it: Discord's guild, none in a conversation.
        workspace: Option<String>,
        /// What they want, or what is wrong with it.
        command: Result<Command, CommandError>,
    },
    /// Something that there is nothing to be done about: answer 400.
    Other,
}

impl Verified<'_> {
    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn read(&self) -> Result<Incoming, Refusal> {
        let json = incoming::json(self.0)?;
        match json.get("type").and_then(Value::as_i64).ok_or(Refusal::Malformed("no type"))? {
            1 => Ok(Incoming::Ping),
            2 => written(&json),
            3 | 5 => decision(&json),
            _ => Ok(Incoming::Other),
        }
    }
}

/// Who sent it, from where.
struct Sender {
    replay_id: String,
    account: String,
    workspace: Option<String>,
}

impl Sender {
    fn read(json: &Value) -> Result<Self, Refusal> {
        // In a guild it is a member, in a conversation a user.
        let account = text(json, "/member/user/id").or_else(|| text(json, "/user/id"));
        Ok(Self {
            replay_id: required(json, "/id", "no id")?,
            account: account.ok_or(Refusal::Malformed("no user"))?.to_owned(),
            workspace: text(json, "/guild_id").map(str::to_owned),
        })
    }
}

fn written(json: &Value) -> Result<Incoming, Refusal> {
    // One that is chosen from the menu of a message or a person is not typed.
    let chat_input = json.pointer("/data/type").is_none_or(|kind| kind.as_i64() == Some(1));
    if text(json, "/data/name") != Some(COMMAND) || !chat_input {
        return Ok(Incoming::Other);
    }
    let Sender { replay_id, account, workspace } = Sender::read(json)?;
    let options = json.pointer("/data/options").and_then(Value::as_array);
    let typed = options.and_then(|options| options.iter().find(|option| text(option, "/name") == Some("text")));
    let typed = typed.and_then(|option| text(option, "/value")).unwrap_or_default();
    let mut words = typed.split_whitespace();
    if !words.next().is_some_and(|verb| verb.eq_ignore_ascii_case(LINK)) {
        return Ok(Incoming::Command { replay_id, account, workspace, command: Command::parse(typed, person) });
    }
    let wrong = match (words.next(), words.next()) {
        (Some(code), None) => return Ok(Incoming::Link { replay_id, account, workspace, code: code.to_owned() }),
        (_, Some(surplus)) => CommandError::Surplus(shown(surplus), LINKING),
        (None, None) => CommandError::Incomplete(LINKING),
    };
    Ok(Incoming::Command { replay_id, account, workspace, command: Err(wrong) })
}

/// A mention (`<@33>`, of old `<@!33>`), or somebody as anywhere.
fn person(word: &str) -> Option<Person> {
    let Some(mention) = word.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>')) else {
        return Person::of_word(word);
    };
    let id = mention.strip_prefix('!').unwrap_or(mention);
    let good = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| Person::Account(id.to_owned()))
}

fn decision(json: &Value) -> Result<Incoming, Refusal> {
    let id = required(json, "/data/custom_id", "the button has no value")?;
    let (token, asks) = read_button(&id)?;
    let Sender { replay_id, account, workspace } = Sender::read(json)?;
    let decision = Decision {
        replay_id,
        account,
        workspace,
        token,
        reason: json.pointer("/data/components").and_then(typed),
        reason_wanted: asks,
    };
    let posted = text(json, "/message/channel_id").zip(text(json, "/message/id"));
    let posted = posted
        .map(|(conversation, message)| Posted { conversation: conversation.to_owned(), message: message.to_owned() });
    Ok(Incoming::Decision { decision, posted })
}

/// What was typed into the form.
fn typed(components: &Value) -> Option<String> {
    let fields = components.as_array()?.iter().filter_map(|label| label.get("component"));
    let field =
        fields.filter(|field| text(field, "/custom_id") == Some(REASON)).find_map(|field| text(field, "/value"));
    incoming::reason(field?)
}
