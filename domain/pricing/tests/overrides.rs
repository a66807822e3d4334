//! An organization's own prices and discounts over the book.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail a test, as tests may"
)]

use pricing::{BasisPoints, OverrideError, Overrides, PriceBook, PriceQuery, Tariff, Usage};
use proptest::prelude::*;

fn overrides(json: &str) -> Result<Overrides, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn input(overrides: &Overrides, provider: Option<&str>, model: &str) -> Option<String> {
    let query = PriceQuery { provider, model, service_tier: None, now_ms: 0 };
    overrides.quote(PriceBook::builtin(), &query).ok().map(|quote| quote.price.rates.input.to_string())
}

#[test]
fn the_most_precise_one_counts() {
    let overrides = overrides(
        r#"[{"model":"*","change":{"discount_basis_points":1000}},
            {"model":"demo-l*","change":{"discount_basis_points":2000}},
            {"model":"demo-large","change":{"price":{"rates":{"input":"1","output":"2"}}}},
            {"provider":"groq","model":"demo-large","change":{"price":{"rates":{"input":"9"}}}},
            {"provider":"demo","model":"demo-e*","change":{"discount_basis_points":10000}},
            {"model":"demo-e*","change":{"discount_basis_points":5000}},
            {"model":"our-own","change":{"price":{"rates":{"input":"7"}}}}]"#,
    )
    .unwrap();
    for (provider, model, expected) in [
        (None, "demo-small", Some("0.135")),
        (None, "DEMO-LARGE", Some("1")),
        (Some("demo"), "demo-large", Some("1")),
        (Some("Groq"), "demo-large", Some("9")),
        // Without a provider, the one that the book guesses.
        (None, "demo-embed", Some("0")),
        // What the book does not know: an own price does, a discount does not.
        (None, "our-own", Some("7")),
        (Some("our-provider"), "our-own", Some("7")),
        (None, "our-other", None),
    ] {
        assert_eq!(input(&overrides, provider, model).as_deref(), expected, "{provider:?} {model}");
    }
}

#[test]
fn a_price_of_ones_own() {
    let overrides =
        overrides(r#"[{"model":"demo-large","change":{"price":{"rates":{"input":"1"},"max_output_tokens":5}}}]"#)
            .unwrap();
    let query = PriceQuery { provider: None, model: "demo-large", service_tier: Some("flex"), now_ms: 0 };
    let quote = overrides.quote(PriceBook::builtin(), &query).unwrap();
    // It holds for every service tier; nothing but sizes comes from the book.
    assert_eq!((quote.price.tiers.len(), quote.price.rates.output), (0, None));
    assert_eq!((quote.price.context_window, quote.price.max_output_tokens), (Some(1_000_000), Some(5)));
    assert_eq!((quote.provider.as_deref(), quote.model.as_str()), (Some("demo"), "demo-large"));
}

#[test]
fn discounts_reach_tiers_and_service_tiers() {
    let overrides = overrides(r#"[{"model":"demo-*","change":{"discount_basis_points":1}}]"#).unwrap();
    let query = PriceQuery { provider: None, model: "demo-large", service_tier: Some("priority"), now_ms: 0 };
    let price = overrides.quote(PriceBook::builtin(), &query).unwrap().price;
    assert_eq!(price.rates.input.to_string(), "4.249575");
    assert_eq!(price.tiers[0].rates.output.unwrap().to_string(), "25.49745");
}

#[test]
fn refusals() {
    let own = |price: &str| format!(r#"[{{"model":"a","change":{{"price":{price}}}}}]"#);
    for (json, expected) in [
        (r#"[{"model":"a","change":{"discount_basis_points":10001}}]"#.to_owned(), "more than the whole price"),
        (r#"[{"model":"a","change":{"discount_basis_points":-1}}]"#.to_owned(), "invalid value"),
        (r#"[{"model":"a","change":{"discount_basis_points":99999999}}]"#.to_owned(), "more than the whole price"),
        (r#"[{"model":"a","change":{}}]"#.to_owned(), "expected"),
        (r#"[{"model":"","change":{"discount_basis_points":1}}]"#.to_owned(), "cannot be empty"),
        (r#"[{"modle":"a","change":{"discount_basis_points":1}}]"#.to_owned(), "unknown field `modle`"),
        (own(r#"{"rates":{"input":"-1"}}"#), "is negative"),
        (own(r#"{"rates":{"input":"100001"}}"#), "the price of `a`: `input` at `100001` dollars per million is beyond"),
        (
            r#"[{"provider":"P","model":"A","change":{"discount_basis_points":1}},
                {"provider":"q","model":"a","change":{"discount_basis_points":2}},
                {"provider":"p","model":"a","change":{"discount_basis_points":3}}]"#
                .to_owned(),
            "`a` has two overrides",
        ),
    ] {
        let error = overrides(&json).unwrap_err();
        assert!(error.contains(expected), "{json}: {error}");
    }
    let one = overrides(r#"[{"model":"a","change":{"discount_basis_points":1}}]"#).unwrap();
    let many = vec![one.entries()[0].clone(); 1_001];
    assert_eq!(Overrides::new(many), Err(OverrideError::TooMany(1_001)));
}

/// Organizations' overrides are stored in this form: a changed name would
/// leave them unreadable.
#[test]
fn json_form_unchanged() {
    let json = concat!(
        r#"[{"model":"gpt-4o","change":{"price":{"rates":{"input":"1"}}}},"#,
        r#"{"provider":"openai","model":"gpt-*","change":{"discount_basis_points":250}}]"#
    );
    assert_eq!(serde_json::to_string(&overrides(json).unwrap()).unwrap(), json);
}

proptest! {
    /// A discount makes nothing dearer, nothing negative, and nothing free
    /// but for a whole one.
    #[test]
    fn discounts_stay_between_nothing_and_all(basis_points in 0..=10_000_u32, tokens in 1..1_000_000_u64) {
        prop_assert!(BasisPoints::new(basis_points).is_ok());
        let json = format!(r#"[{{"model":"*","change":{{"discount_basis_points":{basis_points}}}}}]"#);
        let query = PriceQuery { provider: None, model: "demo-small", service_tier: None, now_ms: 0 };
        let usage = Usage { input_tokens: tokens, output_tokens: tokens, ..Usage::default() };
        let cost = |overrides: &Overrides| {
            let quote = overrides.quote(PriceBook::builtin(), &query).unwrap();
            Tariff::new(&quote.price, Default::default()).unwrap().cost(&usage).unwrap().get()
        };
        let (full, less) = (cost(&Overrides::default()), cost(&overrides(&json).unwrap()));
        prop_assert!((0..=full).contains(&less));
        prop_assert_eq!(less == 0, basis_points == 10_000);
    }
}
