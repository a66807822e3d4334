//! The request's body: read with a bound, parsed once.

use bytes::Bytes;
use futures::StreamExt;
use providers::openai::{
    ChatRequest, EmbeddingsRequest, InputBound, LimitField, RequestError, RewriteOptions, Surcharge,
};
use worker::Request;

use crate::refuse::Refusal;

/// The largest body: a few images at full size. An isolate has 128 MB for all
/// of its calls, and a body is in it twice.
pub(crate) const MAX_BODY: usize = 16 << 20;

/// Which of the paths that cost something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Chat,
    Embeddings,
}

impl Endpoint {
    /// The path at the provider, after its base URL.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Embeddings => "/embeddings",
        }
    }
}

/// What the client asks for.
pub(crate) enum Asked<'a> {
    Chat(Box<ChatRequest<'a>>),
    Embeddings(Box<EmbeddingsRequest<'a>>),
}

impl<'a> Asked<'a> {
    pub(crate) fn parse(endpoint: Endpoint, body: &'a [u8]) -> Result<Self, RequestError> {
        match endpoint {
            Endpoint::Chat => ChatRequest::parse(body).map(|asked| Self::Chat(Box::new(asked))),
            Endpoint::Embeddings => EmbeddingsRequest::parse(body).map(|asked| Self::Embeddings(Box::new(asked))),
        }
    }

    pub(crate) fn model(&self) -> &str {
        match self {
            Self::Chat(chat) => chat.model(),
            Self::Embeddings(embeddings) => embeddings.model(),
        }
    }

    pub(crate) fn stream(&self) -> bool {
        matches!(self, Self::Chat(chat) if chat.stream())
    }

    pub(crate) fn include_usage(&self) -> bool {
        matches!(self, Self::Chat(chat) if chat.include_usage())
    }

    pub(crate) fn service_tier(&self) -> Option<&str> {
        match self {
            Self::Chat(chat) => chat.service_tier(),
            Self::Embeddings(_) => None,
        }
    }

    pub(crate) fn surcharges(&self) -> &[Surcharge] {
        match self {
            Self::Chat(chat) => chat.surcharges(),
            Self::Embeddings(_) => &[],
        }
    }

    /// Choices that share the output; 1 where there are none.
    pub(crate) fn choices(&self) -> u64 {
        match self {
            Self::Chat(chat) => chat.choices().max(1),
            Self::Embeddings(_) => 1,
        }
    }

    /// The output limit that the client set for each choice.
    pub(crate) fn asked_output(&self) -> Option<u64> {
        match self {
            Self::Chat(chat) => chat.max_output_tokens(),
            Self::Embeddings(_) => None,
        }
    }

    /// The most output, all choices together, when each may have so much.
    pub(crate) fn worst_output(&self, per_choice: u64) -> u64 {
        match self {
            Self::Chat(chat) => chat.worst_output_tokens(per_choice),
            Self::Embeddings(_) => 0,
        }
    }

    pub(crate) fn input_bound(&self, upstream_model: &str) -> Result<InputBound, RequestError> {
        match self {
            Self::Chat(chat) => chat.input_bound(upstream_model, None),
            Self::Embeddings(embeddings) => Ok(embeddings.input_bound()),
        }
    }

    /// The body to send.
    pub(crate) fn rewrite(&self, upstream_model: &str, per_choice: u64, limit_field: LimitField) -> Vec<u8> {
        match self {
            Self::Chat(chat) => chat.rewrite(&RewriteOptions {
                upstream_model,
                max_output_tokens: Some(per_choice),
                include_usage: true,
                limit_field,
            }),
            Self::Embeddings(embeddings) => embeddings.rewrite(upstream_model),
        }
    }
}

/// Reads the body, but no more than [`MAX_BODY`].
pub(crate) async fn read(request: &mut Request) -> Result<Bytes, Refusal> {
    let announced = request.headers().get("content-length").ok().flatten();
    let announced = announced.and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Err(Refusal::too_large());
    }
    if announced.is_some() {
        return request.bytes().await.map(Bytes::from).map_err(|_| Refusal::body_broken());
    }
    let mut stream = request.stream().map_err(|_| Refusal::body_broken())?;
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Refusal::body_broken())?;
        if body.len().saturating_add(chunk.len()) > MAX_BODY {
            return Err(Refusal::too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}
