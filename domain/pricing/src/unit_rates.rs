//! Millicredits per million, with every gap filled.

use crate::usage::Parts;
use crate::{CacheWrites, Rates, Usage, UsageBound, Usd};

/// A price or a cost beyond what the ledger can count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount is beyond what the ledger can count: check the prices, the rate and the token counts")]
pub struct OverflowError;

/// One tier's prices in millicredits per million units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitRates {
    input: i64,
    cached: i64,
    write: i64,
    write_1h: i64,
    audio: i64,
    cached_audio: i64,
    image: i64,
    cached_image: i64,
    output: i64,
    reasoning: i64,
    output_audio: i64,
    output_image: i64,
    request: i64,
    web_search: i64,
    file_search: i64,
}

impl UnitRates {
    /// Fills the gaps as [`Rates`] says, and converts.
    pub(crate) fn new(
        rates: &Rates,
        convert: impl Fn(Usd) -> Result<i64, OverflowError>,
    ) -> Result<Self, OverflowError> {
        let input = rates.input;
        let cached = rates.cached_input_read.unwrap_or(input);
        let write = rates.cached_input_write.unwrap_or(input);
        let output = rates.output.unwrap_or(input);
        Ok(Self {
            input: convert(input)?,
            cached: convert(cached)?,
            write: convert(write)?,
            write_1h: convert(rates.cached_input_write_1h.unwrap_or(write))?,
            audio: convert(rates.input_audio.unwrap_or(input))?,
            cached_audio: convert(rates.cached_input_audio.or(rates.input_audio).unwrap_or(cached))?,
            image: convert(rates.input_image.unwrap_or(input))?,
            cached_image: convert(rates.cached_input_image.or(rates.input_image).unwrap_or(cached))?,
            output: convert(output)?,
            reasoning: convert(rates.reasoning.unwrap_or(output))?,
            output_audio: convert(rates.output_audio.unwrap_or(output))?,
            output_image: convert(rates.output_image.unwrap_or(output))?,
            request: convert(rates.request.unwrap_or_default())?,
            web_search: convert(rates.web_search.unwrap_or_default())?,
            file_search: convert(rates.file_search.unwrap_or_default())?,
        })
    }

    /// The exact cost of a call, in millionths of a millicredit.
    pub(crate) fn cost(&self, parts: &Parts, usage: &Usage) -> Result<i128, OverflowError> {
        sum(&[
            (parts.input, self.input),
            (parts.cached, self.cached),
            (parts.write, self.write),
            (parts.write_1h, self.write_1h),
            (parts.audio, self.audio),
            (parts.cached_audio, self.cached_audio),
            (parts.image, self.image),
            (parts.cached_image, self.cached_image),
            (parts.output, self.output),
            (parts.reasoning, self.reasoning),
            (parts.output_audio, self.output_audio),
            (parts.output_image, self.output_image),
            (1, self.request),
            (usage.web_searches, self.web_search),
            (usage.file_searches, self.file_search),
        ])
    }

    /// The most that `input_tokens` of a call within `bound` can cost with
    /// its fees, in millionths of a millicredit: every token at the dearest
    /// price of text, and for as many as may be audio or images what those
    /// can cost above it.
    pub(crate) fn worst_input(&self, bound: &UsageBound, input_tokens: u64) -> Result<i128, OverflowError> {
        let text = [self.input, self.cached, self.worst_write(bound.cache_writes)].into_iter().fold(0, i64::max);
        let above = |rate: i64| rate.saturating_sub(text).max(0);
        sum(&[
            (input_tokens, text),
            (bound.input_audio_tokens.min(input_tokens), above(self.audio.max(self.cached_audio))),
            (bound.input_image_tokens.min(input_tokens), above(self.image.max(self.cached_image))),
            (1, self.request),
            (bound.web_searches, self.web_search),
            (bound.file_searches, self.file_search),
        ])
    }

    /// The dearest token of output.
    pub(crate) fn worst_output(&self, bound: &UsageBound) -> i64 {
        let text = self.output.max(self.reasoning);
        if bound.text_output_only { text } else { text.max(self.output_audio).max(self.output_image) }
    }

    fn worst_write(&self, writes: CacheWrites) -> i64 {
        match writes {
            CacheWrites::Any => self.write.max(self.write_1h),
            CacheWrites::Minutes => self.write,
            CacheWrites::None => 0,
        }
    }
}

/// The sum of counts times rates, exact.
fn sum(terms: &[(u64, i64)]) -> Result<i128, OverflowError> {
    terms
        .iter()
        .try_fold(0_i128, |sum, (count, rate)| sum.checked_add(i128::from(*count).checked_mul(i128::from(*rate))?))
        .ok_or(OverflowError)
}
