//! How much of a shared pool one person may draw.

use ledger::Millicredits;
use serde::{Deserialize, Serialize};

use crate::window::Window;

/// How much of its team's pool a member's calls may draw without anybody being
/// asked. What a window has seen is counted by acceptance, as for limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolRules {
    /// At most so much for each member in a window; as much as there is if
    /// left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Millicredits>,
    /// The last of the pool is for everybody: of so much, nobody draws more
    /// than an even share in a window.
    #[serde(default)]
    pub floor: Millicredits,
    /// The stretch of the calendar in which draws are counted.
    pub window: Window,
}

impl PoolRules {
    /// How much a member may still draw, who has drawn so much in the window,
    /// of a pool that has so much and belongs to so many.
    ///
    /// Above the floor it is there for whoever comes first. What lies below is
    /// for those who have drawn less than an even share of the floor, until
    /// they have; so whatever one member draws, somebody who has drawn nothing
    /// finds something.
    #[must_use]
    pub fn room(&self, pool: Millicredits, drawn: Millicredits, members: usize) -> Millicredits {
        let floor = self.floor.max(Millicredits::ZERO);
        let pool = pool.max(Millicredits::ZERO);
        let members = i64::try_from(members.max(1)).unwrap_or(i64::MAX);
        let even = Millicredits::new(floor.get().checked_div(members).unwrap_or_default());
        let above = pool.saturating_sub(floor).max(Millicredits::ZERO);
        let below = even.saturating_sub(drawn).max(Millicredits::ZERO).min(pool.min(floor));
        above.saturating_add(below).min(self.left(drawn))
    }

    /// How much a member who has drawn so much may still draw of a pool that
    /// has plenty.
    #[must_use]
    pub fn left(&self, drawn: Millicredits) -> Millicredits {
        self.each.map_or(Millicredits::MAX, |each| each.saturating_sub(drawn).max(Millicredits::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(each: Option<i64>, floor: i64) -> PoolRules {
        PoolRules { window: Window::Month, each: each.map(Millicredits::new), floor: Millicredits::new(floor) }
    }

    fn room(rules: PoolRules, pool: i64, drawn: i64, members: usize) -> i64 {
        rules.room(Millicredits::new(pool), Millicredits::new(drawn), members).get()
    }

    #[test]
    fn each_has_so_much_in_a_window() {
        assert_eq!(room(rules(Some(50), 0), 1000, 0, 3), 50);
        assert_eq!(room(rules(Some(50), 0), 1000, 30, 3), 20);
        assert_eq!(room(rules(Some(50), 0), 1000, 80, 3), 0, "the rule came later, or an overrun");
        assert_eq!(room(rules(Some(50), 0), 10, 0, 3), 10);
        assert_eq!(room(rules(None, 0), 1000, 999, 3), 1000);
    }

    #[test]
    fn the_floor_is_shared_evenly() {
        let floor = rules(None, 60);
        assert_eq!(room(floor, 100, 0, 3), 60, "40 above it and 20 of it");
        assert_eq!(room(floor, 40, 60, 3), 0);
        assert_eq!(room(floor, 40, 0, 3), 20);
        assert_eq!(room(floor, 15, 5, 3), 15);
        assert_eq!(room(floor, 100, 0, 0), 100, "of nobody");
        assert_eq!(room(rules(Some(10), 60), 100, 0, 3), 10);
    }

    proptest! {
        /// However one member goes about it, everybody else still finds their
        /// even share.
        #[test]
        fn nobody_empties_a_pool_alone(pool in 0i64..1000, floor in 0i64..1000, members in 2usize..9, calls in prop::collection::vec(1i64..200, 0..40)) {
            let rules = rules(None, floor);
            let (mut left, mut drawn) = (pool, 0);
            for call in calls {
                let takes = call.min(room(rules, left, drawn, members));
                prop_assert!((0..=left).contains(&takes));
                left -= takes;
                drawn += takes;
            }
            let even = floor / i64::try_from(members).unwrap();
            prop_assert!(left >= floor.min(pool) - even.min(pool));
            prop_assert_eq!(room(rules, left, 0, members).min(even), even.min(left));
        }

        #[test]
        fn there_is_never_more_than_there_is(pool in any::<i64>(), drawn in 0i64.., floor in any::<i64>(), each in prop::option::of(0i64..), members in any::<usize>()) {
            let room = room(rules(each, floor), pool, drawn, members);
            prop_assert!(room >= 0 && room <= pool.max(0));
        }
    }
}
