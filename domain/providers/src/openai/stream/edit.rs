//! Changes frames by their bytes.

use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::openai::rewrite::text;
use crate::openai::usage::{ReportedUsage, UsageError};

/// Where a frame's usage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The value.
    value: Range<usize>,
    /// The key, the value, and the comma that goes with them.
    member: Range<usize>,
}

/// Finds `usage`, a slice of `data`, which is a slice of `frame`. `None` when
/// the key is written in an unusual way: then the frame is left alone.
pub(super) fn locate(frame: &[u8], data: &str, usage: &RawValue) -> Option<Place> {
    let base = data.as_ptr().addr().checked_sub(frame.as_ptr().addr())?;
    let start = usage.get().as_ptr().addr().checked_sub(data.as_ptr().addr())?;
    let end = start + usage.get().len();
    let before = data.get(..start)?.trim_end().strip_suffix(':')?.trim_end().strip_suffix("\"usage\"")?;
    let after = data.get(end..)?;
    let member = match before.trim_end().strip_suffix(',') {
        Some(rest) => rest.len()..end,
        None => match after.trim_start().strip_prefix(',') {
            Some(rest) => before.len()..data.len() - rest.len(),
            None => before.len()..end,
        },
    };
    Some(Place { value: base + start..base + end, member: base + member.start..base + member.end })
}

/// The frame without its usage.
pub(super) fn without(frame: &[u8], place: &Place) -> Bytes {
    splice(frame, &place.member, b"")
}

fn splice(frame: &[u8], cut: &Range<usize>, insert: &[u8]) -> Bytes {
    let head = frame.get(..cut.start).unwrap_or(frame);
    let rest = frame.get(cut.end..).unwrap_or_default();
    [head, insert, rest].concat().into()
}

/// The frame with which a provider reports usage at the end of a stream.
#[derive(Debug, Clone)]
pub struct UsageFrame {
    frame: Bytes,
    place: Option<Place>,
    usage: Result<ReportedUsage, UsageError>,
}

impl UsageFrame {
    pub(super) const fn new(frame: Bytes, place: Option<Place>, usage: Result<ReportedUsage, UsageError>) -> Self {
        Self { frame, place, usage }
    }

    /// The usage in it.
    ///
    /// # Errors
    /// [`UsageError`] when it cannot be read.
    pub const fn usage(&self) -> Result<ReportedUsage, UsageError> {
        self.usage
    }

    /// The frame as it came.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.frame
    }

    /// The frame with `"alfred":{"cost_credits":"…"}` added to its usage.
    #[must_use]
    pub fn with_cost(self, cost_credits: &str) -> Bytes {
        let Some(Place { value, .. }) = self.place else {
            return self.frame;
        };
        // Before the closing brace.
        let at = value.end.saturating_sub(1);
        let inside = self.frame.get(value.start + 1..at).unwrap_or_default();
        let comma = if inside.trim_ascii().is_empty() { "" } else { "," };
        let cost = format!("{comma}\"alfred\":{{\"cost_credits\":{}}}", text(cost_credits));
        splice(&self.frame, &(at..at), cost.as_bytes())
    }
}
