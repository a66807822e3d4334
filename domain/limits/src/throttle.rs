//! Counting requests in memory, to keep one caller from taking all of it.
//!
//! Not for credits: a restart forgets the counts, and several isolates each
//! have their own. What must be exact is a [`Meter`](crate::Meter).

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

/// A count begins with a caller's first request and lasts so long.
pub const THROTTLE_WINDOW_MS: i64 = 60_000;

/// How often each caller came in the last minute.
#[derive(Debug)]
pub struct Throttle<K> {
    counts: HashMap<K, Count>,
    most_callers: usize,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    began_ms: i64,
    taken: u32,
}

/// What a caller has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// Requests that are allowed in a minute.
    pub limit: u32,
    /// Those that are left of it.
    pub left: u32,
    /// Milliseconds until all of them are allowed again.
    pub resets_in_ms: i64,
}

impl Allowance {
    /// Seconds until all of them are allowed again, rounded up.
    #[must_use]
    pub fn resets_in_seconds(&self) -> u32 {
        let seconds = self.resets_in_ms.saturating_add(999).checked_div(1000).unwrap_or_default();
        u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
    }
}

impl<K: Eq + Hash> Throttle<K> {
    /// Nobody has come yet. At most so many callers are counted at a time; of
    /// more, all are forgotten: so many are not one that takes all.
    #[must_use]
    pub fn new(most_callers: usize) -> Self {
        Self { counts: HashMap::new(), most_callers }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// When the caller has nothing left; it is not counted then.
    pub fn take(&mut self, now_ms: i64, caller: K, limit: u32) -> Result<Allowance, Allowance> {
        let before = self.look(now_ms, &caller, limit);
        if before.left == 0 {
            return Err(before);
        }
        if self.counts.len() >= self.most_callers && !self.counts.contains_key(&caller) {
            self.make_room(now_ms);
        }
        let count = self.counts.entry(caller).or_insert(Count { began_ms: now_ms, taken: 0 });
        if !count.goes_on(now_ms) {
            *count = Count { began_ms: now_ms, taken: 0 };
        }
        count.taken = count.taken.saturating_add(1);
        Ok(Allowance { left: before.left.saturating_sub(1), ..before })
    }

    /// What a caller has left, without counting.
    #[must_use]
    pub fn look(&self, now_ms: i64, caller: &K, limit: u32) -> Allowance {
        match self.counts.get(caller).filter(|count| count.goes_on(now_ms)) {
            None => Allowance { limit, left: limit, resets_in_ms: THROTTLE_WINDOW_MS },
            Some(count) => {
                let ends_ms = count.began_ms.saturating_add(THROTTLE_WINDOW_MS);
                let left = limit.saturating_sub(count.taken);
                Allowance { limit, left, resets_in_ms: ends_ms.saturating_sub(now_ms) }
            }
        }
    }

    fn make_room(&mut self, now_ms: i64) {
        self.counts.retain(|_, count| count.goes_on(now_ms));
        // Half of them, or looking for those that ended would be done for
        // every request of a crowd.
        if self.counts.len() > self.most_callers.checked_div(2).unwrap_or_default() {
            self.counts.clear();
        }
    }
}

impl Count {
    /// Whether its minute has not ended. A clock that was turned back ends it.
    fn goes_on(&self, now_ms: i64) -> bool {
        (0..THROTTLE_WINDOW_MS).contains(&now_ms.saturating_sub(self.began_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_from_the_first_request() {
        let mut throttle = Throttle::new(10);
        let begin = 1_800_000_012_345;
        for left in [2, 1, 0] {
            let allowance = throttle.take(begin + 1000 * i64::from(2 - left), 'a', 3).unwrap();
            assert_eq!((allowance.limit, allowance.left), (3, left));
        }
        let refused = throttle.take(begin + 59_001, 'a', 3).unwrap_err();
        assert_eq!((refused.left, refused.resets_in_ms, refused.resets_in_seconds()), (0, 999, 1));
        assert_eq!(throttle.take(begin + 59_001, 'b', 3).unwrap().left, 2, "others have their own");
        assert_eq!(throttle.take(begin + 60_000, 'a', 3).unwrap().left, 2);
        // A clock that was turned back keeps nobody out for long.
        assert_eq!(throttle.take(begin - 1, 'a', 3).unwrap().left, 2);
        assert_eq!(throttle.take(begin, 'c', 0).unwrap_err().resets_in_seconds(), 60);
    }

    #[test]
    fn looking_counts_nothing() {
        let mut throttle = Throttle::new(10);
        assert_eq!(throttle.look(0, &'a', 2).left, 2);
        throttle.take(0, 'a', 2).unwrap();
        assert_eq!((throttle.look(1, &'a', 2).left, throttle.look(1, &'a', 2).left), (1, 1));
        // Another limit is compared with the same count.
        assert_eq!(throttle.look(1, &'a', 1).left, 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut throttle = Throttle::new(100);
        for caller in 0..10_000 {
            throttle.take(0, caller, 1).unwrap();
            assert!(throttle.counts.len() <= 100);
        }
        // Those whose minute has ended go first.
        let mut throttle = Throttle::new(4);
        for (now, caller) in [(0, 'a'), (0, 'b'), (0, 'c'), (50_000, 'd'), (70_000, 'e')] {
            throttle.take(now, caller, 1).unwrap();
        }
        assert_eq!(throttle.look(70_000, &'d', 1).left, 0);
        assert_eq!(throttle.counts.len(), 2);
    }
}
