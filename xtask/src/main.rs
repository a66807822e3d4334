//! Every chore of the project, one file for each: `cargo xtask --help`.
//!
//! Chores install what they need into a cache outside the clone
//! (`support::cache`), so that a fresh clone needs nothing but Rust and Node.

mod audit;
mod bench;
mod build;
mod deploy;
mod dev;
pub mod prices;
mod rotate_master_key;
mod seed;
mod simulate;
mod support;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The chores of Alfred.
///
/// Needs Rust (through rustup) and Node.js 20.10 or newer; installs everything
/// else by itself into ~/.cache/alfred (or where ALFRED_CACHE says), never into
/// the system.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    Audit(audit::Arguments),
    Bench(bench::Arguments),
    Build(build::Arguments),
    Deploy(deploy::Arguments),
    Dev(dev::Arguments),
    /// Refresh the embedded price book from its public sources.
    Prices,
    RotateMasterKey(rotate_master_key::Arguments),
    Seed(seed::Arguments),
    Simulate(simulate::Arguments),
    Test(test::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Audit(arguments) => audit::run(&arguments),
        Chore::Bench(arguments) => bench::run(&arguments),
        Chore::Build(arguments) => build::run(&arguments),
        Chore::Deploy(arguments) => deploy::run(&arguments),
        Chore::Dev(arguments) => dev::run(&arguments),
        Chore::Prices => prices::run(),
        Chore::RotateMasterKey(arguments) => rotate_master_key::run(&arguments),
        Chore::Seed(arguments) => seed::print(&arguments),
        Chore::Simulate(arguments) => simulate::run(&arguments),
        Chore::Test(arguments) => test::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            support::console::error(&error);
            ExitCode::FAILURE
        }
    }
}
