//! The core as it is: nothing that the auditor has anything against.
#![allow(clippy::panic, reason = "a run that the auditor stops is a test that fails")]

use simulation::{Options, run};

const COMMANDS: u64 = 25_000;

fn check(seed: u64) {
    let options = Options { seed, commands: COMMANDS, mutant: None };
    match run(&options, |_| {}) {
        Ok(outcome) => assert!(outcome.tally.of("call: accepted") > 1000, "{}", outcome.tally),
        Err(failure) => panic!("{failure}"),
    }
}

// One test a seed, so that they run side by side.

#[test]
fn seed_1() {
    check(1);
}

#[test]
fn seed_2() {
    check(2);
}

#[test]
fn seed_3() {
    check(3);
}

#[test]
fn seed_4() {
    check(4);
}
