//! Commands and answers must survive their way as JSON.

use events::Publication;
use serde_json::Value;

use crate::network::{Answer, Request};
use crate::violation::{Checked, Violation, ensure};

const CHECK: &str = "wire format";

/// A request is the same after it was written and read.
pub(crate) fn survives(request: &Request) -> Checked {
    match request {
        Request::Team(command) => round_trip(command.as_ref()),
        Request::Organization(command) => round_trip(command.as_ref()),
    }
}

/// An answer is the same after it was written and read.
pub(crate) fn answer_survives(answer: &Answer) -> Checked {
    match answer {
        Answer::Team(answer) => round_trip(answer),
        Answer::Organization(answer) => round_trip(answer),
    }
}

/// A batch is the same after it was written and read, and no message is larger
/// than the queue takes.
pub(crate) fn batch_survives(batch: &Publication) -> Checked {
    let text = serde_json::to_string(batch).map_err(|error| Violation { check: CHECK, detail: error.to_string() })?;
    ensure(text.len() < 128_000, "a message fits the queue", || format!("{} bytes", text.len()))?;
    ensure(Publication::read(&text).as_ref() == Ok(batch), CHECK, || text)
}

fn round_trip<T: serde::Serialize + serde::de::DeserializeOwned>(message: &T) -> Checked {
    let failed = |error: serde_json::Error| Violation { check: CHECK, detail: error.to_string() };
    let text = serde_json::to_string(message).map_err(failed)?;
    let read: T =
        serde_json::from_str(&text).map_err(|error| Violation { check: CHECK, detail: format!("{error}: {text}") })?;
    let again: Value = serde_json::to_value(read).map_err(failed)?;
    let first: Value = serde_json::from_str(&text).map_err(failed)?;
    ensure(first == again, CHECK, || text)
}
