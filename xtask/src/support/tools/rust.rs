//! The Rust toolchain.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::support::{console, process, workspace};

/// What Workers run.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// Cargo, in the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workspace::root());
    command
}

/// Adds the wasm target to the toolchain if it is missing.
pub(crate) fn ensure_wasm() -> Result<()> {
    let folder = process::output(
        Command::new("rustc").args(["--target", WASM, "--print", "target-libdir"]).current_dir(workspace::root()),
    )?;
    if Path::new(folder.trim()).exists() {
        return Ok(());
    }
    console::step(&format!("adding the target {WASM} to the Rust toolchain"), || {
        process::run_quietly(Command::new("rustup").args(["target", "add", WASM]).current_dir(workspace::root()))
            .with_context(|| format!("without rustup, install the target {WASM} for your Rust by hand"))
    })
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let text = process::output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata = serde_json::from_str(&text).context("cannot read what `cargo metadata` printed")?;
    Ok(metadata.target_directory)
}
