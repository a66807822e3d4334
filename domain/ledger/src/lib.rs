//! Credits as money: amounts, accounts, entries.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]

mod amount;

pub use amount::{AmountError, Millicredits};
