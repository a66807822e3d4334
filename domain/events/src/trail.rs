//! Audit records on their way to D1.

use audit::Record;
use identity::{OrganizationId, TeamId};
use serde::{Deserialize, Serialize};

/// Consecutive records of one actor's audit trail. Applied as a
/// [`crate::JournalBatch`] is: only where D1 already has all records before
/// the first.
///
/// It is a message of its own and not a part of a journal's batch. A version
/// of the consumer that does not know of records would take the entries out of
/// a common message and drop the rest without a word; this one it cannot read,
/// so it leaves it to the queue, which brings it again, in the end as a dead
/// letter. By then the next version is there, or its cron asks the actor for
/// what D1 lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditBatch {
    /// The form of this message.
    pub version: u32,
    /// Whose tree.
    pub organization: OrganizationId,
    /// Which team's trail; `None` for the organization's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The last record that the actor had when it sent this.
    pub last_record: u64,
    /// Consecutive, at least one.
    pub records: Vec<Record>,
}

impl AuditBatch {
    /// The form that this code writes.
    pub const VERSION: u32 = 1;
    /// At most so many records are read for one message.
    pub const MAX_RECORDS: u32 = 100;
    /// At most so many bytes of records: with what stands around them they
    /// stay below the queue's 128 KB a message. One record has at most 64 KB.
    pub const MAX_BYTES: usize = 100_000;

    /// The next message: as many of these records as it can carry, and at
    /// least one. `None` when there are none.
    #[must_use]
    pub fn next(
        (organization, team): (OrganizationId, Option<TeamId>),
        last_record: u64,
        mut records: Vec<Record>,
    ) -> Option<Self> {
        let mut bytes: usize = 0;
        let fits = |record: &Record| {
            let length = serde_json::to_string(record).map_or(Self::MAX_BYTES, |text| text.len());
            bytes = bytes.saturating_add(length).saturating_add(1);
            bytes <= Self::MAX_BYTES
        };
        let most = records.iter().map(fits).take_while(|fits| *fits).count().max(1);
        records.truncate(most);
        let batch = Self { version: Self::VERSION, organization, team, last_record, records };
        (!batch.records.is_empty()).then_some(batch)
    }

    /// The actor's name, as in its hash chain.
    #[must_use]
    pub fn actor(&self) -> String {
        self.team.map_or_else(|| self.organization.to_string(), |team| team.to_string())
    }

    /// The name under which D1 keeps how far it has this trail; under the
    /// actor's own it keeps how far it has the journal.
    #[must_use]
    pub fn projection(&self) -> String {
        format!("{}/audit", self.actor())
    }
}
