//! The script at the edge: composition root of what calls of models need.
//!
//! In scope: what the runtime calls, and who answers what (entry.js): calls are
//! answered here, everything else by the script `management`, unseen. And the
//! headers that protect every answer (headers.mjs).
//!
//! Out of scope: everything that decides anything.
#![cfg(target_arch = "wasm32")]

pub use runtime::{begin, check};

use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    gateway::handle(request, &env, &context).await
}
