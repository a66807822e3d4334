//! `cargo xtask simulate`: the actors under everything that can go wrong.

use anyhow::Result;

use crate::support::process;
use crate::support::tools::rust;

/// Run the simulation: real actors, a lossy network, crashes, failing storage
/// and a jumping clock, audited after every command.
///
/// A run is determined by its seed. It ends at the first thing that the
/// auditor has against it, and says how to see that again.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many commands.
    #[arg(long, default_value_t = 100_000)]
    commands: u64,
    /// What determines the run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the chore.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut cargo = rust::cargo();
    cargo.args(["run", "--profile", "fast", "-p", "simulation", "--"]);
    cargo.args(["--commands", &arguments.commands.to_string(), "--seed", &arguments.seed.to_string()]);
    process::run(&mut cargo)
}
