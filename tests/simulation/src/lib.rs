//! Many actors, a lossy network and an auditor.
//!
//! The real `Organization` and `Team` actors run over real SQLite, and the
//! real projection fills a stand-in for D1; everything around them is made to
//! go wrong: requests, answers and batches are lost, doubled, delayed and
//! reordered; actors crash at any await; statements and commits fail, or
//! succeed and are reported as failed; the clock jumps both ways. People and
//! strangers ask for everything that the protocols allow, and for some that
//! they should not.
//!
//! After **every** command on an actor the [auditor](auditor) compares it with
//! books of its own. A run is determined by its seed: what fails once fails
//! again.
//!
//! In scope: the core (`team`, `organization`, `journal`, `ledger`, `limits`,
//! `pricing`) and the rules that its shells must follow.
//!
//! Out of scope: HTTP, the platform, and the providers' wire formats.

mod actors;
mod auditor;
mod clients;
mod clock;
mod d1;
mod network;
mod note;
mod random;
mod run;
mod setup;
mod tally;
mod tasks;
mod violation;
mod wire;
mod workload;
mod world;

pub use run::{Failure, Options, Outcome, run};
pub use tally::Tally;
pub use violation::Violation;
