//! `cargo xtask build`.

use anyhow::Result;

use crate::support::scripts::{self, Profile};
use crate::support::{console, workspace};

/// Build the scripts into build/, and check what was built.
///
/// Each must export every Durable Object class and handler that its
/// wrangler.toml names, and a release build must be within the size budget.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// As it is deployed: optimized and small, in minutes instead of seconds.
    #[arg(long)]
    release: bool,
}

/// Runs the chore.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let profile = if arguments.release { Profile::Release } else { Profile::Dev };
    let folder = scripts::build(profile)?;
    console::note(&format!("built into {}", workspace::shown(&folder)));
    Ok(())
}
