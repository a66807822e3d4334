//! Answers that are not streamed. They are passed on as they are; only what
//! settling needs is read.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::seen::Seen;
use super::usage::{ReportedUsage, UsageError};

/// What settling needs of a chat completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The provider's own count, or why there is none.
    pub usage: Result<ReportedUsage, UsageError>,
    /// What is in it, to pay by when there is no usage.
    pub seen: Seen,
    /// The tier that served it, where the provider says so.
    pub service_tier: Option<String>,
}

/// The top level of a completion or of a chunk.
#[derive(Deserialize)]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    pub(crate) choices: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(crate) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) x_groq: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) service_tier: Option<&'a RawValue>,
}

/// `Some` for `null` too.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct WithUsage<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

impl<'a> Answer<'a> {
    /// The usage object, or Groq's: the former where both are there.
    pub(crate) fn usage(&self) -> Option<&'a RawValue> {
        let own = self.usage.filter(|usage| usage.get() != "null");
        own.or_else(|| serde_json::from_str::<WithUsage<'a>>(self.x_groq?.get()).ok()?.usage)
    }

    pub(crate) fn tier(&self) -> Option<String> {
        let tier: Cow<'_, str> = serde_json::from_str(self.service_tier?.get()).ok()?;
        // Known ones are short; it goes into journals.
        Some(tier.chars().take(32).collect())
    }
}

impl Completion {
    /// Reads a body; a body that cannot be read has no usage and counts by
    /// its bytes.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let mut seen = Seen::default();
        let answer = std::str::from_utf8(body).ok().and_then(|text| serde_json::from_str::<Answer<'_>>(text).ok());
        let Some(answer) = answer else {
            seen.unreadable(body.len());
            return Self { usage: Err(UsageError::Missing), seen, service_tier: None };
        };
        if let Some(choices) = answer.choices {
            seen.add(choices.get());
        }
        let usage = answer.usage().map_or(Err(UsageError::Missing), |usage| ReportedUsage::parse(usage.get()));
        Self { usage, seen, service_tier: answer.tier() }
    }
}

/// What settling needs of an embeddings answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingsResponse {
    /// The provider's own count, or why there is none. Without it the
    /// request's own bound is what is left.
    pub usage: Result<ReportedUsage, UsageError>,
}

impl EmbeddingsResponse {
    /// Reads a body.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let usage = std::str::from_utf8(body)
            .ok()
            .and_then(|text| serde_json::from_str::<WithUsage<'_>>(text).ok()?.usage)
            .map_or(Err(UsageError::Missing), |usage| ReportedUsage::parse_embeddings(usage.get()));
        Self { usage }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::FinishReason;

    #[test]
    fn usage_and_what_was_seen() {
        let body = br#"{"id":"c","choices":[
            {"index":0,"message":{"role":"assistant","content":"Hi \u00e9","refusal":null},"finish_reason":"stop"},
            {"index":1,"message":{"content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"now","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}],
            "usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21},"service_tier":"default"}"#;
        let completion = Completion::parse(body);
        assert_eq!(completion.usage.unwrap().output_tokens, 12);
        assert_eq!(completion.service_tier.as_deref(), Some("default"));
        let choices: Vec<_> = completion.seen.choices().collect();
        assert_eq!((choices[0].1.content_bytes, choices[0].1.finish), (5, Some(FinishReason::Stop)));
        assert_eq!((choices[1].1.tool_bytes, choices[1].1.finish), (10, Some(FinishReason::ToolCalls)));
        assert_eq!(completion.seen.output_tokens(), 2 + 3);
        assert!(completion.seen.finished());
    }

    #[test]
    fn what_cannot_be_read_counts_by_its_bytes() {
        for (body, usage, tokens) in [
            (&b"<html>gateway timeout</html>"[..], UsageError::Missing, 7),
            (b"\xff\xfe12", UsageError::Missing, 1),
            (b"{}", UsageError::Missing, 0),
            (
                br#"{"choices":[{"message":{"content":"12345"}}],"usage":{"prompt_tokens":-1}}"#,
                UsageError::NotACount("prompt_tokens"),
                2,
            ),
            (br#"{"choices":"none","usage":null}"#, UsageError::Missing, 2),
        ] {
            let completion = Completion::parse(body);
            assert_eq!(completion.usage, Err(usage), "{body:?}");
            assert_eq!(completion.seen.output_tokens(), tokens, "{body:?}");
        }
    }

    #[test]
    fn embeddings() {
        let response = EmbeddingsResponse::parse(br#"{"data":[],"usage":{"prompt_tokens":5,"total_tokens":5}}"#);
        assert_eq!(response.usage.unwrap().input_tokens, 5);
        assert_eq!(EmbeddingsResponse::parse(b"{").usage, Err(UsageError::Missing));
    }
}
