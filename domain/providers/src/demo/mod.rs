//! A built-in model that needs no network: it answers the same request with
//! the same bytes, counts its tokens truly by its own [`tokens`] and keeps
//! every limit, so that a new organization can be tried out and tests can
//! reckon to the token.
//!
//! A request steers it by a `demo` object, or by strings in `metadata`, which
//! SDKs let through without a type error:
//!
//! | `demo` | `metadata` | |
//! |---|---|---|
//! | `tokens` | `demo_tokens`, `demo_words` | length of the answer in tokens |
//! | `delay_ms` | `demo_delay_ms` | pause before each frame of a stream |
//!
//! Pausing is the caller's: [`Answer::delay_ms`] only says for how long.

mod answer;
mod ask;
mod embed;
mod encode;
mod instance;
mod text;
mod wire;

pub use answer::{Answer, answer};
pub use embed::embeddings;
#[cfg(test)]
pub(crate) use encode::base64;
pub use text::tokens;

use crate::openai::models::Model;

/// The models there are.
pub const MODELS: [&str; 4] = ["demo-small", "demo-large", "demo-reasoner", "demo-embed"];

/// All of them have this window.
pub const CONTEXT_WINDOW: u64 = 128_000;

/// An answer is never longer than this, reasoning included; it is also the
/// limit of a request that sets none.
pub const MAX_OUTPUT_TOKENS: u64 = 16_384;

/// The models for a list of models; `created` is in seconds since 1970.
#[must_use]
pub fn models(created: u64) -> Vec<Model<'static>> {
    MODELS.iter().map(|name| Model::new(name, created, "alfred")).collect()
}

/// Why the demo provider does not answer. It is the caller's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DemoError {
    /// There is no such model, or it does something else.
    #[error("the model `{0}` does not exist or does not do this")]
    NoSuchModel(String),
}

#[cfg(test)]
mod tests;
