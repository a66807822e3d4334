//! The management API under `/api/v1`, and `/healthz`, `/readyz`, `/metrics`.
//!
//! In scope: who calls (operator, admin or member), reading and checking what
//! was sent, one order or question to an actor, D1's projection for reports,
//! and answers in one form: JSON, errors as problem documents (RFC 9457).
//!
//! Out of scope: every decision about credits (`organization`, `team`), the
//! path of a call (`gateway`), and what D1 is filled with (`projector`).
//!
//! **The walls between organizations.** An id in a path is looked up in the
//! caller's own directory before anything else: what is not there does not
//! exist, whether or not it is another organization's.
//!
//! **Repeating.** Every order to an actor carries an idempotency key, the
//! client's or one made for it, because it may be sent more than once on the
//! way too; see `idempotency.rs`.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails"))]

mod actor;
mod app;
mod controllers;
mod csv;
mod entries;
mod extract;
mod idempotency;
mod log;
mod money;
mod node;
#[cfg(test)]
mod openapi;
mod page;
mod problem;
mod provisioning;
mod refusal;
mod router;
pub mod schema;
mod sign_in;
mod sql;
mod tags;
#[cfg(test)]
mod testing;
mod text;
mod throttle;
mod time;

use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use identity::RequestId;
use tower_service::Service;
use worker::{Context, Env};

/// Names the request in answers and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-alfred-request-id");

/// Answers one request. The headers that protect an answer are set where it
/// leaves the worker (`edge/src/headers.mjs`).
pub async fn handle(request: Request<worker::Body>, env: &Env, context: Context) -> Response<Body> {
    let id = runtime::uuid_v7().map(RequestId::from_u128).ok();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (mut parts, body) = request.into_parts();
    let (app, headers) = (app::App::new(env), parts.headers.clone());
    parts.extensions.insert(app.clone());
    parts.extensions.insert(Arc::new(context));
    if let Some(id) = id {
        parts.extensions.insert(id);
    }
    let mut response = match throttle::begins(&app, &path, &headers).and_then(|()| extract::fits(&headers)) {
        Ok(()) => match router::router().call(Request::from_parts(parts, Body::new(body))).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        Err(problem) => problem.into_response(),
    };
    response = tags::not_modified(&headers, response);
    throttle::ends(&app, &headers, response.status() == StatusCode::UNAUTHORIZED);
    if let Some(allowance) = app.allowance() {
        throttle::Bucket::Key.tell(allowance, response.headers_mut());
    }
    if response.status().is_server_error() {
        let id = id.map(|id| id.to_string()).unwrap_or_default();
        log::error(format_args!("{method} {path} answered {} as {id}", response.status()));
    }
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id.to_string()).ok()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Whether a path is this crate's to answer.
#[must_use]
pub fn serves(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics" | "/api")
        || path.starts_with("/api/")
        || path.starts_with("/scim/")
        || path.starts_with("/chat/")
}
