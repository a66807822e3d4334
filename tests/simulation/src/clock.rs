//! A clock that ticks, jumps and is put back.

use std::cell::Cell;

use crate::random::Random;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// 2025-03-29T20:00:00Z: an evening before clocks change in Europe.
const START: i64 = 1_743_278_400_000;

/// The one clock of the world, in milliseconds since 1970.
pub(crate) struct Clock(Cell<i64>);

/// What the clock did, for the tally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jump {
    Forward(i64),
    Back(i64),
}

impl Clock {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(START))
    }

    pub(crate) const fn now(&self) -> i64 {
        self.0.get()
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.0.set(self.now().saturating_add(ms));
    }

    /// An ordinary step: milliseconds, and now and then seconds.
    pub(crate) fn tick(&self, random: &mut Random) {
        let ms = if random.once_in(50) { random.between(0, 15 * SECOND) } else { random.between(0, 30) };
        self.advance(ms);
    }

    /// An extraordinary one.
    pub(crate) fn jump(&self, random: &mut Random) -> Jump {
        let by = match random.below(100) {
            0..20 => random.between(1, 2 * MINUTE),
            20..45 => random.between(MINUTE, 10 * MINUTE),
            45..60 => random.between(HOUR, 12 * HOUR),
            60..68 => random.between(DAY, 9 * DAY),
            68..72 => random.between(28 * DAY, 100 * DAY),
            72..80 => self.change_of_clocks(self.now() + 2 * MINUTE) - self.now() - random.between(0, 90 * SECOND),
            80..90 => -random.between(1, 5 * SECOND),
            90..96 => -random.between(SECOND, 3 * MINUTE),
            96..99 => -random.between(HOUR, 5 * HOUR),
            _ => -random.between(DAY, 2 * DAY),
        };
        self.advance(by);
        if by < 0 { Jump::Back(-by) } else { Jump::Forward(by) }
    }

    /// Whether clocks change within two minutes.
    pub(crate) fn changes_soon(&self) -> bool {
        self.change_of_clocks(self.now()) < self.now() + 2 * MINUTE
    }

    /// When clocks change next in Europe or in New York.
    fn change_of_clocks(&self, after: i64) -> i64 {
        let year = 1970 + self.now().div_euclid(DAY) * 400 / 146_097;
        let changes = [year, year + 1].into_iter().flat_map(|year| {
            [
                last_sunday(year, 3) + HOUR,
                last_sunday(year, 10) + HOUR,
                first_sunday(year, 3) + 7 * DAY + 7 * HOUR,
                first_sunday(year, 11) + 6 * HOUR,
            ]
        });
        changes.filter(|at| *at > after).min().unwrap_or_else(|| self.now())
    }
}

/// Midnight UTC of a date; Howard Hinnant's `days_from_civil`.
fn midnight(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468) * DAY
}

/// Days since the last Sunday; 1970 began on a Thursday.
fn after_sunday(at: i64) -> i64 {
    (at.div_euclid(DAY) + 4).rem_euclid(7)
}

/// In a month of 31 days.
fn last_sunday(year: i64, month: i64) -> i64 {
    let last = midnight(year, month, 31);
    last - after_sunday(last) * DAY
}

fn first_sunday(year: i64, month: i64) -> i64 {
    let first = midnight(year, month, 1);
    first + (7 - after_sunday(first)) % 7 * DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_change_when_they_do() {
        // 2025-03-30T01:00Z in Berlin, then 2025-10-26T01:00Z, 2025-11-02T06:00Z in New York.
        let clock = Clock::new();
        for expected in [1_743_296_400_000, 1_761_440_400_000, 1_762_063_200_000] {
            let change = clock.change_of_clocks(clock.now());
            assert_eq!(change, expected);
            clock.0.set(change);
        }
    }
}
