//! The way in: what there is, and the OpenAPI document.

use axum::Json;
use axum::response::IntoResponse;
use http::header;
use serde::Serialize;
use utoipa::ToSchema;

/// The document, made of the code by `cargo test` (see `openapi.rs`).
pub(crate) const OPENAPI: &str = include_str!("../../openapi.json");

/// What there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Index {
    name: &'static str,
    /// The OpenAPI document of this API.
    openapi: &'static str,
    /// Where calls to models go, as to OpenAI's API.
    models: &'static str,
    /// Who am I, with a member's key.
    me: &'static str,
}

/// Say what there is.
#[utoipa::path(get, path = "/api/v1", tag = "Operations", security(()),
    responses((status = 200, description = "What there is", body = Index)))]
pub(crate) async fn get_index() -> Json<Index> {
    Json(Index { name: "Alfred", openapi: "/api/v1/openapi.json", models: "/v1/models", me: "/api/v1/me" })
}

/// Show this document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "Operations", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(crate) async fn get_openapi() -> impl IntoResponse {
    // The one answer here that is everybody's; a new version may change it.
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], OPENAPI)
}
