//! What an isolate gathers for a while to tell an actor of it all at once, in a
//! message that no call waits for. What an isolate that ends has not told is
//! lost: nothing that anybody decides by belongs here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;

use runtime::now_ms;

/// So long is gathered.
pub(crate) const GATHER_MS: i64 = 2000;

/// Who was to tell them may have been cut off; then another call does.
const OVERDUE_MS: i64 = 10_000;

/// What is gathered for each actor.
pub(crate) struct Gather<K, T> {
    waiting: RefCell<HashMap<K, Waiting<T>>>,
}

struct Waiting<T> {
    since_ms: i64,
    gathered: T,
}

impl<K, T> Default for Gather<K, T> {
    fn default() -> Self {
        Self { waiting: RefCell::default() }
    }
}

impl<K: Eq + Hash, T: Default> Gather<K, T> {
    /// Adds to what waits for an actor. Answers whether whoever adds is the one
    /// to tell it, after [`GATHER_MS`].
    pub(crate) fn add(&self, actor: K, add: impl FnOnce(&mut T)) -> bool {
        let now = now_ms();
        let mut waiting = self.waiting.borrow_mut();
        let mut tells = false;
        let waits = waiting.entry(actor).or_insert_with(|| {
            tells = true;
            Waiting { since_ms: now, gathered: T::default() }
        });
        if now.saturating_sub(waits.since_ms) > OVERDUE_MS {
            tells = true;
            waits.since_ms = now;
        }
        add(&mut waits.gathered);
        tells
    }

    /// What waits for an actor; nothing waits for it then.
    pub(crate) fn take(&self, actor: &K) -> Option<T> {
        self.waiting.borrow_mut().remove(actor).map(|waiting| waiting.gathered)
    }
}
