//! How long a decision takes at 50 policies of the organization's own.
//!
//! In the runtime it cannot be timed from inside: the clock stands still while
//! a worker computes. So the matrix of who may do what is asked for, which
//! takes a known number of decisions and parses the policies anew, and beside
//! it a list that takes the same way through the actors and decides nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::stage::Stage;
use crate::support::tools::rust;
use crate::support::{console, process};

/// Requests of each kind.
const ROUNDS: usize = 9;

/// What a decision takes.
#[derive(Debug, Serialize)]
pub(super) struct Policies {
    pub(super) policies: usize,
    /// That the matrix takes.
    pub(super) decisions: usize,
    /// In the runtime, parsing included, for each decision.
    pub(super) runtime_us: f64,
    /// Natively, parsed.
    pub(super) native_us: f64,
    /// Natively, parsing all of them.
    pub(super) parse_us: f64,
}

#[derive(Deserialize)]
struct Said {
    texts: Vec<String>,
    decisions: usize,
    parse_us: f64,
    native_us: f64,
}

/// Builds the program in domain/policy/examples.
pub(super) fn build() -> Result<PathBuf> {
    console::step("compiling the measurement of decisions", || {
        let arguments = ["build", "--quiet", "--package", "policy", "--example", "decide", "--profile", "fast"];
        process::run(rust::cargo().args(arguments))
    })?;
    Ok(rust::target_folder()?.join("fast/examples/decide"))
}

/// Measures it.
pub(super) fn measure(program: &Path, stage: &Stage<'_>) -> Result<Policies> {
    let said: Said = serde_json::from_str(&process::output(&mut Command::new(program))?)
        .context("cannot read what the measurement said")?;
    let admin = &stage.company.admin;
    for (number, text) in said.texts.iter().enumerate() {
        admin.post(
            &format!("policy {number}"),
            "/policies",
            &json!({"name": format!("Policy {number}"), "cedar": text}),
        )?;
    }
    #[expect(clippy::disallowed_methods, reason = "this is no worker: it has a clock")]
    let time = |path: &str| -> Result<f64> {
        let started = Instant::now();
        admin.get(path)?;
        Ok(started.elapsed().as_secs_f64() * 1e6)
    };
    let (mut matrix, mut list) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        matrix.push(time("/permissions/matrix")?);
        list.push(time("/grants")?);
    }
    Ok(Policies {
        policies: said.texts.len(),
        decisions: said.decisions,
        runtime_us: (median(matrix) - median(list)) / said.decisions as f64,
        native_us: said.native_us,
        parse_us: said.parse_us,
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
