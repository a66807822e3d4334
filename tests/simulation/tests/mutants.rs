//! The auditor notices every known wrong way to keep money, and has nothing
//! against the right one: otherwise a clean run would prove nothing.
#![allow(clippy::panic, reason = "a run that the auditor stops is a test that fails")]

use ledger::mutant::Mutant;
use simulation::{Options, run};

const SEEDS: [u64; 3] = [101, 102, 103];

/// The wrong ways are noticed within so many commands.
const COMMANDS: u64 = 20_000;

#[test]
fn every_mutant_is_noticed() {
    for mutant in [
        Mutant::SettleTwice,
        Mutant::CheckThenSpend,
        Mutant::ForgetExpiry,
        Mutant::DropOutboxRow,
        Mutant::RoundDown,
        Mutant::ForgetInbox,
        Mutant::DropBatch,
        Mutant::ForgetReserved,
        Mutant::ForgetLeaver,
        Mutant::KeepBoost,
        Mutant::LendToAll,
        Mutant::KeepLent,
        Mutant::DrawAll,
        Mutant::ForgetRefused,
        Mutant::RunAgain,
        Mutant::ExpireAll,
        Mutant::DropRecord,
        Mutant::KeepDetails,
        Mutant::UndoTwice,
        Mutant::UndoReserved,
        Mutant::DecideOwn,
        Mutant::CarryOutDenied,
        Mutant::SendAgain,
    ] {
        for seed in SEEDS {
            let options = Options { seed, commands: COMMANDS, mutant: Some(mutant) };
            match run(&options, |_| {}) {
                Ok(_) => panic!("{mutant:?} went unnoticed with seed {seed}"),
                Err(failure) => println!("{mutant:?} after {} commands: {}", failure.commands, failure.violation),
            }
        }
    }
}

#[test]
fn the_same_seeds_are_clean_without() {
    for seed in SEEDS {
        if let Err(failure) = run(&Options { seed, commands: COMMANDS, mutant: None }, |_| {}) {
            panic!("{failure}");
        }
    }
}
