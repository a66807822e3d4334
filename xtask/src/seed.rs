//! `cargo xtask seed`: something to play with, made through the public API as
//! any operator would.

pub(crate) mod api;
mod example;
mod providers;

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

pub(crate) use providers::add_real;

/// Fill a running Alfred with an example organization and print its keys as JSON.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where Alfred listens, for example http://127.0.0.1:8787.
    #[arg(long)]
    base_url: String,
    /// The operator's key.
    #[arg(long, env = "ALFRED_OPERATOR_KEY", hide_env_values = true)]
    operator_key: String,
}

/// STATE/dev.json: how to talk to what was seeded.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct DevJson {
    /// Where Alfred listens.
    pub(crate) base_url: String,
    /// Opens the operator's API.
    pub(crate) operator_key: String,
    /// The organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization_id: Option<String>,
    /// Opens the organization's management API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin_key: Option<String>,
    /// A model that answers without any account at a provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// The people, by name.
    #[serde(default)]
    pub(crate) members: BTreeMap<String, Member>,
}

/// A person who was seeded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Their key for the model API.
    pub(crate) api_key: String,
    /// Their team's name.
    pub(crate) team: String,
    /// Their own id.
    pub(crate) id: String,
    /// Their team's id.
    pub(crate) team_id: String,
}

/// Runs the chore.
pub(crate) fn print(arguments: &Arguments) -> Result<()> {
    let seeded = run(&arguments.base_url, &arguments.operator_key)?;
    println!("{}", serde_json::to_string_pretty(&seeded)?);
    Ok(())
}

/// Seeds a running Alfred.
pub(crate) fn run(base_url: &str, operator_key: &str) -> Result<DevJson> {
    example::make(base_url, operator_key)
}
