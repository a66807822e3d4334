//! What a call can use at most.

/// Whether a call may write to the provider's cache, which some providers
/// charge for above the price of plain input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheWrites {
    /// It may, for minutes or for an hour: when in doubt, this one.
    #[default]
    Any,
    /// It may, but not for an hour.
    Minutes,
    /// It cannot.
    None,
}

/// An upper bound of what a call can use, known before it is made.
///
/// The output is no part of it: how much of that a call may produce is what
/// [`crate::WorstCase`] helps to decide. Every field's default is the dearest
/// assumption, except the counts, which must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageBound {
    /// At most so much input, all kinds together.
    pub input_tokens: u64,
    /// Of it, at most so much audio.
    pub input_audio_tokens: u64,
    /// Of it, at most so much in images.
    pub input_image_tokens: u64,
    /// Whether input may be written to the cache.
    pub cache_writes: CacheWrites,
    /// The output is surely text, thinking included: no audio, no images.
    pub text_output_only: bool,
    /// At most so many web searches by the provider.
    pub web_searches: u64,
    /// At most so many searches in the provider's file store.
    pub file_searches: u64,
}

impl UsageBound {
    /// At most so much text in; any cache write, any kind of output; no
    /// audio or images in and no searches.
    #[must_use]
    pub const fn new(input_tokens: u64) -> Self {
        Self {
            input_tokens,
            input_audio_tokens: 0,
            input_image_tokens: 0,
            cache_writes: CacheWrites::Any,
            text_output_only: false,
            web_searches: 0,
            file_searches: 0,
        }
    }
}
