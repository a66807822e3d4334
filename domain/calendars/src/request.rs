//! What is asked, and what the answer's head says.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A GET to send. It may contain secrets: its `Debug` shows none.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Where to. A calendar's private address is a secret of its own.
    pub url: String,
    /// Names, in lower case, and values. Where a source has credentials that
    /// are not handed in here, the caller adds them.
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn new(url: String, accept: &str) -> Self {
        Self { url, headers: Vec::new() }.with("accept", accept.to_owned())
    }

    /// With a token (RFC 6750).
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        self.with("authorization", format!("Basic {encoded}"))
    }

    /// Asks only for what has changed.
    pub(crate) fn unless(mut self, validators: &Validators) -> Self {
        let Validators { etag, last_modified } = validators;
        for (name, value) in [("if-none-match", etag), ("if-modified-since", last_modified)] {
            if let Some(value) = value {
                self = self.with(name, value.clone());
            }
        }
        self
    }

    fn with(mut self, name: &str, value: String) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        write!(f, "Request(…, {names:?})")
    }
}

/// By what a server recognises what it has sent before (RFC 9110, 8.8). Kept
/// from an answer that could be read for the next request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`, with its quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// A longer validator is not one that is worth keeping.
const MAX_VALIDATOR_BYTES: usize = 1_000;

impl Validators {
    /// Those of an answer, whose headers `header` looks up by their names in
    /// lower case. What could not be sent back is left out.
    pub fn of(header: impl Fn(&str) -> Option<String>) -> Self {
        let taken = |name| {
            let value = header(name)?;
            let plain = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
            (plain && !value.trim().is_empty() && value.len() <= MAX_VALIDATOR_BYTES).then_some(value)
        };
        Self { etag: taken("etag"), last_modified: taken("last-modified") }
    }
}

/// What an answer is, by its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Its body is to be read.
    Changed,
    /// What was read before still holds (304); the validators, too.
    Unchanged,
}

/// Why there is nothing to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// 401 and 403.
    #[error("the source refuses the credentials or the access (status {0}): check both")]
    Refused(u16),
    /// 404 and 410. Google answers 410 to a position that it has forgotten:
    /// begin again with [`Position::default`](crate::google::Position).
    #[error("the source is not there (status {0}): check the address, or the name of whom it is about")]
    Gone(u16),
    /// 408, 429 and 5xx: may pass.
    #[error("the source cannot answer now (status {0}): it is asked again later")]
    Unavailable(u16),
    /// Anything else.
    #[error("the source answers with the status {0}, not with 200: check the address")]
    Unexpected(u16),
}

impl StatusError {
    /// Whether the same request may be answered later.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// What an answer is, by its status. Redirects are for whoever fetches.
///
/// # Errors
/// [`StatusError`].
pub fn judge(status: u16) -> Result<Answer, StatusError> {
    match status {
        200 => Ok(Answer::Changed),
        304 => Ok(Answer::Unchanged),
        401 | 403 => Err(StatusError::Refused(status)),
        404 | 410 => Err(StatusError::Gone(status)),
        408 | 429 | 500.. => Err(StatusError::Unavailable(status)),
        _ => Err(StatusError::Unexpected(status)),
    }
}

/// One segment of a path, or one value of a query, with all but the
/// unreserved characters encoded (RFC 3986, 2.3).
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The address that a `webcal:` one stands for. Nobody has standardised the
/// scheme; all that publish by it also speak https.
pub(crate) fn https(url: &str) -> Cow<'_, str> {
    let url = url.trim();
    match url.split_once("://") {
        Some((scheme, rest)) if ["webcal", "webcals"].iter().any(|name| scheme.eq_ignore_ascii_case(name)) => {
            Cow::Owned(format!("https://{rest}"))
        }
        _ => Cow::Borrowed(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned((name, value): (&str, &str)) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn validators_are_sent_back_as_they_came() {
        let at = "Wed, 21 Oct 2015 07:28:00 GMT";
        let head = |name: &str| match name {
            "etag" => Some("W/\"a b\"".to_owned()),
            "last-modified" => Some(at.to_owned()),
            _ => None,
        };
        let validators = Validators::of(head);
        let request = Request::new("https://a.example".to_owned(), "text/calendar").unless(&validators);
        let expected = [("accept", "text/calendar"), ("if-none-match", "W/\"a b\""), ("if-modified-since", at)];
        assert_eq!(request.headers, expected.map(owned));
        let json = r#"{"etag":"W/\"a b\"","last_modified":"Wed, 21 Oct 2015 07:28:00 GMT"}"#;
        assert_eq!(serde_json::to_string(&validators).unwrap(), json);
        assert_eq!(serde_json::from_str::<Validators>("{}").unwrap(), Validators::default());
    }

    #[test]
    fn validators_that_could_not_be_sent_are_forgotten() {
        for value in ["", " ", "a\r\nx: y", "ü", &"a".repeat(1_001)] {
            assert_eq!(Validators::of(|_| Some(value.to_owned())), Validators::default(), "{value:?}");
        }
    }

    #[test]
    fn the_status_says_whether_there_is_something_to_read() {
        use StatusError::{Gone, Refused, Unavailable, Unexpected};
        for (status, expected) in [
            (200, Ok(Answer::Changed)),
            (304, Ok(Answer::Unchanged)),
            (204, Err(Unexpected(204))),
            (302, Err(Unexpected(302))),
            (400, Err(Unexpected(400))),
            (401, Err(Refused(401))),
            (403, Err(Refused(403))),
            (404, Err(Gone(404))),
            (410, Err(Gone(410))),
            (429, Err(Unavailable(429))),
            (503, Err(Unavailable(503))),
        ] {
            assert_eq!(judge(status), expected, "{status}");
            let may_pass = judge(status).is_err_and(StatusError::may_pass);
            assert_eq!(may_pass, matches!(status, 429 | 503), "{status}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let request = Request::new("https://a.example/private-s3cret/x.ics".to_owned(), "*/*").basic("s3cret", "x");
        assert_eq!(request.headers[1].1, "Basic czNjcmV0Ong=");
        assert_eq!(format!("{request:?}"), r#"Request(…, ["accept", "authorization"])"#);
    }

    #[test]
    fn whatever_is_not_plain_is_encoded() {
        assert_eq!(encoded("a.b-c_d~E0"), "a.b-c_d~E0");
        assert_eq!(encoded("a b/c?d#e%é@+"), "a%20b%2Fc%3Fd%23e%25%C3%A9%40%2B");
    }

    #[test]
    fn webcal_is_asked_by_https() {
        for (url, expected) in [
            ("webcal://a.example/x?webcal://y", "https://a.example/x?webcal://y"),
            ("WebCal://a.example", "https://a.example"),
            ("https://a.example/webcal", "https://a.example/webcal"),
        ] {
            let request = crate::ics::request(url, &Validators::default());
            assert_eq!(request.url, expected);
            assert_eq!(request.headers, [("accept", "text/calendar")].map(owned));
        }
    }
}
