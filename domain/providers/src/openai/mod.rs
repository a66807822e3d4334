//! The wire format of OpenAI and of the providers compatible with it.
//!
//! A call passes through here in this order: [`ChatRequest::parse`], its
//! [`InputBound`], its [`Surcharge`]s, [`ChatRequest::rewrite`]; then either
//! [`Completion::parse`] or a [`Stream`], both of which end in a
//! [`ReportedUsage`] or in what was [`Seen`].

mod audio;
mod bound;
mod chat;
mod completion;
mod embeddings;
pub mod error;
mod fields;
mod images;
mod measure;
pub mod models;
mod redact;
mod request_error;
mod rewrite;
mod scan;
mod seen;
mod stream;
mod surcharge;
mod usage;

pub use bound::InputBound;
pub use chat::ChatRequest;
pub use completion::{Completion, EmbeddingsResponse};
pub use embeddings::{EmbeddingsInput, EmbeddingsRequest, Encoding};
pub use error::UpstreamError;
pub use request_error::RequestError;
pub use rewrite::{LimitField, RewriteOptions};
pub use seen::{ChoiceSeen, FinishReason, Seen};
pub use stream::{MAX_FRAME, Piece, Stream, UsageFrame};
pub use surcharge::Surcharge;
pub use usage::{ReportedUsage, UsageError};
