//! The script of the management API: its composition root. It is reached
//! through the script `edge` only.
//!
//! In scope: what the runtime calls (`fetch`), and who answers.
//!
//! Out of scope: everything that decides anything.
#![cfg(target_arch = "wasm32")]

pub use runtime::{begin, check};

use worker::{Context, Env, HttpRequest, Request, Response, ResponseBuilder, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let request: HttpRequest = request.try_into()?;
    let mut answer = api::handle(request, &env, context).await;
    let outflow = answer.extensions_mut().remove::<runtime::Outflow>();
    let answer: Response = answer.try_into()?;
    Ok(match outflow {
        // Wrapped into a stream of Rust's it would hear no more that the client has left.
        Some(outflow) => ResponseBuilder::new().with_headers(answer.headers().clone()).stream(outflow.stream()),
        None => answer,
    })
}
