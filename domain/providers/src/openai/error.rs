//! Errors in OpenAI's shape: ours to the client, and the upstream's made safe.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::redact::redact;

/// Longest message that is repeated: a few sentences.
const MAX_MESSAGE: usize = 500;
/// Longest type, code or parameter.
const MAX_WORD: usize = 64;

/// The body of an error answer.
#[must_use]
pub fn body(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Inner<'a>,
    }
    #[derive(Serialize)]
    struct Inner<'a> {
        message: &'a str,
        #[serde(rename = "type")]
        kind: &'a str,
        param: Option<&'a str>,
        code: Option<&'a str>,
    }
    serde_json::to_vec(&Body { error: Inner { message, kind, param, code } }).unwrap_or_default()
}

/// An upstream's error, safe to show and to log: bounded, one line, nothing
/// that looks like a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamError {
    /// What it says; never empty.
    pub message: String,
    /// Its `type`.
    pub kind: Option<String>,
    /// Its `param`.
    pub param: Option<String>,
    /// Its `code`, as text where it is a number.
    pub code: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    error: Option<Value>,
    /// What others than OpenAI say in place of `error`.
    message: Option<Value>,
    detail: Option<Value>,
}

impl UpstreamError {
    /// Reads an error's body: in OpenAI's shape, or whatever else came.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        // What does not fit into the message need not be read as text.
        let start = body.get(..MAX_MESSAGE * 8).unwrap_or(body);
        match serde_json::from_slice::<Wire>(body) {
            Ok(Wire { error: Some(error), .. }) => Self::of(&error),
            Ok(Wire { message: Some(other), .. } | Wire { detail: Some(other), .. }) => Self::of(&other),
            _ => Self::plain(&String::from_utf8_lossy(start)),
        }
    }

    /// Reads the value of `error`.
    pub(crate) fn of(error: &Value) -> Self {
        let word = |key| match error.get(key) {
            Some(Value::String(text)) => Some(safe(text, MAX_WORD)).filter(|text| !text.is_empty()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let message = match (error, error.get("message")) {
            (_, Some(Value::String(text))) | (Value::String(text), _) => safe(text, MAX_MESSAGE),
            _ => safe(&error.to_string(), MAX_MESSAGE),
        };
        Self { kind: word("type"), param: word("param"), code: word("code"), ..Self::plain(&message) }
    }

    fn plain(message: &str) -> Self {
        let message = safe(message, MAX_MESSAGE);
        let message = if message.is_empty() { "the provider gave no reason".to_owned() } else { message };
        Self { message, kind: None, param: None, code: None }
    }
}

/// One line of at most `max` bytes without what looks like a secret.
fn safe(text: &str, max: usize) -> String {
    let words: Vec<&str> =
        text.split(|letter: char| letter.is_control() || letter == ' ').filter(|word| !word.is_empty()).collect();
    // Redacted before it is cut, so that no half of a key is left over.
    let mut line = redact(&words.join(" "));
    if line.len() > max {
        let end = line.floor_char_boundary(max.saturating_sub('…'.len_utf8()));
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_is_pinned() {
        // SDKs map these four keys to their exceptions.
        assert_eq!(
            String::from_utf8(body("no", "invalid_request_error", None, Some("c\"d"))).unwrap(),
            r#"{"error":{"message":"no","type":"invalid_request_error","param":null,"code":"c\"d"}}"#
        );
    }

    #[test]
    fn upstream_errors() {
        for (body, message, code) in [
            (
                r#"{"error":{"message":"Slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
                "Slow down",
                Some("rate_limit_exceeded"),
            ),
            (r#"{"error":{"message":"Overloaded","code":529}}"#, "Overloaded", Some("529")),
            (r#"{"error":"model not found"}"#, "model not found", None),
            (r#"{"message":"a\u0000b\r\n\tc"}"#, "a b c", None),
            (r#"{"detail":[{"msg":"x"}]}"#, r#"[{"msg":"x"}]"#, None),
            ("<html>\n502</html>", "<html> 502</html>", None),
            ("", "the provider gave no reason", None),
            (r#"{"error":{"message":""}}"#, "the provider gave no reason", None),
            (
                r#"{"error":{"message":"Incorrect API key provided: sk-proj-****abcd. See https://platform.openai.com."}}"#,
                "Incorrect API key provided: [redacted] See https://platform.openai.com.",
                None,
            ),
        ] {
            let error = UpstreamError::parse(body.as_bytes());
            assert_eq!((error.message.as_str(), error.code.as_deref()), (message, code), "{body}");
        }
    }

    #[test]
    fn messages_are_bounded() {
        for body in ["é".repeat(100_000), format!(r#"{{"error":{{"message":"{}"}}}}"#, "é ".repeat(90_000))] {
            let error = UpstreamError::parse(body.as_bytes());
            assert!(error.message.len() <= MAX_MESSAGE && error.message.ends_with('…'), "{}", error.message.len());
        }
    }
}
