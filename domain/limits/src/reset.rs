//! How OpenAI's rate limit headers write a time.

use std::fmt::Write;

/// A time until a limit resets, as in `x-ratelimit-reset-requests`: `6m0s`,
/// `1s`, `12ms`, `1.5s`. What is past reads `0s`.
#[must_use]
pub fn reset_text(ms: i64) -> String {
    let ms = ms.max(0);
    if (1..1000).contains(&ms) {
        return format!("{ms}ms");
    }
    let (hours, minutes, seconds, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    let mut text = String::new();
    // Writing to a String cannot fail.
    if hours > 0 {
        let _ = write!(text, "{hours}h");
    }
    if hours > 0 || minutes > 0 {
        let _ = write!(text, "{minutes}m");
    }
    let _ = write!(text, "{seconds}");
    if rest > 0 {
        let digits = format!("{rest:03}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
    text + "s"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_openai_does() {
        for (ms, text) in [
            (i64::MIN, "0s"),
            (-1, "0s"),
            (0, "0s"),
            (1, "1ms"),
            (12, "12ms"),
            (999, "999ms"),
            (1000, "1s"),
            (1500, "1.5s"),
            (7660, "7.66s"),
            (59_999, "59.999s"),
            (60_000, "1m0s"),
            (86_400, "1m26.4s"),
            (360_000, "6m0s"),
            (3_600_000, "1h0m0s"),
            (2_678_400_000, "744h0m0s"),
            (i64::MAX, "2562047788015h12m55.807s"),
        ] {
            assert_eq!(reset_text(ms), text);
        }
    }
}
