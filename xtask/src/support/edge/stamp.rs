//! Remembers what a packed folder was packed from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use sha2::{Digest, Sha256};

/// Stands for the compiled wasm and the tools that pack it.
pub(super) fn of(wasm: &Path, tools: &str) -> Result<String> {
    let digest = Sha256::new().chain_update(fs::read(wasm)?).chain_update(tools).finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether the folder was packed from just that.
pub(super) fn is_current(folder: &Path, stamp: &str) -> bool {
    fs::read_to_string(path(folder)).is_ok_and(|kept| kept == stamp)
}

/// Forgets it, before the folder is changed.
pub(super) fn remove(folder: &Path) -> Result<()> {
    if path(folder).exists() {
        fs::remove_file(path(folder))?;
    }
    Ok(())
}

/// Remembers it, after the folder was changed.
pub(super) fn write(folder: &Path, stamp: &str) -> Result<()> {
    Ok(fs::write(path(folder), stamp)?)
}

fn path(folder: &Path) -> PathBuf {
    folder.join(".stamp")
}
