//! Why a request is refused, as RFC 7644 §3.12 has it.

use std::fmt;

use serde_json::{Value, json};

/// What is wrong, in the protocol's own words. The first eight are its `scimType`s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The filter does not parse, or its operator does not fit the attribute.
    InvalidFilter,
    /// The filter finds more than the server is willing to answer.
    TooMany,
    /// Another resource has what must be unique.
    Uniqueness,
    /// The attribute cannot be changed, or not to this.
    Mutability,
    /// The body is not what the protocol says.
    InvalidSyntax,
    /// The path of a PATCH does not parse.
    InvalidPath,
    /// The path of a PATCH names nothing that is there.
    NoTarget,
    /// A value is missing or does not fit.
    InvalidValue,
    /// There is no such resource.
    NotFound,
    /// The token is missing or unknown.
    Unauthorized,
    /// The token is good for something else.
    Forbidden,
    /// The resource is not in the version that `If-Match` asked for.
    PreconditionFailed,
    /// The body is too large.
    TooLarge,
    /// The server does not do this.
    NotImplemented,
    /// The server failed.
    Internal,
}

impl ErrorKind {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidFilter
            | Self::TooMany
            | Self::Mutability
            | Self::InvalidSyntax
            | Self::InvalidPath
            | Self::NoTarget
            | Self::InvalidValue => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Uniqueness => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::Internal => 500,
            Self::NotImplemented => 501,
        }
    }

    /// `scimType`, where the protocol has one.
    #[must_use]
    pub const fn scim_type(self) -> Option<&'static str> {
        match self {
            Self::InvalidFilter => Some("invalidFilter"),
            Self::TooMany => Some("tooMany"),
            Self::Uniqueness => Some("uniqueness"),
            Self::Mutability => Some("mutability"),
            Self::InvalidSyntax => Some("invalidSyntax"),
            Self::InvalidPath => Some("invalidPath"),
            Self::NoTarget => Some("noTarget"),
            Self::InvalidValue => Some("invalidValue"),
            _ => None,
        }
    }
}

/// A refusal, with what the caller can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    kind: ErrorKind,
    detail: String,
}

impl ScimError {
    /// The schema of an error's body.
    pub const SCHEMA: &'static str = "urn:ietf:params:scim:api:messages:2.0:Error";

    /// A refusal. `detail` is shown to the identity provider's administrator.
    #[must_use]
    pub fn new(kind: ErrorKind, detail: impl fmt::Display) -> Self {
        Self { kind, detail: detail.to_string() }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The body of the answer, to be sent as `application/scim+json` with the kind's status.
    #[must_use]
    pub fn body(&self) -> Value {
        let status = self.kind.status().to_string();
        let mut body = json!({ "schemas": [Self::SCHEMA], "status": status, "detail": self.detail });
        if let (Some(scim_type), Some(body)) = (self.kind.scim_type(), body.as_object_mut()) {
            body.insert("scimType".into(), scim_type.into());
        }
        body
    }

    /// The same, said of `place`.
    pub(crate) fn within(self, place: impl fmt::Display) -> Self {
        Self { kind: self.kind, detail: format!("{place}: {}", self.detail) }
    }
}

/// A refused value.
pub(crate) fn invalid_value(detail: impl fmt::Display) -> ScimError {
    ScimError::new(ErrorKind::InvalidValue, detail)
}

/// A refused change.
pub(crate) fn mutability(detail: impl fmt::Display) -> ScimError {
    ScimError::new(ErrorKind::Mutability, detail)
}

/// A body that is not what the protocol says.
pub(crate) fn invalid_syntax(detail: impl fmt::Display) -> ScimError {
    ScimError::new(ErrorKind::InvalidSyntax, detail)
}

/// The beginning of what the caller sent, to be shown again.
pub(crate) fn shown(text: impl fmt::Display) -> String {
    text.to_string().chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies() {
        // RFC 7644 §3.12, figure 9, and one without a `scimType`.
        let taken = ScimError::new(ErrorKind::Mutability, "Attribute 'id' is readOnly");
        assert_eq!(
            taken.body(),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "scimType": "mutability",
                "detail": "Attribute 'id' is readOnly",
                "status": "400",
            })
        );
        assert_eq!(
            ScimError::new(ErrorKind::NotFound, "Resource 2819c223 not found").body(),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "detail": "Resource 2819c223 not found",
                "status": "404",
            })
        );
        assert_eq!(ErrorKind::Uniqueness.status(), 409);
    }
}
