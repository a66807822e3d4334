//! An event with all its occurrences (RFC 5545, 3.8.5): which are left out, and
//! which have been changed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::absence::Absence;
use crate::error::shown;
use crate::ics::clock::Clocks;
use crate::ics::event::{Event, Frame, Name, Times, listed, name};
use crate::ics::expand::Budget;
use crate::ics::occurrences::occurrences;
use crate::ics::rule::Whose;

/// A thousand people with twenty absences each.
pub(crate) const MAX_ABSENCES: usize = 20_000;

/// What a document is asked, and how much may be reckoned for it.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) window: &'a Range<i64>,
    pub(crate) whose: Whose,
    pub(crate) budget: Budget,
}

/// An event, and the clocks of the calendar that it is in.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) event: Event<'a>,
    pub(crate) calendar: usize,
}

/// The absences of all events with one `UID`.
///
/// # Errors
/// Why they cannot be read: then none of them is.
pub(crate) fn read(
    uid: &str,
    events: &[Placed],
    clocks: &mut [Clocks],
    question: &mut Question,
) -> Result<Vec<Absence>, String> {
    if let Some(broken) = events.iter().find_map(|placed| placed.event.lines.broken.as_ref()) {
        return Err(broken.clone());
    }
    let (changes, masters): (Vec<_>, Vec<_>) =
        events.iter().partition(|placed| placed.event.lines.first("RECURRENCE-ID").is_some());
    let mut out = Out { uid, whose: question.whose, absences: Vec::new() };
    // Of the same version the last counts.
    let Some(master) = masters.into_iter().max_by_key(|placed| &placed.event.version) else {
        for (event, times) in replacements(&changes, None, clocks, question)?.0 {
            out.push(event, times.from_ms, times.until_ms)?;
        }
        return Ok(out.absences);
    };
    let event = &master.event;
    // Who cancels an event without saying which occurrence cancels all of it
    // (RFC 5546, 3.2.5).
    if event.cancelled {
        return Ok(Vec::new());
    }
    let own = clocks.get_mut(master.calendar).ok_or("its calendar is missing")?;
    let times = event.times(own, &mut question.budget)?;
    let Question { window, budget, .. } = &mut *question;
    let occurrences = if event.counts { occurrences(event, &times, own, window, budget)? } else { BTreeMap::new() };
    let excluded = excluded(event, &times.frame, own, budget)?;
    let changes = up_to_date(changes, event, &times, clocks, question)?;
    let (changed, replaced) = replacements(&changes, Some((&times.frame, &excluded)), clocks, question)?;
    for (from_ms, (begin, until_ms)) in occurrences {
        let is_in = |names: &BTreeSet<Name>| {
            names.contains(&Name::Moment(from_ms)) || names.contains(&Name::Date(begin.date()))
        };
        if !is_in(&excluded) && !is_in(&replaced) {
            out.push(event, from_ms, until_ms)?;
        }
    }
    for (event, times) in changed {
        out.push(event, times.from_ms, times.until_ms)?;
    }
    Ok(out.absences)
}

/// The changes without those that are older than the series, recur by
/// themselves, and replace nothing in it: Confluence leaves them behind where a
/// series was cut off.
fn up_to_date<'a>(
    mut changes: Vec<&'a Placed<'a>>,
    series: &Event,
    times: &Times,
    clocks: &mut [Clocks],
    question: &mut Question,
) -> Result<Vec<&'a Placed<'a>>, String> {
    for index in (0..changes.len()).rev() {
        let Some(Placed { event, calendar }) = changes.get(index) else { continue };
        if !event.recurs() || event.version.0 >= series.version.0 {
            continue;
        }
        let own = clocks.get_mut(*calendar).ok_or("its calendar is missing")?;
        let begin = match event.replaces(&times.frame, own, &mut question.budget)? {
            Name::Date(date) => times.frame.clock.moment(date.to_datetime(times.begin.time())),
            Name::Moment(at_ms) => Some(at_ms),
        };
        let Some(begin) = begin else { continue };
        let window = begin..begin.saturating_add(1);
        if !occurrences(series, times, own, &window, &mut question.budget)?.contains_key(&begin) {
            changes.remove(index);
        }
    }
    Ok(changes)
}

/// Where absences go.
struct Out<'a> {
    uid: &'a str,
    whose: Whose,
    absences: Vec<Absence>,
}

impl Out<'_> {
    fn push(&mut self, event: &Event, from_ms: i64, until_ms: i64) -> Result<(), String> {
        for who in event.people(self.whose)? {
            if self.absences.len() >= MAX_ABSENCES {
                return Err(format!("it stands for more than {MAX_ABSENCES} absences"));
            }
            self.absences.push(Absence { from_ms, until_ms, uid: shown(self.uid), who, title: event.title() });
        }
        Ok(())
    }
}

/// The events that take the place of single occurrences and are absences
/// themselves, with their times; and which occurrences those are of all.
#[expect(clippy::type_complexity, reason = "both are taken apart at once")]
fn replacements<'a>(
    changes: &[&'a Placed<'a>],
    series: Option<(&Frame, &BTreeSet<Name>)>,
    clocks: &mut [Clocks],
    question: &mut Question,
) -> Result<(Vec<(&'a Event<'a>, Times)>, BTreeSet<Name>), String> {
    let mut latest: BTreeMap<Name, &Placed> = BTreeMap::new();
    for change in changes {
        let own = clocks.get_mut(change.calendar).ok_or("its calendar is missing")?;
        // Somebody who was invited to one occurrence only has no series.
        let alone = Frame { clock: own.own.clone(), all_day: false };
        let frame = series.map_or(&alone, |(frame, _)| frame);
        let name = change.event.replaces(frame, own, &mut question.budget)?;
        let version = |placed: &Placed| placed.event.version.clone();
        if latest.get(&name).is_none_or(|known| version(known) <= version(change)) {
            latest.insert(name, change);
        }
    }
    let replaced = latest.keys().copied().collect();
    let mut events = Vec::new();
    for (name, Placed { event, calendar }) in latest {
        let excluded = series.is_some_and(|(_, excluded)| excluded.contains(&name));
        if event.counts && !event.cancelled && !excluded {
            let own = clocks.get_mut(*calendar).ok_or("its calendar is missing")?;
            events.push((event, event.times(own, &mut question.budget)?));
        }
    }
    Ok((events, replaced))
}

/// The occurrences that `EXDATE` takes out.
fn excluded(event: &Event, frame: &Frame, clocks: &mut Clocks, budget: &mut Budget) -> Result<BTreeSet<Name>, String> {
    let mut excluded = BTreeSet::new();
    for (line, text) in listed(event.lines, "EXDATE") {
        budget.spend(1)?;
        excluded.insert(name(line, text, frame, clocks, budget)?);
    }
    Ok(excluded)
}
