//! What the alarm does, and when it must ring.
//!
//! There is one alarm and no table of timers: what is due follows from the
//! state, so that nothing can be forgotten in a crash.

use events::JournalBatch;
use identity::{RequestId, TeamId};
use ledger::{Account, Millicredits};
use storage::{Storage, StorageError, Value};

use crate::Team;
pub use crate::protocol::TopUp;

/// Entries go to the queue within this time: short enough for a dashboard.
const PUBLISH_WITHIN_MS: i64 = 1000;

/// But not more often than this, and up to a second later: each message is
/// rows on both sides, which entries that travel together share.
const PUBLISH_EVERY_MS: i64 = 3000;

/// Each team has its own pace, so that those that begin together do not go to
/// the queue together for ever.
pub(crate) fn publish_every_ms(team: TeamId) -> i64 {
    i64::try_from(team.as_u128() % 1000).map_or(PUBLISH_EVERY_MS, |more| PUBLISH_EVERY_MS.saturating_add(more))
}

/// Ended reservations are cleaned away this often at most.
const PRUNE_EVERY_MS: i64 = 60_000;

/// A settle may be repeated for this long after its call was made and is
/// still recognised: the gateway retries for 30 s after a call that lasted at
/// most an hour; expired calls are kept longer, because they are corrected.
pub(crate) const KEEP_ENDED_MS: i64 = 75 * 60_000;

/// Under this name the journal keeps [`Team::forgotten_ms`].
pub(crate) const FORGOTTEN: &str = "forgotten_ms";

/// An expired reservation can be corrected for a week.
const KEEP_EXPIRED_MS: i64 = 7 * 24 * 3600 * 1000;

/// After a department had nothing to give it is left alone for so long.
const TOP_UP_PAUSE_MS: i64 = 5000;

impl<S: Storage> Team<S> {
    /// Does what is due: expires reservations and boosts, lends what is idle of
    /// those who are away, warns of credits that will go back, records what was
    /// refused, writes a checkpoint, cleans away. Publishing and delivering are the shell's, which
    /// asks the journal.
    ///
    /// # Errors
    /// When the database fails; the alarm will ring again.
    pub fn tick(&mut self, now: i64) -> Result<(), StorageError> {
        self.expire(now)?;
        self.end_boosts(now)?;
        self.lend(now)?;
        self.warn(now)?;
        self.record_refusals(now)?;
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
        [
            self.next_expiry(),
            self.boosts.next_end(),
            self.next_lending(),
            self.lots.next_warning(),
            self.next_refusals(),
            self.publish_at,
            self.journal.next_delivery(),
            self.prune_at,
            top_up,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Notes that the queue was sent everything, or that more is to be sent.
    pub fn published(&mut self, now: i64) {
        self.published_ms = now;
        self.publish_at = None;
        self.plan_publishing(now);
    }

    /// Sees to it that entries and records are sent: soon, together, and at once when they
    /// fill a message.
    pub(crate) fn plan_publishing(&mut self, now: i64) {
        match self.journal.unpublished_len() {
            0 => {}
            some if some >= u64::from(JournalBatch::MAX_ENTRIES) => self.publish_at = Some(now),
            _ => self.expect_entries(now),
        }
    }

    /// Plans as if there were an entry already. For a call that is accepted:
    /// its end will most likely come before the alarm, which then need not be
    /// set once for the reservation and once more for the entry.
    pub(crate) fn expect_entries(&mut self, now: i64) {
        let at = now.saturating_add(PUBLISH_WITHIN_MS).max(self.published_ms.saturating_add(self.publish_every_ms));
        self.publish_at = Some(self.publish_at.map_or(at, |planned| planned.min(at)));
    }

    /// Told how far D1 has come with the journal and, by those who know of it,
    /// with the audit trail; sends again what it lacks.
    ///
    /// # Errors
    /// When the database fails.
    pub fn heal(&mut self, projected: u64, audit: Option<u64>) -> Result<(), StorageError> {
        let entries = self.journal.heal(projected)?;
        let records = audit.map_or(Ok(false), |audit| self.journal.heal_audit(audit))?;
        if entries || records {
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
        let before = |age_ms: i64| u64::try_from(now.saturating_sub(age_ms)).unwrap_or(0);
        // Ids begin with the time at which their call was made.
        let first = |at_ms: u64| Value::Text(RequestId::from_u128(u128::from(at_ms) << 80).to_string());
        let forgotten_ms = self.forgotten_ms.max(before(KEEP_ENDED_MS));
        self.journal.store().transaction(|| {
            let store = self.journal.store();
            store.execute(
                "DELETE FROM reservations WHERE id < ? AND state IN ('settled', 'released')",
                &[first(forgotten_ms)],
            )?;
            store.execute(
                "DELETE FROM reservations WHERE id < ? AND state = 'expired'",
                &[first(before(KEEP_EXPIRED_MS))],
            )?;
            self.journal.note(FORGOTTEN, forgotten_ms)
        })?;
        self.forgotten_ms = forgotten_ms;
        self.prune_at = self.next_prune()?.map(|at| at.max(now.saturating_add(PRUNE_EVERY_MS)));
        Ok(())
    }

    /// When the oldest ended reservation has been kept for long enough. Expired
    /// ones, which are few, wait until no other is left, or go with them.
    pub(crate) fn next_prune(&self) -> Result<Option<i64>, StorageError> {
        for (states, age_ms) in [("IN ('settled', 'released')", KEEP_ENDED_MS), ("= 'expired'", KEEP_EXPIRED_MS)] {
            let sql = format!("SELECT id FROM reservations WHERE state {states} ORDER BY id LIMIT 1");
            if let Some(row) = self.journal.store().query(&sql, &[])?.first() {
                let id: RequestId = row.parse(0, "reservation")?;
                return Ok(Some(i64::try_from(id.unix_ms()).unwrap_or(i64::MAX).saturating_add(age_ms)));
            }
        }
        Ok(None)
    }
}
