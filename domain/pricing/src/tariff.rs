//! A model's price in an organization's credits.

use serde::{Deserialize, Serialize};

use crate::unit_rates::UnitRates;
use crate::{ModelPrice, OverflowError, Usd};

/// Millicredits in a million credits.
const MILLICREDITS_PER_MILLION_CREDITS: i128 = 1_000_000_000;

/// What a million credits are worth: the organization's
/// `usd_per_million_credits`, above zero. The default is one dollar: then a
/// millicredit is a nano-dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Usd", into = "Usd")]
pub struct CreditRate(Usd);

/// Why a rate cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a million credits cannot be worth nothing: the rate must be above zero dollars")]
pub struct RateError;

impl CreditRate {
    /// So many dollars for a million credits.
    ///
    /// # Errors
    /// [`RateError`] for nothing.
    pub const fn new(usd_per_million_credits: Usd) -> Result<Self, RateError> {
        if usd_per_million_credits.is_zero() { Err(RateError) } else { Ok(Self(usd_per_million_credits)) }
    }

    /// Dollars for a million credits.
    #[must_use]
    pub const fn usd_per_million_credits(self) -> Usd {
        self.0
    }

    /// Dollars in millicredits, rounded up.
    ///
    /// # Errors
    /// [`OverflowError`] if the ledger cannot count so many.
    pub fn millicredits(self, dollars: Usd) -> Result<i64, OverflowError> {
        let rate = i128::from(self.0.nanos());
        i128::from(dollars.nanos())
            .checked_mul(MILLICREDITS_PER_MILLION_CREDITS)
            .and_then(|product| product.checked_add(rate)?.checked_sub(1)?.checked_div(rate))
            .and_then(|millicredits| i64::try_from(millicredits).ok())
            .ok_or(OverflowError)
    }
}

impl Default for CreditRate {
    fn default() -> Self {
        Self(Usd::ONE)
    }
}

impl TryFrom<Usd> for CreditRate {
    type Error = RateError;

    fn try_from(usd: Usd) -> Result<Self, RateError> {
        Self::new(usd)
    }
}

impl From<CreditRate> for Usd {
    fn from(rate: CreditRate) -> Self {
        rate.0
    }
}

/// What a model costs in an organization's millicredits: ready for counting,
/// with every gap filled. Worth keeping as long as the quote that it came
/// from is valid and the organization's settings stay the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    base: UnitRates,
    /// Above so much input, these instead; ascending.
    tiers: Vec<(u64, UnitRates)>,
}

impl Tariff {
    /// The price in credits, each unit's price rounded up.
    ///
    /// # Errors
    /// [`OverflowError`] if a price cannot be counted in credits at this rate.
    pub fn new(price: &ModelPrice, rate: CreditRate) -> Result<Self, OverflowError> {
        let convert = |usd| rate.millicredits(usd);
        let tier = |tier: &crate::ContextTier| Ok((tier.above_input_tokens, UnitRates::new(&tier.rates, convert)?));
        let mut tiers = price.tiers.iter().map(tier).collect::<Result<Vec<_>, OverflowError>>()?;
        tiers.sort_by_key(|(above, _)| *above);
        Ok(Self { base: UnitRates::new(&price.rates, convert)?, tiers })
    }

    /// The prices that a call with so much input is charged at, all of it.
    pub(crate) fn rates_for(&self, input_tokens: u64) -> &UnitRates {
        self.tiers.iter().rev().find(|(above, _)| input_tokens > *above).map_or(&self.base, |(_, rates)| rates)
    }

    /// The prices that a call with at most so much input may be charged at,
    /// each with the most input that it is charged for.
    pub(crate) fn reachable(&self, input_tokens: u64) -> impl Iterator<Item = (u64, &UnitRates)> {
        let ends = self.tiers.iter().map(|(above, _)| *above).chain([u64::MAX]);
        let starts = [None].into_iter().chain(self.tiers.iter().map(|(above, _)| Some(*above)));
        let rates = [&self.base].into_iter().chain(self.tiers.iter().map(|(_, rates)| rates));
        starts
            .zip(ends)
            .zip(rates)
            .filter(move |((start, _), _)| start.is_none_or(|above| input_tokens > above))
            .map(move |((_, end), rates)| (input_tokens.min(end), rates))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_rounds_up() {
        for (rate, price, expected) in [
            // At a dollar per million credits, a millicredit is a nano-dollar.
            ("1", "0.15", Ok(150_000_000)),
            ("1", "0.000000001", Ok(1)),
            ("2", "0.000000001", Ok(1)),
            ("2", "0.000000003", Ok(2)),
            ("3", "1", Ok(333_333_334)),
            ("0.5", "10", Ok(20_000_000_000)),
            ("1", "0", Ok(0)),
            ("0.000000001", "9.223372036", Ok(9_223_372_036_000_000_000)),
            ("0.000000001", "9.223372037", Err(OverflowError)),
            ("0.000000001", "9223372036", Err(OverflowError)),
        ] {
            let rate = CreditRate::new(rate.parse().unwrap()).unwrap();
            assert_eq!(rate.millicredits(price.parse().unwrap()), expected, "{price} at {rate:?}");
        }
    }

    #[test]
    fn rate_form() {
        assert_eq!(CreditRate::new(Usd::ZERO), Err(RateError));
        assert_eq!(serde_json::to_string(&CreditRate::default()).unwrap(), r#""1""#);
        assert!(serde_json::from_str::<CreditRate>(r#""0""#).is_err());
    }
}
