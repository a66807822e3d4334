//! D1: SQLite with the real migrations, written by the real projection.

use events::JournalBatch;
use projector::{APPLIED_THROUGH, BEHIND, Decision, decide};
use storage::{NativeStorage, Storage, StorageError, Value};

const MIGRATIONS: &[&str] = &[include_str!("../../../d1-migrations/0001_projection.sql")];

/// The one database for reading.
pub(crate) struct D1(NativeStorage);

impl D1 {
    pub(crate) fn new() -> Result<Self, StorageError> {
        let native = NativeStorage::in_memory()?;
        MIGRATIONS.iter().try_for_each(|sql| native.batch(sql))?;
        Ok(Self(native))
    }

    pub(crate) const fn native(&self) -> &NativeStorage {
        &self.0
    }

    /// All copies are gone; the journals are not.
    pub(crate) fn forget(&self) -> Result<(), StorageError> {
        self.0.batch("DELETE FROM entries; DELETE FROM usage_hours; DELETE FROM projections")
    }

    /// How far an actor's journal has been copied.
    pub(crate) fn applied_through(&self, actor: &str) -> Result<u64, StorageError> {
        let rows = self.0.query(APPLIED_THROUGH, &[actor.into()])?;
        rows.first().map_or(Ok(0), |row| row.count(0))
    }

    /// What the queue's consumer does with a batch. `stale` is a watermark
    /// that was read before another consumer moved it: then the statements'
    /// own guard must hold.
    pub(crate) fn consume(
        &self,
        now: i64,
        batch: &JournalBatch,
        stale: Option<u64>,
    ) -> Result<&'static str, StorageError> {
        let applied = stale.map_or_else(|| self.applied_through(&batch.actor()), Ok)?;
        match decide(batch, applied, now) {
            Decision::Known => Ok("d1: batch known"),
            Decision::Gap => {
                let behind = [Value::Text(batch.last_sequence.to_string()), batch.actor().into()];
                self.0.execute(BEHIND, &behind)?;
                Ok("d1: batch came too early")
            }
            Decision::Apply(statements) => {
                self.0.transaction(|| statements.iter().try_for_each(|(sql, values)| self.0.execute(sql, values)))?;
                Ok(if stale.is_some() { "d1: two consumers at once" } else { "d1: batch applied" })
            }
        }
    }
}
