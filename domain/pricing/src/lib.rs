//! What a call may cost at most, and what it did cost.
//!
//! In scope: the price book (public list prices with their source and date,
//! embedded and parsed only when asked for), an organization's overrides and
//! discounts, its rate from dollars to credits, the worst case that a call is
//! reserved at and the exact cost that it is settled at.
//!
//! Out of scope: reading usage out of a provider's answer and turning a
//! request into an upper bound of tokens (`providers`), who pays and whether
//! they can (`ledger`, `limits`), batch discounts, and what is not sold by
//! the token, the call or the search (speech by the hour, pages of scans):
//! such models are known but not priced, so that calls to them are refused.
//!
//! Three rules hold everywhere:
//! - nothing gets cheaper by rounding: each conversion rounds up;
//! - nothing wraps or becomes free by accident: what does not fit is an error;
//! - for every usage within a bound, [`Tariff::cost`] is at most
//!   [`WorstCase::total`].
//!
//! The path from list price to charge:
//!
//! ```
//! use ledger::Millicredits;
//! use pricing::{CreditRate, Overrides, PriceBook, PriceQuery, Tariff, Usage, UsageBound};
//!
//! let query = PriceQuery { provider: Some("demo"), model: "demo-small", service_tier: None, now_ms: 0 };
//! let quote = Overrides::default().quote(PriceBook::builtin(), &query)?;
//! let tariff = Tariff::new(&quote.price, CreditRate::default())?;
//!
//! let worst = tariff.worst_case(&UsageBound::new(1_000))?;
//! assert_eq!(worst.total(500)?, Millicredits::new(450_000));
//!
//! let usage = Usage { input_tokens: 1_000, output_tokens: 100, ..Usage::default() };
//! assert_eq!(tariff.cost(&usage)?, Millicredits::new(210_000));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]

mod book;
mod bound;
mod cost;
pub mod file;
mod model_price;
mod overrides;
mod pattern;
mod provider;
mod quote;
mod rates;
mod rule;
mod schedule;
mod tariff;
mod unit_rates;
mod usage;
mod usd;
mod worst_case;

pub use book::{ModelListing, PriceBook};
pub use bound::{CacheWrites, UsageBound};
pub use cost::CostError;
pub use model_price::{ContextTier, ModelPrice, PriceError};
pub use overrides::{BasisPoints, Override, OverrideError, Overrides, PriceChange};
pub use pattern::{ModelPattern, PatternError};
pub use quote::{NotPricedError, PriceQuery, Quote};
pub use rates::Rates;
pub use rule::Rule;
pub use tariff::{CreditRate, RateError, Tariff};
pub use unit_rates::OverflowError;
pub use usage::{Usage, UsageError};
pub use usd::{Usd, UsdError};
pub use worst_case::WorstCase;
