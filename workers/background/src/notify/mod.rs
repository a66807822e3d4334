//! The queue `alfred-notifications`: notices become deliveries (`tell`), and
//! deliveries are sent (`deliver`). Who is told of what, and what may be done
//! with a delivery, `notifier` decides; D1's rows are the truth, and the queue
//! only says where to look.

mod deliver;
mod tell;

use identity::OrganizationId;
use notifier::{Job, Notice};
use runtime::{enqueue, now_ms};
use serde::Deserialize;
use storage::Value;
use wasm_bindgen::JsValue;
use worker::{Env, MessageBatch, MessageExt, QueueRetryOptionsBuilder, Result, console_error};

use crate::d1;

/// What comes to nothing for a reason of ours is tried again after this.
const RETRY_AFTER_SECONDS: u32 = 15;
/// The cron looks for notices that nobody has told of for so long.
const FORGOTTEN_MS: i64 = 60_000;
/// Requests of chats that are so old are refused for their age.
const CHAT_REQUESTS_MS: i64 = 24 * 60 * 60 * 1000;

/// What becomes of a message of the queue.
enum Done {
    /// It is over.
    Over,
    /// It comes again after so many milliseconds.
    Later(i64),
}

/// Puts jobs into the queue.
async fn send(env: &Env, jobs: &[Job]) -> Result<()> {
    for job in jobs {
        enqueue(env, notifier::QUEUE, &serde_json::to_string(job)?).await?;
    }
    Ok(())
}

/// Has notices told at once, which are in D1. Where that fails the cron finds
/// them.
pub(crate) async fn hurry(env: &Env, notices: &[Notice]) {
    let job = |notice: &Notice| Job::Tell { organization: notice.organization, id: notice.id.clone() };
    let jobs: Vec<Job> = notices.iter().map(job).collect();
    if let Err(error) = send(env, &jobs).await {
        console_error!("hurrying {} notices: {error}", jobs.len());
    }
}

#[derive(Deserialize)]
struct Pending {
    organization: String,
    id: String,
}

/// Has told what is in D1 and was not told, and forgets what chats sent long
/// ago and codes that nobody has used.
pub(crate) async fn sweep(env: &Env) -> Result<()> {
    let db = env.d1("DB")?;
    let before = now_ms().saturating_sub(FORGOTTEN_MS);
    let pending: Vec<Pending> = d1::prepare(&db, notifier::PENDING, &[Value::Int(before)])?.all().await?.results()?;
    let job = |row: Pending| Some(Job::Tell { organization: row.organization.parse().ok()?, id: row.id });
    send(env, &pending.into_iter().filter_map(job).collect::<Vec<_>>()).await?;
    let before = now_ms().saturating_sub(CHAT_REQUESTS_MS);
    d1::prepare(&db, "DELETE FROM chat_requests WHERE time_ms < ?", &[Value::Int(before)])?.run().await?;
    d1::prepare(&db, "DELETE FROM chat_links WHERE expires_ms < ?", &[Value::Int(now_ms())])?.run().await?;
    Ok(())
}

/// Does each job; those that cannot be done now come again.
pub(crate) async fn consume(batch: &MessageBatch<JsValue>, env: &Env) {
    for message in batch.raw_iter() {
        let text = message.body().as_string().unwrap_or_default();
        let later = match one(env, &text, &message.id()).await {
            Ok(Done::Over) => {
                message.ack();
                continue;
            }
            Ok(Done::Later(ms)) => u32::try_from(ms.div_euclid(1000)).unwrap_or(RETRY_AFTER_SECONDS),
            Err(error) => {
                console_error!("the notification {}: {error}", message.id());
                RETRY_AFTER_SECONDS
            }
        };
        let options = QueueRetryOptionsBuilder::new().with_delay_seconds(later).build();
        message.retry_with_options(&options);
    }
}

async fn one(env: &Env, text: &str, message: &str) -> Result<Done> {
    match serde_json::from_str(text)? {
        Job::Tell { organization, id } => tell::tell(env, organization, &id).await,
        Job::Deliver { organization, id } => deliver::deliver(env, (organization, &id), message).await,
    }
}

/// Keeps what the queue gave up on.
pub(crate) async fn keep_dead(batch: &MessageBatch<JsValue>, env: &Env) {
    for message in batch.raw_iter() {
        let text = message.body().as_string().unwrap_or_default();
        let organization = serde_json::from_str(&text).ok().map(|job: Job| job.organization());
        match keep(env, &message.id(), organization, &text).await {
            Ok(()) => message.ack(),
            Err(error) => {
                console_error!("keeping the dead letter {}: {error}", message.id());
                message.retry();
            }
        }
    }
}

/// Keeps a dead letter: ids and why, nothing personal.
async fn keep(env: &Env, id: &str, organization: Option<OrganizationId>, body: &str) -> Result<()> {
    let organization = organization.map(|organization| organization.to_string());
    let queue = "alfred-notifications";
    let values = [id.into(), queue.into(), Value::Int(now_ms()), organization.into(), body.into()];
    let sql = "INSERT INTO dead_letters (id, queue, received_ms, organization, body) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (id) DO NOTHING";
    d1::prepare(&env.d1("DB")?, sql, &values)?.run().await?;
    Ok(())
}
