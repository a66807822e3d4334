//! What the calls cost, to the last millicredit.

/// The header in which the gateway says what a call cost.
pub(crate) const HEADER: &str = "x-alfred-cost-credits";

/// Reads a number of credits with at most three decimals as millicredits.
pub(crate) fn millicredits(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !only_digits(whole) || !only_digits(decimals) || decimals.len() > 3 {
        return None;
    }
    format!("{whole}{decimals:0<3}").parse::<i64>().ok()?.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_is_exact() {
        for (text, value) in [
            ("0", Some(0)),
            ("12", Some(12_000)),
            ("12.3", Some(12_300)),
            ("0.001", Some(1)),
            ("-1.25", Some(-1_250)),
            ("9223372036854775.807", Some(i64::MAX)),
            ("9223372036854775.808", None),
            ("1.2345", None),
            ("1e3", None),
            ("+1", None),
            (".5", None),
            ("1.", Some(1_000)),
            ("", None),
            ("--1", None),
        ] {
            assert_eq!(millicredits(text), value, "{text}");
        }
    }
}
