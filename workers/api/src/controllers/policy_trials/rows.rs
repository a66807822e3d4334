//! What was decided, as D1 has it.

use identity::{AuditId, MemberId, OrganizationId, TeamId};
use serde::Deserialize;

use crate::sql::Sql;

/// Records and entries that are looked through, newest first.
const SCAN: i64 = 10_000;

/// A decision, of the audit trail.
#[derive(Debug, Deserialize)]
pub(super) struct RecordRow {
    pub(super) id: AuditId,
    pub(super) time_ms: i64,
    pub(super) who: Option<String>,
    pub(super) request: Option<String>,
    pub(super) question: serde_json::Value,
}

/// A call, of the journal.
#[derive(Debug, Deserialize)]
pub(super) struct CallRow {
    pub(super) request: String,
    pub(super) team: TeamId,
    pub(super) member: MemberId,
    pub(super) model: String,
    pub(super) accepted_ms: i64,
}

/// The newest that can be asked again.
pub(super) fn records_statement(organization: OrganizationId, last: u16) -> Sql {
    Sql::new(
        "SELECT json_object('id', id, 'time_ms', time_ms, 'who', who, 'request', request,
            'question', json(detail -> 'question')) AS row FROM (SELECT * FROM audit WHERE organization = ",
    )
    .text(organization)
    .push(" ORDER BY id DESC LIMIT ")
    .int(SCAN)
    .push(") WHERE detail -> 'question' IS NOT NULL ORDER BY id DESC LIMIT ")
    .int(last.into())
}

/// Each call once: a correction is another entry of the same call.
pub(super) fn calls_statement(organization: OrganizationId, last: u16) -> Sql {
    Sql::new(
        "SELECT json_object('request', reference, 'team', actor, 'member', call ->> 'member', 'model', call ->> 'model',
            'accepted_ms', call ->> 'accepted_ms') AS row FROM (SELECT * FROM entries WHERE organization = ",
    )
    .text(organization)
    .push(" ORDER BY id DESC LIMIT ")
    .int(SCAN)
    .push(") WHERE call IS NOT NULL AND kind <> 'correct' ORDER BY id DESC LIMIT ")
    .int(last.into())
}
