//! What Meta sends: pressed buttons, replies, messages, and what was not
//! delivered.

use serde_json::Value;

use crate::crypto::{from_hex, hmac, same};
use crate::endpoint::Secret;
use crate::incoming::{self, Decision, Refusal, check_size, read_button, text};
use crate::outgoing::Headers;

const SIGNATURE: &str = "x-hub-signature-256";
/// Meta's code for a message outside of the window.
const WINDOW_CLOSED: i64 = 131_047;

/// What Meta's question whether the address is ours is answered with: 200 and
/// this text. `query` are the address's parameters; `token` is what was typed
/// into Meta's form.
///
/// # Errors
/// [`Refusal`].
pub fn challenge(token: &Secret, query: &[(&str, &str)]) -> Result<String, Refusal> {
    let field = |name: &str| query.iter().find(|(own, _)| *own == name).map(|&(_, value)| value);
    if field("hub.mode") != Some("subscribe") {
        return Err(Refusal::Malformed("`hub.mode` is not `subscribe`"));
    }
    if !same(field("hub.verify_token").unwrap_or_default().as_bytes(), token.expose().as_bytes()) {
        return Err(Refusal::Signature);
    }
    incoming::challenge(field("hub.challenge").unwrap_or_default())
}

/// A request that Meta sent.
#[derive(Debug)]
pub struct Verified<'a>(&'a [u8]);

/// Whether Meta sent it, by the app's secret. There is no time stamp under the
/// signature: the messages' ids alone say whether they came before.
///
/// # Errors
/// [`Refusal`].
pub fn verify<'a>(secret: &Secret, headers: Headers<'_>, body: &'a [u8]) -> Result<Verified<'a>, Refusal> {
    check_size(body)?;
    let signature = headers.get(SIGNATURE).ok_or(Refusal::MissingHeader(SIGNATURE))?;
    let signature = signature.strip_prefix("sha256=").and_then(from_hex).ok_or(Refusal::Signature)?;
    if !same(&hmac(secret.expose().as_bytes(), &[body]), &signature) {
        return Err(Refusal::Signature);
    }
    Ok(Verified(body))
}

/// What Meta sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Somebody pressed a button.
    Decision(Decision),
    /// Somebody answered a message of ours.
    Reply {
        /// By which it is known if it comes again.
        replay_id: String,
        /// Their number, as `wa_id`.
        account: String,
        /// The id of the number that they wrote to.
        workspace: Option<String>,
        /// The id of the message that they answered.
        to: String,
        /// What they wrote.
        text: Option<String>,
    },
    /// Somebody wrote to us: a code to link their account, or a
    /// [command](crate::command::Command::of_text).
    Written {
        /// By which it is known if it comes again.
        replay_id: String,
        /// Their number, as `wa_id`.
        account: String,
        /// The id of the number that they wrote to.
        workspace: Option<String>,
        /// What they wrote.
        text: String,
    },
    /// A message that was taken did not arrive.
    Undelivered {
        /// By which it is known if it comes again.
        replay_id: String,
        /// The id of the message.
        message: String,
        /// Why not.
        reason: String,
        /// Whether it was sent outside of the window, so that the template
        /// would have arrived.
        window_closed: bool,
    },
}

impl Verified<'_> {
    /// Reads the request: there may be several messages in it, or none that
    /// matter. Answer 200 in any case. What is not understood is left out, so
    /// that it does not keep others from being heard.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] if it is not JSON.
    pub fn read(&self) -> Result<Vec<Incoming>, Refusal> {
        let json = incoming::json(self.0)?;
        let mut read = Vec::new();
        for entry in list(&json, "/entry") {
            for change in list(entry, "/changes") {
                let Some(value) = change.get("value") else { continue };
                let workspace = text(value, "/metadata/phone_number_id");
                read.extend(list(value, "/messages").iter().filter_map(|message| written(message, workspace)));
                read.extend(list(value, "/statuses").iter().filter_map(undelivered));
            }
        }
        Ok(read)
    }
}

fn list<'a>(json: &'a Value, place: &str) -> &'a [Value] {
    json.pointer(place).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn written(message: &Value, workspace: Option<&str>) -> Option<Incoming> {
    let replay_id = text(message, "/id")?.to_owned();
    let account = text(message, "/from")?.to_owned();
    let workspace = workspace.map(str::to_owned);
    // A quick reply of a template comes in another form than a button.
    if let Some(value) = text(message, "/interactive/button_reply/id").or_else(|| text(message, "/button/payload")) {
        let (token, reason_wanted) = read_button(value).ok()?;
        let decision = Decision { replay_id, account, workspace, token, reason: None, reason_wanted };
        return Some(Incoming::Decision(decision));
    }
    let written = text(message, "/text/body")?;
    Some(match text(message, "/context/id") {
        Some(to) => {
            Incoming::Reply { replay_id, account, workspace, to: to.to_owned(), text: incoming::reason(written) }
        }
        None => Incoming::Written { replay_id, account, workspace, text: written.to_owned() },
    })
}

fn undelivered(status: &Value) -> Option<Incoming> {
    let message = text(status, "/id").filter(|_| text(status, "/status") == Some("failed"))?;
    let reason = text(status, "/errors/0/error_data/details").or_else(|| text(status, "/errors/0/title"));
    Some(Incoming::Undelivered {
        replay_id: format!("failed:{message}"),
        message: message.to_owned(),
        reason: crate::outgoing::shown(reason.unwrap_or("no reason given")),
        window_closed: status.pointer("/errors/0/code").and_then(Value::as_i64) == Some(WINDOW_CLOSED),
    })
}
