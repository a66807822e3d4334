//! How often policies in shadow mode would have decided otherwise.
//!
//! What was done or refused says so in its audit record. Reads and calls of
//! models leave no record, and shall not: each would be a row to pay for. So
//! they are counted, in memory, and the counts are written at most once a
//! minute. A crash loses at most a minute of them.

use std::collections::BTreeMap;

use audit::Shadow;
use identity::PolicyId;
use policy::{Action, Mode};
use storage::{Storage, StorageError};

use crate::Organization;
use crate::protocol::{Observed, PolicyRecord, WouldDiffer};

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS shadow_counts (
    policy TEXT PRIMARY KEY,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

/// Counts are written this long after the first that was not.
const WRITE_WITHIN_MS: i64 = 60_000;

/// The counts of policies in shadow mode, since each was written.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    counts: BTreeMap<PolicyId, WouldDiffer>,
    /// Those that were not written yet.
    unwritten: Vec<PolicyId>,
    write_at: Option<i64>,
}

impl Watch {
    pub(crate) fn load(store: &impl Storage) -> Result<Self, StorageError> {
        let mut counts = BTreeMap::new();
        for row in store.query("SELECT policy, data FROM shadow_counts", &[])? {
            let corrupt =
                |error: serde_json::Error| StorageError::Corrupt { what: "shadow count", error: error.to_string() };
            counts.insert(row.parse(0, "policy")?, serde_json::from_str(row.text(1)?).map_err(corrupt)?);
        }
        Ok(Self { counts, ..Self::default() })
    }

    /// When there is something to write.
    pub(crate) const fn write_at(&self) -> Option<i64> {
        self.write_at
    }

    /// Another version begins anew.
    pub(crate) fn forget(&mut self, id: PolicyId) {
        self.counts.remove(&id);
        self.unwritten.retain(|other| *other != id);
    }

    fn of(&self, record: &PolicyRecord) -> Option<WouldDiffer> {
        (record.mode == Mode::Shadow).then(|| self.counts.get(&record.id).copied().unwrap_or_default())
    }

    fn count(&mut self, now: i64, id: PolicyId, add: impl FnOnce(&mut WouldDiffer)) {
        let counts = self.counts.entry(id).or_default();
        add(counts);
        counts.last_ms = Some(now);
        if !self.unwritten.contains(&id) {
            self.unwritten.push(id);
        }
        self.write_at.get_or_insert(now.saturating_add(WRITE_WITHIN_MS));
    }
}

impl<S: Storage> Organization<S> {
    /// Counts a decision on which policies in shadow mode differ.
    pub(crate) fn note_shadow(&mut self, now: i64, action: Action, shadow: Option<&Shadow>) {
        let Some(shadow) = shadow.filter(|shadow| shadow.differs) else { return };
        self.note_policies(now, &shadow.policies, |counts| {
            let count = if action.is_read() { &mut counts.reads } else { &mut counts.acts };
            *count = count.saturating_add(1);
        });
    }

    /// Told by a gateway how many calls would not have been made.
    pub fn observe(&mut self, now: i64, observed: &Observed) {
        for (name, calls) in &observed.calls {
            self.note_policies(now, std::slice::from_ref(name), |counts| {
                counts.calls = counts.calls.saturating_add(*calls);
            });
        }
    }

    /// Several policies of one text are one policy here.
    fn note_policies(&mut self, now: i64, names: &[String], add: impl Fn(&mut WouldDiffer)) {
        let id = |name: &String| name.split('.').next().and_then(|id| id.parse::<PolicyId>().ok());
        let mut ids: Vec<PolicyId> = names.iter().filter_map(id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            if self.records.policies.get(&id).is_some_and(|record| record.mode == Mode::Shadow) {
                self.watch.count(now, id, &add);
            }
        }
    }

    /// How often each policy in shadow mode would have decided otherwise.
    pub(crate) fn would_differ(&self) -> BTreeMap<PolicyId, WouldDiffer> {
        let policies = self.records.policies.values();
        policies.filter_map(|record| Some((record.id, self.watch.of(record)?))).collect()
    }

    /// Writes the counts, when it is time.
    pub(crate) fn write_counts(&mut self, now: i64) -> Result<(), StorageError> {
        if self.watch.write_at.is_none_or(|at| now < at) {
            return Ok(());
        }
        let store = self.journal.store();
        store.transaction(|| -> Result<(), StorageError> {
            for id in &self.watch.unwritten {
                let Some(counts) = self.watch.counts.get(id) else { continue };
                let data = serde_json::to_string(counts).unwrap_or_default();
                let sql = "INSERT INTO shadow_counts (policy, data) VALUES (?, ?)
                    ON CONFLICT (policy) DO UPDATE SET data = excluded.data";
                store.execute(sql, &[id.to_string().into(), data.into()])?;
            }
            Ok(())
        })?;
        self.watch.unwritten.clear();
        self.watch.write_at = None;
        Ok(())
    }
}
