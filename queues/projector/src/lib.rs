//! Writes the actors' journals and audit trails to D1: entries, hourly sums,
//! records, and how far each has been copied.
//!
//! **Exactly once, in order.** D1 keeps for each actor the sequence up to which
//! it has everything. A batch is applied in one transaction, of which every
//! statement says "only if that sequence is still the one before my first
//! entry". So a batch that comes twice, too early, or at the same time as
//! another changes nothing, and sums are as exact as entries.
//!
//! **Erasures come in order too.** A record that erases details does so in D1
//! with the statements that write it, so after all records before it. Whatever
//! is sent again, or all of it anew, ends with the details erased.
//!
//! In scope: what to do with a batch ([`decide`]) and the statements that do
//! it, the same in D1 and in native tests.
//!
//! Out of scope: running them and answering the queue (`workers/background`).
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]

pub mod retention;
mod rows;
mod trail;

use events::{JournalBatch, Publication};
use storage::Value;

/// A statement with its parameters.
pub type Statement = (&'static str, Vec<Value>);

/// How far D1 has an actor's journal, or under its name and `/audit` its audit
/// trail: one row with one column, or none.
pub const APPLIED_THROUGH: &str = "SELECT applied_through FROM projections WHERE actor = ?";

/// How far D1 has an actor's journal (`entries`) and its audit trail
/// (`records`): always one row.
pub const BOTH_THROUGH: &str = "SELECT
    COALESCE((SELECT applied_through FROM projections WHERE actor = ?1), 0) AS entries,
    COALESCE((SELECT applied_through FROM projections WHERE actor = ?1 || '/audit'), 0) AS records";

/// What to do with a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// D1 has all of it already.
    Known,
    /// What comes before it is missing: the actor must send them again.
    Gap,
    /// Run these in one transaction. The last one changes one row; if it
    /// changes none, another consumer was faster and nothing was written.
    Apply(Vec<Statement>),
}

const BEGIN: &str = "INSERT INTO projections (actor, organization, applied_through, last_sequence, updated_ms)
    VALUES (?, ?, 0, 0, 0) ON CONFLICT (actor) DO NOTHING";

const ENTRIES: &str = "INSERT INTO entries
    (organization, id, actor, sequence, time_ms, kind, debit, credit, amount, reference, who, call, note, hash)
    SELECT ?1, value ->> 'id', ?2, value ->> 'sequence', value ->> 'time_ms', value ->> 'kind', value ->> 'debit',
        value ->> 'credit', CAST(value ->> 'amount' AS INTEGER), value ->> 'reference', value ->> 'who',
        value ->> 'call', value ->> 'note', value ->> 'hash'
    FROM json_each(?3)
    WHERE (SELECT applied_through FROM projections WHERE actor = ?2) = CAST(?4 AS INTEGER)
    ON CONFLICT (organization, id) DO NOTHING";

const USAGE: &str = "INSERT INTO usage_hours
    (organization, hour_ms, team, member, key, model, provider, tag,
     requests, failed, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost)
    SELECT ?1, value ->> 'hour_ms', ?2, value ->> 'member', value ->> 'key', value ->> 'model', value ->> 'provider',
        value ->> 'tag', value ->> 'requests', value ->> 'failed', value ->> 'input_tokens', value ->> 'cached_tokens',
        value ->> 'output_tokens', value ->> 'reasoning_tokens', CAST(value ->> 'cost' AS INTEGER)
    FROM json_each(?3)
    WHERE (SELECT applied_through FROM projections WHERE actor = ?2) = CAST(?4 AS INTEGER)
    ON CONFLICT (organization, hour_ms, team, member, key, model, provider, tag) DO UPDATE SET
        requests = requests + excluded.requests,
        failed = failed + excluded.failed,
        input_tokens = input_tokens + excluded.input_tokens,
        cached_tokens = cached_tokens + excluded.cached_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
        cost = cost + excluded.cost";

const ADVANCE: &str = "UPDATE projections SET
        applied_through = CAST(?1 AS INTEGER), last_sequence = MAX(last_sequence, CAST(?2 AS INTEGER)), updated_ms = ?3
    WHERE actor = ?4 AND applied_through = CAST(?5 AS INTEGER)";

/// Notes how far an actor's journal or trail goes although D1 has not come so far:
/// `(last_sequence, actor)`. What is behind shows in `/readyz`.
pub const BEHIND: &str =
    "UPDATE projections SET last_sequence = MAX(last_sequence, CAST(? AS INTEGER)) WHERE actor = ?";

/// Decides what to do with a batch when D1 has its journal or trail up to
/// `applied_through` (0 for one that it has never heard of).
#[must_use]
pub fn decide(publication: &Publication, applied_through: u64, now_ms: i64) -> Decision {
    let Some((first, last)) = publication.stretch() else {
        return Decision::Known;
    };
    if last <= applied_through {
        return Decision::Known;
    }
    if first > applied_through.saturating_add(1) {
        return Decision::Gap;
    }
    let mut statements = match publication {
        Publication::Entries(batch) => entries(batch, applied_through),
        Publication::Records(batch) => trail::statements(batch, applied_through),
    };
    let projection = Value::Text(publication.projection());
    let organization = Value::Text(publication.organization().to_string());
    statements.insert(0, (BEGIN, vec![projection.clone(), organization]));
    let (through, furthest) = (last.to_string(), publication.furthest().max(last).to_string());
    let before = Value::Text(applied_through.to_string());
    statements.push((ADVANCE, vec![through.into(), furthest.into(), Value::Int(now_ms), projection, before]));
    Decision::Apply(statements)
}

/// Writes the entries after `applied_through` and their sums.
fn entries(batch: &JournalBatch, applied_through: u64) -> Vec<Statement> {
    let new: Vec<_> = batch.entries.iter().filter(|entry| entry.sequence > applied_through).collect();
    let organization = Value::Text(batch.organization.to_string());
    let actor = Value::Text(batch.actor());
    let before = Value::Text(applied_through.to_string());
    let entries = rows::entries(&new);
    let mut statements = vec![(ENTRIES, vec![organization.clone(), actor.clone(), entries.into(), before.clone()])];
    if let Some(usage) = rows::usage(&new) {
        statements.push((USAGE, vec![organization, actor, usage.into(), before]));
    }
    statements
}

#[cfg(test)]
mod tests;
