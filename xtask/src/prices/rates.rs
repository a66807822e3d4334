//! The source's prices as rates and tiers.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use pricing::{ContextTier, Rates, Usd};
use serde_json::Value;

use super::json::{list, short, text};

/// Prices by the source's names for units.
pub(super) type Prices<'a> = BTreeMap<&'a str, &'a Value>;

/// The prices of an object, by unit.
pub(super) fn by_unit(prices: &Value) -> Result<Prices<'_>> {
    let object = prices.as_object().with_context(|| format!("not prices: {}", short(prices)))?;
    let set = object.iter().filter(|(unit, price)| *unit != "_" && !price.is_null());
    Ok(set.map(|(unit, price)| (unit.as_str(), price)).collect())
}

/// Rates and tiers, or the unit because of which the model cannot be priced.
pub(super) fn rates(prices: &Prices<'_>) -> Result<Result<(Rates, Vec<ContextTier>), String>> {
    if !prices.contains_key("input_mtok") {
        return Ok(Err("no price for input".to_owned()));
    }
    let starts: BTreeSet<u64> = prices
        .values()
        .flat_map(|price| list(price, "tiers"))
        .map(|tier| tier.get("start").and_then(Value::as_u64).context("a tier without a start"))
        .collect::<Result<_>>()?;
    let base = match at(prices, 0)? {
        Ok(base) => base,
        Err(unit) => return Ok(Err(unit)),
    };
    let mut tiers = Vec::new();
    for start in starts {
        // The source's tier applies above its start, and so does ours.
        if let Ok(rates) = at(prices, start.checked_add(1).context("a start beyond all")?)? {
            tiers.push(ContextTier { above_input_tokens: start, rates });
        }
    }
    Ok(Ok((base, tiers)))
}

/// The rates for so much input.
fn at(prices: &Prices<'_>, input_tokens: u64) -> Result<Result<Rates, String>> {
    let mut rates = Rates::default();
    let mut aside = Vec::new();
    for (unit, value) in prices {
        let price = usd(price_at(value, input_tokens)?)?;
        let slot = match *unit {
            "input_mtok" => {
                rates.input = price;
                continue;
            }
            "cache_read_mtok" => &mut rates.cached_input_read,
            "cache_write_mtok" => &mut rates.cached_input_write,
            "cache_write_1h_mtok" => &mut rates.cached_input_write_1h,
            "output_mtok" => &mut rates.output,
            "output_reasoning_mtok" => &mut rates.reasoning,
            "input_audio_mtok" => &mut rates.input_audio,
            "cache_audio_read_mtok" => &mut rates.cached_input_audio,
            "output_audio_mtok" => &mut rates.output_audio,
            "input_image_mtok" => &mut rates.input_image,
            "cache_image_read_mtok" => &mut rates.cached_input_image,
            "output_image_mtok" => &mut rates.output_image,
            "requests_kcount" => &mut rates.request,
            "web_searches_kcount" => &mut rates.web_search,
            "storage_searches_kcount" => &mut rates.file_search,
            other => {
                aside.push((other, price));
                continue;
            }
        };
        *slot = Some(if unit.ends_with("_kcount") { thousandfold(price)? } else { price });
    }
    // A finer unit that is no dearer than what it would be counted as can be
    // left out; any other unit means that the model cannot be priced.
    for (unit, price) in aside {
        let counted_as = match unit {
            "input_video_mtok" => Some(rates.input),
            "output_video_mtok" | "output_citation_mtok" => rates.output,
            _ => None,
        };
        if counted_as.is_none_or(|general| price > general) {
            return Ok(Err(unit.to_owned()));
        }
    }
    Ok(Ok(rates))
}

fn price_at(value: &Value, input_tokens: u64) -> Result<&str> {
    if let Some(price) = value.as_str() {
        return Ok(price);
    }
    let reached = |tier: &&Value| tier.get("start").and_then(Value::as_u64).is_some_and(|start| input_tokens > start);
    let start = |tier: &&Value| tier.get("start").and_then(Value::as_u64);
    match list(value, "tiers").filter(reached).max_by_key(start) {
        Some(tier) => text(tier, "price"),
        None => text(value, "base"),
    }
}

/// A decimal of dollars, rounded up to a nano-dollar.
fn usd(text: &str) -> Result<Usd> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (kept, lost) = fraction.split_at_checked(9).unwrap_or((fraction, ""));
    let price: Usd = if kept.is_empty() { whole.parse()? } else { format!("{whole}.{kept}").parse()? };
    if lost.bytes().all(|digit| digit == b'0') {
        return Ok(price);
    }
    price.nanos().checked_add(1).and_then(Usd::from_nanos).context("a price beyond all")
}

fn thousandfold(price: Usd) -> Result<Usd> {
    match price.nanos().checked_mul(1000).and_then(Usd::from_nanos) {
        Some(price) => Ok(price),
        None => bail!("a fee beyond all: {price}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_round_up() {
        for (text, nanos) in [
            ("0.15", 150_000_000),
            ("10", 10_000_000_000),
            ("0.123456789", 123_456_789),
            ("0.1234567890", 123_456_789),
            ("0.1234567890001", 123_456_790),
        ] {
            assert_eq!(usd(text).unwrap().nanos(), nanos, "{text}");
        }
        for text in ["-1", "", "x", "1e3"] {
            assert!(usd(text).is_err(), "{text}");
        }
    }
}
