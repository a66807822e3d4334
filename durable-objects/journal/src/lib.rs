//! What every actor that keeps money has: a journal, balances, an audit trail,
//! an outbox, an inbox and a memory of commands.
//!
//! A command decides first and writes then. What it decided is a [`Change`]:
//! entries, audit records, messages to other actors, the message it answers,
//! the reply to remember, rows of the actor's own. [`Journal::commit`] checks
//! the change against the balances, writes all of it in **one transaction** and
//! only then takes it over into memory. So what was refused has changed
//! nothing, in the database or in memory.
//!
//! **After a failure of the storage memory is thrown away.** A commit can be
//! reported as failed after everything was written; then the database knows
//! more than memory. Whoever holds an actor drops it after any storage error,
//! however small, and opens it again from the database. The caller repeats the
//! command under the same id and is answered as if nothing had happened.
//!
//! **The journal is the truth, balances are its sum.** They are kept in memory
//! and written only every [`CHECKPOINT_EVERY`] entries; opening an actor reads
//! the last checkpoint and replays what came after. That is why a call costs
//! three rows and not seven (rows written dominate the bill).
//!
//! **The audit trail is a second chain beside the entries**, with a row for
//! each record and none on the path of a call. Going on needs its last row
//! only. It never changes, but for details that are erased.
//!
//! In scope: storing, chaining, publishing and delivering, exactly once.
//!
//! Out of scope: what entries and records mean and who may cause them (`team`,
//! `organization`), and sending itself: the shells ask [`Journal::unpublished`]
//! and [`Journal::due`] and say how it went.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]

mod change;
mod commands;
mod entries;
mod journal;
mod on_their_way;
mod outbox;
mod tag;
mod trail;

pub use change::{Change, Statement};
pub use commands::{Idempotency, Remembered};
pub use journal::{CHECKPOINT_EVERY, CommitError, Journal, Opened};
pub use on_their_way::OnTheirWay;
pub use outbox::Pending;
pub use tag::Tag;
