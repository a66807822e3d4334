//! The team's actor: wallets, pool, reservations, keys, limits.
//!
//! **Why it must be serialized.** Two calls at once must not both see the last
//! credit. Everything that decides whether a call may spend (key, member,
//! allowlists, rate limits, limits, funds) is decided here, in one place, with
//! no await between looking and writing.
//!
//! **Atomicity.** A command decides on memory, commits one [`journal::Change`]
//! in one transaction, and only then changes memory; so a refusal or a failure
//! has changed nothing. Memory is a cache of the database and is rebuilt from
//! it: balances and meters from the last checkpoint and the entries after it,
//! what is reserved from the open reservations.
//!
//! **What is stored.** `records` (profile, members, keys, limits),
//! `reservations`, `meters`, `transfers`, `boosts`, `lots` (what plans may have
//! given of what is there), `absences`, `lendings` (what members who are away
//! lend), and the journal's tables. A call writes three rows:
//! its reservation, its entry, its reservation's end; one more when the
//! reservation is cleaned away.
//!
//! In scope: the logic, native and tested over rusqlite, and the commands'
//! wire format ([`protocol`]).
//!
//! Out of scope: HTTP, alarms and the queue (`workers/actors`), what a call
//! costs (`pricing`), and everything above the team (`organization`).
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]

mod absence;
mod boost;
mod draws;
mod expire;
mod funds;
mod keys;
mod leave;
mod lending;
mod limit_orders;
mod live;
mod order;
mod period;
pub mod protocol;
mod receive;
mod records;
mod refusals;
mod reserve;
mod retention;
mod settle;
mod team;
mod trail;
mod transfer;
mod upkeep;
mod view;

pub use records::{Key, allows};
pub use team::Team;
pub use upkeep::TopUp;
