//! Known wrong ways to keep money, switched on by the simulation to prove
//! that its auditor would notice. Without the feature `mutants`, which only
//! the simulation turns on, every question is a constant `false` and the
//! wrong ways are not in the program.

/// One wrong way. Each names the place that misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// A settle of an ended reservation pays again.
    SettleTwice,
    /// Reserving checks the balance and writes the reservation, but the next check does not see it.
    CheckThenSpend,
    /// The alarm does not expire reservations.
    ForgetExpiry,
    /// A movement to another actor is journalled but its message is not kept.
    DropOutboxRow,
    /// A call's cost is rounded down.
    RoundDown,
    /// A message from another actor is applied each time it arrives.
    ForgetInbox,
    /// The journal's cursor moves on although the queue did not take the
    /// batch, and nothing is ever sent again.
    DropBatch,
    /// A limit counts what was settled but not what is in flight.
    ForgetReserved,
    /// What comes back to the wallet of somebody who has left stays there.
    ForgetLeaver,
    /// The unused credits of a boost that has ended stay where they are.
    KeepBoost,
    /// What somebody who is away lends pays for everybody, whomever it is for.
    LendToAll,
    /// Of the pool everybody draws as much as there is.
    DrawAll,
    /// What somebody has lent stays lent when they are back.
    KeepLent,
    /// What is paid to whom is the same, but the plan does not move on to its
    /// next period.
    RunAgain,
    /// At the end of a period a plan takes back all that is there, whoever gave
    /// it.
    ExpireAll,
    /// What was done is not recorded with it.
    DropRecord,
    /// Calls that are refused like another one just before are not counted.
    ForgetRefused,
    /// Details are said to be erased and stay.
    KeepDetails,
    /// What was undone of a transfer is not kept, so that it can be undone
    /// again.
    UndoTwice,
    /// An undo takes what calls in flight have reserved.
    UndoReserved,
    /// Whoever asked for credits, or gets them, decides about it.
    DecideOwn,
    /// What was denied is carried out like what was approved.
    CarryOutDenied,
    /// A message that is on its way is sent again by the next delivery.
    SendAgain,
}

#[cfg(feature = "mutants")]
mod switch {
    use super::Mutant;
    use std::cell::Cell;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Turns one wrong way on for this thread, or all off.
    pub fn activate(mutant: Option<Mutant>) {
        ACTIVE.set(mutant);
    }

    /// Whether this wrong way is on.
    #[must_use]
    pub fn is_active(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }
}

#[cfg(feature = "mutants")]
pub use switch::{activate, is_active};

/// Whether this wrong way is on: never, in what users run.
#[cfg(not(feature = "mutants"))]
#[must_use]
pub const fn is_active(_: Mutant) -> bool {
    false
}
