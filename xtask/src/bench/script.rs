//! The scripts' sizes, and how long they take to start.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::numbers::Spread;
use crate::support::scripts::{self, Script};
use crate::support::tools::node;
use crate::support::{console, process, workspace};

/// One of the scripts.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) name: &'static str,
    pub(super) bytes: usize,
    pub(super) gzipped_bytes: usize,
    /// A fresh workerd to its first answer, less the same with scripts that do
    /// nothing.
    pub(super) start_ms: Spread,
    /// Scripts that do nothing.
    pub(super) nothing_ms: Spread,
}

/// Measures all of them.
pub(super) fn measure(build: &Path, folder: &Path, rounds: u32) -> Result<Vec<Measured>> {
    console::step("starting the scripts in fresh runtimes", || {
        let mut command = node::node();
        command.arg(workspace::path("xtask/node/bench-startup.mjs"));
        command.arg("--build").arg(build).arg("--state").arg(folder);
        command.args(["--rounds", &rounds.to_string()]);
        let times: BTreeMap<String, Vec<f64>> =
            serde_json::from_str(&process::output(&mut command)?).context("cannot read what it said")?;
        let times = |name: &str| times.get(name).with_context(|| format!("it said nothing of `{name}`"));
        let nothing = times("nothing")?;
        let measure = |script: Script| {
            let size = scripts::size(&build.join(script.name()))?;
            let own = times(script.name())?;
            Ok(Measured {
                name: script.name(),
                bytes: size.raw,
                gzipped_bytes: size.gzipped,
                start_ms: Spread::of(own.iter().zip(nothing).map(|(own, nothing)| own - nothing)),
                nothing_ms: Spread::of(nothing.iter().copied()),
            })
        };
        Script::ALL.into_iter().map(measure).collect()
    })
}
