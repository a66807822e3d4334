//! Who asks the actors for something: the gateway for each call, people for
//! everything else, and those who should not.

mod call;
mod orders;
mod prices;
mod strangers;

pub(crate) use call::{Plan, call};
pub(crate) use orders::{Directive, carry_out};
pub(crate) use prices::{MODELS, PROVIDER, PriceList, limit_amount, overrides};
pub(crate) use strangers::{misrouted, unknown_settle};
