//! Remembers what a packed folder was packed from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Stands for what is packed and the tools that pack it.
pub(super) fn of(inputs: &[PathBuf], tools: &str) -> Result<String> {
    let mut hasher = Sha256::new_with_prefix(tools);
    for path in inputs {
        hasher.update(fs::read(path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    let digest = hasher.finalize();
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
