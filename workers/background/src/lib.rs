//! The script of what nobody waits for: the queues' consumers and the crons;
//! their composition root. Nobody calls it.
//!
//! In scope: what the runtime calls (`queue`, `scheduled`), and who does what
//! about it.
//!
//! Out of scope: everything that decides anything.
#![cfg(target_arch = "wasm32")]

mod calendars;
mod d1;
mod heal;
mod journals;
mod notify;
mod retain;

pub use runtime::{begin, check};

use wasm_bindgen::JsValue;
use worker::{Context, Env, MessageBatch, Result, ScheduleContext, ScheduledEvent, console_error, event, wasm_bindgen};

/// An error here would become a panic, which takes other requests with it:
/// every message is acknowledged or retried on its own.
#[event(queue)]
async fn queue(batch: MessageBatch<JsValue>, env: Env, _context: Context) -> Result<()> {
    let name = batch.queue();
    if name.starts_with("alfred-journal-dead") {
        journals::keep_dead(&batch, &env).await;
    } else if name.starts_with("alfred-journal") {
        journals::project(&batch, &env).await;
    } else if name.starts_with("alfred-notifications-dead") {
        notify::keep_dead(&batch, &env).await;
    } else if name.starts_with("alfred-notifications") {
        notify::consume(&batch, &env).await;
    } else {
        console_error!("a message from the queue `{name}`, which nobody consumes");
    }
    Ok(())
}

#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let with_calendars = match heal::run(&env).await {
        Ok(organizations) => organizations,
        Err(error) => {
            console_error!("comparing journals with D1: {error}");
            Default::default()
        }
    };
    if let Err(error) = calendars::run(&env, with_calendars).await {
        console_error!("reading calendars: {error}");
    }
    if let Err(error) = notify::sweep(&env).await {
        console_error!("telling what nobody was told of: {error}");
    }
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a time in whole milliseconds")]
    let now_ms = event.schedule() as i64;
    if let Err(error) = retain::run(&env, now_ms).await {
        console_error!("ending what has been kept for long enough: {error}");
    }
}
