//! A limit, and which limits there can be.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::amount::LimitAmount;
use crate::spend::Unit;
use crate::window::Window;

/// What a limit is for, and so how its refusal reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A cap on spending: waiting a moment does not help (402).
    Cap,
    /// A rate limit: the next minute helps (429).
    Rate,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cap => "cap",
            Self::Rate => "rate",
        })
    }
}

/// So much of a unit in each window of a kind, for whomever it is set.
///
/// Its JSON form, pinned by a test:
/// `{"kind":"cap","window":"month","unit":"credits","amount":"1000"}`. When
/// `kind` is left out, tokens or requests per minute are a rate limit and
/// everything else is a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Limit {
    kind: Kind,
    window: Window,
    unit: Unit,
    amount: i64,
}

/// Why a limit cannot be; in the order in which it is examined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The amount is written in the way of another unit.
    #[error("the amount of a limit in {unit} is written as {expected}, like {example}")]
    Form {
        /// The limit's unit.
        unit: Unit,
        /// How amounts in this unit are written.
        expected: &'static str,
        /// One that is.
        example: &'static str,
    },
    /// Below zero.
    #[error("`{0}` is below zero: the least limit is 0, which allows nothing")]
    Negative(LimitAmount),
    /// Beyond what makes sense.
    #[error("`{amount}` is too large: the largest limit in {unit} is {largest}")]
    TooLarge {
        /// The amount.
        amount: LimitAmount,
        /// Its unit.
        unit: Unit,
        /// The largest.
        largest: LimitAmount,
    },
    /// A rate limit over another window than the minute.
    #[error("a rate limit is per minute, not {}: use a cap", .0.phrase())]
    RateWindow(Window),
    /// A rate limit in credits.
    #[error("a rate limit counts tokens or requests, not credits: use a cap")]
    RateUnit,
}

impl Limit {
    /// 10^15 credits: a thousand million dollars at the default rate, and two
    /// such limits can be added up in 64 bits of millicredits.
    pub const MAX_MILLICREDITS: i64 = 1_000_000_000_000_000_000;
    /// 10^15 tokens or requests, which every JSON reader keeps exactly.
    pub const MAX_COUNT: i64 = 1_000_000_000_000_000;

    /// A limit of `amount` (credits in millicredits) per window.
    ///
    /// # Errors
    /// [`LimitError`] when there cannot be such a limit.
    pub fn new(kind: Kind, window: Window, unit: Unit, amount: i64) -> Result<Self, LimitError> {
        let largest = match unit {
            Unit::Credits => Self::MAX_MILLICREDITS,
            Unit::Tokens | Unit::Requests => Self::MAX_COUNT,
        };
        if amount < 0 {
            return Err(LimitError::Negative(LimitAmount::new(unit, amount)));
        }
        if amount > largest {
            let (amount, largest) = (LimitAmount::new(unit, amount), LimitAmount::new(unit, largest));
            return Err(LimitError::TooLarge { amount, unit, largest });
        }
        if kind == Kind::Rate && window != Window::Minute {
            return Err(LimitError::RateWindow(window));
        }
        if kind == Kind::Rate && unit == Unit::Credits {
            return Err(LimitError::RateUnit);
        }
        Ok(Self { kind, window, unit, amount })
    }

    /// Cap or rate limit.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The window it is over.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// What it counts.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// How much; credits in millicredits.
    #[must_use]
    pub const fn amount(&self) -> i64 {
        self.amount
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = LimitAmount::new(self.unit, self.amount);
        write!(f, "{amount} {} {}", self.unit, self.window.phrase())
    }
}

/// A limit as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    kind: Option<Kind>,
    window: Window,
    unit: Unit,
    amount: LimitAmount,
}

impl From<Limit> for Written {
    fn from(limit: Limit) -> Self {
        Self {
            kind: Some(limit.kind),
            window: limit.window,
            unit: limit.unit,
            amount: LimitAmount::new(limit.unit, limit.amount),
        }
    }
}

impl TryFrom<Written> for Limit {
    type Error = LimitError;

    fn try_from(written: Written) -> Result<Self, LimitError> {
        let unit = written.unit;
        let (default, expected, example) = match (written.window, unit) {
            (_, Unit::Credits) => (Kind::Cap, "a decimal number in a string", "\"12.5\""),
            (Window::Minute, _) => (Kind::Rate, "a whole number", "60"),
            _ => (Kind::Cap, "a whole number", "60"),
        };
        let amount = written.amount.get(unit).ok_or(LimitError::Form { unit, expected, example })?;
        Self::new(written.kind.unwrap_or(default), written.window, unit, amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_form_is_pinned() {
        // Limits are stored in actors and written by admins' scripts.
        for (limit, json) in [
            (
                Limit::new(Kind::Cap, Window::Month, Unit::Credits, 1_000_000),
                r#"{"kind":"cap","window":"month","unit":"credits","amount":"1000"}"#,
            ),
            (
                Limit::new(Kind::Cap, Window::Total, Unit::Credits, Limit::MAX_MILLICREDITS),
                r#"{"kind":"cap","window":"total","unit":"credits","amount":"1000000000000000"}"#,
            ),
            (
                Limit::new(Kind::Cap, Window::Minute, Unit::Credits, 1),
                r#"{"kind":"cap","window":"minute","unit":"credits","amount":"0.001"}"#,
            ),
            (
                Limit::new(Kind::Rate, Window::Minute, Unit::Requests, 60),
                r#"{"kind":"rate","window":"minute","unit":"requests","amount":60}"#,
            ),
            (
                Limit::new(Kind::Rate, Window::Minute, Unit::Tokens, Limit::MAX_COUNT),
                r#"{"kind":"rate","window":"minute","unit":"tokens","amount":1000000000000000}"#,
            ),
            (
                Limit::new(Kind::Cap, Window::Day, Unit::Tokens, 0),
                r#"{"kind":"cap","window":"day","unit":"tokens","amount":0}"#,
            ),
        ] {
            let limit = limit.unwrap();
            assert_eq!(serde_json::to_string(&limit).unwrap(), json);
            assert_eq!(serde_json::from_str::<Limit>(json).unwrap(), limit);
            // None of these needs to say its kind.
            let start = json.find("\"window").unwrap();
            assert_eq!(serde_json::from_str::<Limit>(&format!("{{{}", &json[start..])).unwrap(), limit);
        }
        let cap = r#"{"kind":"cap","window":"minute","unit":"requests","amount":60}"#;
        assert_eq!(serde_json::from_str::<Limit>(cap).unwrap().kind(), Kind::Cap);
    }

    #[test]
    fn refusals_say_what_to_write() {
        for (json, message) in [
            (
                r#"{"window":"month","unit":"credits","amount":1000}"#,
                "the amount of a limit in credits is written as a decimal number in a string, like \"12.5\"",
            ),
            (
                r#"{"window":"month","unit":"tokens","amount":"1000"}"#,
                "the amount of a limit in tokens is written as a whole number, like 60",
            ),
            (r#"{"window":"month","unit":"credits","amount":"1.0001"}"#, "`1.0001` is finer than a millicredit"),
            (r#"{"window":"month","unit":"credits","amount":"much"}"#, "`much` is not an amount"),
            (
                r#"{"window":"month","unit":"tokens","amount":1.5}"#,
                "expected credits as a decimal number in a string, or",
            ),
            (r#"{"window":"month","unit":"tokens","amount":1e3}"#, "or a whole number of tokens or requests"),
            (
                r#"{"window":"month","unit":"tokens","amount":18446744073709551615}"#,
                "invalid value: integer `18446744073709551615`",
            ),
            (r#"{"window":"month","unit":"tokens","amount":null}"#, "invalid type: null"),
            (r#"{"window":"month","unit":"credits","amount":"-0.5"}"#, "`-0.5` is below zero"),
            (r#"{"window":"month","unit":"tokens","amount":-1}"#, "`-1` is below zero"),
            (
                r#"{"window":"month","unit":"credits","amount":"1000000000000000.001"}"#,
                "`1000000000000000.001` is too large: the largest limit in credits is 1000000000000000",
            ),
            (
                r#"{"window":"day","unit":"requests","amount":1000000000000001}"#,
                "`1000000000000001` is too large: the largest limit in requests is 1000000000000000",
            ),
            (
                r#"{"kind":"rate","window":"total","unit":"tokens","amount":1}"#,
                "a rate limit is per minute, not in total: use a cap",
            ),
            (
                r#"{"kind":"rate","window":"minute","unit":"credits","amount":"1"}"#,
                "a rate limit counts tokens or requests, not credits: use a cap",
            ),
            (r#"{"window":"year","unit":"tokens","amount":1}"#, "unknown variant `year`"),
            (r#"{"window":"day","unit":"euros","amount":1}"#, "unknown variant `euros`"),
            (r#"{"window":"day","unit":"tokens","amount":1,"limit":2}"#, "unknown field `limit`"),
            (r#"{"window":"day","unit":"tokens"}"#, "missing field `amount`"),
            (r#"{"unit":"tokens","amount":1}"#, "missing field `window`"),
        ] {
            let error = serde_json::from_str::<Limit>(json).unwrap_err().to_string();
            assert!(error.contains(message), "{json}: {error}");
        }
    }
}
