//! The one deployable: composition root.
//!
//! In scope: what the runtime calls (`fetch`, `queue`, `scheduled`), who
//! answers what, and the Durable Object classes, which must be re-exported
//! here and named in entry.js or are missing from the build (`cargo xtask
//! build` checks that). And what happens when the program dies: see entry.js.
//!
//! Out of scope: everything that decides anything.
#![cfg(target_arch = "wasm32")]

mod d1;
mod heal;
mod journals;
mod retain;

pub use actors::{OrganizationActor, TeamActor};

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen as export;
use worker::{
    Context, Env, HttpRequest, MessageBatch, Request, Response, Result, ScheduleContext, ScheduledEvent, console_error,
    event, wasm_bindgen,
};

/// Leaves it to entry.js, which calls this first, to replace this instance when
/// it has died (by a panic or any other trap).
///
/// The worker crate would replace it at the next call into Rust, whatever that
/// is: a promise that the dead instance waits for would then be called with the
/// old instance's pointers into the new one's memory. Without that, each call
/// into a dead instance throws.
#[export]
pub fn begin() {
    wasm_bindgen::handler::set_on_abort(|| {});
}

/// Throws, like any other call, when the instance has died.
#[export]
pub fn check() {}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    if gateway::is_mine(&request.path()) {
        return gateway::handle(request, &env, &context).await;
    }
    let request: HttpRequest = request.try_into()?;
    api::handle(request, &env).await.try_into()
}

/// An error here would become a panic, which takes other requests with it:
/// every message is acknowledged or retried on its own.
#[event(queue)]
async fn queue(batch: MessageBatch<JsValue>, env: Env, _context: Context) -> Result<()> {
    let name = batch.queue();
    if name.starts_with("alfred-journal-dead") {
        journals::keep_dead(&batch, &env).await;
    } else if name.starts_with("alfred-journal") {
        journals::project(&batch, &env).await;
    } else {
        console_error!("a message from the queue `{name}`, which nobody consumes");
    }
    Ok(())
}

#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(error) = heal::run(&env).await {
        console_error!("comparing journals with D1: {error}");
    }
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a time in whole milliseconds")]
    let now_ms = event.schedule() as i64;
    if let Err(error) = retain::run(&env, now_ms).await {
        console_error!("ending what has been kept for long enough: {error}");
    }
}
