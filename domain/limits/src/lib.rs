//! Windows, caps and rate limits: how much may be spent until when.
//!
//! In scope: calendar windows in an organization's time zone, periods that
//! follow each other by its calendar ([`Cycle`]), the meter that
//! counts what a team, member or key took in each of them, what a limit is and
//! how it is written, and whether a call still fits. And counting in memory
//! ([`Throttle`]), for requests that cost no credits.
//!
//! Out of scope: funds (a limit is not money: a payer within all limits can
//! still be out of credits), which limits apply to whom, in which order they
//! are checked, where meters are kept, and what the time is: the shells hand
//! `now` in.
//!
//! A call on its way through:
//!
//! 1. `meter.accepted_ms(now)` is the time at which the call counts;
//! 2. `calendar.at(accepted)` gives the bounds of the seven windows;
//! 3. [`check`] compares each limit with the meter of its subject, and
//!    [`left`] says what output is still affordable;
//! 4. `meter.reserve`, and in the end `meter.settle` or `meter.release`.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails"))]

mod amount;
mod bounds;
mod calendar;
mod check;
mod cycle;
mod limit;
mod meter;
mod pool;
mod reset;
mod spend;
mod throttle;
mod window;
mod zone;

pub use amount::LimitAmount;
pub use bounds::Bounds;
pub use calendar::Calendar;
pub use check::{Exceeded, check, left};
pub use cycle::{Cycle, Day, Every};
pub use limit::{Kind, Limit, LimitError};
pub use meter::{Meter, MeterError, Taken};
pub use pool::PoolRules;
pub use reset::reset_text;
pub use spend::{Spend, Unit};
pub use throttle::{Allowance, THROTTLE_WINDOW_MS, Throttle};
pub use window::Window;
pub use zone::{Zone, ZoneError};
