//! What sources say: absences, and what could not be read.

use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::CalendarError;

/// When an absence began of which the source says only that it has begun.
pub const BEGUN_MS: i64 = i64::MIN;
/// When an absence ends whose end the source does not know.
pub const OPEN_MS: i64 = i64::MAX;

/// That somebody is away, once, from a moment until before another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Absence {
    /// Its begin, in milliseconds since 1970; [`BEGUN_MS`] if nobody says.
    pub from_ms: i64,
    /// Its end, which is not part of it, in milliseconds since 1970;
    /// [`OPEN_MS`] if nobody knows.
    pub until_ms: i64,
    /// The source's name for it. All occurrences of an event that recurs in an
    /// iCalendar have that event's: only together with `from_ms` is it unique.
    pub uid: String,
    /// Who is away, where the source is about several people: an e-mail
    /// address or the system's own id. Otherwise whom the source is about.
    pub who: Option<String>,
    /// What the source calls it, at most 200 characters.
    pub title: Option<String>,
}

/// What a source says, and what of it could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// Whatever of it lies in the window that was asked about, whole: each
    /// occurrence by itself, sorted by begin, none twice. None is empty.
    pub absences: Vec<Absence>,
    /// What may be an absence and could not be read.
    pub skipped: Vec<Skipped>,
}

/// Something that may be an absence and could not be read. The rest was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The source's name for it; empty if it has none.
    pub uid: String,
    /// Why, and where.
    pub reason: String,
}

/// When somebody is away, whatever the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// As in [`Absence`].
    pub who: Option<String>,
    /// As in [`Absence`].
    pub from_ms: i64,
    /// As in [`Absence`].
    pub until_ms: i64,
}

/// When people are away: absences of the same person that overlap or follow
/// each other without a gap are one. Sorted by person and begin.
#[must_use]
pub fn merged(absences: &[Absence]) -> Vec<Away> {
    let mut sorted: Vec<&Absence> = absences.iter().filter(|absence| absence.from_ms < absence.until_ms).collect();
    sorted.sort_by_key(|absence| (&absence.who, absence.from_ms));
    let mut merged: Vec<Away> = Vec::new();
    for Absence { who, from_ms, until_ms, .. } in sorted {
        match merged.last_mut() {
            Some(last) if last.who == *who && *from_ms <= last.until_ms => last.until_ms = last.until_ms.max(*until_ms),
            _ => merged.push(Away { who: who.clone(), from_ms: *from_ms, until_ms: *until_ms }),
        }
    }
    merged
}

impl Absence {
    /// Whether any of it lies in the window.
    pub(crate) fn touches(&self, window: &Range<i64>) -> bool {
        self.from_ms < self.until_ms && self.from_ms < window.end && window.start < self.until_ms
    }
}

impl Read {
    /// Brings absences into their order, those in the window, each once.
    pub(crate) fn new(mut absences: Vec<Absence>, skipped: Vec<Skipped>, window: &Range<i64>) -> Self {
        absences.retain(|absence| absence.touches(window));
        absences.sort_unstable();
        absences.dedup();
        Self { absences, skipped }
    }
}

/// Checks a window that somebody asks about.
pub(crate) fn check(window: &Range<i64>) -> Result<(), CalendarError> {
    let known = |at_ms| Timestamp::from_millisecond(at_ms).is_ok();
    if window.start < window.end && known(window.start) && known(window.end) {
        Ok(())
    } else {
        Err(CalendarError::Window { from_ms: window.start, until_ms: window.end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absence(who: Option<&str>, from_ms: i64, until_ms: i64) -> Absence {
        Absence { from_ms, until_ms, uid: "u".to_owned(), who: who.map(str::to_owned), title: None }
    }

    #[test]
    fn absences_that_touch_are_one() {
        let absences = [
            absence(Some("b"), 0, 5),
            absence(Some("a"), 30, 40),
            absence(Some("a"), 0, 10),
            absence(Some("a"), 10, 20),
            absence(Some("a"), 2, 3),
            absence(Some("a"), 50, 50),
            absence(Some("a"), 39, OPEN_MS),
            absence(None, BEGUN_MS, 5),
        ];
        let merged = merged(&absences);
        let shown: Vec<_> = merged.iter().map(|away| (away.who.as_deref(), away.from_ms, away.until_ms)).collect();
        let expected = [(None, BEGUN_MS, 5), (Some("a"), 0, 20), (Some("a"), 30, OPEN_MS), (Some("b"), 0, 5)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_lies_in_the_window_is_whole_and_there_once() {
        let absences = vec![
            absence(None, 9, 11),
            absence(None, 0, 10),
            absence(None, 19, 100),
            absence(None, 20, 30),
            absence(None, 15, 15),
            absence(None, 16, 12),
            absence(None, 9, 11),
        ];
        let read = Read::new(absences, Vec::new(), &(10..20));
        assert_eq!(read.absences, [absence(None, 9, 11), absence(None, 19, 100)]);
    }

    #[test]
    fn a_window_has_a_begin_and_an_end() {
        assert_eq!(check(&(0..1)), Ok(()));
        for (from_ms, until_ms) in [(0, 0), (1, 0), (0, i64::MAX), (i64::MIN, 0)] {
            assert_eq!(check(&(from_ms..until_ms)), Err(CalendarError::Window { from_ms, until_ms }));
        }
    }

    #[test]
    fn stored_form_is_pinned() {
        let json = r#"{"from_ms":1,"until_ms":2,"uid":"u","who":null,"title":null}"#;
        assert_eq!(serde_json::to_string(&absence(None, 1, 2)).unwrap(), json);
        assert_eq!(serde_json::from_str::<Absence>(json).unwrap(), absence(None, 1, 2));
    }
}
