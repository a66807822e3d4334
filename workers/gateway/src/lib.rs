//! The model path. The files are the pipeline, in its order:
//!
//! 1. [`authenticate`]: the key names organization and team; nothing is looked
//!    up.
//! 2. [`admit`]: the body is parsed once, the worst case priced, and reserved
//!    in **one** message to the team's actor.
//! 3. [`dispatch`]: the provider is called.
//! 4. [`relay`]: its answer goes on to the client while usage is watched.
//! 5. [`settle`]: always; what the call came to is paid, or nothing.
//!
//! [`courier`] carries 2 and 5 to the actor.
//!
//! From the reservation on, everything runs in `wait_until`, so that a client
//! that leaves cannot keep the call from being settled.
//!
//! In scope: `/v1`, in OpenAI's form, with OpenAI's errors ([`refuse`]).
//!
//! Out of scope: every decision about credits (`team`), what things cost
//! (`pricing`), and the wire formats (`providers`).

#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]
#![allow(
    clippy::result_large_err,
    reason = "a refusal is made once, for a call that ends with it; a box would buy nothing"
)]

mod admit;
mod authenticate;
mod body;
mod call;
mod client;
mod courier;
mod dispatch;
mod fetch;
mod headers;
mod measure;
mod models;
mod outlet;
mod pause;
mod refuse;
mod relay;
mod settings;
mod settle;

use actors::Actors;
use worker::{Context, Env, Method, Request, Response, Result};

use refuse::Refusal;

/// Which paths are the gateway's.
pub const PREFIX: &str = "/v1";

/// Answers a request under [`PREFIX`].
///
/// # Errors
/// When a binding is missing; everything else is an answer.
pub async fn handle(request: Request, env: &Env, context: &Context) -> Result<Response> {
    let actors = Actors::new(env)?;
    let answer = match route(request, env, context, actors).await {
        Ok(response) => response,
        Err(refusal) => refusal.response()?,
    };
    Ok(answer)
}

async fn route(
    request: Request,
    env: &Env,
    context: &Context,
    actors: Actors,
) -> std::result::Result<Response, Refusal> {
    let path = request.path();
    let path = path.strip_prefix(PREFIX).unwrap_or(&path).trim_end_matches('/').to_owned();
    match (request.method(), path.as_str()) {
        (Method::Post, "/chat/completions") => call::run(body::Endpoint::Chat, request, env, context, actors).await,
        (Method::Post, "/embeddings") => call::run(body::Endpoint::Embeddings, request, env, context, actors).await,
        (Method::Get, "/models") => models::list(&request, env, &actors).await,
        (Method::Get, one) if one.starts_with("/models/") => {
            models::one(&request, env, &actors, one.trim_start_matches("/models/")).await
        }
        (method, path @ ("/chat/completions" | "/embeddings" | "/models")) => {
            Err(Refusal::wrong_method(method.as_ref(), path))
        }
        (_, path) => Err(Refusal::unknown_path(path)),
    }
}
