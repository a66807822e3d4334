//! D1: SQLite with the real migrations, written by the real projection.

use events::Publication;
use projector::{APPLIED_THROUGH, BEHIND, BOTH_THROUGH, Decision, decide};
use storage::{NativeStorage, Storage, StorageError, Value};

const MIGRATIONS: &[&str] = &[
    include_str!("../../../d1-migrations/0001_projection.sql"),
    include_str!("../../../d1-migrations/0002_audit.sql"),
    include_str!("../../../d1-migrations/0003_shadow.sql"),
    include_str!("../../../d1-migrations/0004_notifications.sql"),
];

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
        let tables = ["entries", "usage_hours", "audit", "notifications", "projections"];
        tables.iter().try_for_each(|table| self.0.batch(&format!("DELETE FROM {table}")))
    }

    /// How far an actor's journal and its audit trail have been copied.
    pub(crate) fn both_through(&self, actor: &str) -> Result<(u64, u64), StorageError> {
        let rows = self.0.query(BOTH_THROUGH, &[actor.into()])?;
        rows.first().map_or(Ok((0, 0)), |row| Ok((row.count(0)?, row.count(1)?)))
    }

    fn applied_through(&self, projection: &str) -> Result<u64, StorageError> {
        let rows = self.0.query(APPLIED_THROUGH, &[projection.into()])?;
        rows.first().map_or(Ok(0), |row| row.count(0))
    }

    /// What the queue's consumer does with a batch. `stale` is a watermark
    /// that was read before another consumer moved it: then the statements'
    /// own guard must hold.
    pub(crate) fn consume(
        &self,
        now: i64,
        batch: &Publication,
        stale: Option<u64>,
    ) -> Result<&'static str, StorageError> {
        let applied = stale.map_or_else(|| self.applied_through(&batch.projection()), Ok)?;
        let of = |entries, records| if matches!(batch, Publication::Entries(_)) { entries } else { records };
        match decide(batch, applied, now) {
            Decision::Known => Ok(of("d1: batch known", "d1: records known")),
            Decision::Gap => {
                let behind = [Value::Text(batch.furthest().to_string()), batch.projection().into()];
                self.0.execute(BEHIND, &behind)?;
                Ok(of("d1: batch came too early", "d1: records came too early"))
            }
            Decision::Apply(statements) => {
                self.0.transaction(|| statements.iter().try_for_each(|(sql, values)| self.0.execute(sql, values)))?;
                Ok(match stale {
                    Some(_) => of("d1: two consumers at once", "d1: two consumers of records at once"),
                    None => of("d1: batch applied", "d1: records applied"),
                })
            }
        }
    }
}
