//! Prices.

use utoipa::ToSchema;

use super::{CallPrice, ModelPattern, TokenPrice};

/// What units cost, in dollars per million. What has no price of its own costs what the more general unit costs.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// A token of input.
    pub input: TokenPrice,
    /// A token read from the provider's cache.
    pub cached_input_read: Option<TokenPrice>,
    /// A token written to the provider's cache.
    pub cached_input_write: Option<TokenPrice>,
    /// The same, to live an hour.
    pub cached_input_write_1h: Option<TokenPrice>,
    /// A token of output.
    pub output: Option<TokenPrice>,
    /// A token of thinking.
    pub reasoning: Option<TokenPrice>,
    /// A token of audio heard.
    pub input_audio: Option<TokenPrice>,
    /// A token of audio read from the cache.
    pub cached_input_audio: Option<TokenPrice>,
    /// A token of audio spoken.
    pub output_audio: Option<TokenPrice>,
    /// A token of an image seen.
    pub input_image: Option<TokenPrice>,
    /// A token of an image read from the cache.
    pub cached_input_image: Option<TokenPrice>,
    /// A token of an image drawn.
    pub output_image: Option<TokenPrice>,
    /// A million calls.
    pub request: Option<CallPrice>,
    /// A million web searches.
    pub web_search: Option<CallPrice>,
    /// A million file searches.
    pub file_search: Option<CallPrice>,
}

/// Other prices for long inputs.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContextTier {
    /// For calls with more input tokens than this.
    #[schema(maximum = 1_000_000_000_000_i64)]
    pub above_input_tokens: u64,
    /// The prices.
    pub rates: Rates,
}

/// A model's price and sizes.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelPrice {
    /// The prices.
    pub rates: Rates,
    /// Other prices for long inputs, ascending.
    #[serde(default)]
    #[schema(max_items = 8)]
    pub tiers: Vec<ContextTier>,
    /// The most tokens in.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    pub context_window: Option<u64>,
    /// The most tokens out.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    pub max_output_tokens: Option<u64>,
}

/// What is different about a model's price.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PriceChange {
    /// This price instead of the list price.
    Price(Box<ModelPrice>),
    /// So much less than the list price; 10000 makes the model free.
    DiscountBasisPoints(BasisPoints),
}

/// A share in hundredths of a percent.
#[derive(ToSchema)]
#[schema(maximum = 10_000, example = 1000)]
pub struct BasisPoints(pub u32);

/// A price of the organization's own.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Only at this provider; without it, at all.
    pub provider: Option<String>,
    /// For these models.
    pub model: ModelPattern,
    /// What is different.
    pub change: PriceChange,
}
