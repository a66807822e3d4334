//! The state folder, as far as the chores look into it. xtask/node/runtime.mjs
//! makes and fills it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::seed::DevJson;
use crate::support::workspace;

/// The folder.
#[derive(Clone)]
pub(crate) struct State {
    folder: PathBuf,
}

/// run.json: who is running.
#[derive(Deserialize)]
pub(crate) struct Run {
    /// The Node.js process.
    pub(super) pid: u32,
    /// Where Alfred listens.
    pub(crate) base_url: String,
}

/// secrets.json.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// Opens the operator's API.
    #[serde(rename = "OPERATOR_KEY")]
    pub(crate) operator_key: String,
    /// What all others are sealed under or derived from.
    #[serde(rename = "MASTER_SECRET")]
    pub(crate) master: String,
    /// The one before it, while it is being replaced.
    #[serde(rename = "MASTER_SECRET_PREVIOUS", default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<String>,
    /// Whatever else is there stays.
    #[serde(flatten)]
    pub(crate) others: BTreeMap<String, String>,
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
    pub(crate) fn run(&self) -> Result<Option<Run>> {
        self.read("run.json")
    }

    /// The operator's key, made by the first start.
    pub(super) fn operator_key(&self) -> Result<String> {
        Ok(self.secrets()?.operator_key)
    }

    /// The local secrets, made by the first start.
    pub(crate) fn secrets(&self) -> Result<Secrets> {
        let missing = || format!("there is no {}: `cargo xtask dev` makes it", self.secrets_path().display());
        self.read("secrets.json")?.with_context(missing)
    }

    /// Replaces the local secrets, in one step: half a file would be none.
    pub(crate) fn write_secrets(&self, secrets: &Secrets) -> Result<()> {
        let (path, new) = (self.secrets_path(), self.folder.join("secrets.json.new"));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = serde_json::to_string_pretty(secrets)? + "\n";
        let written = options.open(&new).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        written.and_then(|()| fs::rename(&new, &path)).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Where the operator's key is.
    pub(crate) fn secrets_path(&self) -> PathBuf {
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
