//! What comes back from channels: is it genuine, is it new, and what does it
//! say.
//!
//! Each channel has a `verify`, over the bytes of the body as they came, and
//! only what it lets through can be read. That a request is genuine says that
//! the *provider* sent it: who somebody is with us, the account of theirs says
//! that they linked, and whether a button is theirs its
//! [token](crate::ActionKeys::verify).
//!
//! Whoever has seen a request can send it again while its time stamp is fresh,
//! and providers themselves do when an answer is late. So whatever comes has a
//! `replay_id`: who remembers it for a day, together with the channel, acts
//! once.

use serde_json::Value;

use crate::text::{fit, paragraph, verbatim};
use crate::token::ActionToken;

/// Largest body that is looked at: all of them carry texts that people typed,
/// and Slack's the message whose button was pressed.
pub const MOST_BYTES: usize = 256 * 1024;

/// How far a request's time stamp may be from now, either way: Slack's own
/// advice.
pub(crate) const WINDOW_S: i64 = 5 * 60;

/// Longest reason that is kept.
const MOST_REASON: usize = 500;

/// Why an incoming request is refused. Nothing in it has been acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not signed.
    #[error("the header `{0}` is missing")]
    MissingHeader(&'static str),
    /// Signed too long ago, or in the future: it was kept and sent again, or a
    /// clock is wrong.
    #[error("the request's time stamp is more than five minutes away from now")]
    Stale,
    /// Forged or altered, or the secret is not the one that the provider has.
    #[error("the request's signature is wrong: check that the channel's secret is the provider's")]
    Signature,
    /// More than [`MOST_BYTES`].
    #[error("the request is too large")]
    TooLarge,
    /// Genuine, but not what the provider documents.
    #[error("the request cannot be read: {0}")]
    Malformed(&'static str),
}

/// Somebody pressed a button of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// By which it is known if it comes again.
    pub replay_id: String,
    /// Who pressed it: the provider's id of their account.
    pub account: String,
    /// Where the account belongs: Slack's team, Discord's guild, WhatsApp's
    /// phone number id. It must be the one that the organization linked.
    pub workspace: Option<String>,
    /// What the button carries. Genuine only if
    /// [`verify`](crate::ActionKeys::verify) says so for that person.
    pub token: ActionToken,
    /// Why, if they said.
    pub reason: Option<String>,
    /// Whether the button asks for a reason that has to be asked for in a
    /// second step. Who doesn't want to ask decides right away.
    pub reason_wanted: bool,
}

/// Stands before the token of a button that asks for a reason, in channels
/// that cannot ask within the message.
const ASKS: &str = "r.";

/// A button's value in those channels: 40 or 42 bytes.
pub(crate) fn button_value(token: &ActionToken, reason_asked: bool) -> String {
    let mark = if reason_asked { ASKS } else { "" };
    format!("{mark}{}", token.as_str())
}

/// Reads what [`button_value`] writes, and whether it asks for a reason.
pub(crate) fn read_button(text: &str) -> Result<(ActionToken, bool), Refusal> {
    let (token, asks) = text.strip_prefix(ASKS).map_or((text, false), |token| (token, true));
    Ok((token.parse().map_err(|_| Refusal::Malformed("a button's value is none of ours"))?, asks))
}

/// What a provider asks to be sent back. In a browser, too, it is only text.
pub(crate) fn challenge(text: &str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"<>&\"'".contains(&byte);
    let good = (1..=256).contains(&text.len()) && text.bytes().all(plain);
    good.then(|| text.to_owned()).ok_or(Refusal::Malformed("the challenge is not plain text"))
}

/// A reason as it was typed.
pub(crate) fn reason(text: &str) -> Option<String> {
    Some(fit(&paragraph(text), MOST_REASON, verbatim)).filter(|text| !text.is_empty())
}

/// The body as JSON.
pub(crate) fn json(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::Malformed("it is not JSON"))
}

/// A text of the JSON.
pub(crate) fn text<'a>(json: &'a Value, place: &str) -> Option<&'a str> {
    json.pointer(place)?.as_str().filter(|text| !text.is_empty())
}

/// A text that must be there.
pub(crate) fn required(json: &Value, place: &str, missing: &'static str) -> Result<String, Refusal> {
    text(json, place).map(str::to_owned).ok_or(Refusal::Malformed(missing))
}

/// An id that some write as a number.
pub(crate) fn number(json: &Value, place: &str) -> Option<String> {
    json.pointer(place)?.as_i64().map(|number| number.to_string())
}

/// Whether a time stamp in seconds is fresh.
pub(crate) fn check_age(timestamp: &str, now_ms: i64) -> Result<(), Refusal> {
    // `parse` takes a sign too; providers send digits.
    let digits = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let then_s: i64 = timestamp.parse().ok().filter(|_| digits).ok_or(Refusal::Stale)?;
    let age_s = now_ms.div_euclid(1000).saturating_sub(then_s);
    if age_s.saturating_abs() > WINDOW_S { Err(Refusal::Stale) } else { Ok(()) }
}

/// Whether a body may be looked at.
pub(crate) fn check_size(body: &[u8]) -> Result<(), Refusal> {
    if body.len() > MOST_BYTES { Err(Refusal::TooLarge) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{hex, hmac};
    use crate::endpoint::Secret;
    use crate::outgoing::Headers;
    use crate::{slack, telegram, whatsapp};
    use proptest::prelude::*;
    use serde_json::json;
    use url::form_urlencoded;

    #[test]
    fn a_time_stamp_is_fresh_for_five_minutes_either_way() {
        let now_ms = 1_700_000_000_999;
        for (timestamp, fresh) in [
            ("1700000000", true),
            ("1699999700", true),
            ("1699999699", false),
            ("1700000300", true),
            ("1700000301", false),
            ("0", false),
            ("-1700000000", false),
            ("+1700000000", false),
            ("1700000000.0", false),
            ("9223372036854775807", false),
            ("99999999999999999999", false),
            ("", false),
        ] {
            assert_eq!(check_age(timestamp, now_ms).is_ok(), fresh, "{timestamp}");
        }
        assert_eq!(check_age("9223372036854775807", i64::MIN), Err(Refusal::Stale));
    }

    #[test]
    fn a_button_says_whether_it_asks() {
        let token: ActionToken = "A".repeat(40).parse().unwrap();
        for asks in [false, true] {
            assert_eq!(read_button(&button_value(&token, asks)), Ok((token.clone(), asks)));
            assert!(button_value(&token, asks).len() <= 64, "Telegram's limit");
        }
        assert!(read_button("x").is_err() && read_button("r.r.").is_err());
    }

    /// JSON with the names that providers use, and anything behind them.
    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            prop::sample::select(&["block_actions", "url_verification", "answer_0", "failed", "/start x", "r."][..])
                .prop_map(Value::from),
            Just(Value::from("A".repeat(40))),
        ];
        leaf.prop_recursive(6, 60, 8, |inner| {
            let names = &[
                "type",
                "actions",
                "action_id",
                "value",
                "user",
                "id",
                "state",
                "values",
                "reason",
                "text",
                "challenge",
                "container",
                "team",
                "update_id",
                "callback_query",
                "message",
                "data",
                "from",
                "chat",
                "message_id",
                "reply_to_message",
                "entry",
                "changes",
                "messages",
                "statuses",
                "metadata",
                "interactive",
                "button_reply",
                "button",
                "payload",
                "body",
                "context",
                "status",
                "errors",
                "code",
                "title",
            ][..];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(prop::sample::select(names), inner, 0..8).prop_map(|fields| json!(fields)),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_a_provider_sends_nothing_panics(json in anything(), raw: Vec<u8>) {
            let secret = Secret::parse("secret").unwrap();
            let text = json.to_string();
            let form = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &text).finish();
            for body in [text.as_bytes(), form.as_bytes(), &raw] {
                let signed = format!("v0={}", hex(&hmac(b"secret", &[b"v0:7:", body])));
                let headers = [("x-slack-request-timestamp", "7"), ("x-slack-signature", signed.as_str())];
                let _ = slack::verify(&secret, Headers(&headers), body, 7000).unwrap().read();

                let headers = [("x-telegram-bot-api-secret-token", "secret")];
                let _ = telegram::verify(&secret, Headers(&headers), body).unwrap().read();

                let signed = format!("sha256={}", hex(&hmac(b"secret", &[body])));
                let _ = whatsapp::verify(&secret, Headers(&[("x-hub-signature-256", &signed)]), body).unwrap().read();
            }
        }

        #[test]
        fn what_is_not_signed_is_refused(signature: String, timestamp: String, body: Vec<u8>) {
            let secret = Secret::parse("secret").unwrap();
            let key = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
            let key = crate::discord::PublicKey::parse(key).unwrap();
            let headers = [
                ("x-slack-request-timestamp", timestamp.as_str()),
                ("x-slack-signature", &signature),
                ("x-signature-timestamp", &timestamp),
                ("x-signature-ed25519", &signature),
                ("x-hub-signature-256", &signature),
            ];
            prop_assert!(slack::verify(&secret, Headers(&headers), &body, 0).is_err());
            prop_assert!(crate::discord::verify(&key, Headers(&headers), &body, 0).is_err());
            prop_assert!(whatsapp::verify(&secret, Headers(&headers), &body).is_err());
        }
    }
}
