//! Dollars, as prices count them.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Nano-dollars in a dollar; its type says that dividing by it cannot fail.
const PER_DOLLAR: NonZeroU64 = NonZeroU64::new(1_000_000_000).unwrap();

/// US dollars in integer billionths, never below zero.
///
/// As a price it says dollars **per million units** (tokens, calls,
/// searches), which is how providers publish prices; one nano-dollar per
/// million tokens is far below the finest price there is. The text and JSON
/// form is a decimal number of dollars in a string (`"0.15"`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Usd(i64);

/// Why a text is not a price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsdError {
    /// Below zero.
    #[error("`{0}` is negative: a price is zero or more")]
    Negative(String),
    /// Not digits with at most one point.
    #[error("`{0}` is not a price: write dollars per million as a decimal number in a string, like \"0.15\"")]
    NotANumber(String),
    /// Finer than a nano-dollar.
    #[error("`{0}` is too fine: at most nine digits may follow the point")]
    TooFine(String),
    /// Beyond 64 bits of nano-dollars.
    #[error("`{0}` is too large: the largest price is 9223372036.854775807 dollars")]
    TooLarge(String),
}

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One dollar.
    pub const ONE: Self = Self(1_000_000_000);

    /// So many billionths of a dollar; `None` below zero.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Option<Self> {
        if nanos < 0 { None } else { Some(Self(nanos)) }
    }

    /// The number of billionths, never below zero.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// This price less a discount, rounded up: only 10,000 basis points or
    /// more make a price zero.
    #[must_use]
    pub(crate) fn less(self, basis_points: u16) -> Self {
        let remaining = 10_000_u16.saturating_sub(basis_points);
        // At most 2^63 × 10^4 before the division and i64::MAX after it, so
        // neither the product nor the quotient can fail to fit.
        let reduced = i128::from(self.0).saturating_mul(i128::from(remaining));
        let rounded_up = reduced.saturating_add(9_999).checked_div(10_000).unwrap_or(i128::MAX);
        Self(i64::try_from(rounded_up).unwrap_or(self.0))
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.unsigned_abs() / PER_DOLLAR;
        let nanos = self.0.unsigned_abs() % PER_DOLLAR;
        if nanos == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{nanos:09}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl fmt::Debug for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${self}")
    }
}

impl FromStr for Usd {
    type Err = UsdError;

    fn from_str(text: &str) -> Result<Self, UsdError> {
        let shown = || text.chars().take(40).collect::<String>();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(UsdError::NotANumber(shown())),
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(UsdError::NotANumber(shown()));
        }
        if negative {
            return Err(UsdError::Negative(shown()));
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 9 {
            return Err(UsdError::TooFine(shown()));
        }
        // The text is all digits by now: parsing can only fail on its size.
        format!("{whole}{fraction:0<9}").parse().map(Self).map_err(|_| UsdError::TooLarge(shown()))
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Usd {
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
        for (nanos, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (150_000_000, "0.15"),
            (2_500_000_000, "2.5"),
            (10_000_000_000, "10"),
            (i64::MAX, "9223372036.854775807"),
        ] {
            assert_eq!(Usd(nanos).to_string(), text);
            assert_eq!(text.parse(), Ok(Usd(nanos)));
        }
        assert_eq!("002.5000000000000".parse(), Ok(Usd(2_500_000_000)));
    }

    #[test]
    fn refusals() {
        for text in ["", "-", ".", "1.", ".5", "+1", "1e3", "$1", "1,5", " 1", "1 ", "--1", "NaN", "١"] {
            assert!(matches!(text.parse::<Usd>(), Err(UsdError::NotANumber(_))), "{text:?}");
        }
        assert!(matches!("-1".parse::<Usd>(), Err(UsdError::Negative(_))));
        assert!(matches!("0.0000000001".parse::<Usd>(), Err(UsdError::TooFine(_))));
        assert!(matches!("9223372036.854775808".parse::<Usd>(), Err(UsdError::TooLarge(_))));
        assert!(serde_json::from_str::<Usd>("0.15").is_err(), "a JSON number is not a price");
        assert_eq!(Usd::from_nanos(-1), None);
    }

    #[test]
    fn discounts_round_up() {
        for (nanos, basis_points, left) in
            [(150, 1_000, 135), (1, 9_999, 1), (1, 10_000, 0), (3, 5_000, 2), (i64::MAX, 0, i64::MAX)]
        {
            assert_eq!(Usd(nanos).less(basis_points), Usd(left), "{nanos} less {basis_points}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(nanos in 0..=i64::MAX) {
            prop_assert_eq!(Usd(nanos).to_string().parse(), Ok(Usd(nanos)));
        }

        #[test]
        fn any_text_is_answered(text: String) {
            let _ = text.parse::<Usd>();
        }

        #[test]
        fn discount_is_between_nothing_and_all(nanos in 0..=i64::MAX, basis_points in 0..=10_000_u16) {
            let left = Usd(nanos).less(basis_points);
            prop_assert!(left.nanos() >= 0 && left <= Usd(nanos));
            prop_assert!(nanos == 0 || basis_points == 10_000 || !left.is_zero());
        }
    }
}
