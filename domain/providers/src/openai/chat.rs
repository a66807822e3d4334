//! A request for a chat completion, parsed once.

use super::fields::Fields;
use super::measure::Measure;
use super::request_error::RequestError;
use super::scan::text_bytes;
use super::surcharge::{self, Surcharge, raw_list};

/// OpenAI's own limit for `n`; others allow less.
pub(crate) const MAX_CHOICES: u64 = 128;

/// A request for a chat completion: what decides its price is read, and all
/// of it is kept as it came, in its order, known or not.
///
/// `null` is taken as not given, as upstream does.
#[derive(Debug, Clone)]
pub struct ChatRequest<'a> {
    fields: Fields<'a>,
    model: String,
    stream: bool,
    include_usage: bool,
    n: Option<u64>,
    best_of: Option<u64>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    service_tier: Option<String>,
    store: bool,
    prediction_bytes: u64,
    tools: u64,
    surcharges: Vec<Surcharge>,
    measure: Measure,
}

impl<'a> ChatRequest<'a> {
    /// Reads a body. How large it may be is the caller's to limit.
    ///
    /// # Errors
    /// [`RequestError`] when it is not a request whose price can be told.
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let fields = Fields::parse(body)?;
        let model = fields.model()?;
        let messages = fields.get("messages").ok_or(RequestError::Missing("messages"))?;
        if !messages.starts_with('[') {
            return Err(RequestError::WrongType { param: "messages", expected: "an array" });
        }
        let measure = Measure::of(messages)?;
        let max_tokens = fields.count("max_tokens", None)?;
        let max_completion_tokens = fields.count("max_completion_tokens", None)?;
        if max_tokens.is_some() && max_completion_tokens.is_some() && max_tokens != max_completion_tokens {
            return Err(RequestError::TwoLimits);
        }
        let stream_options = fields.object("stream_options")?;
        let include_usage = match &stream_options {
            Some(options) => options.flag("include_usage")?.unwrap_or(false),
            None => false,
        };
        let tools = raw_list(&fields, "tools")?.len() + raw_list(&fields, "functions")?.len();
        fields.check_depth("messages")?;
        Ok(Self {
            model,
            stream: fields.flag("stream")?.unwrap_or(false),
            include_usage,
            n: fields.count("n", Some(MAX_CHOICES))?,
            best_of: fields.count("best_of", Some(MAX_CHOICES))?,
            max_tokens,
            max_completion_tokens,
            service_tier: fields.string("service_tier")?,
            store: fields.flag("store")?.unwrap_or(false),
            prediction_bytes: fields.get("prediction").map_or(0, text_bytes),
            tools: tools as u64,
            surcharges: surcharge::find(&fields)?,
            measure,
            fields,
        })
    }

    /// The model that the client names.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether the answer is to be streamed.
    #[must_use]
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// Whether the client itself asked for usage in the stream.
    #[must_use]
    pub const fn include_usage(&self) -> bool {
        self.include_usage
    }

    /// How many answers are billed: `n`, or `best_of` where a provider knows
    /// that and it is more (it makes so many and returns the best).
    #[must_use]
    pub fn choices(&self) -> u64 {
        self.n.unwrap_or(1).max(self.best_of.unwrap_or(1))
    }

    /// How many answers come back.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.n.unwrap_or(1)
    }

    /// The client's own limit of output tokens for each choice, reasoning
    /// included.
    #[must_use]
    pub fn max_output_tokens(&self) -> Option<u64> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// The most output tokens that the call is billed for when each choice is
    /// limited to `per_choice`. Tokens of a `prediction` that the model does
    /// not use are billed as output too, at most one for each of its bytes.
    #[must_use]
    pub fn worst_output_tokens(&self, per_choice: u64) -> u64 {
        per_choice.saturating_add(self.prediction_bytes).saturating_mul(self.choices())
    }

    /// `service_tier` as the client gave it. The answer says which one
    /// served the call.
    #[must_use]
    pub fn service_tier(&self) -> Option<&str> {
        self.service_tier.as_deref()
    }

    /// Whether the provider is asked to keep the answer.
    #[must_use]
    pub const fn store(&self) -> bool {
        self.store
    }

    /// What costs more than the named model's tokens. Refuse each that has no
    /// price.
    #[must_use]
    pub fn surcharges(&self) -> &[Surcharge] {
        &self.surcharges
    }

    /// Bytes of the messages' text.
    #[must_use]
    pub const fn text_bytes(&self) -> u64 {
        self.measure.text_bytes
    }

    /// How many messages there are.
    #[must_use]
    pub const fn message_count(&self) -> u64 {
        self.measure.messages
    }

    /// The JSON of a parameter as it came, `None` when it is not given or
    /// `null`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.fields.get(name)
    }

    pub(crate) const fn gave_max_tokens(&self) -> bool {
        self.max_tokens.is_some()
    }

    pub(crate) const fn gave_max_completion_tokens(&self) -> bool {
        self.max_completion_tokens.is_some()
    }

    pub(crate) const fn fields(&self) -> &Fields<'a> {
        &self.fields
    }

    pub(crate) const fn measure(&self) -> &Measure {
        &self.measure
    }

    pub(crate) const fn tool_count(&self) -> u64 {
        self.tools
    }
}

#[cfg(test)]
#[path = "chat_tests.rs"]
mod tests;
