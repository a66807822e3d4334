//! Millicredits: the only form in which the project counts credits.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Millicredits in a credit.
const PER_CREDIT: i64 = 1000;
/// The same for dividing by; its type says that this cannot fail.
const DIVISOR: NonZeroU64 = NonZeroU64::new(1000).unwrap();

/// An amount of credits in thousandths, exact over the whole of `i64`.
///
/// There is no operator arithmetic: every sum is checked, and what to do when
/// it does not fit is the caller's to say. The text and JSON form is a decimal
/// number of **credits** (`"12.345"`), because people and scripts count in
/// credits and JSON numbers lose digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millicredits(i64);

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with at most one point.
    #[error("`{0}` is not an amount: write credits as a decimal number in a string, like \"12.5\"")]
    NotANumber(String),
    /// Finer than a millicredit.
    #[error("`{0}` is finer than a millicredit: at most three digits may follow the point")]
    TooFine(String),
    /// Beyond 64 bits of millicredits.
    #[error("`{0}` is too large: the largest amount is 9223372036854775.807 credits")]
    TooLarge(String),
}

impl Millicredits {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(i64::MAX);

    /// So many thousandths of a credit.
    #[must_use]
    pub const fn new(millicredits: i64) -> Self {
        Self(millicredits)
    }

    /// So many whole credits; `None` when they do not fit.
    #[must_use]
    pub const fn from_credits(credits: i64) -> Option<Self> {
        match credits.checked_mul(PER_CREDIT) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// The number of thousandths.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum; `None` when it does not fit.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// The difference; `None` when it does not fit.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// The sum, or the nearest amount that exists. For display and for
    /// comparisons, never for what is stored.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or the nearest amount that exists. For display and for
    /// comparisons, never for what is stored.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Millicredits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs() / DIVISOR;
        let thousandths = self.0.unsigned_abs() % DIVISOR;
        if thousandths == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{thousandths:03}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl fmt::Debug for Millicredits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} credits")
    }
}

impl FromStr for Millicredits {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let shown = || text.chars().take(40).collect::<String>();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(AmountError::NotANumber(shown())),
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(AmountError::NotANumber(shown()));
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 3 {
            return Err(AmountError::TooFine(shown()));
        }
        // Through i128 so that the smallest i64 can be written too. Twenty
        // digits of credits are beyond any i64 of millicredits.
        let too_large = || AmountError::TooLarge(shown());
        let whole = whole.trim_start_matches('0');
        if whole.len() > 20 {
            return Err(too_large());
        }
        let magnitude: i128 =
            format!("0{whole}{fraction:0<3}").parse().map_err(|_| AmountError::NotANumber(shown()))?;
        let value = if negative { magnitude.checked_neg() } else { Some(magnitude) };
        value.and_then(|value| i64::try_from(value).ok()).map(Self).ok_or_else(too_large)
    }
}

impl Serialize for Millicredits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Millicredits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_form() {
        for (value, text) in [
            (0, "0"),
            (1, "0.001"),
            (-1, "-0.001"),
            (10, "0.01"),
            (1000, "1"),
            (12_345, "12.345"),
            (-12_300, "-12.3"),
            (i64::MAX, "9223372036854775.807"),
            (i64::MIN, "-9223372036854775.808"),
        ] {
            assert_eq!(Millicredits(value).to_string(), text);
            assert_eq!(text.parse(), Ok(Millicredits(value)));
        }
        assert_eq!("007.500".parse(), Ok(Millicredits(7500)));
    }

    #[test]
    fn refusals() {
        for text in ["", "-", ".", "1.", ".5", "+1", "1e3", "0x10", "1,5", " 1", "1 ", "--1", "NaN", "∞", "١"] {
            assert!(matches!(text.parse::<Millicredits>(), Err(AmountError::NotANumber(_))), "{text:?}");
        }
        assert!(matches!("0.0001".parse::<Millicredits>(), Err(AmountError::TooFine(_))));
        for text in ["9223372036854775.808", "-9223372036854775.809", &"9".repeat(500)] {
            assert!(matches!(text.parse::<Millicredits>(), Err(AmountError::TooLarge(_))), "{text}");
        }
        assert!(serde_json::from_str::<Millicredits>("1.5").is_err(), "a JSON number is not an amount");
    }

    proptest! {
        #[test]
        fn round_trip(value: i64) {
            prop_assert_eq!(Millicredits(value).to_string().parse(), Ok(Millicredits(value)));
        }

        #[test]
        fn any_text_is_answered(text: String) {
            let _ = text.parse::<Millicredits>();
        }
    }
}
