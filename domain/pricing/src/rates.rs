//! The prices of one model, unit by unit.

use serde::{Deserialize, Serialize};

use crate::Usd;

/// What each unit costs, in dollars per million units.
///
/// Only `input` must be there. A unit without a price of its own costs what
/// the more general unit costs: no discount, and nothing free, is ever
/// assumed. Only the fees per call or search default to none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// A token of input.
    pub input: Usd,
    /// A token of input that the provider read from its cache; without it,
    /// as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input_read: Option<Usd>,
    /// A token of input that the provider wrote to its cache (some charge
    /// more for it than for plain input); without it, as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input_write: Option<Usd>,
    /// The same, where the entry is to live an hour rather than minutes;
    /// without it, as `cached_input_write`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input_write_1h: Option<Usd>,
    /// A token of output. Models that only take input (embeddings) have
    /// none; should one report output all the same, it costs as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Usd>,
    /// A token of output spent on thinking; without it, as `output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Usd>,
    /// A token of audio heard; without it, as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_audio: Option<Usd>,
    /// A token of audio read from the cache; without it, as `input_audio`,
    /// and without that as `cached_input_read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input_audio: Option<Usd>,
    /// A token of audio spoken; without it, as `output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_audio: Option<Usd>,
    /// A token of an image seen; without it, as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_image: Option<Usd>,
    /// A token of an image read from the cache; without it, as
    /// `input_image`, and without that as `cached_input_read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input_image: Option<Usd>,
    /// A token of an image drawn; without it, as `output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_image: Option<Usd>,
    /// A million calls, whatever their size; without it, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Usd>,
    /// A million of the provider's own web searches; without it, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_search: Option<Usd>,
    /// A million searches in the provider's own file store; without it,
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_search: Option<Usd>,
}

impl Rates {
    /// All prices that are set, with their names; those per token first.
    pub(crate) fn named(&self) -> [(&'static str, Option<Usd>); 15] {
        [
            ("input", Some(self.input)),
            ("cached_input_read", self.cached_input_read),
            ("cached_input_write", self.cached_input_write),
            ("cached_input_write_1h", self.cached_input_write_1h),
            ("output", self.output),
            ("reasoning", self.reasoning),
            ("input_audio", self.input_audio),
            ("cached_input_audio", self.cached_input_audio),
            ("output_audio", self.output_audio),
            ("input_image", self.input_image),
            ("cached_input_image", self.cached_input_image),
            ("output_image", self.output_image),
            ("request", self.request),
            ("web_search", self.web_search),
            ("file_search", self.file_search),
        ]
    }

    /// The same prices, each passed through `change`.
    pub(crate) fn map(&self, change: impl Fn(Usd) -> Usd) -> Self {
        Self {
            input: change(self.input),
            cached_input_read: self.cached_input_read.map(&change),
            cached_input_write: self.cached_input_write.map(&change),
            cached_input_write_1h: self.cached_input_write_1h.map(&change),
            output: self.output.map(&change),
            reasoning: self.reasoning.map(&change),
            input_audio: self.input_audio.map(&change),
            cached_input_audio: self.cached_input_audio.map(&change),
            output_audio: self.output_audio.map(&change),
            input_image: self.input_image.map(&change),
            cached_input_image: self.cached_input_image.map(&change),
            output_image: self.output_image.map(&change),
            request: self.request.map(&change),
            web_search: self.web_search.map(&change),
            file_search: self.file_search.map(&change),
        }
    }
}
