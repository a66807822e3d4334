//! Tools that come as crates.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::support::{cache, cargo_lock, console, process};

/// Turns the compiled crate into a Worker. Released together with `worker`.
pub(crate) fn worker_build() -> Result<PathBuf> {
    ensure(
        "worker-build",
        &cargo_lock::version("worker")?,
        "worker-build",
    )
}

/// Writes the JavaScript around the wasm. Must be exactly as old as the crate.
pub(crate) fn wasm_bindgen() -> Result<PathBuf> {
    ensure(
        "wasm-bindgen-cli",
        &cargo_lock::version("wasm-bindgen")?,
        "wasm-bindgen",
    )
}

fn ensure(name: &str, version: &str, binary: &str) -> Result<PathBuf> {
    let folder = cache::ensure(&format!("tools/{name}-{version}"), |folder| {
        console::step(
            &format!("installing {name} {version} (minutes, once for all clones)"),
            || {
                // The tool's own lock file may name a version that the index at
                // hand does not offer (any more, or yet).
                process::run(&mut install(name, version, folder, true)).or_else(|_| {
                    console::note("its lock file cannot be followed here: once more without it");
                    process::run(&mut install(name, version, folder, false))
                })
            },
        )
    })?;
    Ok(folder.join("bin").join(binary))
}

fn install(name: &str, version: &str, folder: &std::path::Path, locked: bool) -> Command {
    let mut command = Command::new("cargo");
    command
        .args([
            "install",
            "--quiet",
            name,
            "--version",
            version,
            "--no-track",
            "--root",
        ])
        .arg(folder);
    if locked {
        command.arg("--locked");
    }
    // Outside the workspace, so that its toolchain, profiles and flags for
    // wasm do not reach tools that must run here.
    command
        .current_dir(folder)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS");
    command
}
