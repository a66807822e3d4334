//! Asking for a price, and the answer.

use crate::ModelPrice;

/// What a price is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceQuery<'a> {
    /// Who serves the model, by any name that the book knows (`openai`,
    /// `vertex`, `groq`). Without it, the provider is guessed from the model's
    /// name, which works for models that only one provider calls so.
    pub provider: Option<&'a str>,
    /// The model, as a request names it.
    pub model: &'a str,
    /// How the request wants to be served (`priority`, `flex`, `fast`).
    /// `auto`, `default` and `standard` mean the standard price, as does
    /// `None`.
    pub service_tier: Option<&'a str>,
    /// The time of the call, in milliseconds since 1970.
    pub now_ms: i64,
}

/// A price found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The price.
    pub price: ModelPrice,
    /// The provider whose price it is, as the book calls it; `None` for an
    /// organization's own price of a model that the book does not know.
    pub provider: Option<String>,
    /// The model that it is the price of, as the book calls it.
    pub model: String,
    /// From this moment on (milliseconds since 1970) ask again: another price
    /// may be in force. `None` for never.
    pub valid_until_ms: Option<i64>,
}

/// Why there is no price, and so no call. No variant is worth a retry: only a
/// change of the request or of the organization's prices helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPricedError {
    /// The model is in nobody's list.
    #[error(
        "the model `{model}` has no price{}: use a model that has one, or ask an administrator to set its price",
        of(.provider)
    )]
    Model {
        /// As the request named it.
        model: String,
        /// As the caller named it.
        provider: Option<String>,
    },
    /// The model has a price, but not when served like that.
    #[error(
        "the model `{model}` has no price for the service tier `{service_tier}`: leave `service_tier` out, \
         or ask an administrator to set the model's price"
    )]
    ServiceTier {
        /// As the request named it.
        model: String,
        /// As the request named it.
        service_tier: String,
    },
}

fn of(provider: &Option<String>) -> String {
    provider.as_ref().map(|provider| format!(" at `{provider}`")).unwrap_or_default()
}

impl<'a> PriceQuery<'a> {
    /// The service tier, if it is not the standard one.
    pub(crate) fn special_service_tier(&self) -> Option<&'a str> {
        self.service_tier.filter(|name| !matches!(*name, "auto" | "default" | "standard"))
    }

    /// The error that says that the model has no price.
    pub(crate) fn not_priced(&self) -> NotPricedError {
        NotPricedError::Model { model: shown(self.model), provider: self.provider.map(shown) }
    }

    /// The error that says that the service tier has no price.
    pub(crate) fn no_service_tier(&self) -> NotPricedError {
        NotPricedError::ServiceTier {
            model: shown(self.model),
            service_tier: self.service_tier.map(shown).unwrap_or_default(),
        }
    }
}

/// What the caller wrote, cut to what a message can bear.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}
