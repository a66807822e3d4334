//! Approvals as they are kept: all of them in a table, the open ones in memory
//! too, for the alarm.

use std::collections::BTreeMap;

use identity::{ApprovalId, MemberId};
use journal::Change;
use storage::{Row, Storage, StorageError, Value};

use crate::protocol::{Approval, ApprovalFilter, Nudge, OrderError};

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS approvals (
    id TEXT PRIMARY KEY,
    open INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

const PUT: &str = "INSERT INTO approvals (id, open, data) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET open = excluded.open, data = excluded.data";

/// One question looks at so many at most: some 2 kB and a few comparisons each,
/// about as many milliseconds as a call takes. Who is shown few of them goes on
/// from there.
const SCAN: usize = 1000;

/// Those that are open.
#[derive(Debug, Default)]
pub(crate) struct Approvals {
    open: BTreeMap<ApprovalId, Approval>,
}

impl Approvals {
    pub(crate) fn load(store: &impl Storage) -> Result<Self, StorageError> {
        let rows = store.query("SELECT data FROM approvals WHERE open = 1", &[])?;
        let all = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { open: all.into_iter().map(|approval| (approval.asked.id, approval)).collect() })
    }

    /// What was written is in memory as well.
    pub(crate) fn note(&mut self, approval: Approval) {
        if approval.is_open() {
            self.open.insert(approval.asked.id, approval);
        } else {
            self.open.remove(&approval.asked.id);
        }
    }

    /// Those whose time is over.
    pub(super) fn overdue(&self, now: i64) -> Vec<Approval> {
        let pending = self.open.values().filter(|approval| approval.outcome.is_none());
        pending.filter(|approval| approval.course.expires_ms <= now).cloned().collect()
    }

    /// Those of which somebody must be reminded, or to whom it has escalated.
    pub(super) fn to_nudge(&self, now: i64) -> Vec<(Approval, Nudge)> {
        let pending = self.open.values().filter(|approval| approval.outcome.is_none());
        let due = pending.filter(|approval| now < approval.course.expires_ms).flat_map(|approval| {
            let due = approval.nudges().filter(move |(at, _)| *at <= now);
            due.map(|(_, nudge)| (approval.clone(), nudge)).take(1)
        });
        due.collect()
    }

    /// When the next one's time is over, or somebody must be reminded.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let pending = self.open.values().filter(|approval| approval.outcome.is_none());
        pending.flat_map(|approval| approval.nudges().map(|(at, _)| at).chain([approval.course.expires_ms])).min()
    }

    pub(super) fn get(&self, store: &impl Storage, id: ApprovalId) -> Result<Option<Approval>, OrderError> {
        if let Some(open) = self.open.get(&id) {
            return Ok(Some(open.clone()));
        }
        let rows = store.query("SELECT data FROM approvals WHERE id = ?", &[id.to_string().into()]);
        let rows = rows.map_err(|_| OrderError::Storage)?;
        rows.first().map(read).transpose().map_err(|_| OrderError::Storage)
    }

    /// Newest first, those that a filter may mean; and whether these are all
    /// that are left.
    pub(super) fn newest(
        &self,
        store: &impl Storage,
        filter: &ApprovalFilter,
    ) -> Result<(Vec<Approval>, bool), OrderError> {
        if let Some(id) = filter.id {
            return Ok((self.get(store, id)?.into_iter().collect(), true));
        }
        if filter.to_decide {
            let before = filter.before;
            let open = self.open.values().rev().filter(|open| before.is_none_or(|before| open.asked.id < before));
            return Ok((open.cloned().collect(), true));
        }
        let before = filter.before.map_or_else(|| "~".to_owned(), |id| id.to_string());
        let sql = "SELECT data FROM approvals WHERE id < ? ORDER BY id DESC LIMIT ?";
        let most = Value::Int(i64::try_from(SCAN).unwrap_or(i64::MAX));
        let rows = store.query(sql, &[before.into(), most]).map_err(|_| OrderError::Storage)?;
        let some = rows.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(|_| OrderError::Storage)?;
        let is_all = some.len() < SCAN;
        Ok((some, is_all))
    }

    /// All that name somebody, in whatever place.
    pub(super) fn naming(&self, store: &impl Storage, member: MemberId) -> Result<Vec<Approval>, OrderError> {
        let sql = "SELECT data FROM approvals WHERE instr(data, ?) > 0";
        let rows = store.query(sql, &[member.to_string().into()]).map_err(|_| OrderError::Storage)?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|_| OrderError::Storage)
    }
}

/// Adds the row of an approval.
pub(super) fn put(change: &mut Change, approval: &Approval) -> Result<(), OrderError> {
    let data = serde_json::to_string(approval).map_err(|_| OrderError::Storage)?;
    let values = vec![approval.asked.id.to_string().into(), i64::from(approval.is_open()).into(), data.into()];
    change.write(PUT, values);
    Ok(())
}

fn read(row: &Row) -> Result<Approval, StorageError> {
    let corrupt = |error: serde_json::Error| StorageError::Corrupt { what: "approval", error: error.to_string() };
    serde_json::from_str(row.text(0)?).map_err(corrupt)
}
