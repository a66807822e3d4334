//! The model path. The files are the pipeline, in its order:
//!
//! 1. [`authenticate`]: the key names organization and team; nothing is looked
//!    up, unless it is a workload's token ([`workload`]).
//! 2. [`admit`]: the body is parsed once, the worst case priced, and reserved
//!    in **one** message to the team's actor; before that, the organization's
//!    own policies are asked, if it has any ([`permit`]).
//! 3. [`dispatch`]: the provider is called.
//! 4. [`relay`]: its answer goes on to the client while usage is watched.
//! 5. [`settle`]: always; what the call came to is paid, or nothing.
//!
//! [`courier`] carries 2 and 5 to the actor; what is refused before or after
//! it was asked is told to it by [`refused`].
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
mod gather;
mod headers;
mod measure;
mod models;
mod outlet;
mod pause;
mod permit;
mod refuse;
mod refused;
mod relay;
mod settings;
mod settle;
mod shadow;
mod workload;

use identity::RequestId;
use runtime::{Actors, uuid_v7};
use worker::{Context, Env, Method, Request, Response, Result};

use refuse::Refusal;

const PREFIX: &str = "/v1";

/// Answers a request whose path is under `/v1`, or is what a client asks for
/// that was told the address without it (`edge/src/entry.js` knows which).
///
/// # Errors
/// When a binding is missing; everything else is an answer.
pub async fn handle(request: Request, env: &Env, context: &Context) -> Result<Response> {
    let actors = Actors::new(env)?;
    let id = uuid_v7().map(RequestId::from_u128).map_err(|error| error.to_string())?;
    route(id, request, (env, context), actors).await.or_else(|mut refusal| {
        refusal.header(headers::REQUEST_ID, id);
        refusal.header(headers::X_REQUEST_ID, id);
        refusal.response()
    })
}

async fn route(
    id: RequestId,
    request: Request,
    (env, context): (&Env, &Context),
    actors: Actors,
) -> std::result::Result<Response, Refusal> {
    let path = request.path();
    let Some(path) = path.strip_prefix(PREFIX) else { return Err(Refusal::no_prefix(&path)) };
    let path = path.trim_end_matches('/').to_owned();
    match (request.method(), path.as_str()) {
        (Method::Post, "/chat/completions") => {
            call::run(body::Endpoint::Chat, id, request, (env, context), actors).await
        }
        (Method::Post, "/embeddings") => {
            call::run(body::Endpoint::Embeddings, id, request, (env, context), actors).await
        }
        (Method::Get, "/models") => models::list(id, &request, (env, context, &actors)).await,
        (Method::Get, one) if one.starts_with("/models/") => {
            models::one(id, &request, (env, context, &actors), one.trim_start_matches("/models/")).await
        }
        (method, path @ ("/chat/completions" | "/embeddings" | "/models")) => {
            Err(Refusal::wrong_method(method.as_ref(), path))
        }
        (_, path) => Err(Refusal::unknown_path(path)),
    }
}
