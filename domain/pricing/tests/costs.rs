//! What calls cost and what is reserved for them, checked by hand and by
//! property.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail a test, as tests may"
)]

use ledger::Millicredits;
use pricing::{
    CacheWrites, ContextTier, CostError, CreditRate, ModelPrice, OverflowError, Rates, Tariff, Usage, UsageBound, Usd,
    WorstCase,
};
use proptest::prelude::*;

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn tariff(price: &str, rate: &str) -> Tariff {
    let price: ModelPrice = serde_json::from_str(price).unwrap();
    price.validate().unwrap();
    Tariff::new(&price, CreditRate::new(usd(rate)).unwrap()).unwrap()
}

/// `gpt-4o-mini`, as it was sold for years.
const SMALL: &str = r#"{"rates":{"input":"0.15","cached_input_read":"0.075","output":"0.6"}}"#;
/// Dearer above 200,000 tokens of input.
const TIERED: &str = r#"{"rates":{"input":"1.25","cached_input_read":"0.125","output":"10"},
    "tiers":[{"above_input_tokens":200000,"rates":{"input":"2.5","cached_input_read":"0.25","output":"15"}}]}"#;
/// Cache writes dearer than input.
const WRITES: &str = r#"{"rates":{"input":"3","cached_input_read":"0.3","cached_input_write":"3.75",
    "cached_input_write_1h":"6","output":"15","web_search":"10000"}}"#;
/// Every modality, and a fee for each call.
const AUDIO: &str = r#"{"rates":{"input":"4","cached_input_read":"0.4","output":"16","reasoning":"20",
    "input_audio":"32","cached_input_audio":"0.5","output_audio":"64","input_image":"5","cached_input_image":"0.6",
    "output_image":"30","request":"1000","file_search":"2500"}}"#;

#[test]
fn costs_by_hand() {
    let none = Usage::default();
    for (price, rate, usage, millicredits) in [
        (SMALL, "1", none, 0),
        // 1,000 × 150 + 100 × 600 nano-dollars.
        (SMALL, "1", Usage { input_tokens: 1_000, output_tokens: 100, ..none }, 210_000),
        // 600 × 150 + 400 × 75.
        (SMALL, "1", Usage { input_tokens: 1_000, cached_input_tokens: 400, ..none }, 120_000),
        // Credits worth two dollars a million: half as many.
        (SMALL, "2", Usage { input_tokens: 1_000, output_tokens: 100, ..none }, 105_000),
        // 0.15 dollars at 3 dollars are exactly 50,000,000 millicredits; 0.6 are 200,000,000.
        (SMALL, "3", Usage { input_tokens: 7, output_tokens: 1, ..none }, 550),
        // One token of 150 nano-dollars at a thousand dollars a million: 0.15 millicredits, rounded up once.
        (SMALL, "1000", Usage { input_tokens: 1, ..none }, 1),
        // 0.15 + 0.6 are one millicredit, not two.
        (SMALL, "1000", Usage { input_tokens: 1, output_tokens: 1, ..none }, 1),
        (SMALL, "1000", Usage { input_tokens: 2, output_tokens: 2, ..none }, 2),
        // The threshold itself is still the lower tier; one more moves the whole call, its output too.
        (TIERED, "1", Usage { input_tokens: 200_000, output_tokens: 10, ..none }, 250_100_000),
        (TIERED, "1", Usage { input_tokens: 200_001, output_tokens: 10, ..none }, 500_152_500),
        // What is cached counts towards the threshold.
        (TIERED, "1", Usage { input_tokens: 300_000, cached_input_tokens: 300_000, ..none }, 75_000_000),
        // 100 × 3,000 + 200 × 300 + 300 × 3,750 + 400 × 6,000.
        (
            WRITES,
            "1",
            Usage {
                input_tokens: 1_000,
                cached_input_tokens: 200,
                cache_write_tokens: 700,
                cache_write_1h_tokens: 400,
                ..none
            },
            3_885_000,
        ),
        // A search is a cent.
        (WRITES, "1", Usage { web_searches: 3, ..none }, 30_000_000),
        // Thinking without a price of its own costs as output.
        (WRITES, "1", Usage { output_tokens: 10, reasoning_tokens: 9, ..none }, 150_000),
        // A call is a tenth of a cent.
        (AUDIO, "1", none, 1_000_000),
        // Input: 100 text at 4, 50 cached text at 0.4, 200 audio at 32, 50 cached audio at 0.5, 300 images at 5,
        // 100 cached images at 0.6. Output: 10 text at 16, 20 thinking at 20, 30 audio at 64, 40 images at 30.
        (
            AUDIO,
            "1",
            Usage {
                input_tokens: 800,
                cached_input_tokens: 200,
                input_audio_tokens: 250,
                cached_audio_tokens: 50,
                input_image_tokens: 400,
                cached_image_tokens: 100,
                output_tokens: 100,
                reasoning_tokens: 20,
                output_audio_tokens: 30,
                output_image_tokens: 40,
                file_searches: 2,
                ..none
            },
            (400 + 20 + 6_400 + 25 + 1_500 + 60 + 160 + 400 + 1_920 + 1_200) * 1_000 + 1_000_000 + 5_000_000,
        ),
    ] {
        assert_eq!(tariff(price, rate).cost(&usage), Ok(Millicredits::new(millicredits)), "{usage:?} at {rate}");
    }
}

#[test]
fn worst_cases_by_hand() {
    let bound = UsageBound::new;
    for (price, bound, input, output_per_million) in [
        (SMALL, bound(0), 0, 600_000_000),
        (SMALL, bound(1_000), 150_000, 600_000_000),
        (TIERED, bound(200_000), 250_000_000, 10_000_000_000),
        (TIERED, bound(200_001), 500_002_500, 15_000_000_000),
        // All of it may be written to the cache for an hour, unless the caller knows better.
        (WRITES, bound(1_000), 6_000_000, 15_000_000_000),
        (WRITES, UsageBound { cache_writes: CacheWrites::Minutes, ..bound(1_000) }, 3_750_000, 15_000_000_000),
        (WRITES, UsageBound { cache_writes: CacheWrites::None, ..bound(1_000) }, 3_000_000, 15_000_000_000),
        (WRITES, UsageBound { web_searches: 2, ..bound(0) }, 20_000_000, 15_000_000_000),
        (AUDIO, bound(0), 1_000_000, 64_000_000_000),
        (AUDIO, UsageBound { text_output_only: true, ..bound(0) }, 1_000_000, 20_000_000_000),
        // 900 × 4,000 + 100 × 32,000 and the fee.
        (AUDIO, UsageBound { input_audio_tokens: 100, ..bound(1_000) }, 7_800_000, 64_000_000_000),
        // More audio than input there cannot be.
        (AUDIO, UsageBound { input_audio_tokens: u64::MAX, ..bound(1_000) }, 33_000_000, 64_000_000_000),
    ] {
        let expected = WorstCase { input: Millicredits::new(input), output_per_million };
        assert_eq!(tariff(price, "1").worst_case(&bound), Ok(expected), "{bound:?}");
    }
}

#[test]
fn what_is_affordable_by_hand() {
    let worst = |input, output_per_million| WorstCase { input: Millicredits::new(input), output_per_million };
    for (worst, available, expected) in [
        (worst(100, 1_000_000), 99, None),
        (worst(100, 1_000_000), 100, Some(0)),
        (worst(100, 1_000_000), 103, Some(3)),
        (worst(100, 1_500_000), 103, Some(2)),
        (worst(100, 300_000), 101, Some(3)),
        (worst(0, 0), 0, Some(u64::MAX)),
        (worst(0, 1), i64::MAX, Some(9_223_372_036_854_775_807_000_000_u128.min(u128::from(u64::MAX)) as u64)),
        (worst(0, 1), i64::MIN, None),
        (worst(i64::MAX, 1), i64::MIN, None),
    ] {
        assert_eq!(worst.affordable_output(Millicredits::new(available)), expected, "{worst:?} of {available}");
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let dear = tariff(r#"{"rates":{"input":"100000","output":"100000"}}"#, "1");
    let all = Usage { input_tokens: u64::MAX, output_tokens: u64::MAX, ..Usage::default() };
    assert_eq!(dear.cost(&all), Err(CostError::Overflow(OverflowError)));
    assert_eq!(dear.dearest(&all), Err(OverflowError));
    assert_eq!(dear.worst_case(&UsageBound::new(u64::MAX)), Err(OverflowError));
    assert_eq!(dear.worst_case(&UsageBound::new(0)).unwrap().total(u64::MAX), Err(OverflowError));
    let price = ModelPrice { rates: Rates { input: usd("100000"), ..Rates::default() }, ..ModelPrice::default() };
    assert_eq!(Tariff::new(&price, CreditRate::new(usd("0.000000001")).unwrap()), Err(OverflowError));
}

#[test]
fn contradictions_are_charged_at_their_dearest() {
    let tariff = tariff(WRITES, "1");
    let usage = Usage { input_tokens: 100, cached_input_tokens: 150, output_tokens: 1, ..Usage::default() };
    assert!(matches!(tariff.cost(&usage), Err(CostError::Usage(_))));
    // 150 tokens, each as if written to the cache for an hour.
    assert_eq!(tariff.dearest(&usage), Ok(Millicredits::new(150 * 6_000 + 15_000)));
}

fn price() -> impl Strategy<Value = Usd> {
    prop_oneof![Just(0), 1..5_i64, 0..100_000_000_000_000_i64].prop_map(|nanos| Usd::from_nanos(nanos).unwrap())
}

fn rates() -> impl Strategy<Value = Rates> {
    (price(), proptest::collection::vec(proptest::option::of(price()), 14)).prop_map(|(input, other)| Rates {
        input,
        cached_input_read: other[0],
        cached_input_write: other[1],
        cached_input_write_1h: other[2],
        output: other[3],
        reasoning: other[4],
        input_audio: other[5],
        cached_input_audio: other[6],
        output_audio: other[7],
        input_image: other[8],
        cached_input_image: other[9],
        output_image: other[10],
        request: other[11],
        web_search: other[12],
        file_search: other[13],
    })
}

/// Few tokens often, so that thresholds and rounding are met.
fn tokens() -> impl Strategy<Value = u64> {
    prop_oneof![0..4_u64, 0..2_000_u64, 0..3_000_000_u64]
}

fn model_price() -> impl Strategy<Value = ModelPrice> {
    (rates(), proptest::collection::btree_map(tokens(), rates(), 0..3)).prop_map(|(rates, tiers)| ModelPrice {
        rates,
        tiers: tiers.into_iter().map(|(above_input_tokens, rates)| ContextTier { above_input_tokens, rates }).collect(),
        ..ModelPrice::default()
    })
}

fn any_tariff() -> impl Strategy<Value = Tariff> {
    (model_price(), 1_000_000..5_000_000_000_i64).prop_map(|(price, rate)| {
        price.validate().unwrap();
        Tariff::new(&price, CreditRate::new(Usd::from_nanos(rate).unwrap()).unwrap()).unwrap()
    })
}

/// A consistent usage, built from disjoint parts.
fn usage() -> impl Strategy<Value = Usage> {
    (proptest::collection::vec(tokens(), 12), 0..3_u64, 0..3_u64).prop_map(|(part, web_searches, file_searches)| {
        Usage {
            input_tokens: part[..8].iter().sum(),
            cached_input_tokens: part[1] + part[5] + part[7],
            cache_write_tokens: part[2] + part[3],
            cache_write_1h_tokens: part[3],
            input_audio_tokens: part[4] + part[5],
            cached_audio_tokens: part[5],
            input_image_tokens: part[6] + part[7],
            cached_image_tokens: part[7],
            output_tokens: part[8..].iter().sum(),
            reasoning_tokens: part[9],
            output_audio_tokens: part[10],
            output_image_tokens: part[11],
            web_searches,
            file_searches,
        }
    })
}

/// The tightest bound that allows this usage, then loosened.
fn bound(usage: &Usage, slack: u64) -> UsageBound {
    UsageBound {
        input_tokens: usage.input_tokens + slack,
        input_audio_tokens: usage.input_audio_tokens + slack / 2,
        input_image_tokens: usage.input_image_tokens + slack / 3,
        cache_writes: match (usage.cache_write_tokens, usage.cache_write_1h_tokens) {
            (0, _) => CacheWrites::None,
            (_, 0) => CacheWrites::Minutes,
            _ => CacheWrites::Any,
        },
        text_output_only: usage.output_audio_tokens == 0 && usage.output_image_tokens == 0,
        web_searches: usage.web_searches + slack % 2,
        file_searches: usage.file_searches + slack % 3,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The promise that all else stands on.
    #[test]
    fn no_usage_within_the_bound_costs_more(
        tariff in any_tariff(), usage in usage(), slack in tokens(), more_output in tokens(),
    ) {
        let worst = tariff.worst_case(&bound(&usage, slack)).unwrap();
        let cost = tariff.cost(&usage).unwrap();
        prop_assert!(cost <= worst.total(usage.output_tokens + more_output).unwrap());
        prop_assert!(cost >= Millicredits::ZERO);
        prop_assert!(cost <= tariff.dearest(&usage).unwrap());
    }

    /// The largest output that can be paid, and not one token more.
    #[test]
    fn affordable_output_is_maximal(
        input in 0..i64::MAX / 2, output_per_million in 0..1_000_000_000_000_i64, available: i64,
    ) {
        let worst = WorstCase { input: Millicredits::new(input), output_per_million };
        let available = Millicredits::new(available);
        match worst.affordable_output(available) {
            None => prop_assert!(worst.total(0).unwrap() > available),
            Some(u64::MAX) => prop_assert!(output_per_million <= 1_000_000),
            Some(tokens) => {
                prop_assert!(worst.total(tokens).unwrap() <= available);
                prop_assert!(worst.total(tokens + 1).map_or(true, |total| total > available));
            }
        }
    }

    /// More never costs less, as long as the tier stays the same.
    #[test]
    fn more_usage_never_costs_less(rates in rates(), usage in usage(), more in usage()) {
        let price = ModelPrice { rates, ..ModelPrice::default() };
        let tariff = Tariff::new(&price, CreditRate::default()).unwrap();
        let both = Usage {
            input_tokens: usage.input_tokens + more.input_tokens,
            cached_input_tokens: usage.cached_input_tokens + more.cached_input_tokens,
            cache_write_tokens: usage.cache_write_tokens + more.cache_write_tokens,
            cache_write_1h_tokens: usage.cache_write_1h_tokens + more.cache_write_1h_tokens,
            input_audio_tokens: usage.input_audio_tokens + more.input_audio_tokens,
            cached_audio_tokens: usage.cached_audio_tokens + more.cached_audio_tokens,
            input_image_tokens: usage.input_image_tokens + more.input_image_tokens,
            cached_image_tokens: usage.cached_image_tokens + more.cached_image_tokens,
            output_tokens: usage.output_tokens + more.output_tokens,
            reasoning_tokens: usage.reasoning_tokens + more.reasoning_tokens,
            output_audio_tokens: usage.output_audio_tokens + more.output_audio_tokens,
            output_image_tokens: usage.output_image_tokens + more.output_image_tokens,
            web_searches: usage.web_searches + more.web_searches,
            file_searches: usage.file_searches + more.file_searches,
        };
        prop_assert!(tariff.cost(&usage).unwrap() <= tariff.cost(&both).unwrap());
    }

    /// A looser bound never reserves less.
    #[test]
    fn a_looser_bound_never_reserves_less(tariff in any_tariff(), usage in usage(), slack in tokens()) {
        let (tight, loose) = (bound(&usage, 0), bound(&usage, slack * 6));
        let (tight, loose) = (tariff.worst_case(&tight).unwrap(), tariff.worst_case(&loose).unwrap());
        prop_assert!(tight.input <= loose.input && tight.output_per_million <= loose.output_per_million);
    }

    /// What a price is not zero for is never free.
    #[test]
    fn nothing_becomes_free_by_rounding(nanos in 1..1_000_i64, rate in 1..1_000_000_000_000_000_i64) {
        let rates = Rates { input: Usd::from_nanos(nanos).unwrap(), ..Rates::default() };
        let price = ModelPrice { rates, ..ModelPrice::default() };
        let rate = CreditRate::new(Usd::from_nanos(rate).unwrap()).unwrap();
        if let Ok(tariff) = Tariff::new(&price, rate) {
            let usage = Usage { input_tokens: 1, ..Usage::default() };
            prop_assert!(tariff.cost(&usage).unwrap() > Millicredits::ZERO);
        }
    }

    /// Any numbers at all get an answer, and the dearest reading always has one
    /// unless it overflows.
    #[test]
    fn any_usage_is_answered(numbers in proptest::collection::vec(any::<u64>(), 14), tariff in any_tariff()) {
        let usage = Usage {
            input_tokens: numbers[0],
            cached_input_tokens: numbers[1],
            cache_write_tokens: numbers[2],
            cache_write_1h_tokens: numbers[3],
            input_audio_tokens: numbers[4],
            cached_audio_tokens: numbers[5],
            input_image_tokens: numbers[6],
            cached_image_tokens: numbers[7],
            output_tokens: numbers[8],
            reasoning_tokens: numbers[9],
            output_audio_tokens: numbers[10],
            output_image_tokens: numbers[11],
            web_searches: numbers[12],
            file_searches: numbers[13],
        };
        let _ = (tariff.cost(&usage), tariff.dearest(&usage));
    }
}
