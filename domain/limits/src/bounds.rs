//! Where a window begins and ends.

use jiff::Span;
use jiff::civil::Date;

use crate::window::Window;
use crate::zone::Zone;

/// From `start_ms` up to but without `end_ms`, in milliseconds since 1970.
/// `i64::MIN` and `i64::MAX` stand for no beginning and no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// The first moment of the window.
    pub start_ms: i64,
    /// The first moment after the window.
    pub end_ms: i64,
}

impl Bounds {
    /// All of time.
    pub const ENDLESS: Self = Self { start_ms: i64::MIN, end_ms: i64::MAX };

    /// Whether a moment lies in the window.
    #[must_use]
    pub const fn contains(&self, at_ms: i64) -> bool {
        self.start_ms <= at_ms && (at_ms < self.end_ms || self.end_ms == i64::MAX)
    }
}

/// The calendar runs from the year 1 up to the year 9000, within what the time
/// zone library can reckon. All that is before is one window, and all after.
const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 221_845_392_000_000;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

pub(crate) fn of(window: Window, now_ms: i64, zone: &Zone) -> Bounds {
    let found = match window {
        Window::Total => return Bounds::ENDLESS,
        _ if now_ms < FIRST_MS => {
            return Bounds { start_ms: i64::MIN, end_ms: FIRST_MS };
        }
        _ if now_ms >= LAST_MS => {
            return Bounds { start_ms: LAST_MS, end_ms: i64::MAX };
        }
        Window::Minute => of_clock(MINUTE_MS, now_ms, zone),
        Window::Hour => of_clock(HOUR_MS, now_ms, zone),
        Window::Day | Window::Week | Window::Month | Window::Quarter => of_calendar(window, now_ms, zone),
    };
    // The years above leave no way to fail. If there were one, a window that
    // never ends would refuse too much and never let too much be spent.
    let found = found.unwrap_or(Bounds::ENDLESS);
    Bounds { start_ms: found.start_ms.max(FIRST_MS), end_ms: found.end_ms.min(LAST_MS) }
}

/// Minutes and hours of the clock. A change of the clocks cuts a window off: an
/// hour that is repeated is a window each time, and where clocks move by half
/// an hour one window may last half an hour. None is longer than its name says,
/// so that an hour's allowance does not have to last for two.
fn of_clock(length_ms: i64, now_ms: i64, zone: &Zone) -> Option<Bounds> {
    let offset = zone.offset_ms(now_ms)?;
    let elapsed = now_ms.checked_add(offset)?.checked_rem_euclid(length_ms)?;
    let mut start_ms = now_ms.checked_sub(elapsed)?;
    let mut end_ms = start_ms.checked_add(length_ms)?;
    if zone.offset_ms(start_ms)? != offset {
        start_ms = zone.change_between(start_ms, now_ms)?;
    }
    let last_ms = end_ms.checked_sub(1)?;
    if zone.offset_ms(last_ms)? != offset {
        end_ms = zone.change_between(now_ms, last_ms)?;
    }
    Some(Bounds { start_ms, end_ms })
}

/// Days and longer: from the first moment of a date to that of another.
fn of_calendar(window: Window, now_ms: i64, zone: &Zone) -> Option<Bounds> {
    let first = first_day(window, zone.date(now_ms)?)?;
    let mut next = following(window, first)?;
    let mut start_ms = zone.first_moment(first)?;
    let mut end_ms = zone.first_moment(next)?;
    // Where clocks are put back from just after midnight, the day before shows
    // again for an hour, but the next one has begun.
    while end_ms <= now_ms {
        next = following(window, next)?;
        start_ms = end_ms;
        end_ms = zone.first_moment(next)?;
    }
    Some(Bounds { start_ms, end_ms })
}

fn first_day(window: Window, date: Date) -> Option<Date> {
    match window {
        Window::Week => {
            let monday = date.weekday().to_monday_zero_offset();
            date.checked_sub(Span::new().try_days(monday).ok()?).ok()
        }
        Window::Month => Some(date.first_of_month()),
        Window::Quarter => {
            let month = match date.month() {
                ..=3 => 1,
                4..=6 => 4,
                7..=9 => 7,
                10.. => 10,
            };
            Date::new(date.year(), month, 1).ok()
        }
        _ => Some(date),
    }
}

/// The first day of the window after the one that begins on `first`.
fn following(window: Window, first: Date) -> Option<Date> {
    let span = match window {
        Window::Week => Span::new().days(7),
        Window::Month => Span::new().months(1),
        Window::Quarter => Span::new().months(3),
        _ => Span::new().days(1),
    };
    first.checked_add(span).ok()
}

#[cfg(test)]
mod tests;
