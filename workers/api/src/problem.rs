//! Errors as clients see them: RFC 9457 problem documents.
//!
//! The caller's fault becomes a stable code and says what to do. Our own
//! fault is logged and answered without a detail.

use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use limits::Allowance;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::log;
use crate::throttle::Bucket;

/// What kind of problem; clients tell them apart by the name of each, which
/// never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    InvalidJson,
    InvalidIdempotencyKey,
    OrganizationRequired,
    TooMuch,
    Unauthorized,
    InsufficientFunds,
    Forbidden,
    ApprovalRequired,
    SignInFailed,
    CsrfTokenRequired,
    AddressNotAllowed,
    NotFound,
    MethodNotAllowed,
    Conflict,
    LockOut,
    ChannelFailed,
    PartlySpent,
    TooLate,
    IdempotencyConflict,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    RateLimited,
    Internal,
    ProviderFailed,
    Unavailable,
    Overloaded,
}

impl Code {
    /// The HTTP status, the name, and the title.
    pub(crate) const fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (400, "invalid_request", "The request makes no sense"),
            Self::InvalidJson => (400, "invalid_json", "The body cannot be read"),
            Self::InvalidIdempotencyKey => (400, "invalid_idempotency_key", "The idempotency key cannot be used"),
            Self::OrganizationRequired => (400, "organization_required", "Which organization?"),
            Self::TooMuch => (400, "too_much", "The answer would be too large"),
            Self::Unauthorized => (401, "unauthorized", "The key is missing or does not work"),
            Self::InsufficientFunds => (402, "insufficient_funds", "The credits do not suffice"),
            Self::Forbidden => (403, "forbidden", "That is not permitted"),
            Self::ApprovalRequired => (403, "approval_required", "Somebody must approve that"),
            Self::SignInFailed => (403, "sign_in_failed", "You could not be signed in"),
            Self::CsrfTokenRequired => (403, "csrf_token_required", "The request may come from another site"),
            Self::AddressNotAllowed => (403, "address_not_allowed", "Not from this network address"),
            Self::NotFound => (404, "not_found", "There is no such thing"),
            Self::MethodNotAllowed => (405, "method_not_allowed", "The method does not exist here"),
            Self::Conflict => (409, "conflict", "It cannot be done in this state"),
            Self::LockOut => (409, "lock_out", "That would shut you out"),
            Self::ChannelFailed => (409, "channel_failed", "The channel did not take it"),
            Self::PartlySpent => (409, "partly_spent", "A part of it is spent"),
            Self::TooLate => (409, "too_late", "It can be undone no more"),
            Self::IdempotencyConflict => (409, "idempotency_conflict", "The idempotency key was used before"),
            Self::PreconditionFailed => (412, "precondition_failed", "Somebody else has changed it"),
            Self::PayloadTooLarge => (413, "payload_too_large", "The body is too large"),
            Self::UnsupportedMediaType => (415, "unsupported_media_type", "The body must be JSON"),
            Self::RateLimited => (429, "rate_limited", "Too many requests"),
            Self::Internal => (500, "internal", "Something went wrong on our side"),
            Self::ProviderFailed => (502, "provider_failed", "The sign-in provider cannot be used"),
            Self::Unavailable => (503, "unavailable", "Try again in a moment"),
            Self::Overloaded => (503, "overloaded", "Too much to do"),
        }
    }
}

/// An error on its way to the client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    detail: String,
    members: Map<String, Value>,
    retry_after_seconds: Option<u32>,
    /// Rare, and boxed because every result carries this type.
    limited: Option<Box<(Bucket, Allowance)>>,
}

/// The document.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl Problem {
    /// A problem that the caller can do something about: `detail` says what.
    pub(crate) fn new(code: Code, detail: impl Display) -> Self {
        Self { code, detail: detail.to_string(), members: Map::new(), retry_after_seconds: None, limited: None }
    }

    /// What was sent makes no sense.
    pub(crate) fn invalid(detail: impl Display) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// There is no such thing, or it is another organization's.
    pub(crate) fn not_found(what: &str, id: impl Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} `{id}`"))
    }

    /// Our own fault: `what` goes to the log, not to the caller.
    pub(crate) fn internal(what: impl Display) -> Self {
        log::error(format_args!("internal: {what}"));
        Self::new(Code::Internal, "the request could not be completed; the request id helps us to find out why")
    }

    /// Something that we need does not answer: `what` goes to the log.
    pub(crate) fn unavailable(what: impl Display) -> Self {
        log::error(format_args!("unavailable: {what}"));
        let detail = "a part of the service does not answer: try again, with the same Idempotency-Key if you sent one";
        Self { retry_after_seconds: Some(1), ..Self::new(Code::Unavailable, detail) }
    }

    /// An actor has more to do than it can.
    pub(crate) fn overloaded() -> Self {
        let detail = "this organization or team has more requests than it can answer: wait before you try again";
        Self { retry_after_seconds: Some(5), ..Self::new(Code::Overloaded, detail) }
    }

    /// The same problem, which may be over after a while.
    pub(crate) const fn after_seconds(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The same problem with another member.
    pub(crate) fn with(mut self, name: &str, value: impl Display) -> Self {
        self.members.insert(name.to_owned(), Value::String(value.to_string()));
        self
    }

    /// The same problem for somebody who came too often.
    pub(crate) fn limited(self, bucket: Bucket, allowance: Allowance) -> Self {
        let retry_after_seconds = Some(allowance.resets_in_seconds());
        Self { retry_after_seconds, limited: Some(Box::new((bucket, allowance))), ..self }
    }

    /// Whether there is no sign-in, or no organization.
    pub(crate) fn is_not_configured(&self) -> bool {
        self.members.get("reason").is_some_and(|reason| reason == "not_configured")
    }

    /// What is wrong, for people.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The document as text.
    pub(crate) fn document(&self) -> String {
        let (status, code, title) = self.code.parts();
        let document = Document {
            r#type: format!("urn:alfred:problem:{code}"),
            title,
            status,
            detail: &self.detail,
            code,
            members: &self.members,
        };
        serde_json::to_string(&document).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.document().into());
        *response.status_mut() = StatusCode::from_u16(self.code.parts().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some((bucket, allowance)) = self.limited.map(|limited| *limited) {
            bucket.tell(allowance, headers);
        }
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_form() {
        let problem = Problem::new(Code::InsufficientFunds, "too little").with("left", "1.5").with("needed", "2");
        assert_eq!(
            problem.document(),
            r#"{"type":"urn:alfred:problem:insufficient_funds","title":"The credits do not suffice","status":402,"detail":"too little","code":"insufficient_funds","left":"1.5","needed":"2"}"#
        );
    }

    #[test]
    fn headers() {
        let response = Problem::overloaded().into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "5");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let response = Problem::new(Code::Unauthorized, "").into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["www-authenticate"]),
            (401, &"Bearer".parse().unwrap())
        );
    }
}
