//! Medians, spreads, and how they are shown.

use serde::Serialize;

/// The rounds' median, and between which values they all are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Spread {
    /// Of what is a number; all zero where nothing is.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or_default();
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => (at(middle.saturating_sub(1)) + at(middle)) / 2.0,
            _ => at(middle),
        };
        Self { median, low: at(0), high: at(values.len().saturating_sub(1)) }
    }

    /// `1.4 (1.2–1.7)`
    pub(super) fn shown(&self, decimals: usize) -> String {
        let Self { median, low, high } = self;
        format!("{median:.decimals$} ({low:.decimals$}–{high:.decimals$})")
    }
}

/// Microseconds as milliseconds.
pub(super) fn ms(micros: f64) -> String {
    format!("{:.2}", micros / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_ends() {
        for (values, median, low, high) in [
            (vec![3.0, 1.0, 2.0], 2.0, 1.0, 3.0),
            (vec![4.0, 1.0], 2.5, 1.0, 4.0),
            (vec![f64::NAN, 5.0, f64::INFINITY], 5.0, 5.0, 5.0),
            (vec![], 0.0, 0.0, 0.0),
        ] {
            assert_eq!(Spread::of(values), Spread { median, low, high });
        }
    }
}
