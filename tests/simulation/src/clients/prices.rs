//! Prices as an isolate of the gateway has them, and an independent reckoning
//! of what a call costs.

use std::collections::BTreeMap;

use limits::Unit;
use organization::{OutputLimit, Settings};
use pricing::{
    ContextTier, CreditRate, ModelPattern, ModelPrice, Override, Overrides, PriceBook, PriceChange, PriceQuery, Rates,
    Tariff, Usage, Usd,
};

use crate::random::Random;

/// The models that are called; all are in the book, some have prices of the
/// organization's own.
pub(crate) const MODELS: &[&str] = &["demo-small", "demo-large", "demo-reasoner", "demo-embed", "own-model"];

/// Who serves them.
pub(crate) const PROVIDER: &str = "demo";

/// One version of an organization's settings, ready for counting.
pub(crate) struct PriceList {
    pub(crate) version: u64,
    pub(crate) clamp: bool,
    prices: BTreeMap<&'static str, (Tariff, Reckoning)>,
}

impl PriceList {
    pub(crate) fn new(settings: &Settings) -> Self {
        let rate = settings.general.usd_per_million_credits;
        let price = |model: &&'static str| {
            let query = PriceQuery { provider: Some(PROVIDER), model, service_tier: None, now_ms: 0 };
            let quote = settings.overrides.quote(PriceBook::builtin(), &query).ok()?;
            let tariff = Tariff::new(&quote.price, rate).ok()?;
            Some((*model, (tariff, Reckoning::new(quote.price, rate))))
        };
        Self {
            version: settings.version,
            clamp: settings.general.output_limit == OutputLimit::Clamp,
            prices: MODELS.iter().filter_map(price).collect(),
        }
    }

    /// A model's tariff and the independent reckoning of the same price;
    /// nothing for a model without a price.
    pub(crate) fn price(&self, model: &str) -> Option<&(Tariff, Reckoning)> {
        self.prices.get(model)
    }
}

/// A price reckoned without the core: dollars per million to millicredits per
/// million, rounded up; the sum over all tokens, rounded up once.
pub(crate) struct Reckoning {
    price: ModelPrice,
    rate: i128,
}

impl Reckoning {
    fn new(price: ModelPrice, rate: CreditRate) -> Self {
        Self { price, rate: rate.usd_per_million_credits().nanos().into() }
    }

    /// What a call costs, in millicredits.
    pub(crate) fn cost(&self, usage: &Usage) -> i128 {
        let tier = |tier: &&ContextTier| usage.input_tokens > tier.above_input_tokens;
        let rates = self.price.tiers.iter().rev().find(tier).map_or(&self.price.rates, |tier| &tier.rates);
        let [cached, write, reasoning] = [usage.cached_input_tokens, usage.cache_write_tokens, usage.reasoning_tokens];
        let output = rates.output.unwrap_or(rates.input);
        let terms = [
            (usage.input_tokens - cached - write, rates.input),
            (cached, rates.cached_input_read.unwrap_or(rates.input)),
            (write, rates.cached_input_write.unwrap_or(rates.input)),
            (usage.output_tokens - reasoning, output),
            (reasoning, rates.reasoning.unwrap_or(output)),
            (1, rates.request.unwrap_or_default()),
        ];
        let millionths: i128 = terms.iter().map(|(count, price)| i128::from(*count) * self.millicredits(*price)).sum();
        (millionths + 999_999).div_euclid(1_000_000)
    }

    fn millicredits(&self, price: Usd) -> i128 {
        (i128::from(price.nanos()) * 1_000_000_000 + self.rate - 1).div_euclid(self.rate)
    }
}

/// An organization's own prices, with more digits than anybody has: so that
/// rounding matters.
pub(crate) fn overrides(random: &mut Random) -> Overrides {
    let mut usd = |low: i64, high: i64| Usd::from_nanos(random.between(low, high)).unwrap_or_default();
    let own = ModelPrice {
        rates: Rates {
            input: usd(1, 900_000_007),
            cached_input_read: Some(usd(0, 300_000_003)),
            output: Some(usd(1, 3_000_000_019)),
            reasoning: Some(usd(1, 3_000_000_019)),
            request: Some(usd(0, 100_000_007)),
            ..Rates::default()
        },
        ..ModelPrice::default()
    };
    let small = ModelPrice {
        rates: Rates {
            input: usd(50_000_001, 400_000_003),
            output: Some(usd(100_000_001, 900_000_011)),
            ..Rates::default()
        },
        ..ModelPrice::default()
    };
    let list = [("own-model", own), ("demo-small", small)].into_iter().filter_map(|(model, price)| {
        let model: ModelPattern = model.parse().ok()?;
        Some(Override { provider: None, model, change: PriceChange::Price(Box::new(price)) })
    });
    Overrides::new(list.collect()).unwrap_or_default()
}

/// A limit's amount that a few calls reach, in its own unit.
pub(crate) fn limit_amount(unit: Unit, random: &mut Random) -> i64 {
    match unit {
        Unit::Credits => random.between(0, 40_000_000),
        Unit::Tokens => random.between(0, 60_000),
        Unit::Requests => random.between(0, 25),
    }
}
