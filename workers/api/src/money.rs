//! Credits as dollars, for display.

use ledger::Millicredits;
use pricing::CreditRate;

/// What an amount of credits is worth, in dollars with up to nine digits
/// after the point, rounded towards zero.
pub(crate) fn dollars(amount: Millicredits, rate: CreditRate) -> String {
    // A rate is dollars (of a thousand million nano-dollars) for a million
    // credits (of a thousand millicredits): both sides have the same factor.
    let nanos = i128::from(amount.get())
        .saturating_mul(i128::from(rate.usd_per_million_credits().nanos()))
        .checked_div(1_000_000_000)
        .unwrap_or_default();
    let sign = if nanos < 0 { "-" } else { "" };
    let digits = format!("{:010}", nanos.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(9));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact() {
        let rate = |text: &str| CreditRate::new(text.parse().unwrap()).unwrap();
        for (millicredits, usd, text) in [
            (0, "1", "0"),
            (1, "1", "0.000000001"),
            (1_000_000_000, "1", "1"),
            (1_500_000_000, "1", "1.5"),
            (-1_500_000_000, "1", "-1.5"),
            (1_000_000_000, "2.5", "2.5"),
            (1, "0.5", "0"),
            (3, "0.5", "0.000000001"),
            (i64::MAX, "1", "9223372036.854775807"),
            (i64::MAX, "1000", "9223372036854.775807"),
        ] {
            assert_eq!(dollars(Millicredits::new(millicredits), rate(usd)), text, "{millicredits} at {usd}");
        }
    }
}
