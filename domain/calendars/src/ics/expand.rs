//! The dates of a recurrence rule (RFC 5545, 3.3.10).
//!
//! Every rule that is supported recurs by whole days: its periods are days,
//! weeks, months or years, and each date of a period is either kept or not.
//! `BYDAY` and the others are thus conditions, whether the specification says
//! that they expand or that they limit; where there are none, the first date
//! of the series gives one.

use std::ops::RangeInclusive;

use jiff::SignedDuration;
use jiff::civil::Date;

use crate::ics::recurrence::{ByDay, Frequency, Recurrence};

/// How many dates of all rules of a document are looked at: a quarter of a
/// second in wasm. What came before the window is looked at only of rules with
/// `COUNT`; of one that is daily that is 700 a year, of a yearly one 32.
const MAX_STEPS: u32 = 500_000;

/// How much reckoning a document may still cause.
#[derive(Debug)]
pub(crate) struct Budget {
    steps: u32,
}

impl Budget {
    pub(crate) const fn new() -> Self {
        Self { steps: MAX_STEPS }
    }

    pub(crate) fn spend(&mut self, steps: u32) -> Result<(), String> {
        self.steps = self.steps.checked_sub(steps).ok_or("the recurrence rules up to here take too long to reckon")?;
        Ok(())
    }
}

/// The rule's dates within `range`, sorted, from the first date of the series
/// on. That one is among them only if the rule says so.
///
/// # Errors
/// The budget is used up.
pub(crate) fn dates(
    rule: &Recurrence,
    first: Date,
    range: &RangeInclusive<Date>,
    budget: &mut Budget,
) -> Result<Vec<Date>, String> {
    let until = rule.until.map_or(Date::MAX, |until| plus(until.date(), 1).unwrap_or(Date::MAX));
    let end = until.min(*range.end());
    // What came before must be counted, or need not be looked at.
    let skipped = if rule.count.is_some() { 0 } else { whole_periods(rule, first, *range.start()) };
    let mut left = rule.count.unwrap_or(u32::MAX);
    let mut dates = Vec::new();
    for period in skipped.. {
        budget.spend(1)?;
        let Some(candidates) = Candidates::of(rule, first, period).filter(|found| found.begin <= end) else { break };
        let mut kept = Vec::new();
        for (begin, days) in candidates.spans {
            budget.spend(days.unsigned_abs().into())?;
            let dates = (0..days).filter_map(|day| plus(begin, day.into()));
            kept.extend(dates.filter(|&date| is_kept(rule, first, date)));
        }
        for date in positions(rule, kept).into_iter().filter(|&date| date >= first) {
            if left == 0 {
                return Ok(dates);
            }
            left = left.saturating_sub(1);
            if range.contains(&date) && date <= end {
                dates.push(date);
            }
        }
    }
    Ok(dates)
}

/// That many days later, or earlier.
pub(crate) fn plus(date: Date, days: i64) -> Option<Date> {
    date.checked_add(SignedDuration::from_hours(days.checked_mul(24)?)).ok()
}

/// How many periods certainly end before that date.
fn whole_periods(rule: &Recurrence, first: Date, date: Date) -> u32 {
    let days = date.duration_since(first).as_hours().checked_div(24).unwrap_or_default();
    let longest = match rule.frequency {
        Frequency::Daily => 1,
        Frequency::Weekly => 7,
        Frequency::Monthly => 31,
        Frequency::Yearly => 366,
    };
    let whole = days.checked_div(longest).and_then(|units| units.checked_div(rule.interval.into()));
    u32::try_from(whole.unwrap_or_default().saturating_sub(1)).unwrap_or_default()
}

/// The dates of one period that may be kept, as begins and numbers of days.
struct Candidates {
    begin: Date,
    spans: Vec<(Date, i16)>,
}

impl Candidates {
    /// Those of the n-th period; none if it lies beyond the calendar.
    fn of(rule: &Recurrence, first: Date, period: u32) -> Option<Self> {
        let step = i64::from(period).checked_mul(rule.interval.into())?;
        let one = |begin, days| Some(Self { begin, spans: vec![(begin, days)] });
        match rule.frequency {
            Frequency::Daily => one(plus(first, step)?, 1),
            Frequency::Weekly => {
                let into_week = i64::from(first.weekday().since(rule.week_start));
                one(plus(first, step.checked_mul(7)?.checked_sub(into_week)?)?, 7)
            }
            Frequency::Monthly => {
                let months = i64::from(first.month()).checked_sub(1)?.checked_add(step)?;
                let year = i64::from(first.year()).checked_add(months.div_euclid(12))?;
                let month = months.rem_euclid(12).checked_add(1)?;
                let begin = Date::new(year.try_into().ok()?, month.try_into().ok()?, 1).ok()?;
                one(begin, begin.days_in_month().into())
            }
            Frequency::Yearly => {
                let year = i64::from(first.year()).checked_add(step)?.try_into().ok()?;
                let begin = Date::new(year, 1, 1).ok()?;
                if rule.by_month.is_empty() && !(rule.by_day.is_empty() && rule.by_month_day.is_empty()) {
                    return one(begin, begin.days_in_year());
                }
                let mut months = rule.by_month.clone();
                months.sort_unstable();
                months.dedup();
                if months.is_empty() {
                    months.push(first.month());
                }
                let spans = months.into_iter().filter_map(|month| {
                    let begin = Date::new(year, month, 1).ok()?;
                    Some((begin, begin.days_in_month().into()))
                });
                Some(Self { begin, spans: spans.collect() })
            }
        }
    }
}

fn is_kept(rule: &Recurrence, first: Date, date: Date) -> bool {
    let in_month = rule.by_month.is_empty() || rule.by_month.contains(&date.month());
    in_month && is_on_day_of_month(rule, first, date) && is_on_weekday(rule, first, date)
}

fn is_on_day_of_month(rule: &Recurrence, first: Date, date: Date) -> bool {
    let from_end = date.day().saturating_sub(date.days_in_month()).saturating_sub(1);
    if !rule.by_month_day.is_empty() {
        rule.by_month_day.contains(&date.day()) || rule.by_month_day.contains(&from_end)
    } else if rule.by_day.is_empty() && matches!(rule.frequency, Frequency::Monthly | Frequency::Yearly) {
        date.day() == first.day()
    } else {
        true
    }
}

fn is_on_weekday(rule: &Recurrence, first: Date, date: Date) -> bool {
    if !rule.by_day.is_empty() {
        rule.by_day.iter().any(|by_day| is_day(rule, *by_day, date))
    } else if rule.frequency == Frequency::Weekly {
        date.weekday() == first.weekday()
    } else {
        true
    }
}

/// Whether a date is that weekday, and the n-th of the year, or of the month
/// where the rule is about months.
fn is_day(rule: &Recurrence, by_day: ByDay, date: Date) -> bool {
    let by_year = rule.frequency == Frequency::Yearly && rule.by_month.is_empty();
    let (day, days) = if by_year {
        (date.day_of_year(), date.days_in_year())
    } else {
        (date.day().into(), date.days_in_month().into())
    };
    let nth = |days_before: i16| days_before.div_euclid(7).saturating_add(1);
    let matches = match by_day.ordinal {
        None => true,
        Some(ordinal) if ordinal > 0 => nth(day.saturating_sub(1)) == ordinal,
        Some(ordinal) => nth(days.saturating_sub(day)) == ordinal.saturating_neg(),
    };
    matches && date.weekday() == by_day.weekday
}

/// Those that `BYSETPOS` chooses.
fn positions(rule: &Recurrence, kept: Vec<Date>) -> Vec<Date> {
    if rule.by_set_position.is_empty() {
        return kept;
    }
    let chosen = |index: usize| {
        let from_begin = i16::try_from(index.saturating_add(1)).ok();
        let from_end = i16::try_from(kept.len().saturating_sub(index)).ok().and_then(i16::checked_neg);
        [from_begin, from_end].into_iter().flatten().any(|position| rule.by_set_position.contains(&position))
    };
    kept.iter().enumerate().filter(|(index, _)| chosen(*index)).map(|(_, date)| *date).collect()
}
