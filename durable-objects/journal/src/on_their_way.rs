//! Which messages are being delivered right now.

use std::collections::BTreeMap;

use ledger::mutant::{self, Mutant};

use crate::outbox::Pending;

/// A delivery of which nothing is heard for so long has died.
const DELIVERY_MS: i64 = 30_000;

/// Which messages are being delivered. While a delivery waits for its answer,
/// the other actor may send something that begins another one: what is on its
/// way already must not be sent again by it, or both would go on for ever.
///
/// It is the shell's, not the journal's: it ends with the instance that
/// delivers, and lives on when only the actor's memory is built anew.
#[derive(Debug, Default)]
pub struct OnTheirWay(BTreeMap<u64, i64>);

impl OnTheirWay {
    /// Those that are not being delivered; they are from now on.
    pub fn begin(&mut self, now: i64, due: Vec<Pending>) -> Vec<Pending> {
        let mut is_new = |pending: &Pending| {
            let since = self.0.get(&pending.number).copied();
            // Also where the clock was put back far.
            let is_new = since.is_none_or(|since| now.abs_diff(since) >= DELIVERY_MS.unsigned_abs());
            if is_new {
                self.0.insert(pending.number, now);
            }
            is_new || mutant::is_active(Mutant::SendAgain)
        };
        due.into_iter().filter(|pending| is_new(pending)).collect()
    }

    /// The delivery that began then is over: the message has arrived, or will
    /// be tried again. Nothing where another one has begun since.
    pub fn end(&mut self, began_ms: i64, number: u64) {
        if self.0.get(&number) == Some(&began_ms) {
            self.0.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use events::Message;

    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn pending(number: u64) -> Pending {
        Pending::new("team_1", number, "org_1".to_owned(), NOW, Message::Settings { version: number })
    }

    fn begun(on_their_way: &mut OnTheirWay, now: i64, due: &[u64]) -> Vec<u64> {
        let due = due.iter().copied().map(pending).collect();
        on_their_way.begin(now, due).iter().map(|pending| pending.number).collect()
    }

    #[test]
    fn what_is_on_its_way_is_not_sent_again() {
        let mut on_their_way = OnTheirWay::default();
        assert_eq!(begun(&mut on_their_way, NOW, &[1, 2]), [1, 2]);
        assert_eq!(begun(&mut on_their_way, NOW + 1, &[1, 2, 3]), [3]);
        on_their_way.end(NOW, 2);
        on_their_way.end(NOW, 3);
        assert_eq!(begun(&mut on_their_way, NOW + 2, &[1, 2, 3]), [2]);
    }

    #[test]
    fn a_delivery_that_died_is_forgotten() {
        for at in [NOW + DELIVERY_MS, NOW - DELIVERY_MS] {
            let mut on_their_way = OnTheirWay::default();
            assert_eq!(begun(&mut on_their_way, NOW, &[1]), [1]);
            assert_eq!(begun(&mut on_their_way, at, &[1]), [1]);
        }
    }
}
