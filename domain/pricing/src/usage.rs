//! What a call used, as its provider reports it.

use serde::{Deserialize, Serialize};

/// What one call used.
///
/// `input_tokens` and `output_tokens` are totals; the other counts of tokens
/// say what part of the total is of a dearer or cheaper kind:
///
/// ```text
/// input_tokens  = plain + cached + cache writes + audio + images
///   cached_input_tokens  includes cached_audio_tokens and cached_image_tokens
///   cache_write_tokens   includes cache_write_1h_tokens
///   input_audio_tokens   includes cached_audio_tokens
///   input_image_tokens   includes cached_image_tokens
/// output_tokens = plain + reasoning + audio + images
/// ```
///
/// Providers differ in what they count into what; whoever reads their answers
/// brings the numbers into this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// All input.
    pub input_tokens: u64,
    /// Input read from the provider's cache.
    pub cached_input_tokens: u64,
    /// Input written to the provider's cache.
    pub cache_write_tokens: u64,
    /// Of what was written: what is to live an hour.
    pub cache_write_1h_tokens: u64,
    /// Audio heard.
    pub input_audio_tokens: u64,
    /// Of the audio heard: what was read from the cache.
    pub cached_audio_tokens: u64,
    /// Images seen.
    pub input_image_tokens: u64,
    /// Of the images seen: what was read from the cache.
    pub cached_image_tokens: u64,
    /// All output.
    pub output_tokens: u64,
    /// Output spent on thinking.
    pub reasoning_tokens: u64,
    /// Audio spoken.
    pub output_audio_tokens: u64,
    /// Images drawn.
    pub output_image_tokens: u64,
    /// Web searches by the provider, on the caller's behalf.
    pub web_searches: u64,
    /// Searches in the provider's file store.
    pub file_searches: u64,
}

/// A report that contradicts itself: a part is greater than its whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the usage contradicts itself: `{parts}` add up to {sum}, more than `{whole}` at {total}")]
pub struct UsageError {
    /// The parts.
    pub parts: &'static str,
    /// Their sum.
    pub sum: u128,
    /// The total that they must fit into.
    pub whole: &'static str,
    /// How much that is.
    pub total: u64,
}

/// A usage cut up so that every token is in exactly one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Parts {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) write: u64,
    pub(crate) write_1h: u64,
    pub(crate) audio: u64,
    pub(crate) cached_audio: u64,
    pub(crate) image: u64,
    pub(crate) cached_image: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
    pub(crate) output_audio: u64,
    pub(crate) output_image: u64,
}

impl Usage {
    /// Refuses a usage whose parts are greater than their wholes.
    ///
    /// # Errors
    /// The first contradiction found.
    pub fn validate(&self) -> Result<(), UsageError> {
        self.parts().map(|_| ())
    }

    /// Every token in exactly one part.
    pub(crate) fn parts(&self) -> Result<Parts, UsageError> {
        let write = rest(
            "cache_write_tokens",
            self.cache_write_tokens,
            "cache_write_1h_tokens",
            &[self.cache_write_1h_tokens],
        )?;
        let audio =
            rest("input_audio_tokens", self.input_audio_tokens, "cached_audio_tokens", &[self.cached_audio_tokens])?;
        let image =
            rest("input_image_tokens", self.input_image_tokens, "cached_image_tokens", &[self.cached_image_tokens])?;
        let cached = rest(
            "cached_input_tokens",
            self.cached_input_tokens,
            "cached_audio_tokens + cached_image_tokens",
            &[self.cached_audio_tokens, self.cached_image_tokens],
        )?;
        let input = rest(
            "input_tokens",
            self.input_tokens,
            "the cached, written, audio and image tokens",
            &[self.cached_input_tokens, self.cache_write_tokens, audio, image],
        )?;
        let output = rest(
            "output_tokens",
            self.output_tokens,
            "reasoning_tokens + output_audio_tokens + output_image_tokens",
            &[self.reasoning_tokens, self.output_audio_tokens, self.output_image_tokens],
        )?;
        Ok(Parts {
            input,
            cached,
            write,
            write_1h: self.cache_write_1h_tokens,
            audio,
            cached_audio: self.cached_audio_tokens,
            image,
            cached_image: self.cached_image_tokens,
            output,
            reasoning: self.reasoning_tokens,
            output_audio: self.output_audio_tokens,
            output_image: self.output_image_tokens,
        })
    }

    /// The most input that any reading of these numbers allows: the total or,
    /// where they contradict it, the sum of all parts.
    pub(crate) fn greatest_input(&self) -> u64 {
        [
            self.cached_input_tokens,
            self.cache_write_tokens.max(self.cache_write_1h_tokens),
            self.input_audio_tokens.max(self.cached_audio_tokens),
            self.input_image_tokens.max(self.cached_image_tokens),
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
        .max(self.input_tokens)
    }

    /// The most output that any reading of these numbers allows.
    pub(crate) fn greatest_output(&self) -> u64 {
        self.output_tokens.max(
            self.reasoning_tokens.saturating_add(self.output_audio_tokens).saturating_add(self.output_image_tokens),
        )
    }
}

/// What is left of `total` without `parts`.
fn rest(whole: &'static str, total: u64, names: &'static str, parts: &[u64]) -> Result<u64, UsageError> {
    let sum = parts.iter().fold(0_u128, |sum, part| sum.saturating_add(u128::from(*part)));
    let contradiction = UsageError { parts: names, sum, whole, total };
    u64::try_from(sum).ok().and_then(|sum| total.checked_sub(sum)).ok_or(contradiction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions() {
        let whole = Usage { input_tokens: 100, output_tokens: 10, ..Usage::default() };
        for (usage, expected) in [
            (whole, None),
            (Usage { cached_input_tokens: 60, cache_write_tokens: 40, ..whole }, None),
            (Usage { cached_input_tokens: 60, cache_write_tokens: 41, ..whole }, Some("input_tokens")),
            (Usage { cache_write_1h_tokens: 1, ..whole }, Some("cache_write_tokens")),
            (Usage { cached_audio_tokens: 1, cached_input_tokens: 1, ..whole }, Some("input_audio_tokens")),
            (Usage { cached_image_tokens: 1, cached_input_tokens: 1, ..whole }, Some("input_image_tokens")),
            (Usage { cached_audio_tokens: 1, input_audio_tokens: 1, ..whole }, Some("cached_input_tokens")),
            // Audio from the cache is in two totals and counts once.
            (Usage { cached_audio_tokens: 50, input_audio_tokens: 60, cached_input_tokens: 90, ..whole }, None),
            (Usage { reasoning_tokens: 11, ..whole }, Some("output_tokens")),
            (Usage { reasoning_tokens: u64::MAX, output_audio_tokens: u64::MAX, ..whole }, Some("output_tokens")),
        ] {
            assert_eq!(usage.validate().err().map(|error| error.whole), expected, "{usage:?}");
        }
    }
}
