//! What Slack sends: pressed buttons, `/alfred …`, and the question whether
//! the address is ours.

use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::command::{Command, CommandError, Person};
use crate::crypto::{from_hex, hex, hmac, same};
use crate::endpoint::Secret;
use crate::incoming::{self, Decision, Refusal, check_age, check_size, required, text};
use crate::outgoing::Headers;

use super::{ANSWER, Posted, REASON_BLOCK, REASON_FIELD};

const TIMESTAMP: &str = "x-slack-request-timestamp";
const SIGNATURE: &str = "x-slack-signature";

/// A request that Slack sent.
#[derive(Debug)]
pub struct Verified<'a>(&'a [u8]);

/// Whether Slack sent it, by the app's signing secret
/// (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).
///
/// # Errors
/// [`Refusal`].
pub fn verify<'a>(secret: &Secret, headers: Headers<'_>, body: &'a [u8], now_ms: i64) -> Result<Verified<'a>, Refusal> {
    check_size(body)?;
    let timestamp = headers.get(TIMESTAMP).ok_or(Refusal::MissingHeader(TIMESTAMP))?;
    let signature = headers.get(SIGNATURE).ok_or(Refusal::MissingHeader(SIGNATURE))?;
    let signature = signature.strip_prefix("v0=").and_then(from_hex).ok_or(Refusal::Signature)?;
    let made = hmac(secret.expose().as_bytes(), &[b"v0:", timestamp.as_bytes(), b":", body]);
    if !same(&made, &signature) {
        return Err(Refusal::Signature);
    }
    check_age(timestamp, now_ms)?;
    Ok(Verified(body))
}

/// What Slack sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Slack asks whether the address is ours: answer with the text.
    Challenge(String),
    /// Somebody pressed a button. Answer within three seconds.
    Decision {
        /// Who, and which.
        decision: Decision,
        /// Where the message stands.
        posted: Option<Posted>,
        /// Where [`respond`](super::webhook::respond) can replace it.
        response_url: Option<String>,
    },
    /// Somebody typed `/alfred …`.
    Command {
        /// By which it is known if it comes again.
        replay_id: String,
        /// Slack's id of whoever typed it.
        account: String,
        /// Slack's id of the workspace.
        workspace: Option<String>,
        /// What they want, or what is wrong with it.
        command: Result<Command, CommandError>,
        /// Where [`tell`](super::webhook::tell) can answer.
        response_url: Option<String>,
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
        if self.0.first() == Some(&b'{') {
            return self.event();
        }
        let mut fields = form_urlencoded::parse(self.0);
        match fields.find(|(name, _)| name == "payload") {
            Some((_, payload)) => self.interaction(payload.as_bytes()),
            None => Ok(self.command()),
        }
    }

    fn event(&self) -> Result<Incoming, Refusal> {
        let json = incoming::json(self.0)?;
        if text(&json, "/type") != Some("url_verification") {
            return Ok(Incoming::Other);
        }
        incoming::challenge(text(&json, "/challenge").unwrap_or_default()).map(Incoming::Challenge)
    }

    fn interaction(&self, payload: &[u8]) -> Result<Incoming, Refusal> {
        let json = incoming::json(payload)?;
        let ours = text(&json, "/actions/0/action_id").is_some_and(|id| id.starts_with(ANSWER));
        if text(&json, "/type") != Some("block_actions") || !ours {
            return Ok(Incoming::Other);
        }
        let value = required(&json, "/actions/0/value", "the button has no value")?;
        let token = value.parse().map_err(|_| Refusal::Malformed("a button's value is none of ours"))?;
        let typed = format!("/state/values/{REASON_BLOCK}/{REASON_FIELD}/value");
        let decision = Decision {
            replay_id: self.replay_id(text(&json, "/trigger_id")),
            account: required(&json, "/user/id", "no user")?,
            // Of an app that a whole enterprise installed there is no team.
            workspace: text(&json, "/team/id").or_else(|| text(&json, "/user/team_id")).map(str::to_owned),
            token,
            reason: text(&json, &typed).and_then(|typed| incoming::reason(&unescaped(typed))),
            reason_wanted: false,
        };
        let conversation = text(&json, "/container/channel_id").or_else(|| text(&json, "/channel/id"));
        let ts = text(&json, "/container/message_ts").or_else(|| text(&json, "/message/ts"));
        let posted = conversation
            .zip(ts)
            .map(|(conversation, ts)| Posted { conversation: conversation.to_owned(), ts: ts.to_owned() });
        let response_url = text(&json, "/response_url").map(str::to_owned);
        Ok(Incoming::Decision { decision, posted, response_url })
    }

    fn command(&self) -> Incoming {
        let field = |name: &str| {
            let mut fields = form_urlencoded::parse(self.0);
            fields.find(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| value.into_owned())
        };
        let Some(account) = field("command").and_then(|_| field("user_id")) else { return Incoming::Other };
        let typed = field("text").unwrap_or_default();
        Incoming::Command {
            replay_id: self.replay_id(field("trigger_id").as_deref()),
            account,
            workspace: field("team_id"),
            command: Command::parse(&plain(&typed), person),
            response_url: field("response_url"),
        }
    }

    /// Each press and each command has a trigger of its own.
    fn replay_id(&self, trigger: Option<&str>) -> String {
        trigger.map_or_else(|| hex(&Sha256::digest(self.0)), str::to_owned)
    }
}

/// What stands in a command for a person: `<@U012ABC>` by then, if Slack was
/// told to escape names, and `@name` if it was not.
fn person(word: &str) -> Option<Person> {
    match word.strip_prefix("<@").and_then(|id| id.strip_suffix('>')) {
        Some(id) => Some(Person::Account(id.to_owned())),
        None => Person::of_word(word),
    }
}

/// A command's text as it was typed. Slack writes links as `<url|label>` and
/// people as `<@id|name>`; of those the id is kept, for [`person`].
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((inside, after)) = after.split_once('>') else { break };
        out.push_str(&unescaped(before));
        let (target, label) = inside.split_once('|').unwrap_or((inside, ""));
        match (target.strip_prefix('@'), label) {
            (Some(id), _) => out.push_str(&format!("<@{id}>")),
            (None, "") => out.push_str(&unescaped(target)),
            (None, label) => out.push_str(&unescaped(label)),
        }
        rest = after;
    }
    out.push_str(&unescaped(rest));
    out
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
