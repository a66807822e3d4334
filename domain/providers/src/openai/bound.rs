//! The most input tokens that a request can be billed for.

use super::chat::ChatRequest;
use super::request_error::RequestError;
use super::scan::{scan, text_bytes};

/// What a request's input may cost at most, and what it probably will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InputBound {
    /// No byte-level tokenizer makes more of it. Includes the next two.
    pub tokens: u64,
    /// An estimate for when nothing better is known: a token for each three
    /// bytes of text. Never above `tokens`.
    pub likely_tokens: u64,
    /// The part of `tokens` that is pictures.
    pub image_tokens: u64,
    /// The part of `tokens` that is sound.
    pub audio_tokens: u64,
}

/// Around a message, templates put at most: a start, the role's header in
/// three pieces (`<|start_header_id|>`, `<|end_header_id|>`, blank line), the
/// channel in two, the recipient, the end and a line break: 9, taken as 12.
/// The words in between (role, name) are counted by their bytes.
const PER_MESSAGE: u64 = 12;

/// Around a part or a call of a tool: `<tool_call>`, a line break and their
/// ends are 4, a header of its own (recipient, channel, `json`) 8 more.
const PER_PART: u64 = 12;

/// What stands before and after the messages: the answer's header (3), and
/// the preamble that some models have (gpt-oss: its name, two dates, the
/// effort, the channels: about 90 tokens; Llama: two dates: 25). Taken as 150.
const PER_REQUEST: u64 = 150;

/// What introduces a list of tools or a schema: Qwen's template takes about
/// 130 tokens, gpt-oss's and OpenAI's less. Taken as 200.
const PER_TOOL_LIST: u64 = 200;

/// Around one tool's own text: OpenAI's template takes up to 19 (function 7
/// and 12), JSON templates `<tool>`, its end and a line break.
const PER_TOOL: u64 = 24;

/// OpenAI shows tools as TypeScript: an enumeration's `"a","b"` becomes
/// `"a" | "b"`: up to two more tokens for each comma of the JSON.
const PER_COMMA: u64 = 2;

/// Never shown to the model. Everything else that is not known counts with
/// the bytes of its JSON: a template may show it.
const NOT_PROMPT: &[&str] = &[
    "audio",
    "best_of",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "top_k",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

impl ChatRequest<'_> {
    /// Bounds the input for the model that will be asked upstream.
    ///
    /// `tokens` is an upper bound for byte-level tokenizers (BPE, or
    /// SentencePiece with byte fallback): a token is at least one byte, so
    /// the bytes of all text plus what templates add are never too few. Not
    /// covered are tokenizers that rewrite their input to something longer
    /// first (Unicode normalization of a few rare signs).
    ///
    /// `context_window` bounds what the request itself does not, because a
    /// provider refuses input beyond it. `None` when it is not known for
    /// certain.
    ///
    /// # Errors
    /// [`RequestError::Unbounded`] for content by reference (files, videos,
    /// an earlier answer's audio) when there is no `context_window`.
    pub fn input_bound(&self, model: &str, context_window: Option<u64>) -> Result<InputBound, RequestError> {
        let measure = self.measure();
        let (mut text, mut commas, mut tools) = (measure.text_bytes, 0_u64, 0_u64);
        for (key, value) in self.fields().iter().filter(|(key, _)| !NOT_PROMPT.contains(key)) {
            let found = scan(value.get());
            text = text.saturating_add(text_bytes(value.get()));
            commas = commas.saturating_add(found.commas);
            if matches!(key, "tools" | "functions" | "response_format") && value.get() != "null" {
                tools = tools.saturating_add(PER_TOOL_LIST);
            }
        }
        let each = self.tool_count().saturating_mul(PER_TOOL).saturating_add(commas.saturating_mul(PER_COMMA));
        let around = PER_REQUEST
            .saturating_add(tools)
            .saturating_add(measure.messages.saturating_mul(PER_MESSAGE))
            .saturating_add(measure.parts.saturating_mul(PER_PART))
            .saturating_add(each);
        let image_tokens = measure.images.tokens(model);
        let audio_tokens = measure.audio.tokens(model);
        let known = text.saturating_add(around).saturating_add(image_tokens).saturating_add(audio_tokens);
        let tokens = match (measure.unbounded, context_window) {
            (None, _) => known,
            (Some(_), Some(window)) => known.max(window),
            (Some(what), None) => return Err(RequestError::Unbounded(what)),
        };
        // OpenAI's own count of what is around a message: 3, and 3 in all.
        let likely = text.div_ceil(3).saturating_add(measure.messages.saturating_mul(3)).saturating_add(3);
        let likely = likely.saturating_add(measure.images.likely_tokens(model)).saturating_add(audio_tokens);
        Ok(InputBound { tokens, likely_tokens: likely.min(tokens), image_tokens, audio_tokens })
    }
}

#[cfg(test)]
#[path = "bound_tests.rs"]
mod tests;
