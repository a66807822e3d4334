//! A long run with numbers at its end.

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulation::{Options, run};

/// Runs Alfred's actors under everything that can go wrong, audited after
/// every command.
#[derive(Parser)]
struct Arguments {
    /// How many commands.
    #[arg(long, default_value_t = 100_000)]
    commands: u64,
    /// What determines the run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// From so many commands on, everything that can happen must have happened.
const LONG: u64 = 200_000;

#[expect(clippy::disallowed_methods, reason = "a native tool, which tells how quick it was")]
fn main() -> ExitCode {
    let Arguments { commands, seed } = Arguments::parse();
    let begin = Instant::now();
    let rate = |done: u64| done.saturating_mul(1000) / u64::try_from(begin.elapsed().as_millis()).unwrap_or(1).max(1);
    let outcome = run(&Options { seed, commands, mutant: None }, |done| {
        if done / 1000 % 10 == 0 {
            eprint!("\r{done:>10} of {commands} commands, {:>7} a second", rate(done));
            let _ = std::io::stderr().flush();
        }
    });
    eprintln!();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(failure) => {
            eprintln!("{failure}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", outcome.tally);
    println!(
        "{commands} commands in {} steps with seed {seed}: every invariant held, {} commands a second",
        outcome.steps,
        rate(commands)
    );
    let missing = outcome.tally.missing();
    if commands >= LONG && !missing.is_empty() {
        eprintln!("but it never happened: {}", missing.join("; "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
