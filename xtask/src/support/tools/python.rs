//! Python with what a requirements file names.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::support::{cache, console, process, workspace};

/// A Python that has the packages of a folder's requirements.txt: a virtual
/// environment in the cache.
pub(crate) fn environment(folder: &str) -> Result<PathBuf> {
    let requirements = workspace::path(folder).join("requirements.txt");
    let version = process::output(Command::new("python3").arg("--version"))?;
    let named = fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let digest = Sha256::new().chain_update(version).chain_update(named).finalize();
    let key: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let made = cache::ensure(&format!("python/{key}"), |made| {
        let what = format!("making a Python environment for {folder} (once for all clones)");
        console::step(&what, || {
            process::run_quietly(Command::new("python3").args(["-m", "venv"]).arg(made))?;
            let mut pip = Command::new(made.join("bin/python"));
            process::run_quietly(pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements))
        })
    })?;
    Ok(made.join("bin/python"))
}
