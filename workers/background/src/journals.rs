//! The queue's consumers: journals and audit trails on their way to D1, and
//! what the queue gave up on.

use events::{Publication, without_details};
use projector::{Decision, decide};
use runtime::{Actors, now_ms};
use serde::Deserialize;
use storage::Value;
use wasm_bindgen::JsValue;
use worker::{D1Database, Env, MessageBatch, MessageExt, QueueRetryOptionsBuilder, Result, console_error};

use crate::{d1, notify};

/// A message that D1 could not take is tried again after this.
const RETRY_AFTER_SECONDS: u32 = 5;

#[derive(Deserialize)]
struct Applied {
    applied_through: u64,
}

/// How far D1 has both of an actor's chains.
#[derive(Default, Deserialize)]
pub(crate) struct Both {
    pub(crate) entries: u64,
    pub(crate) records: u64,
}

/// Projects each message; those that cannot be applied now come again.
pub(crate) async fn project(batch: &MessageBatch<JsValue>, env: &Env) {
    for message in batch.raw_iter() {
        let text = message.body().as_string().unwrap_or_default();
        match project_one(env, &text).await {
            Ok(()) => message.ack(),
            Err(error) => {
                console_error!("projecting message {}: {error}", message.id());
                let later = QueueRetryOptionsBuilder::new().with_delay_seconds(RETRY_AFTER_SECONDS).build();
                message.retry_with_options(&later);
            }
        }
    }
}

async fn project_one(env: &Env, text: &str) -> Result<()> {
    let batch = Publication::read(text).map_err(|error| error.to_string())?;
    let db = env.d1("DB")?;
    let through = applied_through(&db, &batch.projection()).await?;
    match decide(&batch, through, now_ms()) {
        Decision::Known => Ok(()),
        // What is missing may be on its way, or lost: either way the actor is
        // asked for it, and this batch will come again with it.
        Decision::Gap => ask_again(env, &db, &batch).await,
        Decision::Apply(mut statements) => {
            let notices = notifier::notices(&batch, through, now_ms());
            // Before the last one, which moves what these ask for.
            let last = statements.pop();
            statements.extend(notifier::statements(&notices, &batch.projection(), through));
            statements.extend(last);
            match d1::transact(&db, &statements).await? {
                0 => Err("another consumer was faster".into()),
                _ => {
                    notify::hurry(env, &notices).await;
                    Ok(())
                }
            }
        }
    }
}

/// How far D1 has a journal or trail.
async fn applied_through(db: &D1Database, actor: &str) -> Result<u64> {
    let statement = d1::prepare(db, projector::APPLIED_THROUGH, &[actor.into()])?;
    Ok(statement.first::<Applied>(None).await?.map_or(0, |row| row.applied_through))
}

/// How far D1 has an actor's journal and its audit trail.
pub(crate) async fn both_through(db: &D1Database, actor: &str) -> Result<Both> {
    let statement = d1::prepare(db, projector::BOTH_THROUGH, &[actor.into()])?;
    Ok(statement.first::<Both>(None).await?.unwrap_or_default())
}

async fn ask_again(env: &Env, db: &D1Database, batch: &Publication) -> Result<()> {
    let behind = [Value::Text(batch.furthest().to_string()), Value::Text(batch.projection())];
    d1::prepare(db, projector::BEHIND, &behind)?.run().await?;
    let actors = Actors::new(env)?;
    let organization = batch.organization();
    let actor = batch.team().map_or_else(|| organization.to_string(), |team| team.to_string());
    let Both { entries: projected, records } = both_through(db, &actor).await?;
    let audit = Some(records);
    let asked = match batch.team() {
        Some(team) => actors.team(team, &team::protocol::Command::Heal { projected, audit }).await.map(drop),
        None => {
            let command = organization::protocol::Command::Heal { projected, audit };
            actors.organization(organization, &command).await.map(drop)
        }
    };
    asked.map_err(|error| error.to_string().into())
}

/// Keeps what the queue gave up on, for somebody to look at.
pub(crate) async fn keep_dead(batch: &MessageBatch<JsValue>, env: &Env) {
    for message in batch.raw_iter() {
        let text = message.body().as_string().unwrap_or_default();
        match keep_one(env, &message.id(), &batch.queue(), &text).await {
            Ok(()) => message.ack(),
            Err(error) => {
                console_error!("keeping the dead letter {}: {error}", message.id());
                message.retry();
            }
        }
    }
}

/// Records are kept without their details: no erasure reaches a dead letter,
/// and the actor has them.
async fn keep_one(env: &Env, id: &str, queue: &str, text: &str) -> Result<()> {
    let organization = Publication::read(text).ok().map(|batch| batch.organization().to_string());
    let body = without_details(text);
    let values = [id.into(), queue.into(), Value::Int(now_ms()), organization.into(), body.into()];
    let sql = "INSERT INTO dead_letters (id, queue, received_ms, organization, body) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (id) DO NOTHING";
    d1::prepare(&env.d1("DB")?, sql, &values)?.run().await?;
    Ok(())
}
