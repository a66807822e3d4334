//! What is read of calendars, beyond what `tests/reference.rs` compares.

mod documents;
mod limits;
mod marks;
mod times;

use std::ops::Range;

use ::limits::Zone;
use jiff::Timestamp;

use super::{Events, Rule, absences};
use crate::absence::Read;
use crate::error::CalendarError;

/// 2024 and 2025.
const WINDOW: Range<i64> = 1_704_067_200_000..1_767_225_600_000;

fn all() -> Rule {
    Rule { events: Events::All, ..Rule::default() }
}

fn berlin() -> Zone {
    Zone::parse("Europe/Berlin").unwrap()
}

fn document(body: &str) -> String {
    format!("BEGIN:VCALENDAR\n{body}\nEND:VCALENDAR\n")
}

/// An event that begins on line 2 of its document.
fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT")
}

fn read(body: &str, rule: &Rule) -> Result<Read, CalendarError> {
    absences(document(body).as_bytes(), &WINDOW, &berlin(), rule)
}

/// Begins and ends of all absences, as they are in UTC.
fn times(body: &str) -> Vec<String> {
    let read = read(body, &all()).unwrap();
    assert_eq!(read.skipped, [], "{body}");
    let at = |ms| Timestamp::from_millisecond(ms).unwrap().to_string().replace(":00Z", "");
    read.absences.iter().map(|it| format!("{}/{}", at(it.from_ms), at(it.until_ms))).collect()
}

/// Why an event was skipped.
fn reason(lines: &str) -> String {
    let read = read(&event(lines), &all()).unwrap();
    assert_eq!((read.absences.len(), read.skipped.len()), (0, 1), "{lines}");
    read.skipped[0].reason.clone()
}
