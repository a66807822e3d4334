//! iCalendar (RFC 5545): the feeds that calendars publish.

mod clock;
mod component;
mod event;
mod expand;
mod line;
mod occurrences;
mod recurrence;
mod rule;
mod series;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use limits::Zone;

use crate::absence::{self, Absence, Read, Skipped};
use crate::error::{CalendarError, shown};
use crate::request::{Request, Validators, https};
use crate::zones;
use clock::Clocks;
use event::Event;
use expand::Budget;
use series::{MAX_ABSENCES, Placed, Question};

pub(crate) use expand::plus;
pub use rule::{Events, Rule, RuleError, Whose};

/// The most that is read: some 20,000 events. A worker has 128 MB.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Asks for a calendar, of a [`Source`](crate::Source) that has been checked.
#[must_use]
pub fn request(url: &str, validators: &Validators) -> Request {
    Request::new(https(url).into_owned(), "text/calendar").unless(validators)
}

/// The absences of a calendar that lie in the window.
///
/// Times without a zone, and whole days, are those of the calendar's own zone
/// if it names one (`X-WR-TIMEZONE`), otherwise of `zone`.
///
/// # Errors
/// [`CalendarError`], where nothing can be read. An event that cannot be read,
/// or recurs by a rule that is not supported, is skipped with all of its
/// occurrences and changes.
pub fn absences(bytes: &[u8], window: &Range<i64>, zone: &Zone, rule: &Rule) -> Result<Read, CalendarError> {
    absence::check(window)?;
    if bytes.len() > MAX_BYTES {
        return Err(CalendarError::TooLarge { most: MAX_BYTES });
    }
    let calendars = component::read(bytes, rule.whose.property())?;
    let patterns = rule.patterns();
    let zone = zones::of(zone);
    let last = last_day(window);
    let mut clocks: Vec<Clocks> = calendars.iter().map(|calendar| Clocks::new(calendar, &zone, last)).collect();
    let mut skipped = Vec::new();
    let mut by_uid: BTreeMap<String, Vec<Placed>> = BTreeMap::new();
    for (index, calendar) in calendars.iter().enumerate() {
        for lines in &calendar.events {
            let event = Event::new(lines, rule, &patterns);
            by_uid.entry(event.uid()).or_default().push(Placed { event, calendar: index });
        }
    }
    let mut question = Question { window, whose: rule.whose, budget: Budget::new() };
    let mut absences: Vec<Absence> = Vec::new();
    // Of an event that cannot be read nobody knows whether it counts.
    let matters = |placed: &Placed| placed.event.counts || placed.event.lines.broken.is_some();
    for (uid, events) in by_uid.iter().filter(|(_, events)| events.iter().any(matters)) {
        match series::read(uid, events, &mut clocks, &mut question) {
            Ok(found) => absences.extend(found.into_iter().filter(|absence| absence.touches(window))),
            Err(reason) => skipped.push(Skipped { uid: shown(uid), reason }),
        }
        if absences.len() > MAX_ABSENCES {
            return Err(CalendarError::TooMany { what: "absences in the window", most: MAX_ABSENCES });
        }
    }
    Ok(Read::new(absences, skipped, window))
}

/// After which no clock needs to be known.
fn last_day(window: &Range<i64>) -> Date {
    let last = Timestamp::from_millisecond(window.end).ok();
    let date = last.map(|at| TimeZone::UTC.to_datetime(at).date());
    date.and_then(|date| expand::plus(date, 2)).unwrap_or(Date::MAX)
}
