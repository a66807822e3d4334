//! The form of the embedded data files, which `cargo xtask prices` writes.
//!
//! The files are written by the project and read by the same version of it:
//! their form may change freely, as long as both sides change together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ContextTier, ModelPrice, Rates, Rule};

/// Where data comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What was taken from it.
    pub of: String,
    /// The package.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// The day on which it was retrieved, as year-month-day.
    pub retrieved: String,
    /// The licence that it is under.
    pub licence: String,
}

/// A data file. `M` is what stands for a provider's models: text to be parsed
/// when needed, or the models themselves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceFile<M> {
    /// Where the data comes from.
    pub sources: Vec<Source>,
    /// Who serves models, by id.
    pub providers: BTreeMap<String, ProviderEntry<M>>,
}

/// One provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderEntry<M> {
    /// Other names by which it is called, besides its id.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub called: Rule,
    /// The models that are its own when nobody names a provider.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub serves: Rule,
    /// Providers whose prices count for models that it has no price for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub falls_back_to: Vec<String>,
    /// The models, in the order in which they are to be tried.
    pub models: M,
}

fn is_nothing(rule: &Rule) -> bool {
    rule.is_empty()
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry<'a> {
    /// Its name.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The names that mean it; without a rule, its id alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<Rule>,
    /// The prices of one time or another: the last that is in force counts,
    /// and the first if none is. Without any, the model is known but not
    /// priced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<PriceEntry>,
    /// See [`ModelPrice`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// See [`ModelPrice`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
}

/// A price and when it is in force: always, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceEntry {
    /// In force from here on, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<i64>,
    /// In force every day from one minute until another, counted from
    /// midnight UTC; past midnight if the second is the smaller one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_minutes: Option<(u16, u16)>,
    /// The prices.
    pub rates: Rates,
    /// Prices for long inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<ContextTier>,
    /// Prices of the other ways of being served, by the name that a request
    /// calls them by: `priority`, `flex`, `fast`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service_tiers: BTreeMap<String, ServicePrice>,
}

/// The prices of a service tier.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServicePrice {
    /// The prices: all of them.
    pub rates: Rates,
    /// Prices for long inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<ContextTier>,
}

impl PriceEntry {
    /// The price of a service tier, the standard one if none is named; `None`
    /// if there is no such tier.
    pub(crate) fn price(&self, service_tier: Option<&str>, model: &ModelEntry<'_>) -> Option<ModelPrice> {
        let (rates, tiers) = match service_tier {
            None => (&self.rates, &self.tiers),
            Some(name) => {
                let service = self.service_tiers.get(name)?;
                (&service.rates, &service.tiers)
            }
        };
        Some(ModelPrice {
            rates: rates.clone(),
            tiers: tiers.clone(),
            context_window: model.context_window,
            max_output_tokens: model.max_output_tokens,
        })
    }
}
