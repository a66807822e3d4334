//! The source's providers and models as the price book's.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use pricing::file::{ModelEntry, PriceEntry, ProviderEntry, ServicePrice};
use pricing::{ModelPrice, Rule};
use serde_json::Value;

use super::json::{field, list, text};
use super::rates::{by_unit, rates};
use super::rules::rule;

type Providers = BTreeMap<String, ProviderEntry<Vec<ModelEntry<'static>>>>;

/// All providers, and what is worth knowing about what was left out. Prices
/// that were no longer in force on the day given are dropped.
pub(super) fn translate(source: &Value, day_ms: i64) -> Result<(Providers, Vec<String>)> {
    let mut providers = Providers::new();
    let mut notes = Vec::new();
    for provider in source.as_array().context("a list of providers")? {
        let id = text(provider, "id")?;
        let optional = |name: &str| field(provider, name).map_or(Ok(Rule::default()), rule);
        let fallbacks = list(provider, "fallback_model_providers").filter_map(Value::as_str).map(str::to_owned);
        let models =
            list(provider, "models").map(|source| model(id, source, day_ms, &mut notes)).collect::<Result<Vec<_>>>()?;
        let entry = ProviderEntry {
            called: optional("provider_match")?,
            serves: optional("model_match")?,
            falls_back_to: fallbacks.collect(),
            models,
        };
        ensure!(providers.insert(id.to_owned(), entry).is_none(), "`{id}` is there twice");
    }
    ensure!(providers.keys().is_sorted(), "the order of providers decides who is asked first");
    Ok((providers, notes))
}

fn model(provider: &str, source: &Value, day_ms: i64, notes: &mut Vec<String>) -> Result<ModelEntry<'static>> {
    let id = text(source, "id")?;
    let about = || format!("the model `{provider}/{id}`");
    let called = rule(field(source, "match").with_context(about)?).with_context(about)?;
    let only_id = Rule { equals: vec![id.to_lowercase()], ..Rule::default() };
    let prices = match prices(source, day_ms).with_context(about)? {
        Ok(prices) => prices,
        Err(why) => {
            notes.push(format!("not priced: {provider}/{id}: {why}"));
            Vec::new()
        }
    };
    for entry in &prices {
        let price = ModelPrice { rates: entry.rates.clone(), tiers: entry.tiers.clone(), ..ModelPrice::default() };
        price.validate().with_context(about)?;
    }
    Ok(ModelEntry {
        id: id.to_owned().into(),
        called: (called != only_id).then_some(called),
        prices,
        context_window: source.get("context_window").and_then(Value::as_u64).filter(|window| *window > 0),
        max_output_tokens: None,
    })
}

/// The prices in force on the day or later, or why there are none.
fn prices(source: &Value, day_ms: i64) -> Result<Result<Vec<PriceEntry>, String>> {
    let field_prices = field(source, "prices").context("no prices")?;
    let single = [field_prices.clone()];
    let dated: Vec<(Option<&Value>, &Value)> = match field_prices.as_array() {
        None => single.iter().map(|prices| (None, prices)).collect(),
        Some(list) => list
            .iter()
            .map(|entry| Ok((field(entry, "constraint"), field(entry, "prices").context("no prices")?)))
            .collect::<Result<_>>()?,
    };
    let mut entries = Vec::new();
    for (constraint, prices) in dated {
        let (from_ms, daily_minutes) = constraint.map_or(Ok((None, None)), when)?;
        let from_ms = from_ms.filter(|from_ms| *from_ms > day_ms);
        // The last in force counts, so one that always is hides all before.
        if from_ms.is_none() && daily_minutes.is_none() {
            entries.clear();
        }
        match rates(&by_unit(prices)?)? {
            Ok((rates, tiers)) => {
                let service_tiers = service_tiers(source, prices, day_ms)?;
                entries.push(Ok(PriceEntry { from_ms, daily_minutes, rates, tiers, service_tiers }));
            }
            Err(unit) => entries.push(Err(unit)),
        }
    }
    Ok(entries.into_iter().collect())
}

type When = (Option<i64>, Option<(u16, u16)>);

fn when(constraint: &Value) -> Result<When> {
    match text(constraint, "_")? {
        "StartDateConstraint" => {
            Ok((Some(constraint.get("start_date").and_then(Value::as_i64).context("no date")?), None))
        }
        "TimeOfDateConstraint" => {
            let minute = |name: &str| {
                let minute = constraint.get(name).and_then(Value::as_u64).context("no time")?;
                Ok::<_, anyhow::Error>(u16::try_from(minute)?)
            };
            Ok((None, Some((minute("start_time")?, minute("end_time")?))))
        }
        other => anyhow::bail!("unknown constraint `{other}`"),
    }
}

/// The prices of the service tiers that a request can ask for, each complete:
/// what a tier does not say is as in the standard price.
fn service_tiers(source: &Value, standard: &Value, day_ms: i64) -> Result<BTreeMap<String, ServicePrice>> {
    let mut tiers = BTreeMap::new();
    for variant in list(source, "price_variants") {
        let when_asked = field(variant, "when").and_then(Value::as_object).context("a variant without `when`")?;
        let (Some((key, name)), 1) = (when_asked.iter().next(), when_asked.len()) else {
            continue;
        };
        let (from_ms, daily_minutes) = field(variant, "constraint").map_or(Ok((None, None)), when)?;
        let applies = from_ms.is_none_or(|from_ms| from_ms <= day_ms) && daily_minutes.is_none();
        let changed = by_unit(field(variant, "prices").context("a variant without prices")?)?;
        let name = name.as_str().context("a variant's name")?;
        if !matches!(key.as_str(), "service_tier" | "speed") || !applies || changed.is_empty() {
            continue;
        }
        let mut complete = by_unit(standard)?;
        complete.extend(changed);
        if let Ok((rates, context_tiers)) = rates(&complete)? {
            let price = ServicePrice { rates, tiers: context_tiers };
            ensure!(tiers.insert(name.to_owned(), price).is_none(), "two variants `{name}`");
        }
    }
    Ok(tiers)
}
