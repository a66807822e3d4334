//! Python with what tests/end-to-end/requirements.txt names.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::support::{cache, console, process, workspace};

/// A Python that has the packages: a virtual environment in the cache.
pub(crate) fn environment() -> Result<PathBuf> {
    let requirements = workspace::path("tests/end-to-end/requirements.txt");
    let version = process::output(Command::new("python3").arg("--version"))?;
    let named = fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let digest = Sha256::new().chain_update(version).chain_update(named).finalize();
    let key: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let folder = cache::ensure(&format!("python/{key}"), |folder| {
        console::step("making a Python environment with the OpenAI SDK (once for all clones)", || {
            process::run_quietly(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
            let mut pip = Command::new(folder.join("bin/python"));
            process::run_quietly(pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements))
        })
    })?;
    Ok(folder.join("bin/python"))
}
