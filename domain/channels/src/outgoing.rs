//! What is sent, and what its answer means.

use std::fmt;

use serde_json::Value;
use url::Url;

use crate::text::{fit, line, verbatim};

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PATCH`.
    Patch,
}

impl Method {
    /// As HTTP spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
        }
    }
}

/// A request to a provider, to be sent as it is, without following redirects.
/// Its debug form shows neither path nor headers, which hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// The headers, with names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        write!(f, "Outgoing({} {host}/…, {} bytes)", self.method.as_str(), self.body.len())
    }
}

impl Outgoing {
    /// A request with a JSON body.
    pub(crate) fn json(method: Method, url: String, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        Self { method, url, headers, body: body.to_string().into_bytes() }
    }

    pub(crate) fn header(mut self, header: (&'static str, String)) -> Self {
        self.headers.push(header);
        self
    }
}

/// The headers of a request or an answer.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a>(pub &'a [(&'a str, &'a str)]);

impl<'a> Headers<'a> {
    /// The first header of that name, in whatever case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|&(_, value)| value)
    }
}

/// What a provider answered.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers<'a>,
    /// The body, or as much of it as was read: 64 KiB are plenty.
    pub body: &'a [u8],
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has it.
    Delivered {
        /// By which it can be changed later, or found at the provider.
        reference: Option<String>,
    },
    /// It may succeed later.
    Retry {
        /// Not before so many milliseconds, if the provider says.
        after_ms: Option<i64>,
    },
    /// It will not succeed however often it is tried.
    Failed {
        /// Why, for whoever set the channel up.
        reason: String,
        /// Whether the address is no more, and nothing shall be sent there.
        gone: bool,
    },
}

/// Nobody waits longer for a provider: a day.
const LONGEST_WAIT_MS: i64 = 24 * 60 * 60 * 1000;

impl Answer<'_> {
    /// The body as JSON; `null` if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or_default()
    }

    pub(crate) const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// What the status alone says, where the body says nothing better.
    pub(crate) fn outcome(&self, reference: Option<String>) -> Outcome {
        match self.status {
            200..=299 => Outcome::Delivered { reference },
            408 | 425 | 429 | 500..=599 => self.retry(),
            status => self.failed(&self.complaint(), matches!(status, 404 | 410)),
        }
    }

    /// Later, at the time that `Retry-After` says. A date is left to the
    /// sender's own patience: no provider here sends one.
    pub(crate) fn retry(&self) -> Outcome {
        Outcome::Retry { after_ms: self.headers.get("retry-after").and_then(seconds) }
    }

    pub(crate) fn failed(&self, complaint: &str, gone: bool) -> Outcome {
        let reason = match complaint {
            "" => format!("the provider answered with status {}", self.status),
            complaint => format!("the provider answered with status {}: {}", self.status, shown(complaint)),
        };
        Outcome::Failed { reason, gone }
    }

    /// What the body complains of, where providers usually say it.
    fn complaint(&self) -> String {
        let json = self.json();
        let said = ["/message", "/error/message", "/error", "/description", "/Message"];
        let said = said.iter().find_map(|place| json.pointer(place)?.as_str().map(str::to_owned));
        said.unwrap_or_else(|| match json {
            Value::Null => String::from_utf8_lossy(self.body).into_owned(),
            _ => String::new(),
        })
    }
}

/// Sets a field of an object.
pub(crate) fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Text from outside, for people: one line of at most 200 characters.
pub(crate) fn shown(text: &str) -> String {
    fit(&line(text), 200, verbatim)
}

/// Seconds as a decimal number, in milliseconds, rounded up to a whole one.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    // What does not fit is longer than anybody waits.
    let whole = whole.parse::<i64>().unwrap_or(LONGEST_WAIT_MS);
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    let more = i64::from(fraction.bytes().skip(3).any(|digit| digit != b'0'));
    let ms = whole.saturating_mul(1000).saturating_add(thousandths.parse::<i64>().ok()?).saturating_add(more);
    Some(ms.min(LONGEST_WAIT_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcome(status: u16, headers: &[(&str, &str)], body: &str) -> Outcome {
        Answer { status, headers: Headers(headers), body: body.as_bytes() }.outcome(None)
    }

    fn failed(reason: &str, gone: bool) -> Outcome {
        Outcome::Failed { reason: format!("the provider answered with status {reason}"), gone }
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        let retry = |after_ms| Outcome::Retry { after_ms };
        for (status, headers, body, expected) in [
            (200, &[][..], "ok", Outcome::Delivered { reference: None }),
            (204, &[], "", Outcome::Delivered { reference: None }),
            (429, &[("Retry-After", "30")], "", retry(Some(30_000))),
            (429, &[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], "", retry(None)),
            (408, &[], "", retry(None)),
            (503, &[("RETRY-AFTER", "99999999999999999999")], "", retry(Some(86_400_000))),
            (301, &[("location", "https://evil.example")], "", failed("301", false)),
            (400, &[], r#"{"message": "bad\r\nthing"}"#, failed("400: bad thing", false)),
            (403, &[], r#"{"error": {"message": "no"}}"#, failed("403: no", false)),
            (404, &[], "no_team", failed("404: no_team", true)),
            (410, &[], "{}", failed("410", true)),
        ] {
            assert_eq!(outcome(status, headers, body), expected, "{status} {body}");
        }
        let long = outcome(400, &[], &"x".repeat(1000));
        assert!(matches!(long, Outcome::Failed { reason, .. } if reason.len() < 300));
    }

    #[test]
    fn seconds_become_milliseconds() {
        for (text, expected) in [
            ("0", Some(0)),
            ("5", Some(5000)),
            (" 1.5 ", Some(1500)),
            ("0.0001", Some(1)),
            ("0.3470000", Some(347)),
            ("", None),
            ("-1", None),
            ("+1", None),
            (".5", None),
            ("1e3", None),
            ("1.5.2", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn shows_no_secret() {
        let url = "https://api.telegram.org/bot1:secret/sendMessage".to_owned();
        let outgoing = Outgoing::json(Method::Post, url, &Value::Null).header(("authorization", "secret".to_owned()));
        assert_eq!(format!("{outgoing:?}"), "Outgoing(POST api.telegram.org/…, 4 bytes)");
    }

    proptest! {
        #[test]
        fn never_panics(status: u16, after: String, body: Vec<u8>) {
            let headers = [("retry-after", after.as_str())];
            let answer = Answer { status, headers: Headers(&headers), body: &body };
            if let Outcome::Retry { after_ms: Some(ms) } = answer.outcome(None) {
                prop_assert!((0..=LONGEST_WAIT_MS).contains(&ms));
            }
        }
    }
}
