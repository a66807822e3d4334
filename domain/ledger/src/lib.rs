//! Credits as money: amounts, accounts, entries and reservations.
//!
//! In scope: how credits are counted, which accounts exist, what an entry is
//! and how it is chained, and every decision about whose credits a call takes
//! ([`payment`]) or a balance allows ([`Books`]).
//!
//! Out of scope: where any of it is stored (`durable-objects/journal`), what
//! a call costs (`pricing`), and who may ask (`team`, `organization`).
//!
//! Nothing here reads a clock, makes randomness or waits. Every sum is
//! checked; what does not fit is refused before anything has changed.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]

mod account;
mod amount;
mod books;
mod entry;
mod hash;
pub mod mutant;
pub mod payment;
mod reservation;

pub use account::{Account, AccountError};
pub use amount::{AmountError, Millicredits};
pub use books::{Books, BooksError};
pub use entry::{CallRecord, ChainError, Draft, Entry, Kind, Metered, Outcome, verify};
pub use hash::{Hash, line_id};
pub use payment::Part;
pub use reservation::{Reservation, State};
