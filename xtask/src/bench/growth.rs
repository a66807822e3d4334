//! Reserves against the length of the journal: the program in
//! durable-objects/team/examples does it natively.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::support::tools::rust;
use crate::support::{console, process};

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Growth {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) filled_ms: u64,
    pub(super) new: Times,
    pub(super) old: Times,
}

/// In microseconds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Times {
    pub(super) reserve: f64,
    pub(super) settle: f64,
    pub(super) wake: f64,
}

/// Builds the program.
pub(super) fn build() -> Result<PathBuf> {
    console::step("compiling the growth measurement", || {
        let arguments = ["build", "--quiet", "--package", "team", "--example", "growth", "--profile", "fast"];
        process::run(rust::cargo().args(arguments))
    })?;
    Ok(rust::target_folder()?.join("fast/examples/growth"))
}

/// Runs it.
pub(super) fn measure(program: &Path, folder: &Path, entries: u64) -> Result<Growth> {
    console::step(&format!("reserves after {entries} calls"), || {
        let said = process::output(Command::new(program).arg(folder).arg(entries.to_string()))?;
        serde_json::from_str(&said).context("cannot read what it said")
    })
}
