//! What one subject took, window by window.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bounds::Bounds;
use crate::spend::Spend;
use crate::window::Window;
use crate::zone::Zone;

/// What a team, a member or a key took in each of the seven windows, in every
/// unit, whether or not there is a limit: one that is set in mid-month knows
/// what the month has seen.
///
/// **A call counts in the window in which it was accepted.** What is reserved by a
/// call in flight counts until the call ends or its window does; a call that
/// ends after its window leaves the new window alone. So every operation takes
/// the time at which its call was accepted, and calls of an older window than
/// the meter's are ignored.
///
/// **A meter never rolls back.** When the clock runs backwards, the newest
/// window seen stays the current one until the clock has passed it again:
/// a clock that is put back must not make anything available twice. Calls that
/// arrive meanwhile count in it by [`Meter::accepted_ms`]. The price is paid
/// by whoever puts the clock far ahead: it is never forgotten.
///
/// The bounds that operations take are those of the moment at which the call
/// was accepted or of any later one; for [`Meter::taken`], of the moment.
///
/// Serialized are the windows' starts and what was used. What is reserved is not:
/// its owner knows the calls that are open and reserves them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    slots: [Slot; 7],
}

/// What was taken in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Spent by calls that have ended.
    pub used: Spend,
    /// Reserved by calls in flight.
    pub reserved: Spend,
}

/// Why a call cannot be reserved; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MeterError {
    /// A call cannot take less than nothing.
    #[error("a call cannot take less than nothing")]
    Negative,
    /// Together with what is taken it is beyond what a counter reserves.
    #[error("the call takes more than can be counted")]
    TooLarge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    start_ms: i64,
    taken: Taken,
}

impl Slot {
    const fn new(start_ms: i64) -> Self {
        Self { start_ms, taken: Taken { used: Spend::ZERO, reserved: Spend::ZERO } }
    }
}

impl Default for Meter {
    /// A meter that has seen nothing.
    fn default() -> Self {
        Self { slots: [Slot::new(i64::MIN); 7] }
    }
}

impl Meter {
    /// The time at which a call that arrives now is accepted: now, or the
    /// start of the meter's newest window when the clock ran backwards.
    ///
    /// Where a call counts on several meters, this one must be the meter that
    /// has seen the calls of all the others (the team's).
    #[must_use]
    pub fn accepted_ms(&self, now_ms: i64) -> i64 {
        self.slots.iter().fold(now_ms, |latest, slot| latest.max(slot.start_ms))
    }

    /// Reserves what an accepted call may take.
    ///
    /// # Errors
    /// [`MeterError`]; the meter is as it was.
    pub fn reserve(&mut self, accepted_ms: i64, need: Spend, bounds: &[Bounds; 7]) -> Result<(), MeterError> {
        if need.is_negative() {
            return Err(MeterError::Negative);
        }
        let mut next = self.clone();
        next.roll(bounds);
        for taken in next.counting(accepted_ms) {
            taken.reserved = taken.reserved.checked_add(need).ok_or(MeterError::TooLarge)?;
            taken.used.checked_add(taken.reserved).ok_or(MeterError::TooLarge)?;
        }
        *self = next;
        Ok(())
    }

    /// Ends a reserved call that took `actual`.
    pub fn settle(&mut self, accepted_ms: i64, reserved: Spend, actual: Spend, bounds: &[Bounds; 7]) {
        self.roll(bounds);
        for taken in self.counting(accepted_ms) {
            taken.reserved = taken.reserved.counted_down(reserved);
            taken.used = taken.used.counted_up(actual);
        }
    }

    /// Ends a reserved call that took nothing.
    pub fn release(&mut self, accepted_ms: i64, reserved: Spend, bounds: &[Bounds; 7]) {
        self.settle(accepted_ms, reserved, Spend::ZERO, bounds);
    }

    /// Corrects by `delta`, up or down, what a settled call took. Use never
    /// falls below zero.
    pub fn correct(&mut self, accepted_ms: i64, delta: Spend, bounds: &[Bounds; 7]) {
        self.settle(accepted_ms, Spend::ZERO, delta, bounds);
    }

    /// Counts a call that has already ended: what a journal is replayed with,
    /// in the order of its entries, each with the bounds of its acceptance.
    pub fn record(&mut self, accepted_ms: i64, actual: Spend, bounds: &[Bounds; 7]) {
        self.settle(accepted_ms, Spend::ZERO, actual, bounds);
    }

    /// Moves to another time zone. What was used in the windows under way stays
    /// used in those that take their place, even where they began later; where
    /// they began earlier, calls of before the old beginning still don't count,
    /// or a correction would take away what was never added. What was reserved
    /// is forgotten, because calls may now lie in other windows: reserve
    /// the open ones again.
    pub fn rezone(&mut self, now_ms: i64, old: &Zone, new: &Zone) {
        // When the clock ran backwards, the newest moment seen has to find its
        // windows in the new zone, or they would begin a second time.
        let moment = self.accepted_ms(now_ms);
        self.roll(&Window::ALL.map(|window| window.bounds(moment, old)));
        for (slot, window) in self.slots.iter_mut().zip(Window::ALL) {
            slot.start_ms = slot.start_ms.max(window.bounds(moment, new).start_ms);
            slot.taken.reserved = Spend::ZERO;
        }
    }

    /// What was taken in the window of the moment.
    #[must_use]
    pub fn taken(&self, window: Window, bounds: &[Bounds; 7]) -> Taken {
        self.taken_in(window, *window.of(bounds))
    }

    /// Likewise, of one window whose bounds these are.
    #[must_use]
    pub fn taken_in(&self, window: Window, bounds: Bounds) -> Taken {
        let slot = window.of(&self.slots);
        if bounds.start_ms > slot.start_ms { Taken::default() } else { slot.taken }
    }

    /// Begins the windows that have come since.
    fn roll(&mut self, bounds: &[Bounds; 7]) {
        for (slot, bounds) in self.slots.iter_mut().zip(bounds) {
            if bounds.start_ms > slot.start_ms {
                *slot = Slot::new(bounds.start_ms);
            }
        }
    }

    /// The windows in which a call that was accepted then counts.
    fn counting(&mut self, accepted_ms: i64) -> impl Iterator<Item = &mut Taken> {
        self.slots.iter_mut().filter(move |slot| slot.start_ms <= accepted_ms).map(|slot| &mut slot.taken)
    }
}

/// The stored form of a window: start, millicredits, tokens, requests.
type Row = (i64, i64, i64, i64);

impl Serialize for Meter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = |slot: Slot| -> Row {
            let used = slot.taken.used;
            (slot.start_ms, used.credits.get(), used.tokens, used.requests)
        };
        self.slots.map(row).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Meter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = <[Row; 7]>::deserialize(deserializer)?;
        let slots = rows.map(|(start_ms, millicredits, tokens, requests)| {
            let used = Spend::new(millicredits, tokens, requests);
            Slot { start_ms, taken: Taken { used, reserved: Spend::ZERO } }
        });
        if slots.iter().any(|slot| slot.taken.used.is_negative()) {
            return Err(serde::de::Error::custom("a meter shows less than nothing"));
        }
        Ok(Self { slots })
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
