//! The management API under `/api/v1`, and `/healthz`, `/readyz`, `/metrics`.
//!
//! In scope: who calls (operator, admin or member), reading and checking what
//! was sent, one order or question to an actor, D1's projection for reports,
//! and answers in one form: JSON, errors as problem documents (RFC 9457).
//!
//! Out of scope: every decision about credits (`organization`, `team`), the
//! path of a call (`gateway`), and what D1 is filled with (`projector`).

/// Answers one request.
pub async fn handle(
    _request: http::Request<worker::Body>,
    _env: &worker::Env,
) -> http::Response<axum::body::Body> {
    http::Response::new(axum::body::Body::empty())
}

/// Whether a path is this crate's to answer.
#[must_use]
pub fn serves(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics") || path == "/api" || path.starts_with("/api/")
}
