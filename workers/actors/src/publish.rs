//! What both actors do beside answering: send their journal and audit trail to
//! the queue and their messages to each other.

use events::{AuditBatch, JournalBatch};
use futures::future::join_all;
use identity::{OrganizationId, TeamId};
use journal::Pending;
use ledger::Entry;
use serde::Serialize;
use worker::{Env, console_error};

use runtime::{Actors, enqueue};

/// Messages to other actors in flight at once; a change of settings in a large
/// organization has one for each team.
const DELIVERIES_AT_ONCE: usize = 20;

/// Sends one batch of entries to the queue.
pub(crate) async fn send(
    env: &Env,
    (organization, team): (OrganizationId, Option<TeamId>),
    last_sequence: u64,
    entries: Vec<Entry>,
) -> worker::Result<()> {
    let batch = JournalBatch { version: JournalBatch::VERSION, organization, team, last_sequence, entries };
    send_one(env, &batch).await
}

/// Sends one batch of audit records to the queue.
pub(crate) async fn send_records(env: &Env, batch: &AuditBatch) -> worker::Result<()> {
    send_one(env, batch).await
}

async fn send_one(env: &Env, batch: &impl Serialize) -> worker::Result<()> {
    enqueue(env, "JOURNAL", &serde_json::to_string(batch)?).await
}

/// Delivers messages to other actors; answers which arrived.
pub(crate) async fn deliver(env: &Env, due: Vec<Pending>) -> Vec<(u64, bool)> {
    let Ok(actors) = Actors::new(env) else {
        return due.iter().map(|pending| (pending.number, false)).collect();
    };
    let mut outcomes = Vec::with_capacity(due.len());
    for some in due.chunks(DELIVERIES_AT_ONCE) {
        let deliveries = some.iter().map(|pending| async {
            let arrived = actors.deliver(&pending.target, &pending.envelope).await;
            if let Err(error) = &arrived {
                console_error!("message {} to {}: {error}", pending.envelope.id, pending.target);
            }
            (pending.number, arrived.unwrap_or(false))
        });
        outcomes.extend(join_all(deliveries).await);
    }
    outcomes
}
