//! The price of one model: its rates, its tiers, its sizes.

use serde::{Deserialize, Serialize};

use crate::{Rates, Usd};

/// The most that a million tokens may cost: $100,000, some two hundred times
/// the dearest model there is. Beyond it stands a typing error.
const MOST_PER_MILLION_TOKENS: i64 = 100_000_000_000_000;

/// The most that a million calls or searches may cost: $100 apiece.
const MOST_PER_MILLION_CALLS: i64 = 100_000_000_000_000_000;

/// More tiers than any provider has; it bounds what is stored and compared.
const MOST_TIERS: usize = 8;

/// What one model costs and how much it takes.
///
/// This is also the form of the management API for an organization's own
/// prices, hence strict: an unknown field is an error, not a wish ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPrice {
    /// The prices, as long as no tier applies.
    pub rates: Rates,
    /// Other prices for long inputs, shortest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<ContextTier>,
    /// The most tokens of input that the model takes, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// The most tokens that one call can give out, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
}

/// Prices that apply once the input is longer than a threshold.
///
/// The **whole call** moves to the tier's prices, its output too, not only
/// what lies above the threshold, and it moves when the input is strictly
/// longer. That is how providers bill, and the rule of the price book's
/// source: "Uses threshold-based pricing where crossing a tier applies that
/// rate to ALL tokens", `if total_input_tokens > tier.start` (genai-prices,
/// `TieredPrices` and `calc_unit_price`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextTier {
    /// The tier begins with the token after this one. All of the input
    /// counts, whether cached, heard or seen.
    pub above_input_tokens: u64,
    /// The prices of the tier: all of them, nothing is inherited.
    pub rates: Rates,
}

/// Why a price cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// A price that can only be a typing error.
    #[error("`{unit}` at `{price}` dollars per million is beyond `{most}`: check the unit, prices are per million")]
    Absurd {
        /// The name of the price.
        unit: &'static str,
        /// What was given.
        price: Usd,
        /// The highest that is accepted.
        most: Usd,
    },
    /// Tiers out of order, or two with one threshold.
    #[error("the tiers must be in ascending order of `above_input_tokens`, each once")]
    TiersNotAscending,
    /// Too many tiers.
    #[error("`{0}` tiers are too many: at most 8")]
    TooManyTiers(usize),
    /// A model that takes or gives nothing.
    #[error("`{0}` is zero: leave it out if it is not known")]
    ZeroSize(&'static str),
}

impl ModelPrice {
    /// Refuses prices that are absurd or contradict themselves. Prices below
    /// zero cannot be written at all: see [`Usd`].
    ///
    /// # Errors
    /// The first of [`PriceError`]'s variants that applies, in the order of
    /// the fields.
    pub fn validate(&self) -> Result<(), PriceError> {
        validate_rates(&self.rates)?;
        if self.tiers.len() > MOST_TIERS {
            return Err(PriceError::TooManyTiers(self.tiers.len()));
        }
        for tier in &self.tiers {
            validate_rates(&tier.rates)?;
        }
        if !self.tiers.is_sorted_by(|one, next| one.above_input_tokens < next.above_input_tokens) {
            return Err(PriceError::TiersNotAscending);
        }
        for (name, size) in [("context_window", self.context_window), ("max_output_tokens", self.max_output_tokens)] {
            if size == Some(0) {
                return Err(PriceError::ZeroSize(name));
            }
        }
        Ok(())
    }

    /// The same model with every price passed through `change`.
    pub(crate) fn map(&self, change: impl Fn(Usd) -> Usd) -> Self {
        let tier = |tier: &ContextTier| ContextTier {
            above_input_tokens: tier.above_input_tokens,
            rates: tier.rates.map(&change),
        };
        Self {
            rates: self.rates.map(&change),
            tiers: self.tiers.iter().map(tier).collect(),
            context_window: self.context_window,
            max_output_tokens: self.max_output_tokens,
        }
    }
}

fn validate_rates(rates: &Rates) -> Result<(), PriceError> {
    for (unit, price) in rates.named() {
        let most = match unit {
            "request" | "web_search" | "file_search" => MOST_PER_MILLION_CALLS,
            _ => MOST_PER_MILLION_TOKENS,
        };
        if let (Some(price), Some(most)) = (price, Usd::from_nanos(most))
            && price > most
        {
            return Err(PriceError::Absurd { unit, price, most });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Result<(), &str>) {
        let outcome = serde_json::from_str::<ModelPrice>(json)
            .map_err(|error| error.to_string())
            .and_then(|price| price.validate().map_err(|error| error.to_string()));
        match expected {
            Ok(()) => assert_eq!(outcome, Ok(()), "{json}"),
            Err(part) => assert!(outcome.clone().unwrap_err().contains(part), "{json}: {outcome:?}"),
        }
    }

    #[test]
    fn validation() {
        check(r#"{"rates":{"input":"0.15","output":"0.6"}}"#, Ok(()));
        check(r#"{"rates":{"input":"100000","request":"100000000"}}"#, Ok(()));
        check(r#"{"rates":{}}"#, Err("missing field `input`"));
        check(r#"{"rates":{"input":"0.15","ouput":"0.6"}}"#, Err("unknown field `ouput`"));
        check(r#"{"rates":{"input":"1"},"price":"2"}"#, Err("unknown field `price`"));
        check(r#"{"rates":{"input":"-0.15"}}"#, Err("is negative"));
        check(r#"{"rates":{"input":0.15}}"#, Err("expected a string"));
        check(r#"{"rates":{"input":"1","output":"100000.000000001"}}"#, Err("`output` at `100000.000000001`"));
        check(r#"{"rates":{"input":"1","request":"100000001"}}"#, Err("`request`"));
        check(r#"{"rates":{"input":"1"},"max_output_tokens":0}"#, Err("`max_output_tokens` is zero"));
        let tiers = |first: u64, second: u64| {
            format!(
                r#"{{"rates":{{"input":"1"}},"tiers":[
                    {{"above_input_tokens":{first},"rates":{{"input":"2"}}}},
                    {{"above_input_tokens":{second},"rates":{{"input":"3"}}}}]}}"#
            )
        };
        check(&tiers(1, 2), Ok(()));
        check(&tiers(2, 1), Err("ascending"));
        check(&tiers(2, 2), Err("ascending"));
        let tier = ContextTier::default();
        let price = ModelPrice { tiers: vec![tier; 9], ..ModelPrice::default() };
        assert_eq!(price.validate(), Err(PriceError::TooManyTiers(9)));
    }

    /// Organizations' own prices are stored in this form: a changed name would
    /// leave them unreadable.
    #[test]
    fn json_form_unchanged() {
        let usd = |nanos| Usd::from_nanos(nanos);
        let rates = Rates {
            input: Usd::ONE,
            cached_input_read: usd(1),
            cached_input_write: usd(2),
            cached_input_write_1h: usd(3),
            output: usd(4),
            reasoning: usd(5),
            input_audio: usd(6),
            cached_input_audio: usd(7),
            output_audio: usd(8),
            input_image: usd(9),
            cached_input_image: usd(10),
            output_image: usd(11),
            request: usd(12),
            web_search: usd(13),
            file_search: usd(14),
        };
        let price = ModelPrice {
            rates,
            tiers: vec![ContextTier { above_input_tokens: 5, rates: Rates::default() }],
            context_window: Some(6),
            max_output_tokens: Some(7),
        };
        let json = concat!(
            r#"{"rates":{"input":"1","cached_input_read":"0.000000001","cached_input_write":"0.000000002","#,
            r#""cached_input_write_1h":"0.000000003","output":"0.000000004","reasoning":"0.000000005","#,
            r#""input_audio":"0.000000006","cached_input_audio":"0.000000007","output_audio":"0.000000008","#,
            r#""input_image":"0.000000009","cached_input_image":"0.00000001","output_image":"0.000000011","#,
            r#""request":"0.000000012","web_search":"0.000000013","file_search":"0.000000014"},"#,
            r#""tiers":[{"above_input_tokens":5,"rates":{"input":"0"}}],"context_window":6,"max_output_tokens":7}"#,
        );
        assert_eq!(serde_json::to_string(&price).unwrap(), json);
        assert_eq!(serde_json::from_str::<ModelPrice>(json).unwrap(), price);
    }
}
