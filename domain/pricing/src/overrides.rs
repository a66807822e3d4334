//! An organization's own prices and discounts.

use serde::{Deserialize, Serialize};

use crate::{ModelPattern, ModelPrice, NotPricedError, PriceBook, PriceError, PriceQuery, Quote};

/// An organization may have so many: a few times what any book has models of
/// one provider, and little enough to be tried one by one.
const MOST: usize = 1_000;

/// A share in hundredths of a percent, from 0 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BasisPoints(u16);

/// What is different about a model's price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceChange {
    /// This price instead of the list price, for every service tier, and
    /// whether or not the book knows the model. Sizes that it leaves out are
    /// taken from the book.
    Price(Box<ModelPrice>),
    /// So much less than the list price; 10,000 makes the model free.
    DiscountBasisPoints(BasisPoints),
}

/// One deviation from the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Only at this provider: as the organization calls it, or as the book
    /// does. Without it, at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// For these models.
    pub model: ModelPattern,
    /// What is different.
    pub change: PriceChange,
}

/// All of an organization's deviations from the book, validated.
///
/// Where several match, a whole name beats a beginning, a longer beginning a
/// shorter one, and one for the provider one for all; they do not add up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Override>", into = "Vec<Override>")]
pub struct Overrides(Vec<Override>);

/// Why overrides cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// Too many.
    #[error("`{0}` overrides are too many: at most 1000; one with a `*` can stand for many models")]
    TooMany(usize),
    /// A discount of more than everything.
    #[error("a discount of `{0}` basis points is more than the whole price: at most 10000, which is 100 percent")]
    DiscountTooHigh(u32),
    /// A price that cannot be used.
    #[error("the price of `{model}`: {error}")]
    Price {
        /// The override's pattern.
        model: String,
        /// What is wrong.
        error: PriceError,
    },
    /// The same models at the same provider twice.
    #[error("`{0}` has two overrides for the same provider: keep one")]
    Twice(String),
}

impl BasisPoints {
    /// So many hundredths of a percent.
    ///
    /// # Errors
    /// [`OverrideError::DiscountTooHigh`] above 10,000.
    pub fn new(basis_points: u32) -> Result<Self, OverrideError> {
        match u16::try_from(basis_points) {
            Ok(value) if value <= 10_000 => Ok(Self(value)),
            _ => Err(OverrideError::DiscountTooHigh(basis_points)),
        }
    }
}

impl TryFrom<u32> for BasisPoints {
    type Error = OverrideError;

    fn try_from(basis_points: u32) -> Result<Self, OverrideError> {
        Self::new(basis_points)
    }
}

impl From<BasisPoints> for u32 {
    fn from(value: BasisPoints) -> Self {
        value.0.into()
    }
}

impl Overrides {
    /// Takes them over if each can be used and none contradicts another.
    ///
    /// # Errors
    /// The first of [`OverrideError`]'s that applies.
    pub fn new(mut overrides: Vec<Override>) -> Result<Self, OverrideError> {
        if overrides.len() > MOST {
            return Err(OverrideError::TooMany(overrides.len()));
        }
        for entry in &overrides {
            if let PriceChange::Price(price) = &entry.change {
                price.validate().map_err(|error| OverrideError::Price { model: entry.model.to_string(), error })?;
            }
        }
        // The most precise first, so that the first match is the one.
        let rank = |entry: &Override| (entry.model.precision(), entry.provider.is_some());
        overrides.sort_by(|one, other| {
            let tie = || (&one.model, name(one)).cmp(&(&other.model, name(other)));
            rank(other).cmp(&rank(one)).then_with(tie)
        });
        let twice = overrides.windows(2).find_map(|pair| match pair {
            [one, other] if one.model == other.model && name(one) == name(other) => Some(one.model.to_string()),
            _ => None,
        });
        twice.map_or(Ok(Self(overrides)), |model| Err(OverrideError::Twice(model)))
    }

    /// The entries, the most precise first.
    #[must_use]
    pub fn entries(&self) -> &[Override] {
        &self.0
    }

    /// The organization's price of a model: the book's, unless an override
    /// says otherwise.
    ///
    /// # Errors
    /// [`NotPricedError`] if neither has one. A discount alone is no price.
    pub fn quote(&self, book: &PriceBook, query: &PriceQuery<'_>) -> Result<Quote, NotPricedError> {
        let standard = || book.quote(&PriceQuery { service_tier: None, ..*query });
        // The book's name of the provider is only looked up where it matters.
        let mut at = None;
        let found = self.0.iter().find(|entry| {
            entry.model.matches(query.model)
                && entry.provider.as_ref().is_none_or(|provider| {
                    let is = |name: &str| name.eq_ignore_ascii_case(provider);
                    let known = at.get_or_insert_with(|| standard().ok().and_then(|quote| quote.provider));
                    query.provider.is_some_and(is) || known.as_deref().is_some_and(is)
                })
        });
        match found.map(|entry| &entry.change) {
            None => book.quote(query),
            Some(PriceChange::DiscountBasisPoints(discount)) => {
                let quote = book.quote(query)?;
                Ok(Quote { price: quote.price.map(|price| price.less(discount.0)), ..quote })
            }
            Some(PriceChange::Price(price)) => {
                let listed = standard().ok();
                let sizes = listed.as_ref().map(|quote| &quote.price);
                let price = ModelPrice {
                    context_window: price.context_window.or_else(|| sizes?.context_window),
                    max_output_tokens: price.max_output_tokens.or_else(|| sizes?.max_output_tokens),
                    ..ModelPrice::clone(price)
                };
                let (provider, model) = match listed {
                    Some(quote) => (quote.provider, quote.model),
                    None => (None, query.model.to_owned()),
                };
                Ok(Quote { price, provider, model, valid_until_ms: None })
            }
        }
    }
}

/// The provider's name as it is compared.
fn name(entry: &Override) -> Option<String> {
    entry.provider.as_ref().map(|provider| provider.to_ascii_lowercase())
}

impl TryFrom<Vec<Override>> for Overrides {
    type Error = OverrideError;

    fn try_from(overrides: Vec<Override>) -> Result<Self, OverrideError> {
        Self::new(overrides)
    }
}

impl From<Overrides> for Vec<Override> {
    fn from(overrides: Overrides) -> Self {
        overrides.0
    }
}
