//! What the alarm does, and when it must ring.
//!
//! There is one alarm and no table of timers: what is due follows from the
//! state, so that nothing can be forgotten in a crash.

use identity::RequestId;
use ledger::{Account, Millicredits};
use storage::{Storage, StorageError, Value};

use crate::Team;
pub use crate::protocol::TopUp;

/// Entries go to the queue within this time: long enough to travel together,
/// short enough for a dashboard.
pub(crate) const PUBLISH_WITHIN_MS: i64 = 1000;

/// Ended reservations are cleaned away this often.
pub(crate) const PRUNE_EVERY_MS: i64 = 60_000;

/// A settle may be repeated for this long after its call was made and is
/// still recognised: the gateway retries for 30 s after a call that lasted at
/// most an hour; expired calls are kept longer, because they are corrected.
const KEEP_ENDED_MS: i64 = 75 * 60_000;

/// An expired reservation can be corrected for a week.
const KEEP_EXPIRED_MS: i64 = 7 * 24 * 3600 * 1000;

/// After a department had nothing to give it is left alone for so long.
const TOP_UP_PAUSE_MS: i64 = 5000;

impl<S: Storage> Team<S> {
    /// Does what is due: expires reservations, writes a checkpoint, cleans
    /// away. Publishing and delivering are the shell's, which asks the journal.
    ///
    /// # Errors
    /// When the database fails; the alarm will ring again.
    pub fn tick(&mut self, now: i64) -> Result<(), StorageError> {
        self.expire(now)?;
        if self.journal.checkpoint_is_due() {
            let meters = self.meter_rows()?;
            self.journal.checkpoint(now, &meters)?;
        }
        if self.prune_at.is_some_and(|at| at <= now) {
            self.prune(now)?;
        }
        Ok(())
    }

    /// When the alarm must ring next; `None` when nothing is left to do.
    pub fn next_alarm(&self, now: i64) -> Option<i64> {
        let top_up = self.top_up(now).map(|_| now.max(self.top_up_not_before));
        [self.next_expiry(), self.publish_at, self.journal.next_delivery(), self.prune_at, top_up]
            .into_iter()
            .flatten()
            .min()
    }

    /// Notes that the queue was sent everything, or that more is to be sent.
    pub fn published(&mut self, now: i64) {
        self.publish_at = self.journal.has_unpublished().then_some(now.saturating_add(PUBLISH_WITHIN_MS));
    }

    /// Told how far D1 has come; sends again what it lacks.
    ///
    /// # Errors
    /// When the database fails.
    pub fn heal(&mut self, projected: u64) -> Result<(), StorageError> {
        if self.journal.heal(projected)? {
            self.publish_at = Some(0);
        }
        Ok(())
    }

    /// What to ask the department for, ahead of need: when the pool has less
    /// than its standing order wants. A department that had nothing is not
    /// asked again before something has come from it or a call needs it: an
    /// alarm that keeps asking would never sleep.
    pub fn top_up(&self, now: i64) -> Option<TopUp> {
        if self.top_up_not_before != i64::MIN {
            return None;
        }
        let plan = self.records.profile.as_ref()?.on_demand.as_ref()?;
        let pool = self.available(Account::Pool);
        (pool < plan.low_water).then(|| self.top_up_for(now, Millicredits::ZERO))?
    }

    /// What to ask the department for when `missing` more is needed now: whole
    /// chunks. `None` without a standing order, when calls may not draw from
    /// the pool, or shortly after the department had nothing.
    pub(crate) fn top_up_for(&self, now: i64, missing: Millicredits) -> Option<TopUp> {
        let plan = self.records.profile.as_ref()?.on_demand.as_ref()?;
        let chunk = plan.chunk.get();
        if now < self.top_up_not_before || chunk <= 0 || !self.draws_from_pool() {
            return None;
        }
        let chunks = missing.get().max(1).checked_sub(1)?.checked_div(chunk)?.checked_add(1)?;
        let amount = Millicredits::new(chunks.saturating_mul(chunk));
        Some(TopUp { key: format!("top-up/{}/{}", self.journal.actor(), self.received), amount })
    }

    /// Notes that the department gave nothing.
    pub fn top_up_refused(&mut self, now: i64) {
        self.top_up_not_before = now.saturating_add(TOP_UP_PAUSE_MS);
    }

    fn prune(&mut self, now: i64) -> Result<(), StorageError> {
        let before = |age_ms: i64| {
            let at = u128::try_from(now.saturating_sub(age_ms).max(0)).unwrap_or(0);
            // Ids begin with the time at which their call was made.
            Value::Text(RequestId::from_u128(at << 80).to_string())
        };
        self.journal.store().transaction(|| {
            let store = self.journal.store();
            store.execute(
                "DELETE FROM reservations WHERE id < ? AND state IN ('settled', 'released')",
                &[before(KEEP_ENDED_MS)],
            )?;
            store.execute("DELETE FROM reservations WHERE id < ? AND state = 'expired'", &[before(KEEP_EXPIRED_MS)])
        })?;
        let rows = self.journal.store().query("SELECT id FROM reservations WHERE state <> 'open' LIMIT 1", &[])?;
        self.prune_at = (!rows.is_empty()).then_some(now.saturating_add(PRUNE_EVERY_MS));
        Ok(())
    }
}
