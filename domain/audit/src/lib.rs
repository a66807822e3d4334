//! Who did what, and who was not allowed to: records, chained by hash, which
//! anybody can verify without asking Alfred.
//!
//! **What is personal can be erased, and the chain still holds.** A record's
//! hash covers its fields and the digest of its [`Detail`], not the detail
//! itself; the digest covers the detail and 128 random bits, so that nobody
//! can find out by trying what was erased. Names in the fields are ids.
//!
//! **An erasure is a record.** A record can say whose details, of those before
//! it, are erased ([`Erasure`]). So an erasure has a place in the chain, says
//! who ordered it, and reaches every copy in order and exactly once, like
//! anything else: a copy that is made anew cannot bring back what was erased.
//!
//! In scope: what a record is and how large it may be, its chain, what is
//! wrong with one that does not hold ([`Verifier`]), and the form in which it
//! leaves the house ([`export`]).
//!
//! Out of scope: where records are kept (`durable-objects/journal`), which
//! acts write one and who may read or erase them.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]

mod attribution;
mod canonical;
mod detail;
pub mod export;
mod record;
mod shadow;
mod verify;

pub use attribution::{Attribution, Changed};
pub use detail::{Detail, Salt};
pub use ledger::Hash;
pub use record::{Draft, Erasure, Outcome, Record, operation};
pub use shadow::{Shadow, Verdict};
pub use verify::{Expected, Fault, Head, Report, Stretch, Verifier, verify};
