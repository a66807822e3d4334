//! Reads one frame.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::edit::{self, Place, UsageFrame};
use crate::openai::completion::Answer;
use crate::openai::error::UpstreamError;
use crate::openai::seen::Seen;
use crate::openai::usage::{ReportedUsage, UsageError};

/// What becomes of a frame.
pub(super) enum Found {
    Unchanged,
    Changed(Bytes),
    Usage(UsageFrame),
}

/// A frame as text.
struct Lines<'f> {
    text: &'f str,
    /// The data in it; a slice of the frame unless it was joined.
    data: &'f str,
    joined: bool,
}

/// What the frames so far said.
#[derive(Debug)]
pub(super) struct Reader {
    client_asked_usage: bool,
    first: bool,
    pub(super) usage: Result<ReportedUsage, UsageError>,
    pub(super) seen: Seen,
    pub(super) done: bool,
    pub(super) error: Option<UpstreamError>,
    pub(super) service_tier: Option<String>,
}

impl Reader {
    pub(super) fn new(client_asked_usage: bool) -> Self {
        Self {
            client_asked_usage,
            first: true,
            usage: Err(UsageError::Missing),
            seen: Seen::default(),
            done: false,
            error: None,
            service_tier: None,
        }
    }

    /// Reads a whole frame, its empty line included.
    pub(super) fn read(&mut self, frame: &Bytes) -> Found {
        let first = std::mem::take(&mut self.first);
        let Ok(text) = std::str::from_utf8(frame) else {
            self.seen.unreadable(frame.len());
            return Found::Unchanged;
        };
        let text = if first { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let Some(data) = data(text) else {
            return Found::Unchanged;
        };
        if data.trim() == "[DONE]" {
            self.done = true;
            return Found::Unchanged;
        }
        // serde would take an array for the fields in their order.
        let answer = data.trim_start().starts_with('{').then(|| serde_json::from_str::<Answer<'_>>(&data).ok());
        let Some(answer) = answer.flatten() else {
            self.seen.unreadable(data.len());
            return Found::Unchanged;
        };
        let joined = matches!(data, Cow::Owned(_));
        self.answer(frame, &Lines { text, data: &data, joined }, &answer)
    }

    fn answer(&mut self, frame: &Bytes, lines: &Lines<'_>, answer: &Answer<'_>) -> Found {
        let has_choices = answer.choices.is_some_and(|choices| self.seen.add(choices.get()));
        if let Some(error) = answer.error {
            let value = serde_json::from_str(error.get()).unwrap_or_default();
            self.error = Some(UpstreamError::of(&value));
        }
        if let Some(tier) = answer.tier() {
            self.service_tier = Some(tier);
        }
        let usage = answer.usage().map_or(Err(UsageError::Missing), |usage| ReportedUsage::parse(usage.get()));
        match usage {
            Err(UsageError::Missing) => {}
            // A later count that cannot be read does not undo an earlier one.
            Err(_) if self.usage.is_ok() => {}
            _ => self.usage = usage,
        }

        let Some(own) = answer.usage else {
            return Found::Unchanged;
        };
        let is_usage_frame = own.get().starts_with('{') && !has_choices && answer.error.is_none();
        if self.client_asked_usage && !is_usage_frame {
            return Found::Unchanged;
        }
        let (frame, place) = place(frame, lines, own);
        match (is_usage_frame, place) {
            (true, place) => Found::Usage(UsageFrame::new(frame, place, usage)),
            (false, Some(place)) => Found::Changed(edit::without(&frame, &place)),
            (false, None) => Found::Unchanged,
        }
    }
}

/// Where the usage is in the frame. Several lines of data are one line in
/// the frame that is sent on.
fn place(frame: &Bytes, lines: &Lines<'_>, usage: &RawValue) -> (Bytes, Option<Place>) {
    if !lines.joined {
        return (frame.clone(), edit::locate(frame, lines.data, usage));
    }
    let one = Bytes::from(one_line(lines.text, lines.data));
    let place = std::str::from_utf8(&one).ok().and_then(|text| {
        let data = self::data(text)?;
        let answer = serde_json::from_str::<Answer<'_>>(&data).ok()?;
        edit::locate(&one, &data, answer.usage?)
    });
    (one, place)
}

/// The frame with its data in one line. Between JSON's parts a space does
/// for a line break, and within its strings there are none.
fn one_line(text: &str, joined: &str) -> String {
    let mut frame = String::with_capacity(text.len());
    for line in text.split(['\n', '\r']).filter(|line| !line.is_empty() && data_of(line).is_none()) {
        frame.push_str(line);
        frame.push('\n');
    }
    frame.push_str("data: ");
    frame.push_str(&joined.replace('\n', " "));
    frame.push_str("\n\n");
    frame
}

/// The data of a frame: of one line as it is, of several joined. `None` when
/// it has none: a comment, or another field alone.
fn data(frame: &str) -> Option<Cow<'_, str>> {
    let mut lines = frame.split(['\n', '\r']).filter_map(data_of);
    let first = lines.next()?;
    let Some(second) = lines.next() else {
        return Some(Cow::Borrowed(first));
    };
    let mut joined = format!("{first}\n{second}");
    for line in lines {
        joined.push('\n');
        joined.push_str(line);
    }
    Some(Cow::Owned(joined))
}

/// What a line adds to the data.
fn data_of(line: &str) -> Option<&str> {
    let data = line.strip_prefix("data")?;
    match data.strip_prefix(':') {
        Some(data) => Some(data.strip_prefix(' ').unwrap_or(data)),
        None => data.is_empty().then_some(""),
    }
}
