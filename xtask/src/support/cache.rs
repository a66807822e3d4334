//! The cache outside the clone: tools in the versions that the lock files name,
//! shared by all clones and all runs at once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

/// The cache's folder: `ALFRED_CACHE`, or `alfred` in the user's cache folder.
pub(crate) fn folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("ALFRED_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("alfred")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache/alfred")))
        .ok_or_else(|| anyhow!("there is no home folder to cache tools in: set ALFRED_CACHE to a folder"))
}

/// The folder `name` in the cache, complete: if it is missing, `fill` makes it.
///
/// A lock keeps concurrent runs from making it twice, and since it is renamed
/// into place when done, a run that was interrupted leaves nothing half-made.
pub(crate) fn ensure(name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let target = folder()?.join(name);
    if target.exists() {
        return Ok(target);
    }
    make(&target, fill).with_context(|| format!("cannot make {}", target.display()))?;
    Ok(target)
}

fn make(target: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = target.parent().context("the cache is not a root folder")?;
    fs::create_dir_all(parent)?;
    let _lock = lock(&with_suffix(target, ".lock"))?;
    if target.exists() {
        return Ok(());
    }
    let unfinished = with_suffix(target, ".unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir(&unfinished)?;
    fill(&unfinished)?;
    fs::rename(&unfinished, target)?;
    Ok(())
}

/// Takes a lock that ends with this process, waiting for whoever has it.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = File::create(path)?;
    file.lock()?;
    Ok(file)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_fill_leaves_nothing_and_the_next_one_starts_afresh() {
        let target = std::env::temp_dir().join(format!("alfred-cache-{}", std::process::id())).join("tool-1.0");
        let failed = make(&target, |folder| {
            fs::write(folder.join("half"), "")?;
            Err(anyhow!("interrupted"))
        });
        assert!(failed.is_err() && !target.exists());

        make(&target, |folder| Ok(fs::write(folder.join("whole"), "")?)).unwrap();
        assert!(target.join("whole").exists() && !target.join("half").exists());

        make(&target, |_| Err(anyhow!("must not be called"))).unwrap();
        fs::remove_dir_all(target.parent().unwrap()).unwrap();
    }
}
