//! When an event occurs (RFC 5545, 3.8.5.2 and 3.8.5.3).

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use jiff::civil::{Date, DateTime};

use crate::ics::clock::{Clock, Clocks};
use crate::ics::event::{Event, Frame, Length, Times, bad, listed, moment, stamp};
use crate::ics::expand::{Budget, dates, plus};
use crate::ics::line::Line;
use crate::ics::recurrence::Recurrence;
use crate::ics::value::{Duration, Stamp};

/// One a day for almost three years: what recurs more often in a window is no
/// absence.
const MAX_OCCURRENCES: usize = 1_000;

/// Occurrences by their begin: what the clock shows then, and their end.
pub(crate) type Occurrences = BTreeMap<i64, (DateTime, i64)>;

/// What `DTSTART`, `RRULE` and `RDATE` make, within the window.
pub(crate) fn occurrences(
    event: &Event,
    times: &Times,
    clocks: &mut Clocks,
    window: &Range<i64>,
    budget: &mut Budget,
) -> Result<Occurrences, String> {
    let Times { begin, length, frame: Frame { clock, .. }, .. } = times;
    let mut found = Occurrences::new();
    // Of two with the same begin the first counts; of `DTSTART` the end is known.
    let mut add = |from_ms: i64, begin: DateTime, until_ms: i64| {
        if from_ms < window.end && window.start < until_ms {
            found.entry(from_ms).or_insert((begin, until_ms));
        }
        if found.len() <= MAX_OCCURRENCES { Ok(()) } else { Err(too_often()) }
    };
    // A period says more than that there is an occurrence.
    let (periods, others) = additions(event, times, clocks, budget)?;
    for (from_ms, begin, until_ms) in periods {
        add(from_ms, begin, until_ms)?;
    }
    let rules = event.rules()?;
    // It is an occurrence whether or not the rule says so, unless all of the
    // series was ended before.
    if rules.is_empty() || !rules.iter().all(|rule| has_ended(rule, times, *begin, times.from_ms)) {
        add(times.from_ms, *begin, times.until_ms)?;
    }
    for rule in &rules {
        for date in dates(rule, begin.date(), &around(window, clock, length.days()), budget)? {
            let begin = date.to_datetime(begin.time());
            let both = clock.moment(begin).zip(length.end(begin, clock));
            let Some((from_ms, until_ms)) = both.filter(|(from_ms, _)| !has_ended(rule, times, begin, *from_ms)) else {
                break;
            };
            add(from_ms, begin, until_ms)?;
        }
    }
    for (from_ms, begin, until_ms) in others {
        add(from_ms, begin, until_ms)?;
    }
    Ok(found)
}

fn too_often() -> String {
    format!("it recurs more than {MAX_OCCURRENCES} times in the window")
}

/// The dates on which something can begin that lies in the window.
fn around(window: &Range<i64>, clock: &Clock, days: i64) -> RangeInclusive<Date> {
    let date = |at_ms, days| plus(clock.civil(at_ms)?.date(), days);
    let before = days.saturating_neg();
    date(window.start, before).unwrap_or(Date::MIN)..=date(window.end, 1).unwrap_or(Date::MAX)
}

/// Whether `UNTIL` was before an occurrence. Programs mix dates and times here:
/// of a series of whole days, and in a date, only the day counts.
fn has_ended(rule: &Recurrence, times: &Times, begin: DateTime, from_ms: i64) -> bool {
    match rule.until {
        None => false,
        Some(until) if times.frame.all_day => until.date() < begin.date(),
        Some(Stamp::Date(date)) => date < begin.date(),
        Some(Stamp::Time { civil, utc: false }) => civil < begin,
        Some(Stamp::Time { civil, utc: true }) => {
            let utc = Clock::Known(jiff::tz::TimeZone::UTC);
            utc.moment(civil).is_some_and(|until_ms| until_ms < from_ms)
        }
    }
}

/// An occurrence: when it begins, also as the clock shows it, and ends.
type Occurrence = (i64, DateTime, i64);

/// The occurrences of `RDATE`: periods, and those that last as long as others.
fn additions(
    event: &Event,
    times: &Times,
    clocks: &mut Clocks,
    budget: &mut Budget,
) -> Result<(Vec<Occurrence>, Vec<Occurrence>), String> {
    let (mut periods, mut others) = (Vec::new(), Vec::new());
    for (line, text) in listed(event.lines, "RDATE") {
        budget.spend(1)?;
        let found = addition(line, text, times, clocks, budget)?;
        if text.contains('/') { periods.push(found) } else { others.push(found) }
    }
    Ok((periods, others))
}

/// An occurrence of `RDATE`: a date, a time, or a period.
fn addition(
    line: &Line,
    text: &str,
    times: &Times,
    clocks: &mut Clocks,
    budget: &mut Budget,
) -> Result<Occurrence, String> {
    let Times { frame: Frame { clock, all_day }, .. } = times;
    let (text, end) = text.split_once('/').map_or((text, None), |(text, end)| (text, Some(end.trim())));
    let (from_ms, begin) = match stamp(line, text)? {
        Stamp::Time { .. } if !all_day => {
            let from_ms = moment(line, stamp(line, text)?, clock, clocks, budget)?;
            (from_ms, clock.civil(from_ms).ok_or_else(|| bad(line))?)
        }
        // The day counts; the time is that of the others.
        stamp => {
            let begin = stamp.date().to_datetime(times.begin.time());
            (clock.moment(begin).ok_or_else(|| bad(line))?, begin)
        }
    };
    let until_ms = match end {
        None => times.length.end(begin, clock),
        Some(end) => match Duration::parse(end) {
            Some(length) => Length::Stated(length).end(begin, clock),
            None => Some(moment(line, stamp(line, end)?, clock, clocks, budget)?),
        },
    };
    match until_ms {
        Some(until_ms) if from_ms <= until_ms => Ok((from_ms, begin, until_ms)),
        Some(_) => Err(format!("line {}: a period ends before it begins", line.number)),
        None => Err(bad(line)),
    }
}
