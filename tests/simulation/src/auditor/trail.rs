//! One actor's audit trail, followed record by record.

use std::collections::BTreeMap;

use audit::{Draft, Head, Record, Verifier, verify};
use identity::{AuditId, Principal};

use super::{Step, rows};
use crate::actors::Disk;
use crate::violation::{Checked, ensure, violated};

const CHAINED: &str = "the audit trail is chained";

/// The auditor's copy of one actor's trail.
pub(crate) struct Trail {
    actor: String,
    verifier: Verifier,
    /// Those whose details must still be there.
    detailed: BTreeMap<u64, Record>,
}

impl Trail {
    pub(super) fn new(actor: impl ToString) -> Self {
        let actor = actor.to_string();
        Self { verifier: Verifier::new(&actor), actor, detailed: BTreeMap::new() }
    }

    pub(crate) const fn head(&self) -> Head {
        self.verifier.head()
    }

    /// Some record with a detail, the first after so many.
    pub(crate) fn with_detail(&self, after: u64) -> Option<AuditId> {
        self.detailed.range(after..).next().map(|(_, record)| record.id)
    }

    /// Reads what is new, checks that it is chained to what is known, and
    /// takes note of what it erases.
    pub(super) fn follow(&mut self, disk: &Disk) -> Checked<Vec<Record>> {
        let new = rows::records(disk.native(), self.head().sequence)?;
        for record in &new {
            if let Err(fault) = self.verifier.check(record) {
                return violated(CHAINED, format!("{}: {fault}", self.actor));
            }
            if let Some(erasure) = &record.erases {
                self.detailed.retain(|_, known| !erasure.covers(known));
            }
            if record.detail.is_some() {
                self.detailed.insert(record.sequence, Record { detail: None, ..record.clone() });
            }
        }
        Ok(new)
    }

    /// After something was noted by itself.
    pub(crate) fn after_note(&mut self, step: &Step<'_>, draft: &Draft, done: bool) -> Checked {
        step.failure_is_told("note")?;
        let new = self.follow(step.disk)?;
        match new.as_slice() {
            [] => ensure(!done, "what was answered as done is durable", || format!("{draft:?}")),
            [record] => {
                let same = (&record.action, record.who) == (&draft.action, draft.who)
                    && record.resource == draft.resource
                    && record.erases == draft.erases
                    && record.detail == draft.detail;
                ensure(same, "a record is what was noted", || format!("{record:?}, {draft:?}"))
            }
            more => violated("what is noted once is one record", format!("{more:?}")),
        }
    }

    /// The core goes on from here.
    pub(super) fn agree(&self, core: Head) -> Checked {
        ensure(self.head() == core, "only acts are recorded, and each with what it did", || {
            format!("{}: the trail ends with {:?}, memory says {core:?}", self.actor, self.head())
        })
    }

    /// The whole trail, from the first record to the last, each with its
    /// detail if nothing has erased it.
    pub(super) fn whole(&self, disk: &Disk) -> Checked<Vec<Record>> {
        let all = rows::records(disk.native(), 0)?;
        if let Err(fault) = verify(&self.actor, None, Some(self.head()), &all) {
            return violated(CHAINED, format!("{}: {fault}", self.actor));
        }
        for record in &all {
            let due = self.detailed.contains_key(&record.sequence);
            ensure(record.detail.is_some() == due, "details are there until they are erased", || {
                format!("{}: the detail of record {} should be there: {due}", self.actor, record.sequence)
            })?;
        }
        Ok(all)
    }
}

/// An order that was carried out is one record; any other is none.
pub(super) fn one_record(new: &[Record], action: &str, who: Principal) -> Checked {
    let [record] = new else {
        return violated("an act is one record", format!("{action}: {new:?}"));
    };
    let same = record.action == action && record.who == Some(who) && record.outcome == audit::Outcome::Done;
    ensure(same, "a record is what was ordered", || format!("{action} by {who}: {record:?}"))
}
