//! Why a request is refused before anything is reserved.

use super::error;

/// Why a body is not a request that can be priced. All of these are the
/// caller's fault, and sending the same body again cannot help.
///
/// When several apply, the first in this order is told: what keeps the body
/// from being read, then single parameters in the order in which
/// `ChatRequest::parse` looks at them, then what is only known with the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The body is not text.
    #[error("the body is not valid UTF-8: the first wrong byte is at {at}")]
    NotUtf8 {
        /// Offset of the first byte that is not UTF-8.
        at: usize,
    },
    /// The body is text but not JSON.
    #[error("the body is not valid JSON: {reason}")]
    NotJson {
        /// What the parser expected, with line and column.
        reason: String,
    },
    /// The body is JSON but not an object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// More parameters than any client sends.
    #[error("the body has more than {0} parameters")]
    TooManyParameters(usize),
    /// The same key twice: two parsers could read two different prices.
    #[error("`{0}` is given more than once; send it once")]
    Duplicate(String),
    /// Nested deeper than anything a model reads.
    #[error("`{0}` is nested too deeply")]
    TooDeep(String),
    /// A parameter that the call cannot do without.
    #[error("you must provide `{0}`")]
    Missing(&'static str),
    /// A parameter that is there but has nothing in it.
    #[error("`{0}` must not be empty")]
    Empty(&'static str),
    /// A parameter of the wrong type.
    #[error("`{param}` must be {expected}")]
    WrongType {
        /// Which one.
        param: &'static str,
        /// What it has to be, with its article.
        expected: &'static str,
    },
    /// A number outside what is allowed.
    #[error("`{param}` must be from {min} to {max}")]
    OutOfRange {
        /// Which one.
        param: &'static str,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// Two limits that contradict each other.
    #[error("`max_tokens` and `max_completion_tokens` differ; send one of them")]
    TwoLimits,
    /// Content whose size in tokens cannot be told from the request.
    #[error("the cost of {0} cannot be bounded before the call; send the content itself as text or as images")]
    Unbounded(&'static str),
    /// A parameter that costs more than tokens and has no price here.
    #[error("`{0}` is billed by the provider beyond tokens and is not available here")]
    Unpriced(String),
}

impl RequestError {
    /// OpenAI's `error.type`: always the caller's fault.
    pub const KIND: &'static str = "invalid_request_error";

    /// OpenAI's `error.param`.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::NotUtf8 { .. } | Self::NotJson { .. } | Self::NotAnObject | Self::TooManyParameters(_) => None,
            Self::Duplicate(param) | Self::TooDeep(param) | Self::Unpriced(param) => Some(param),
            Self::Missing(param) | Self::Empty(param) => Some(param),
            Self::WrongType { param, .. } | Self::OutOfRange { param, .. } => Some(param),
            Self::TwoLimits => Some("max_tokens"),
            Self::Unbounded(_) => Some("messages"),
        }
    }

    /// OpenAI's `error.code`: stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8 { .. } => "invalid_utf8",
            Self::NotJson { .. } => "invalid_json",
            Self::NotAnObject => "invalid_body",
            Self::TooManyParameters(_) => "too_many_parameters",
            Self::Duplicate(_) => "duplicate_parameter",
            Self::TooDeep(_) => "nested_too_deeply",
            Self::Missing(_) => "missing_required_parameter",
            Self::Empty(_) => "empty_value",
            Self::WrongType { .. } => "invalid_type",
            Self::OutOfRange { .. } => "invalid_value",
            Self::TwoLimits => "conflicting_limits",
            Self::Unbounded(_) => "unbounded_content",
            Self::Unpriced(_) => "unpriced_parameter",
        }
    }

    /// The body to answer with.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        error::body(&self.to_string(), Self::KIND, self.param(), Some(self.code()))
    }
}
