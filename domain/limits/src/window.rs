//! The seven windows in which spending is counted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bounds::{self, Bounds};
use crate::zone::Zone;

/// A stretch of the calendar, in the organization's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// A minute of the clock.
    Minute,
    /// An hour of the clock.
    Hour,
    /// Midnight to midnight: 23 to 25 hours where clocks change.
    Day,
    /// Monday to Sunday (ISO 8601).
    Week,
    /// A month of the calendar.
    Month,
    /// Three months that begin with January, April, July or October.
    Quarter,
    /// From the beginning, without end.
    Total,
}

impl Window {
    /// All windows from short to long: the order of every row of seven.
    pub const ALL: [Self; 7] =
        [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Total];

    /// This window's place in a row of seven.
    #[must_use]
    pub const fn of<T>(self, row: &[T; 7]) -> &T {
        let [minute, hour, day, week, month, quarter, total] = row;
        match self {
            Self::Minute => minute,
            Self::Hour => hour,
            Self::Day => day,
            Self::Week => week,
            Self::Month => month,
            Self::Quarter => quarter,
            Self::Total => total,
        }
    }

    /// The window of this kind that contains `now_ms`.
    ///
    /// Windows of a kind follow each other without gap or overlap, and each
    /// minute lies in one window of every other kind. Reckoning with time
    /// zones is slow: on the way of a call, ask a [`Calendar`](crate::Calendar).
    #[must_use]
    pub fn bounds(self, now_ms: i64, zone: &Zone) -> Bounds {
        bounds::of(self, now_ms, zone)
    }

    /// How a limit over this window reads: `per month`.
    pub(crate) const fn phrase(self) -> &'static str {
        match self {
            Self::Minute => "per minute",
            Self::Hour => "per hour",
            Self::Day => "per day",
            Self::Week => "per week",
            Self::Month => "per month",
            Self::Quarter => "per quarter",
            Self::Total => "in total",
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Total => "total",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_has_its_own_place_and_name() {
        for window in Window::ALL {
            assert_eq!(*window.of(&Window::ALL), window);
            assert_eq!(serde_json::to_string(&window).unwrap(), format!("\"{window}\""));
        }
    }
}
