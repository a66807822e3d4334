//! Versions from Cargo.lock, so that build tools can't drift from the crates
//! that they must match.

use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::support::workspace;

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// The one version of a crate in Cargo.lock.
pub(crate) fn version(name: &str) -> Result<String> {
    let path = workspace::path("Cargo.lock");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    version_in(&text, name)
}

fn version_in(text: &str, name: &str) -> Result<String> {
    let lock: Lock = toml::from_str(text).context("cannot parse Cargo.lock")?;
    let mut found = lock.package.into_iter().filter(|package| package.name == name).map(|package| package.version);
    match (found.next(), found.next()) {
        (Some(version), None) => Ok(version),
        (Some(one), Some(other)) => bail!("Cargo.lock has `{name}` twice, as {one} and {other}"),
        (None, _) => bail!("Cargo.lock does not have `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_must_be_there_once() {
        let lock = |names: &[&str]| {
            names
                .iter()
                .map(|name| format!("[[package]]\nname = \"{name}\"\nversion = \"1.2.3\"\n"))
                .collect::<String>()
        };
        assert_eq!(version_in(&lock(&["worker", "http"]), "worker").unwrap(), "1.2.3");
        assert!(version_in(&lock(&["http"]), "worker").is_err());
        assert!(version_in(&lock(&["worker", "worker"]), "worker").is_err());
    }
}
