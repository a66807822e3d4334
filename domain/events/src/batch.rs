//! Journal entries on their way to D1.

use identity::{OrganizationId, TeamId};
use ledger::Entry;
use serde::{Deserialize, Serialize};

/// Consecutive entries of one actor's journal. Applied only where D1 already
/// has all entries before the first; a batch that comes too early or twice
/// changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalBatch {
    /// The form of this message.
    pub version: u32,
    /// Whose tree.
    pub organization: OrganizationId,
    /// Which team's journal; `None` for the organization's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The last entry that the actor had when it sent this: tells how far
    /// behind D1 is.
    pub last_sequence: u64,
    /// Consecutive, at least one.
    pub entries: Vec<Entry>,
}

impl JournalBatch {
    /// The form that this code writes.
    pub const VERSION: u32 = 1;
    /// At most so many entries: 100 of at most about 1,000 bytes stay below
    /// the queue's 128 KB a message.
    pub const MAX_ENTRIES: u32 = 100;

    /// The actor's name, as in its hash chain.
    #[must_use]
    pub fn actor(&self) -> String {
        self.team.map_or_else(|| self.organization.to_string(), |team| team.to_string())
    }
}
