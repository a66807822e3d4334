//! The end of copies that have been kept for long enough.
//!
//! The journals, which are the truth about credits, stay whole in the actors;
//! so do the sums by hour, which were made when each call arrived. A copy that
//! is made anew has the old rows again, until they are removed again.

use identity::{AuditId, EntryId, OrganizationId};
use storage::Value;

use crate::Statement;

/// Rows that one statement removes: D1 does one thing at a time, and this takes
/// it some milliseconds.
pub const ROWS_AT_ONCE: usize = 1000;

/// What can be removed from D1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Single calls.
    Requests,
    /// Sums by hour.
    Usage,
    /// Who is to be told of what.
    Notifications,
    /// What people were told.
    Deliveries,
    /// Messages that could not be delivered.
    DeadLetters,
}

/// Entries without a call are movements of credits, which stay.
const REQUESTS: &str = "DELETE FROM entries WHERE organization = ?1 AND id IN (
    SELECT id FROM entries WHERE organization = ?1 AND id < ?2 AND call IS NOT NULL ORDER BY id LIMIT 1000)";

const USAGE: &str = "DELETE FROM usage_hours WHERE organization = ?1
    AND (hour_ms, team, member, key, model, provider, tag) IN (
        SELECT hour_ms, team, member, key, model, provider, tag FROM usage_hours
        WHERE organization = ?1 AND hour_ms < ?2 ORDER BY hour_ms LIMIT 1000)";

const NOTIFICATIONS: &str = "DELETE FROM notifications WHERE organization = ?1 AND id IN (
    SELECT id FROM notifications WHERE organization = ?1 AND id < ?2 ORDER BY id LIMIT 1000)";

/// What waits is young: what is not sent within hours has failed.
const DELIVERIES: &str = "DELETE FROM deliveries WHERE organization = ?1 AND id IN (
    SELECT id FROM deliveries WHERE organization = ?1 AND changed_ms < ?2 LIMIT 1000)";

/// There are few.
const DEAD_LETTERS: &str = "DELETE FROM dead_letters WHERE organization = ?1 AND received_ms < ?2";

/// Removes the oldest of a kind, from before a time. Where it removes
/// [`ROWS_AT_ONCE`] there may be more.
#[must_use]
pub fn portion(kind: Kind, organization: OrganizationId, before_ms: i64) -> Statement {
    // Ids begin with the time.
    let first = u128::try_from(before_ms).unwrap_or_default() << 80;
    let (sql, end) = match kind {
        Kind::Requests => (REQUESTS, Value::Text(EntryId::from_u128(first).to_string())),
        Kind::Usage => (USAGE, Value::Int(before_ms)),
        Kind::Notifications => (NOTIFICATIONS, Value::Text(AuditId::from_u128(first).to_string())),
        Kind::Deliveries => (DELIVERIES, Value::Int(before_ms)),
        Kind::DeadLetters => (DEAD_LETTERS, Value::Int(before_ms)),
    };
    (sql, vec![organization.to_string().into(), end])
}
