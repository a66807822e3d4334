//! Node.js, and what xtask/node/package.json names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::support::{cache, console, process, workspace};

/// The oldest Node.js that wrangler and the tests run on.
const OLDEST: (u32, u32) = (20, 10);

/// The installed packages.
pub(crate) struct Packages {
    folder: PathBuf,
}

impl Packages {
    /// A program that a package brings.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("node_modules/.bin").join(name)
    }
}

/// A Node.js process in the root of the workspace.
pub(crate) fn node() -> Command {
    let mut command = Command::new("node");
    command.current_dir(workspace::root());
    command
}

/// Installs the packages exactly as locked, unless they are there, and makes
/// them visible to scripts in the clone.
///
/// ES modules are found in a `node_modules` beside or above the script and
/// nowhere else (NODE_PATH does not count), hence the link in the root.
pub(crate) fn packages() -> Result<Packages> {
    check_version(&process::output(Command::new("node").arg("--version"))?)?;
    let source = workspace::path("xtask/node");
    let lock = fs::read(source.join("package-lock.json")).context("cannot read xtask/node/package-lock.json")?;
    let key: String = Sha256::digest(&lock).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let folder = cache::ensure(&format!("node/{key}"), |folder| {
        console::step("installing the npm packages (once for all clones)", || install(&source, folder))
    })?;
    link(&folder.join("node_modules"), &workspace::path("node_modules"))?;
    Ok(Packages { folder })
}

fn install(source: &Path, folder: &Path) -> Result<()> {
    for name in ["package.json", "package-lock.json"] {
        fs::copy(source.join(name), folder.join(name))?;
    }
    // Without install scripts: they only replace wrappers by binaries.
    process::run_quietly(
        Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder),
    )
}

fn check_version(version: &str) -> Result<()> {
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        bail!("cannot read the version of Node.js from `{}`", version.trim())
    };
    if (major, minor) < OLDEST {
        bail!(
            "Node.js {}.{} or newer is needed, this is {}: see https://nodejs.org",
            OLDEST.0,
            OLDEST.1,
            version.trim()
        )
    }
    Ok(())
}

fn link(target: &Path, link: &Path) -> Result<()> {
    match fs::read_link(link) {
        Ok(current) if current == target => return Ok(()),
        Ok(_) => {}
        Err(_) if !link.exists() => {}
        Err(_) => bail!("{} is in the way of a link to {}: move it away", link.display(), target.display()),
    }
    // Renamed into place, since another chore may be using the old one.
    let fresh = link.with_extension(format!("{}", std::process::id()));
    symlink(target, &fresh)
        .and_then(|()| fs::rename(&fresh, link))
        .with_context(|| format!("cannot make {}", link.display()))
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_refused() {
        let table =
            [("v20.10.0\n", true), ("v22.1.0", true), ("v20.9.9", false), ("v18.20.0", false), ("nonsense", false)];
        for (version, expected) in table {
            assert_eq!(check_version(version).is_ok(), expected, "{version}");
        }
    }
}
