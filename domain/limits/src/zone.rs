//! The time zone in which an organization's calendar runs.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time zone of the IANA database, by its name (`Europe/Berlin`). The
/// database is part of the program, so that every machine counts alike.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A text that is not the name of a time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone: use a name of the IANA database, like `Europe/Berlin` or `UTC`")]
pub struct ZoneError(String);

impl Zone {
    /// Coordinated universal time: the zone of those who chose none.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Finds a zone by its name, in any case.
    ///
    /// # Errors
    /// [`ZoneError`] when the database knows no such name.
    pub fn parse(name: &str) -> Result<Self, ZoneError> {
        TimeZoneDatabase::bundled()
            .get(name)
            .ok()
            // What has no name could not be written down again.
            .filter(|zone| zone.iana_name().is_some())
            .map(Self)
            .ok_or_else(|| ZoneError(name.chars().take(40).collect()))
    }

    /// The name as the database spells it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// By how much local time is ahead of UTC.
    pub(crate) fn offset_ms(&self, at_ms: i64) -> Option<i64> {
        let offset = self.0.to_offset(Timestamp::from_millisecond(at_ms).ok()?);
        i64::from(offset.seconds()).checked_mul(1000)
    }

    /// The date on the calendar on the wall.
    pub(crate) fn date(&self, at_ms: i64) -> Option<Date> {
        Some(self.0.to_datetime(Timestamp::from_millisecond(at_ms).ok()?).date())
    }

    /// The first moment at which clocks show this day's midnight or later.
    ///
    /// It never decreases from one date to the next, whatever the clocks do:
    /// where midnight is skipped it is the moment of the jump, where midnight
    /// comes twice it is the first, and a date that never was is as long as
    /// nothing.
    pub(crate) fn first_moment(&self, date: Date) -> Option<i64> {
        let midnight = date.to_datetime(Time::midnight());
        match self.0.to_ambiguous_timestamp(midnight).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                Some(offset.to_timestamp(midnight).ok()?.as_millisecond())
            }
            AmbiguousOffset::Gap { before, after } => {
                let low = after.to_timestamp(midnight).ok()?.as_millisecond();
                let high = before.to_timestamp(midnight).ok()?.as_millisecond();
                self.change_between(low, high)
            }
        }
    }

    /// The first moment after `low` at which the offset is no longer that of
    /// `low`, which must have happened by `high`. Halving is slow and simple;
    /// it runs only when clocks change within the hour or at midnight.
    pub(crate) fn change_between(&self, mut low: i64, mut high: i64) -> Option<i64> {
        let old = self.offset_ms(low)?;
        while low.checked_add(1)? < high {
            let middle = low.midpoint(high);
            if self.offset_ms(middle)? == old {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(high)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        Self::parse(name)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&name).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_the_database_spells_it() {
        for (text, name) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("america/new_york", "America/New_York"),
            ("UTC", "UTC"),
            ("utc", "UTC"),
            ("Etc/UTC", "Etc/UTC"),
            ("Asia/Calcutta", "Asia/Calcutta"),
            ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ] {
            let zone = Zone::parse(text).unwrap();
            assert_eq!(zone.name(), name);
            let json = serde_json::to_string(&zone).unwrap();
            assert_eq!(json, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<Zone>(&json).unwrap(), zone);
        }
        assert_eq!(Zone::default().name(), "UTC");
    }

    #[test]
    fn refusals() {
        for text in ["", " ", "Europe/Berln", "+02:00", "CEST", "EST5EDT4", "Etc/Unknown", "local", "../etc/passwd"] {
            assert!(Zone::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            Zone::parse("Europe/Berln").unwrap_err().to_string(),
            "`Europe/Berln` is not a time zone: use a name of the IANA database, like `Europe/Berlin` or `UTC`"
        );
        assert!(Zone::parse(&"x".repeat(1000)).unwrap_err().to_string().len() < 140);
        assert!(serde_json::from_str::<Zone>("7").is_err());
    }
}
