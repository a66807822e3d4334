//! How the amount of a limit is written.

use std::fmt;

use ledger::Millicredits;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::spend::Unit;

/// An amount in some unit, as people and scripts write it: credits are a
/// decimal number in a string (`"12.5"`), tokens and requests a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitAmount {
    /// Credits.
    Credits(Millicredits),
    /// Tokens or requests.
    Count(i64),
}

impl LimitAmount {
    /// The written form of an amount; credits are given in millicredits.
    #[must_use]
    pub const fn new(unit: Unit, amount: i64) -> Self {
        match unit {
            Unit::Credits => Self::Credits(Millicredits::new(amount)),
            Unit::Tokens | Unit::Requests => Self::Count(amount),
        }
    }

    /// The amount in this unit, credits in millicredits; `None` when it was
    /// written for another unit.
    #[must_use]
    pub const fn get(self, unit: Unit) -> Option<i64> {
        match (unit, self) {
            (Unit::Credits, Self::Credits(credits)) => Some(credits.get()),
            (Unit::Tokens | Unit::Requests, Self::Count(count)) => Some(count),
            _ => None,
        }
    }
}

impl fmt::Display for LimitAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credits(credits) => credits.fmt(f),
            Self::Count(count) => count.fmt(f),
        }
    }
}

impl Serialize for LimitAmount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Credits(credits) => credits.serialize(serializer),
            Self::Count(count) => serializer.serialize_i64(*count),
        }
    }
}

impl<'de> Deserialize<'de> for LimitAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = LimitAmount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("credits as a decimal number in a string, or a whole number of tokens or requests")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LimitAmount, E> {
        text.parse().map(LimitAmount::Credits).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, count: i64) -> Result<LimitAmount, E> {
        Ok(LimitAmount::Count(count))
    }

    fn visit_u64<E: Error>(self, count: u64) -> Result<LimitAmount, E> {
        i64::try_from(count).map(LimitAmount::Count).map_err(|_| E::invalid_value(Unexpected::Unsigned(count), &self))
    }
}
