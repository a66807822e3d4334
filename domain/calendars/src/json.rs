//! What the sources that speak JSON have in common.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;

use crate::absence;
use crate::error::{CalendarError, shown};
use crate::ics::plus;
use crate::zones;

/// The most that is read: thousands of absences. Parsed it takes ten times as
/// much, and a worker has 128 MB.
pub(crate) const MAX_BYTES: usize = 2 * 1024 * 1024;
/// A thousand people with ten absences each.
pub(crate) const MAX_ITEMS: usize = 10_000;

/// Reads an answer of which a window is asked.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], window: &Range<i64>) -> Result<T, CalendarError> {
    absence::check(window)?;
    if bytes.len() > MAX_BYTES {
        return Err(CalendarError::TooLarge { most: MAX_BYTES });
    }
    serde_json::from_slice(bytes).map_err(|error| CalendarError::Json(shown(&error.to_string())))
}

/// Refuses lists that nobody has.
pub(crate) fn few<T>(items: &[T]) -> Result<(), CalendarError> {
    if items.len() > MAX_ITEMS {
        return Err(CalendarError::TooMany { what: "entries", most: MAX_ITEMS });
    }
    Ok(())
}

/// A point in time, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    Date(Date),
    Local(DateTime),
    Moment(i64),
}

impl Point {
    /// Reads `2025-06-30`, `2025-06-30T09:00:00` and RFC 3339, whose date and
    /// time may also have a blank between them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() == 10 {
            return text.parse().ok().map(Self::Date);
        }
        // Zones in brackets are of another standard.
        if text.len() < 16 || text.contains('[') {
            return None;
        }
        let moment = text.parse::<Timestamp>().ok().map(|at| Self::Moment(at.as_millisecond()));
        moment.or_else(|| text.parse().ok().map(Self::Local))
    }

    /// When that is; a date begins with it.
    pub(crate) fn moment(self, zone: &TimeZone) -> Option<i64> {
        match self {
            Self::Date(date) => zones::moment(zone, date.to_datetime(Time::midnight())),
            Self::Local(civil) => zones::moment(zone, civil),
            Self::Moment(at_ms) => Some(at_ms),
        }
    }

    /// When the date is over; other points are over at once.
    pub(crate) fn end(self, zone: &TimeZone) -> Option<i64> {
        match self {
            Self::Date(date) => Self::Date(plus(date, 1)?).moment(zone),
            _ => self.moment(zone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, datetime};

    #[test]
    fn points_in_time() {
        for (text, expected) in [
            ("2025-06-30", Some(Point::Date(date(2025, 6, 30)))),
            ("2025-06-30T09:30", Some(Point::Local(datetime(2025, 6, 30, 9, 30, 0, 0)))),
            ("2025-06-30T09:30:00.0000000", Some(Point::Local(datetime(2025, 6, 30, 9, 30, 0, 0)))),
            ("2025-06-30 09:30:00", Some(Point::Local(datetime(2025, 6, 30, 9, 30, 0, 0)))),
            ("1970-01-01T00:00:01Z", Some(Point::Moment(1_000))),
            ("1970-01-01T02:00:01.25+02:00", Some(Point::Moment(1_250))),
            (" 2025-06-30 ", Some(Point::Date(date(2025, 6, 30)))),
            ("2025-02-29", None),
            ("30.06.2025", None),
            ("06/30/2025", None),
            ("2025-06-30T25:00:00Z", None),
            ("2025-06-30T09:30:00+02:00[Europe/Berlin]", None),
            ("2025-06", None),
            ("20250630", None),
            ("", None),
        ] {
            assert_eq!(Point::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn a_date_is_over_when_the_next_begins() {
        let berlin = zones::named("Europe/Berlin").unwrap();
        let point = Point::Date(date(2025, 3, 30));
        // That day the clocks are set forward.
        assert_eq!(point.end(&berlin).unwrap() - point.moment(&berlin).unwrap(), 23 * 3_600_000);
        let point = Point::Moment(7);
        assert_eq!((point.moment(&berlin), point.end(&berlin)), (Some(7), Some(7)));
        assert_eq!(Point::Date(Date::MAX).end(&berlin), None);
    }
}
