//! The one alarm of an object.

use std::cell::Cell;

/// When the alarm is set to ring, as far as this instance knows, so that it
/// is not written again for every call: each setting is a row.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    at: Cell<Option<i64>>,
    settings: Cell<u64>,
}

impl Timer {
    /// Whether the alarm must be set, so that it rings at `wanted` at the
    /// latest.
    pub(crate) fn must_set(&self, wanted: Option<i64>) -> Option<i64> {
        let wanted = wanted?;
        if self.at.get().is_some_and(|at| at <= wanted) {
            return None;
        }
        self.at.set(Some(wanted));
        self.settings.set(self.settings.get().saturating_add(1));
        Some(wanted)
    }

    /// The alarm rings.
    pub(crate) fn rang(&self) {
        self.at.set(None);
    }

    /// Rows that were written by setting it.
    pub(crate) fn rows_written(&self) -> u64 {
        self.settings.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_set_again_only_to_ring_earlier() {
        let timer = Timer::default();
        assert_eq!(timer.must_set(None), None);
        assert_eq!(timer.must_set(Some(100)), Some(100));
        assert_eq!(timer.must_set(Some(150)), None);
        assert_eq!(timer.must_set(Some(50)), Some(50));
        timer.rang();
        assert_eq!(timer.must_set(Some(150)), Some(150));
        assert_eq!(timer.rows_written(), 3);
    }
}
