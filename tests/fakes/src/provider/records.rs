//! What the books show: totals, calls, requests.

use bytes::Bytes;
use hyper::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What all calls since the last reset come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Calls that were accepted, however they ended.
    pub calls: u64,
    /// Calls that were refused with an error status; not among `calls`.
    pub refused: u64,
    /// Accepted and not over yet.
    pub open: u64,
    /// Answered to the end.
    pub done: u64,
    /// Ended by the provider before the end.
    pub cut: u64,
    /// Ended by the client before the end.
    pub aborted: u64,
    /// Input tokens, as reported on the wire.
    pub input_tokens: u64,
    /// Output tokens, as reported on the wire.
    pub output_tokens: u64,
    /// Cached input tokens, as reported on the wire.
    pub cached_tokens: u64,
    /// Reasoning tokens, as reported on the wire.
    pub reasoning_tokens: u64,
    /// Calls that are over and never had a usage sent.
    pub unreported: u64,
    /// Calls that are over and whose usage had no whole number where one
    /// belongs; nothing of theirs is in the sums above.
    pub unreadable: u64,
    /// Input tokens that calls which are over really had.
    pub produced_input_tokens: u64,
    /// Output tokens that were really handed to the socket.
    pub produced_output_tokens: u64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered to the end.
    Done,
    /// Ended by the provider before the end.
    Cut,
    /// Ended by the client before the end.
    Aborted,
    /// Refused with an error status.
    Refused,
}

/// One call that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Counts all calls from 1; it is in the answer's id and `x-request-id`.
    pub number: u64,
    /// The model that was asked for.
    pub model: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// The status sent, 0 if none was.
    pub status: u16,
    /// Input tokens that it really had.
    pub input_tokens: u64,
    /// Output tokens that were really handed to the socket.
    pub output_tokens: u64,
    /// Content chunks that were handed to the socket.
    pub chunks: u32,
    /// The last usage that was handed to the socket, as it was written.
    pub reported: Option<Value>,
}

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The number of its call.
    pub number: u64,
    /// The path.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Recorded {
    /// The body as JSON, `null` if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header's value, empty if it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn to_json(&self) -> Value {
        let headers: serde_json::Map<_, _> = self
            .headers
            .keys()
            .map(|name| {
                let values: Vec<_> =
                    self.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
                (name.to_string(), values.join(", ").into())
            })
            .collect();
        json!({
            "number": self.number,
            "path": self.path,
            "headers": headers,
            "body": self.json(),
            "text": String::from_utf8_lossy(&self.body),
        })
    }
}
