//! Who must approve something, in which order, and how far that is.
//!
//! In scope: chains of approvers ([`Chain`]) and the course of one request
//! through such a chain ([`Course`]): deciding, denying, escalating, expiring.
//!
//! Out of scope: what is asked for and what happens once it is approved, who
//! has which role (the caller says who is one of the approvers), and that
//! nobody decides about their own, which the caller knows.

mod chain;
mod course;

pub use chain::{Approver, ApproverError, Chain, ChainError, Mode, Step};
pub use course::{Course, DecideError, Given, State, Verdict, same_person};
