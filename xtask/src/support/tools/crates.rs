//! Tools that come as crates.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::support::{cache, cargo_lock, console, process};

/// Turns the compiled crate into a Worker. Released together with `worker`.
pub(crate) fn worker_build() -> Result<PathBuf> {
    // It waits for others most of its time: compiling it quickly is what counts.
    let tool = Tool { name: "worker-build", binary: "worker-build", opt_level: "0" };
    tool.ensure(&cargo_lock::version("worker")?)
}

/// Writes the JavaScript around the wasm. Must be exactly as old as the crate.
pub(crate) fn wasm_bindgen() -> Result<PathBuf> {
    let tool = Tool { name: "wasm-bindgen-cli", binary: "wasm-bindgen", opt_level: "1" };
    tool.ensure(&cargo_lock::version("wasm-bindgen")?)
}

struct Tool {
    name: &'static str,
    binary: &'static str,
    opt_level: &'static str,
}

impl Tool {
    fn ensure(&self, version: &str) -> Result<PathBuf> {
        let name = self.name;
        let folder = cache::ensure(&format!("tools/{name}-{version}"), |folder| {
            let what = format!("installing {name} {version} (minutes, once for all clones)");
            console::step(&what, || {
                // The tool's own lock file may name a version that the index at
                // hand does not offer (any more, or yet).
                process::run_quietly(self.install(version, folder).arg("--locked")).or_else(|_| {
                    console::note("its lock file cannot be followed here: once more without it");
                    process::run(&mut self.install(version, folder)).with_context(|| self.wants())
                })
            })
        })?;
        Ok(folder.join("bin").join(self.binary))
    }

    /// What to look at when it does not compile.
    fn wants(&self) -> String {
        let name = self.name;
        if cfg!(target_os = "linux") {
            return format!(
                "{name} was not installed. If something is missing above: it wants a C compiler, pkg-config and \
                 OpenSSL's headers (Debian, Ubuntu: apt install build-essential pkg-config libssl-dev; Fedora: dnf \
                 install gcc pkgconf openssl-devel; Alpine: apk add build-base pkgconf openssl-dev)"
            );
        }
        format!("{name} was not installed")
    }

    fn install(&self, version: &str, folder: &Path) -> Command {
        let mut command = Command::new("cargo");
        command.args(["install", "--quiet", self.name, "--version", version, "--bin", self.binary]);
        command.arg("--no-track").arg("--root").arg(folder);
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.opt_level);
        // Outside the workspace, so that its profiles and flags do not reach
        // tools that run here.
        command.current_dir(folder).env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
        command
    }
}
