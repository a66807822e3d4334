//! Tools that come as crates.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::support::{cache, cargo_lock, console, process};

/// Writes the JavaScript around the wasm. Must be exactly as old as the crate.
pub(crate) fn wasm_bindgen() -> Result<PathBuf> {
    let version = cargo_lock::version("wasm-bindgen")?;
    let folder = cache::ensure(&format!("tools/wasm-bindgen-cli-{version}"), |folder| {
        let what = format!("installing wasm-bindgen {version} (minutes, once for all clones)");
        console::step(&what, || {
            // The tool's own lock file may name a version that the index at
            // hand does not offer (any more, or yet).
            process::run_quietly(install(&version, folder).arg("--locked")).or_else(|_| {
                console::note("its lock file cannot be followed here: once more without it");
                process::run(&mut install(&version, folder)).context("wasm-bindgen-cli was not installed")
            })
        })
    })?;
    Ok(folder.join("bin/wasm-bindgen"))
}

fn install(version: &str, folder: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.args(["install", "--quiet", "wasm-bindgen-cli", "--version", version, "--bin", "wasm-bindgen"]);
    command.arg("--no-track").arg("--root").arg(folder);
    // It runs for a second: compiling it quickly is what counts.
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    // Outside the workspace, so that its profiles and flags do not reach
    // tools that run here.
    command.current_dir(folder).env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
    command
}
