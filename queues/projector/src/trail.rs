//! Audit records as statements.

use audit::Erasure;
use events::AuditBatch;
use storage::Value;

use crate::{Statement, rows};

const RECORDS: &str = "INSERT INTO audit
    (organization, id, actor, sequence, time_ms, action, outcome, code, who, on_behalf_of, resource, reference, request,
     policies, policy_version, shadow, notify, erases, digest, detail, hash)
    SELECT ?1, value ->> 'id', ?2, value ->> 'sequence', value ->> 'time_ms', value ->> 'action', value ->> 'outcome',
        value ->> 'code', value ->> 'who', value ->> 'on_behalf_of', value ->> 'resource', value ->> 'reference',
        value ->> 'request', value ->> 'policies', CAST(value ->> 'policy_version' AS INTEGER), value ->> 'shadow',
        value ->> 'notify', value ->> 'erases', value ->> 'digest', value ->> 'detail', value ->> 'hash'
    FROM json_each(?3)
    WHERE (SELECT applied_through FROM projections WHERE actor = ?2 || '/audit') = CAST(?4 AS INTEGER)
    ON CONFLICT (organization, id) DO NOTHING";

/// Who is told of a record: a row for each, in the transaction that writes the
/// record, so once.
const NOTIFICATIONS: &str = "INSERT INTO notifications
    (organization, id, recipient, record, actor, time_ms, action, outcome, code, who, resource, request)
    SELECT ?1, record.value ->> 'id' || printf('.%02d', recipient.key + 1), recipient.value, record.value ->> 'id', ?2,
        record.value ->> 'time_ms', record.value ->> 'action', record.value ->> 'outcome', record.value ->> 'code',
        record.value ->> 'who', record.value ->> 'resource', record.value ->> 'request'
    FROM json_each(?3) AS record, json_each(record.value ->> 'notify') AS recipient
    WHERE (SELECT applied_through FROM projections WHERE actor = ?2 || '/audit') = CAST(?4 AS INTEGER)
    ON CONFLICT (organization, id) DO NOTHING";

/// The same rules as in the actor's own table (`durable-objects/journal`).
const ERASE_RECORDS: &str = "UPDATE audit SET detail = NULL
    WHERE organization = ?1 AND id IN (SELECT value FROM json_each(?5)) AND actor = ?2 AND sequence < CAST(?3 AS INTEGER)
        AND detail IS NOT NULL
        AND (SELECT applied_through FROM projections WHERE actor = ?2 || '/audit') = CAST(?4 AS INTEGER)";

const ERASE_SUBJECT: &str = "UPDATE audit SET detail = NULL
    WHERE organization = ?1 AND actor = ?2 AND sequence < CAST(?3 AS INTEGER) AND detail IS NOT NULL AND ?5 <> ''
        AND (instr('/' || who || '/', '/' || ?5 || '/') > 0
            OR instr('/' || on_behalf_of || '/', '/' || ?5 || '/') > 0
            OR instr('/' || resource || '/', '/' || ?5 || '/') > 0)
        AND (SELECT applied_through FROM projections WHERE actor = ?2 || '/audit') = CAST(?4 AS INTEGER)";

/// Writes the records after `applied_through` and who is told of them, and
/// erases what they erase.
pub(crate) fn statements(batch: &AuditBatch, applied_through: u64) -> Vec<Statement> {
    let new: Vec<_> = batch.records.iter().filter(|record| record.sequence > applied_through).collect();
    let organization = Value::Text(batch.organization.to_string());
    let actor = Value::Text(batch.actor());
    let before = Value::Text(applied_through.to_string());
    let rows = rows::records(&new);
    let values = vec![organization.clone(), actor.clone(), rows.into(), before.clone()];
    let mut statements = vec![(RECORDS, values.clone())];
    if new.iter().any(|record| !record.notify.is_empty()) {
        statements.push((NOTIFICATIONS, values));
    }
    for record in &new {
        let (sql, what) = match &record.erases {
            None => continue,
            Some(Erasure::Records(ids)) => (ERASE_RECORDS, rows::json(ids)),
            Some(Erasure::Subject(subject)) => (ERASE_SUBJECT, subject.clone()),
        };
        let place = Value::Text(record.sequence.to_string());
        statements.push((sql, vec![organization.clone(), actor.clone(), place, before.clone(), what.into()]));
    }
    statements
}
