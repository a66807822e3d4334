//! What a call used and cost, by the best numbers there are.

use ledger::{Metered, Millicredits};
use pricing::{Tariff, Usage};
use providers::openai::{ReportedUsage, UsageError};
use team::protocol::Tokens;

/// What was reserved for, and what is known without the provider.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    /// The most that the input can be.
    pub(crate) input_bound: u64,
    /// What the input probably is.
    pub(crate) input_likely: u64,
    /// The most output that was allowed.
    pub(crate) output_allowed: u64,
    /// What is reserved.
    pub(crate) reserved: Millicredits,
}

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) cost: Millicredits,
    pub(crate) tokens: Tokens,
    pub(crate) metered: Metered,
    pub(crate) reconcile: bool,
}

/// A provider may count a little beyond what was allowed, and that is posted
/// and marked. Beyond sixteen times as much (and 100,000 tokens, for small
/// calls behind large hidden prompts) a report is not believed.
const ABSURD_TIMES: u64 = 16;
const ABSURD_MORE: u64 = 100_000;

/// Prices the provider's report or, without a believable one, what was seen.
/// `complete` says that the answer came to its end: only then is a report
/// final, otherwise what was seen counts if it is more.
pub(crate) fn measure(
    tariff: &Tariff,
    expected: &Expected,
    reported: Result<ReportedUsage, UsageError>,
    seen_output: u64,
    complete: bool,
) -> Measured {
    let absurd = |tokens: u64, bound: u64| tokens > bound.saturating_mul(ABSURD_TIMES).saturating_add(ABSURD_MORE);
    match reported {
        Ok(report)
            if absurd(report.input_tokens, expected.input_bound)
                || absurd(report.output_tokens, expected.output_allowed) =>
        {
            bound(expected, &report)
        }
        Ok(mut report) => {
            if !complete {
                report.output_tokens = report.output_tokens.max(seen_output);
            }
            let usage = usage(&report);
            let Ok(cost) = tariff.cost(&usage).or_else(|_| tariff.dearest(&usage)) else {
                return bound(expected, &report);
            };
            let beyond = report.input_tokens > expected.input_bound || report.output_tokens > expected.output_allowed;
            Measured { cost, tokens: tokens(&report), metered: Metered::Reported, reconcile: beyond }
        }
        Err(_) => {
            let output_tokens = seen_output.min(expected.output_allowed);
            let seen = ReportedUsage { input_tokens: expected.input_likely, output_tokens, ..ReportedUsage::default() };
            let cost = tariff.cost(&usage(&seen)).map_or(expected.reserved, |cost| cost.min(expected.reserved));
            Measured { cost, tokens: tokens(&seen), metered: Metered::Seen, reconcile: true }
        }
    }
}

/// The whole worst case, for a report that cannot be true.
fn bound(expected: &Expected, report: &ReportedUsage) -> Measured {
    let believed = ReportedUsage {
        input_tokens: report.input_tokens.min(expected.input_bound),
        output_tokens: report.output_tokens.min(expected.output_allowed),
        ..ReportedUsage::default()
    };
    Measured { cost: expected.reserved, tokens: tokens(&believed), metered: Metered::Bound, reconcile: true }
}

pub(crate) fn usage(report: &ReportedUsage) -> Usage {
    Usage {
        input_tokens: report.input_tokens,
        cached_input_tokens: report.cached_input_tokens,
        cache_write_tokens: report.cache_write_tokens,
        input_audio_tokens: report.input_audio_tokens,
        cached_audio_tokens: report.cached_audio_tokens,
        input_image_tokens: report.input_image_tokens,
        output_tokens: report.output_tokens,
        reasoning_tokens: report.reasoning_tokens,
        output_audio_tokens: report.output_audio_tokens,
        ..Usage::default()
    }
}

fn tokens(report: &ReportedUsage) -> Tokens {
    Tokens {
        input: signed(report.input_tokens),
        cached: signed(report.cached_input_tokens),
        output: signed(report.output_tokens),
        reasoning: signed(report.reasoning_tokens),
    }
}

/// Counts are far below 2^63 (`providers` refuses larger ones).
pub(crate) fn signed(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pricing::{CreditRate, PriceBook, PriceQuery};

    /// `demo-small`: 0.15 dollars a million tokens in, 0.60 out, so 150 and
    /// 600 millicredits a token.
    fn tariff() -> Tariff {
        let query = PriceQuery { provider: Some("demo"), model: "demo-small", service_tier: None, now_ms: 0 };
        Tariff::new(&PriceBook::builtin().quote(&query).unwrap().price, CreditRate::default()).unwrap()
    }

    fn report(input_tokens: u64, output_tokens: u64) -> Result<ReportedUsage, UsageError> {
        Ok(ReportedUsage { input_tokens, output_tokens, ..ReportedUsage::default() })
    }

    #[test]
    fn what_a_call_comes_to() {
        let expected =
            Expected { input_bound: 100, input_likely: 30, output_allowed: 50, reserved: Millicredits::new(45_000) };
        let missing = Err(UsageError::Missing);
        for (name, reported, seen, complete, cost, metered, reconcile) in [
            ("honest", report(20, 10), 9, true, 9_000, Metered::Reported, false),
            ("cut after usage", report(20, 10), 12, false, 10_200, Metered::Reported, false),
            ("a little beyond", report(20, 51), 51, true, 33_600, Metered::Reported, true),
            ("beyond the reservation", report(500, 50), 50, true, 105_000, Metered::Reported, true),
            ("absurd", report(20, 1_000_000), 3, true, 45_000, Metered::Bound, true),
            ("absurd input", report(1 << 40, 1), 3, true, 45_000, Metered::Bound, true),
            ("nothing reported", missing, 10, true, 10_500, Metered::Seen, true),
            ("nothing seen", missing, 0, false, 4_500, Metered::Seen, true),
            ("more seen than allowed", missing, 5_000, false, 34_500, Metered::Seen, true),
        ] {
            let measured = measure(&tariff(), &expected, reported, seen, complete);
            let got = (measured.cost.get(), measured.metered, measured.reconcile);
            assert_eq!(got, (cost, metered, reconcile), "{name}");
        }
    }
}
