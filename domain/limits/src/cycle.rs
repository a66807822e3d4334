//! Periods that follow each other by the calendar, without gap or overlap.

use std::fmt;
use std::str::FromStr;

use jiff::Span;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::zone::Zone;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// Midnight to midnight.
    Day,
    /// Monday to Sunday (ISO 8601).
    Week,
    /// A month of the calendar.
    Month,
    /// Three months.
    Quarter,
    /// Twelve months.
    Year,
}

/// Periods of the calendar, one after the other.
///
/// A period is known by the date on which it begins, not by the moment: in
/// another time zone it begins at another moment, and is still the same period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cycle {
    /// How long each is.
    pub every: Every,
    /// The month with which a year, and one of its quarters, begins: 1 to 12.
    #[serde(default = "january", skip_serializing_if = "is_january")]
    pub first_month: u8,
}

const fn january() -> u8 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_january(month: &u8) -> bool {
    *month == january()
}

/// The first day of a period. Its text is that of ISO 8601: `2026-11-01`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// A text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day: write it as `2026-11-01`")]
pub struct DayError(String);

impl Cycle {
    /// Whether its month is one.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        1 <= self.first_month && self.first_month <= 12
    }

    /// The first day of the period that a moment lies in. `None` outside of the
    /// years that can be reckoned with.
    #[must_use]
    pub fn at(&self, now_ms: i64, zone: &Zone) -> Option<Day> {
        let date = zone.date(now_ms)?;
        let first = match self.every {
            Every::Day => date,
            Every::Week => {
                let monday = date.weekday().to_monday_zero_offset();
                date.checked_sub(Span::new().try_days(monday).ok()?).ok()?
            }
            Every::Month => date.first_of_month(),
            Every::Quarter => self.month_of(date, 3)?,
            Every::Year => self.month_of(date, 12)?,
        };
        Some(Day(first))
    }

    /// The first day of the period after one. `None` after the last year that
    /// can be reckoned with.
    #[must_use]
    pub fn after(&self, day: Day) -> Option<Day> {
        let span = match self.every {
            Every::Day => Span::new().days(1),
            Every::Week => Span::new().days(7),
            Every::Month => Span::new().months(1),
            Every::Quarter => Span::new().months(3),
            Every::Year => Span::new().months(12),
        };
        day.0.checked_add(span).ok().map(Day)
    }

    /// The beginning of the stretch of so many months, counted from the first
    /// month, that has a date.
    fn month_of(&self, date: Date, months: i16) -> Option<Date> {
        let since = i16::from(date.month()).checked_sub(i16::from(self.first_month))?.checked_rem_euclid(months)?;
        date.first_of_month().checked_sub(Span::new().try_months(since).ok()?).ok()
    }
}

impl Day {
    /// The moment at which it begins in a time zone, in milliseconds since 1970.
    #[must_use]
    pub fn begins_ms(self, zone: &Zone) -> Option<i64> {
        zone.first_moment(self.0)
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        Self(date)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        text.parse().map(Self).map_err(|_| DayError(text.chars().take(40).collect()))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycle(every: Every, first_month: u8) -> Cycle {
        Cycle { every, first_month }
    }

    /// 2026-11-23 is a Monday.
    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn periods_by_the_calendar() {
        let now = at("2026-11-25T12:00:00Z");
        for (every, first_month, first, next) in [
            (Every::Day, 1, "2026-11-25", "2026-11-26"),
            (Every::Week, 1, "2026-11-23", "2026-11-30"),
            (Every::Month, 1, "2026-11-01", "2026-12-01"),
            (Every::Month, 5, "2026-11-01", "2026-12-01"),
            (Every::Quarter, 1, "2026-10-01", "2027-01-01"),
            (Every::Quarter, 2, "2026-11-01", "2027-02-01"),
            (Every::Quarter, 12, "2026-09-01", "2026-12-01"),
            (Every::Year, 1, "2026-01-01", "2027-01-01"),
            (Every::Year, 4, "2026-04-01", "2027-04-01"),
            (Every::Year, 11, "2026-11-01", "2027-11-01"),
            (Every::Year, 12, "2025-12-01", "2026-12-01"),
        ] {
            let cycle = cycle(every, first_month);
            let day = cycle.at(now, &Zone::UTC).unwrap();
            assert_eq!(day.to_string(), first, "{every:?} {first_month}");
            assert_eq!(cycle.after(day).unwrap().to_string(), next, "{every:?} {first_month}");
        }
    }

    #[test]
    fn begins_by_the_clocks_of_the_zone() {
        let (berlin, apia) = (Zone::parse("Europe/Berlin").unwrap(), Zone::parse("Pacific/Apia").unwrap());
        let month = cycle(Every::Month, 1);
        let late = at("2026-11-30T23:30:00Z");
        assert_eq!(month.at(late, &Zone::UTC).unwrap().to_string(), "2026-11-01");
        assert_eq!(month.at(late, &berlin).unwrap().to_string(), "2026-12-01");
        let day: Day = "2026-12-01".parse().unwrap();
        assert_eq!(day.begins_ms(&berlin), Some(at("2026-11-30T23:00:00Z")));
        assert_eq!(day.begins_ms(&Zone::UTC), Some(at("2026-12-01T00:00:00Z")));
        // Samoa left out 2011-12-30: that day is as long as nothing.
        let left_out: Day = "2011-12-30".parse().unwrap();
        let next = cycle(Every::Day, 1).after(left_out).unwrap();
        assert_eq!(left_out.begins_ms(&apia), next.begins_ms(&apia));
    }

    #[test]
    fn each_day_is_in_the_period_that_begins_last() {
        for (every, first_month) in
            [(Every::Day, 1), (Every::Week, 1), (Every::Month, 1), (Every::Quarter, 2), (Every::Year, 4)]
        {
            let cycle = cycle(every, first_month);
            let mut day = cycle.at(at("2023-02-01T00:00:00Z"), &Zone::UTC).unwrap();
            for hours in 0..24 * 800 {
                let now = at("2023-02-01T00:00:00Z") + hours * 3_600_000;
                let next = cycle.after(day).unwrap();
                if next.begins_ms(&Zone::UTC).unwrap() <= now {
                    day = next;
                }
                assert_eq!(cycle.at(now, &Zone::UTC), Some(day), "{every:?} {now}");
            }
        }
    }

    #[test]
    fn texts() {
        let day: Day = "2026-11-01".parse().unwrap();
        assert_eq!(serde_json::to_string(&day).unwrap(), "\"2026-11-01\"");
        assert_eq!(serde_json::from_str::<Day>("\"2026-11-01\"").unwrap(), day);
        for text in ["", "2026-13-01", "November"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        let month: Cycle = serde_json::from_str(r#"{"every":"month"}"#).unwrap();
        assert_eq!(month, cycle(Every::Month, 1));
        assert_eq!(serde_json::to_string(&cycle(Every::Year, 4)).unwrap(), r#"{"every":"year","first_month":4}"#);
        assert!(month.is_valid() && !cycle(Every::Year, 13).is_valid() && !cycle(Every::Year, 0).is_valid());
    }
}
