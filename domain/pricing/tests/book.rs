//! The embedded price book: that it can be read, and that names find prices.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail a test, as tests may"
)]

use std::collections::BTreeSet;

use pricing::file::{ModelEntry, PriceFile};
use pricing::{CreditRate, NotPricedError, PriceBook, PriceQuery, Quote, Tariff};

/// 2026-11-23, 20:00 UTC.
const NOW: i64 = 1_795_464_000_000;
const HOUR: i64 = 3_600_000;

fn ask(provider: Option<&str>, model: &str, service_tier: Option<&str>, now_ms: i64) -> Result<Quote, NotPricedError> {
    PriceBook::builtin().quote(&PriceQuery { provider, model, service_tier, now_ms })
}

/// A book that cannot be read has no prices and refuses every call, so that
/// this test is what stands between a broken file and a standstill.
#[test]
fn the_embedded_files_can_be_read() {
    for text in [include_str!("../data/prices.json"), include_str!("../data/demo.json")] {
        let file: PriceFile<Vec<ModelEntry<'_>>> = serde_json::from_str(text).unwrap();
        for (provider, entry) in &file.providers {
            let ids: BTreeSet<_> = entry.models.iter().map(|model| &model.id).collect();
            assert_eq!(ids.len(), entry.models.len(), "{provider} has a model twice");
            assert!(entry.falls_back_to.iter().all(|id| file.providers.contains_key(id)), "{provider}");
        }
    }
    let book = PriceBook::builtin();
    let sources: Vec<_> = book.sources().iter().map(|source| source.name.as_str()).collect();
    assert_eq!(sources, ["genai-prices", "litellm", "alfred"]);
    for source in book.sources() {
        assert!(source.retrieved.len() == 10 && !source.licence.is_empty(), "{source:?}");
    }
}

#[test]
fn every_listed_model_has_a_tariff() {
    let book = PriceBook::builtin();
    let mut count = 0;
    for provider in book.providers() {
        for listing in book.models(provider) {
            count += 1;
            let quote = ask(Some(provider), listing.model, None, NOW);
            let quote = quote.unwrap_or_else(|error| panic!("{provider}: {error}"));
            quote.price.validate().unwrap_or_else(|error| panic!("{provider}/{}: {error}", listing.model));
            Tariff::new(&quote.price, CreditRate::default()).unwrap();
        }
    }
    assert!(count > 2_000, "only {count} models have a price");
}

/// Input and output in dollars per million of what everybody uses: a refresh
/// that changes one of these changes it here too, knowingly.
#[test]
fn well_known_prices() {
    for (provider, model, input, output) in [
        ("openai", "gpt-4o", "2.5", "10"),
        ("openai", "gpt-4o-2024-08-06", "2.5", "10"),
        ("openai", "gpt-4o-mini", "0.15", "0.6"),
        ("openai", "gpt-4.1", "2", "8"),
        ("openai", "gpt-4.1-mini", "0.4", "1.6"),
        ("openai", "gpt-4.1-nano", "0.1", "0.4"),
        ("openai", "gpt-5", "1.25", "10"),
        ("openai", "gpt-5-mini", "0.25", "2"),
        ("openai", "o3", "2", "8"),
        ("openai", "o4-mini", "1.1", "4.4"),
        ("anthropic", "claude-sonnet-4-5-20250929", "3", "15"),
        ("anthropic", "claude-haiku-4-5", "1", "5"),
        ("google", "gemini-2.5-pro", "1.25", "10"),
        ("google", "gemini-2.5-flash", "0.3", "2.5"),
        ("vertex_ai", "gemini-2.5-flash", "0.3", "2.5"),
        ("groq", "llama-3.3-70b-versatile", "0.59", "0.79"),
        ("demo", "demo-small", "0.15", "0.6"),
        ("demo", "demo-large", "2.5", "10"),
    ] {
        let rates = ask(Some(provider), model, None, NOW).unwrap().price.rates;
        assert_eq!(
            (rates.input.to_string(), rates.output.unwrap().to_string()),
            (input.to_owned(), output.to_owned()),
            "{provider}/{model}"
        );
    }
}

#[test]
fn names_find_models() {
    for (provider, model, expected) in [
        // Without a provider, whose model it is.
        (None, "gpt-4o", Some(("openai", "gpt-4o"))),
        (None, "GPT-4o", Some(("openai", "gpt-4o"))),
        (None, "claude-sonnet-4-5", Some(("anthropic", "claude-sonnet-4-5"))),
        (None, "mistral-small-latest", Some(("mistral", "mistral-small-latest"))),
        (None, "demo-large", Some(("demo", "demo-large"))),
        (None, "llama-3.3-70b-versatile", None),
        (None, "mistralai/mistral-small", None),
        // A date, in both forms.
        (Some("openai"), "gpt-5-mini-2025-08-07", Some(("openai", "gpt-5-mini"))),
        (Some("openai"), "gpt-5-mini-20250807", Some(("openai", "gpt-5-mini"))),
        // An exception to a rule: speech is not the text model.
        (Some("google"), "gemini-2.5-pro-preview-06-05", Some(("google", "gemini-2.5-pro"))),
        // Azure serves what OpenAI lists.
        (Some("azure"), "gpt-4o", Some(("azure", "gpt-4o"))),
        (Some("openai"), "no-such-model", None),
        (Some("no-such-provider"), "gpt-4o", None),
        // Known, but not sold by the token.
        (Some("openai"), "whisper-1", None),
        (Some("openai"), "", None),
        (Some(""), "gpt-4o", None),
    ] {
        let quote = ask(provider, model, None, NOW).ok();
        let found = quote.as_ref().map(|quote| (quote.provider.as_deref().unwrap(), quote.model.as_str()));
        assert_eq!(found, expected, "{provider:?} {model}");
    }
    assert!(ask(None, &"gpt-".repeat(1_000), None, NOW).is_err());
}

#[test]
fn service_tiers() {
    for (service_tier, expected) in [
        (None, Some("2.5")),
        (Some("auto"), Some("2.5")),
        (Some("default"), Some("2.5")),
        (Some("priority"), Some("4.25")),
        (Some("flex"), None),
    ] {
        let input = ask(None, "demo-large", service_tier, NOW).ok().map(|quote| quote.price.rates.input.to_string());
        assert_eq!(input.as_deref(), expected, "{service_tier:?}");
    }
    let priority = ask(Some("openai"), "gpt-4o", Some("priority"), NOW).unwrap().price.rates;
    assert_eq!(priority.input.to_string(), "4.25");
    // What the tier does not name stays as in the standard price.
    assert!(priority.web_search.is_some());
}

#[test]
fn prices_of_a_time() {
    let peak = NOW - 18 * HOUR;
    let model = |now_ms| ask(Some("deepseek"), "deepseek-v4-pro", None, now_ms).unwrap();
    assert!(model(peak).price.rates.input > model(NOW).price.rates.input);
    // Off-peak until one in the morning.
    assert_eq!(model(NOW).valid_until_ms, Some(NOW + 5 * HOUR));
    assert_eq!(ask(None, "gpt-4o", None, NOW).unwrap().valid_until_ms, None);
}

#[test]
fn tiers_and_sizes() {
    let price = ask(None, "gemini-2.5-pro", None, NOW).unwrap().price;
    assert_eq!(price.tiers.len(), 1);
    assert_eq!(price.tiers[0].above_input_tokens, 200_000);
    assert_eq!(price.tiers[0].rates.output.unwrap().to_string(), "15");
    let price = ask(None, "gpt-4o-mini", None, NOW).unwrap().price;
    assert_eq!((price.context_window, price.max_output_tokens), (Some(128_000), Some(16_384)));
}

#[test]
fn refusals_say_what_to_do() {
    let message = |result: Result<Quote, NotPricedError>| result.unwrap_err().to_string();
    assert_eq!(
        message(ask(Some("openai"), "gpt-99", None, NOW)),
        "the model `gpt-99` has no price at `openai`: use a model that has one, or ask an administrator to set its price"
    );
    assert_eq!(
        message(ask(None, "demo-small", Some("priority"), NOW)),
        "the model `demo-small` has no price for the service tier `priority`: leave `service_tier` out, \
         or ask an administrator to set the model's price"
    );
    assert!(message(ask(None, &"x".repeat(9_999), None, NOW)).len() < 300);
}
