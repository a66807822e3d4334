//! `cargo xtask test`: everything that must hold before a change lands.

mod steps;

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::support::console::{self, Clock};
use steps::Step;

/// Run every check and test, from formatting to the OpenAI SDKs.
///
/// Sets up what it needs by itself. Ends at the first failure.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run only this step; can be given more than once.
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// Leave this step out; can be given more than once.
    #[arg(long, value_name = "STEP")]
    skip: Vec<Step>,
}

/// Runs the chore.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let is_wanted =
        |step: &Step| (arguments.only.is_empty() || arguments.only.contains(step)) && !arguments.skip.contains(step);
    let mut passed = Vec::new();
    for &step in Step::value_variants().iter().filter(|step| is_wanted(step)) {
        println!("\n━━ {}: {}", step.name(), step.what());
        let clock = Clock::start();
        if let Err(error) = step.run() {
            summarize(&passed, Some((step, clock.elapsed())));
            return Err(
                error.context(format!("step `{0}` failed; once more: cargo xtask test --only {0}", step.name()))
            );
        }
        passed.push((step, clock.elapsed()));
    }
    summarize(&passed, None);
    Ok(())
}

fn summarize(passed: &[(Step, Duration)], failed: Option<(Step, Duration)>) {
    println!("\n━━ summary");
    let lines = passed.iter().map(|line| ("passed", line)).chain(failed.iter().map(|line| ("FAILED", line)));
    for (outcome, (step, time)) in lines {
        println!("{outcome}  {:<12} {:>12}", step.name(), console::shown(*time));
    }
    println!("{} passed, {} failed", passed.len(), usize::from(failed.is_some()));
}
