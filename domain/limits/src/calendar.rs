//! The windows of the moment, reckoned once a minute.

use crate::bounds::Bounds;
use crate::window::Window;
use crate::zone::Zone;

/// The bounds of all windows in one time zone, remembered: nearly every call
/// comes in the same minute as the one before.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: Zone,
    bounds: [Bounds; 7],
}

impl Calendar {
    /// The calendar of a time zone.
    #[must_use]
    pub const fn new(zone: Zone) -> Self {
        // Nothing lies in these: the first question fills them in.
        Self { zone, bounds: [Bounds { start_ms: 0, end_ms: 0 }; 7] }
    }

    /// The time zone.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The bounds of one window that contains `now_ms`. For those who cannot
    /// have it remembered: quick while it is.
    #[must_use]
    pub fn of(&self, window: Window, now_ms: i64) -> Bounds {
        let known = *window.of(&self.bounds);
        if known.contains(now_ms) { known } else { window.bounds(now_ms, &self.zone) }
    }

    /// The bounds of the seven windows that contain `now_ms`, in the order of
    /// [`Window::ALL`]. The clock may jump either way.
    pub fn at(&mut self, now_ms: i64) -> &[Bounds; 7] {
        // Each minute lies in one window of every other kind, so that within
        // the minute there is nothing else to look at.
        if !Window::Minute.of(&self.bounds).contains(now_ms) {
            self.turn(now_ms);
        }
        &self.bounds
    }

    /// Windows of a kind don't overlap: one that contains `now_ms` is the one.
    fn turn(&mut self, now_ms: i64) {
        for (window, bounds) in Window::ALL.into_iter().zip(&mut self.bounds) {
            if !bounds.contains(now_ms) {
                *bounds = window.bounds(now_ms, &self.zone);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Steps of a minute to years in both directions, around changes of
        /// the clocks and around 1970, where the empty bounds are.
        #[test]
        fn says_the_same_as_without_memory(
            zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"]),
            start in proptest::sample::select(vec![0, 1_774_746_000_000, 1_792_886_400_000, 341_900_000_000]),
            steps in proptest::collection::vec((-5_000_000_000i64..5_000_000_000, 0u32..30), 1..40),
        ) {
            let zone = Zone::parse(zone).unwrap();
            let mut calendar = Calendar::new(zone.clone());
            let mut now = start;
            for (step, shift) in steps {
                now += step >> shift;
                let expected = Window::ALL.map(|window| window.bounds(now, &zone));
                prop_assert_eq!(calendar.at(now), &expected);
            }
        }
    }
}
