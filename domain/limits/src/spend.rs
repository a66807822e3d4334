//! What a call takes, in each of the units that can be limited.

use std::fmt;

use ledger::Millicredits;
use serde::{Deserialize, Serialize};

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Credits, in thousandths.
    Credits,
    /// Tokens, of input and output together.
    Tokens,
    /// Calls.
    Requests,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credits => "credits",
            Self::Tokens => "tokens",
            Self::Requests => "requests",
        })
    }
}

/// An amount in every unit. Signed, because a correction may go either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spend {
    /// Credits.
    pub credits: Millicredits,
    /// Tokens.
    pub tokens: i64,
    /// Calls.
    pub requests: i64,
}

impl Spend {
    /// Nothing.
    pub const ZERO: Self = Self { credits: Millicredits::ZERO, tokens: 0, requests: 0 };

    /// So many millicredits, tokens and requests.
    #[must_use]
    pub const fn new(millicredits: i64, tokens: i64, requests: i64) -> Self {
        Self { credits: Millicredits::new(millicredits), tokens, requests }
    }

    /// The amount in one unit; credits in millicredits.
    #[must_use]
    pub const fn get(self, unit: Unit) -> i64 {
        match unit {
            Unit::Credits => self.credits.get(),
            Unit::Tokens => self.tokens,
            Unit::Requests => self.requests,
        }
    }

    /// The sum; `None` when a unit does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            credits: self.credits.checked_add(other.credits)?,
            tokens: self.tokens.checked_add(other.tokens)?,
            requests: self.requests.checked_add(other.requests)?,
        })
    }

    /// The difference; `None` when a unit does not fit.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Some(Self {
            credits: self.credits.checked_sub(other.credits)?,
            tokens: self.tokens.checked_sub(other.tokens)?,
            requests: self.requests.checked_sub(other.requests)?,
        })
    }

    /// Below zero in some unit.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.credits.is_negative() || self.tokens < 0 || self.requests < 0
    }

    /// The sum, not beyond what a counter reserves and not below zero.
    pub(crate) fn counted_up(self, other: Self) -> Self {
        self.counted(other, i64::saturating_add)
    }

    /// The difference, not beyond what a counter reserves and not below zero.
    pub(crate) fn counted_down(self, other: Self) -> Self {
        self.counted(other, i64::saturating_sub)
    }

    fn counted(self, other: Self, sum: fn(i64, i64) -> i64) -> Self {
        Self::new(
            sum(self.credits.get(), other.credits.get()).max(0),
            sum(self.tokens, other.tokens).max(0),
            sum(self.requests, other.requests).max(0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_checked_in_every_unit() {
        let spend = Spend::new(5, 6, 7);
        assert_eq!(spend.checked_add(Spend::new(1, 2, 3)), Some(Spend::new(6, 8, 10)));
        assert_eq!(spend.checked_sub(Spend::new(6, 6, 6)), Some(Spend::new(-1, 0, 1)));
        for large in [Spend::new(i64::MAX, 0, 0), Spend::new(0, i64::MAX, 0), Spend::new(0, 0, i64::MAX)] {
            assert_eq!(spend.checked_add(large), None);
            assert_eq!(Spend::new(-2, -2, -2).checked_sub(large), None);
        }
    }

    #[test]
    fn units_are_not_each_other() {
        let spend = Spend::new(5, 6, 7);
        assert_eq!([Unit::Credits, Unit::Tokens, Unit::Requests].map(|unit| spend.get(unit)), [5, 6, 7]);
        for negative in [Spend::new(-1, 0, 0), Spend::new(0, -1, 0), Spend::new(0, 0, -1)] {
            assert!(negative.is_negative());
        }
        assert!(!Spend::ZERO.is_negative());
    }
}
