//! The script's size, and how long it takes to start.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::numbers::Spread;
use crate::support::edge;
use crate::support::tools::node;
use crate::support::{console, process, workspace};

/// The script.
#[derive(Debug, Serialize)]
pub(super) struct Script {
    pub(super) bytes: usize,
    pub(super) gzipped_bytes: usize,
    /// A fresh workerd to its first answer, less the same with a script that
    /// does nothing.
    pub(super) start_ms: Spread,
    /// The script that does nothing.
    pub(super) nothing_ms: Spread,
}

#[derive(Deserialize)]
struct Rounds {
    alfred: Vec<f64>,
    nothing: Vec<f64>,
}

/// Measures it.
pub(super) fn measure(build: &Path, folder: &Path, rounds: u32) -> Result<Script> {
    console::step("starting the script in fresh runtimes", || {
        let mut command = node::node();
        command.arg(workspace::path("xtask/node/bench-startup.mjs"));
        command.arg("--build").arg(build).arg("--state").arg(folder);
        command.args(["--rounds", &rounds.to_string()]);
        let Rounds { alfred, nothing } =
            serde_json::from_str(&process::output(&mut command)?).context("cannot read what it said")?;
        let size = edge::size(build)?;
        Ok(Script {
            bytes: size.raw,
            gzipped_bytes: size.gzipped,
            start_ms: Spread::of(alfred.iter().zip(&nothing).map(|(alfred, nothing)| alfred - nothing)),
            nothing_ms: Spread::of(nothing.iter().copied()),
        })
    })
}
