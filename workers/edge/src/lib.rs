//! The one deployable: composition root.
//!
//! In scope: what the runtime calls (`fetch`, `queue`, `scheduled`), who
//! answers what, and the Durable Object classes, which must be re-exported
//! here or are silently missing from the build (`cargo xtask build` checks
//! that).
//!
//! Out of scope: everything that decides anything.
#![cfg(target_arch = "wasm32")]

mod d1;
mod heal;
mod journals;

pub use actors::{OrganizationActor, TeamActor};

use wasm_bindgen::JsValue;
use worker::{
    Context, Env, HttpRequest, MessageBatch, Request, Response, Result, ScheduleContext, ScheduledEvent, console_error,
    event, wasm_bindgen,
};

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
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(error) = heal::run(&env).await {
        console_error!("comparing journals with D1: {error}");
    }
}
