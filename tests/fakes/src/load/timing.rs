//! What a target says about its own time.

/// Where it says so: `name;dur=1.5, other;dur=2`, in milliseconds.
pub(crate) const HEADER: &str = "server-timing";

/// The named durations in microseconds; what has none is left out.
pub(crate) fn durations(header: &str) -> Vec<(String, u32)> {
    header.split(',').filter_map(duration).collect()
}

fn duration(metric: &str) -> Option<(String, u32)> {
    let mut parts = metric.split(';').map(str::trim);
    let name = parts.next()?;
    let text = parts.find_map(|part| part.strip_prefix("dur="))?;
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let decimals = format!("{decimals:0<3}");
    let micros = format!("{whole}{}", decimals.get(..3)?);
    Some((name.to_owned(), micros.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_microseconds() {
        for (header, expected) in [
            ("db;dur=53", vec![("db", 53_000)]),
            (r#"a;dur=1.5, b;desc="x";dur=0.0629"#, vec![("a", 1_500), ("b", 62)]),
            ("miss, cache;desc=hit, bad;dur=x, negative;dur=-1", vec![]),
            ("", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(name, time)| (name.to_owned(), time)).collect();
            assert_eq!(durations(header), expected, "{header}");
        }
    }
}
