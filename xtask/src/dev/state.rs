//! The state folder, as far as the chores look into it. xtask/node/runtime.mjs
//! makes and fills it.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::seed::DevJson;
use crate::support::workspace;

/// The folder.
#[derive(Clone)]
pub(super) struct State {
    folder: PathBuf,
}

/// run.json: who is running.
#[derive(Deserialize)]
pub(super) struct Run {
    /// The Node.js process.
    pub(super) pid: u32,
    /// Where Alfred listens.
    pub(super) base_url: String,
}

#[derive(Deserialize)]
struct Secrets {
    #[serde(rename = "OPERATOR_KEY")]
    operator_key: String,
}

impl FromStr for State {
    type Err = Infallible;

    /// Relative to where the chore was called; the default to the clone's root.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let folder = if text == ".alfred" { workspace::path(text) } else { PathBuf::from(text) };
        Ok(Self { folder: std::path::absolute(&folder).unwrap_or(folder) })
    }
}

impl State {
    /// Its path.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Who is running on it, if anybody.
    pub(super) fn run(&self) -> Result<Option<Run>> {
        self.read("run.json")
    }

    /// The operator's key, made by the first start.
    pub(super) fn operator_key(&self) -> Result<String> {
        let secrets: Option<Secrets> = self.read("secrets.json")?;
        Ok(secrets.context("the runtime made no secrets")?.operator_key)
    }

    /// Where the operator's key is.
    pub(super) fn secrets_path(&self) -> PathBuf {
        self.folder.join("secrets.json")
    }

    /// What was seeded, if anything.
    pub(super) fn dev_json(&self) -> Result<Option<DevJson>> {
        self.read("dev.json")
    }

    /// Where dev.json is.
    pub(super) fn dev_json_path(&self) -> PathBuf {
        self.folder.join("dev.json")
    }

    /// Notes what was seeded.
    pub(super) fn write_dev_json(&self, seeded: &DevJson) -> Result<()> {
        let text = serde_json::to_string_pretty(seeded)? + "\n";
        fs::write(self.dev_json_path(), text).context("cannot write dev.json")
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).map(Some).with_context(|| format!("cannot parse {}", path.display()))
    }
}
