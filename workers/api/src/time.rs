//! Times as the API writes them: RFC 3339 in UTC.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, in milliseconds since 1970, from then up to the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(i64);

/// 9999-12-31T00:00:00Z: beyond it there is no RFC 3339.
const LAST_MS: i64 = 253_402_214_400_000;

/// A text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time: write it as RFC 3339, like `2026-11-22T13:45:00Z`, with `%2B` for `+` in an address")]
pub(crate) struct TimeError(String);

impl Time {
    /// This many milliseconds after 1970 began.
    pub(crate) const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970.
    pub(crate) const fn ms(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_millisecond(self.0.clamp(0, LAST_MS)).unwrap_or_default();
        // Always to the millisecond, so that texts sort as times do.
        write!(f, "{time:.3}")
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let shown = || TimeError(text.chars().take(60).collect());
        let at: Timestamp = text.parse().map_err(|_| shown())?;
        Some(at.as_millisecond()).filter(|ms| (0..=LAST_MS).contains(ms)).map(Self).ok_or_else(shown)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form() {
        for (text, ms, canonical) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"),
            ("2026-11-22T13:45:00.250Z", 1_795_355_100_250, "2026-11-22T13:45:00.250Z"),
            ("2026-11-22T14:45:00+01:00", 1_795_355_100_000, "2026-11-22T13:45:00.000Z"),
        ] {
            assert_eq!(text.parse(), Ok(Time(ms)), "{text}");
            assert_eq!(Time(ms).to_string(), canonical);
        }
        for text in ["", "2026-11-22", "2026-11-22T13:45:00", "1969-12-31T23:59:59Z", "yesterday", "1795355100"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }
}
