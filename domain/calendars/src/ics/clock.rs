//! What clocks show: zones of the IANA database, and those that a calendar
//! defines itself (VTIMEZONE: RFC 5545, 3.6.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::error::shown;
use crate::ics::component::{Calendar, Lines, ZoneLines};
use crate::ics::expand::{Budget, dates};
use crate::ics::recurrence::Recurrence;
use crate::ics::value::{Stamp, offset};
use crate::zones;

/// A clock on some wall.
#[derive(Debug, Clone)]
pub(crate) enum Clock {
    /// One that the database knows.
    Known(TimeZone),
    /// One that the calendar defines: how far it is ahead of UTC before its
    /// first change, and its changes in their order.
    Defined(SignedDuration, Arc<[Change]>),
}

/// That a clock is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    /// When, in UTC.
    at: DateTime,
    /// How far it was ahead of UTC, and is from then on.
    before: SignedDuration,
    after: SignedDuration,
}

impl Clock {
    /// When it shows that time, in milliseconds since 1970. Times that it
    /// shows twice or never are read as [`zones::moment`] says.
    pub(crate) fn moment(&self, civil: DateTime) -> Option<i64> {
        let ahead = match self {
            Self::Known(zone) => return zones::moment(zone, civil),
            Self::Defined(first, changes) => {
                // Until it has been shown by the clock of before, and, where
                // that is set forward, until the new one has come to it.
                let over = |change: &Change| match change.at.checked_add(change.before.max(change.after)) {
                    Ok(shown) => shown <= civil,
                    Err(_) => false,
                };
                changes.iter().rfind(|change| over(change)).map_or(*first, |change| change.after)
            }
        };
        zones::moment(&TimeZone::UTC, civil.checked_sub(ahead).ok()?)
    }

    /// What it shows at that moment.
    pub(crate) fn civil(&self, at_ms: i64) -> Option<DateTime> {
        let at = Timestamp::from_millisecond(at_ms).ok()?;
        let utc = match self {
            Self::Known(zone) => return Some(zone.to_datetime(at)),
            Self::Defined(..) => TimeZone::UTC.to_datetime(at),
        };
        let Self::Defined(first, changes) = self else { return None };
        let ahead = changes.iter().rfind(|change| change.at <= utc).map_or(*first, |change| change.after);
        utc.checked_add(ahead).ok()
    }
}

/// The clocks of a calendar.
#[derive(Debug)]
pub(crate) struct Clocks<'a> {
    /// What times go by that name no zone.
    pub(crate) own: Clock,
    zones: &'a [ZoneLines],
    known: BTreeMap<String, Result<Clock, String>>,
    /// After which no change is looked for.
    last: Date,
}

impl<'a> Clocks<'a> {
    /// The clocks of a calendar. In which zone its owner reads it
    /// (`X-WR-TIMEZONE`) is known better there than here.
    pub(crate) fn new(calendar: &'a Calendar, zone: &TimeZone, last: Date) -> Self {
        let own = calendar.zone.as_deref().and_then(zones::named).unwrap_or_else(|| zone.clone());
        Self { own: Clock::Known(own), zones: &calendar.zones, known: BTreeMap::new(), last }
    }

    /// The clock that a `TZID` names. The database knows better than a
    /// calendar when clocks were and will be set.
    ///
    /// # Errors
    /// No such zone, or its definition cannot be read.
    pub(crate) fn get(&mut self, tzid: &str, budget: &mut Budget) -> Result<Clock, String> {
        if let Some(known) = self.known.get(tzid) {
            return known.clone();
        }
        let clock = self.find(tzid, budget);
        self.known.insert(tzid.to_owned(), clock.clone());
        clock
    }

    fn find(&self, tzid: &str, budget: &mut Budget) -> Result<Clock, String> {
        if let Some(zone) = zones::named(tzid) {
            return Ok(Clock::Known(zone));
        }
        let defines = |zone: &&ZoneLines| zone.own.first("TZID").is_some_and(|line| line.value.trim() == tzid.trim());
        let zone = self.zones.iter().find(defines).ok_or_else(|| {
            format!("`{}` is no time zone of the IANA database, and the calendar does not define it", shown(tzid))
        })?;
        if let Some(zone) = zone.own.text("X-LIC-LOCATION").as_deref().and_then(zones::named) {
            return Ok(Clock::Known(zone));
        }
        let within = |reason| format!("the time zone `{}` cannot be read: {reason}", shown(tzid));
        defined(zone, self.last, budget).map_err(within)
    }
}

fn defined(zone: &ZoneLines, last: Date, budget: &mut Budget) -> Result<Clock, String> {
    let mut changes = Vec::new();
    for lines in &zone.observances {
        changes.extend(observance(lines, last, budget)?);
    }
    if let Some(broken) = &zone.own.broken {
        return Err(broken.clone());
    }
    changes.sort_by_key(|change| change.at);
    let first = changes.first().ok_or("it says nothing")?;
    Ok(Clock::Defined(first.before, changes.into()))
}

/// When clocks are set to this offset (STANDARD, DAYLIGHT).
fn observance(lines: &Lines, last: Date, budget: &mut Budget) -> Result<Vec<Change>, String> {
    if let Some(broken) = &lines.broken {
        return Err(broken.clone());
    }
    let value = |name: &str| lines.first(name).ok_or(format!("line {}: `{name}` is missing", lines.number));
    let bad = |name: &str, number: usize| format!("line {number}: `{name}` cannot be read");
    let ahead = |name: &str| {
        let line = value(name)?;
        offset(line.value.trim()).ok_or_else(|| bad(name, line.number))
    };
    let (before, after) = (ahead("TZOFFSETFROM")?, ahead("TZOFFSETTO")?);
    let line = value("DTSTART")?;
    let begin = Stamp::parse(line.value.trim()).ok_or_else(|| bad("DTSTART", line.number))?.civil();
    // Onsets are written as the clock shows them before it is set, and `UNTIL`
    // in UTC.
    let change = |onset: DateTime| match onset.checked_sub(before) {
        Ok(at) => Ok(Change { at, before, after }),
        Err(_) => Err(bad("DTSTART", line.number)),
    };
    let mut changes = vec![change(begin)?];
    for line in lines.all("RRULE") {
        let rule = Recurrence::parse(&line.value).map_err(|reason| format!("line {}: {reason}", line.number))?;
        for date in dates(&rule, begin.date(), &(begin.date()..=last), budget)? {
            let change = change(date.to_datetime(begin.time()))?;
            let ended = match rule.until {
                Some(Stamp::Time { civil, utc: true }) => change.at > civil,
                Some(until) => change.at.date() > until.date(),
                None => false,
            };
            if !ended {
                changes.push(change);
            }
        }
    }
    for line in lines.all("RDATE") {
        for text in line.value.split(',') {
            budget.spend(1)?;
            let onset = Stamp::parse(text.trim()).ok_or_else(|| bad("RDATE", line.number))?;
            changes.push(change(onset.civil())?);
        }
    }
    Ok(changes)
}
