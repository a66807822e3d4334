//! The fake provider and the load, made by the program in tests/fakes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::support::tools::rust;
use crate::support::{console, process};

/// The program.
pub(super) struct Fakes {
    program: PathBuf,
}

/// A provider at work; ends when it is dropped.
pub(super) struct Provider {
    child: Child,
    /// Where it is, without a slash at the end.
    pub(super) url: String,
}

/// What the provider's books say.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Totals {
    pub(super) open: u64,
    pub(super) done: u64,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
}

/// What load is made.
pub(super) struct Load<'a> {
    pub(super) url: &'a str,
    pub(super) keys: &'a Path,
    pub(super) body: &'a Path,
    pub(super) concurrency: u32,
    pub(super) seconds: f64,
    /// The last so many calls, if not all that fit into the time.
    pub(super) calls: Option<u64>,
    /// Calls before those that are measured.
    pub(super) warmup: u64,
    pub(super) rate: Option<u32>,
    pub(super) stream: bool,
}

/// What came of it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Outcome {
    pub(super) requests: u64,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) unfinished_streams: u64,
    pub(super) throughput: f64,
    pub(super) latency_us: Latency,
    #[serde(default)]
    pub(super) server_timing_us: BTreeMap<String, Latency>,
    #[serde(default)]
    pub(super) unsent: Option<u64>,
    /// Calls before those that were measured.
    #[serde(skip)]
    pub(super) warmup: u64,
    /// What the worker's process computed meanwhile.
    #[serde(skip)]
    pub(super) cpu_ms: Option<f64>,
}

/// Quantiles in microseconds.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

impl Fakes {
    /// Builds the program for speed.
    pub(super) fn build() -> Result<Self> {
        console::step("compiling the load generator", || {
            process::run(rust::cargo().args(["build", "--quiet", "--package", "fakes", "--profile", "fast"]))
        })?;
        Ok(Self { program: rust::target_folder()?.join("fast/fakes") })
    }

    /// Starts a provider that wants this key.
    pub(super) fn provider(&self, key: &str) -> Result<Provider> {
        let mut command = Command::new(&self.program);
        command.args(["provider", "--api-key", key, "--keep-calls", "1", "--keep-requests", "1"]);
        let mut child = process::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let stdout = child.stdout.take().context("the fake provider has no output")?;
        let mut provider = Provider { child, url: String::new() };
        #[derive(Deserialize)]
        struct Ready {
            port: u16,
        }
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Ready = serde_json::from_str(&line).context("the fake provider did not start")?;
        provider.url = format!("http://127.0.0.1:{}", ready.port);
        Ok(provider)
    }

    /// Makes load and waits for its end.
    pub(super) fn load(&self, load: &Load<'_>) -> Result<Outcome> {
        let mut command = Command::new(&self.program);
        command.args(["load", load.url, "--timeout", "30"]);
        command.args(["--concurrency", &load.concurrency.to_string()]);
        command.args(["--duration", &load.seconds.to_string()]);
        command.args(["--warmup", &load.warmup.to_string()]);
        command.arg("--keys").arg(load.keys);
        command.arg("--body").arg(format!("@{}", load.body.display()));
        // As the platform's edge says where a call comes from.
        command.args(["--header", "cf-connecting-ip: 127.0.0.1", "--header", "x-alfred-tag: bench"]);
        if let Some(calls) = load.calls {
            command.args(["--calls", &calls.to_string()]);
        }
        if let Some(rate) = load.rate {
            command.args(["--rate", &rate.to_string()]);
        }
        if load.stream {
            command.arg("--stream");
        }
        let said = process::output(&mut command)?;
        let outcome = serde_json::from_str(&said).context("cannot read what the load generator said")?;
        Ok(Outcome { warmup: load.warmup, ..outcome })
    }
}

impl Provider {
    /// Its books, once no call is open.
    pub(super) fn totals(&self) -> Result<Totals> {
        let url = format!("{}/__control/usage", self.url);
        Ok(ureq::get(&url).call()?.body_mut().read_json()?)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Outcome {
    /// Microseconds that the worker's process computed for each call: less
    /// disturbed by what else the machine does than any time on the clock.
    pub(super) fn cpu_us(&self) -> f64 {
        #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "far below 2^53 calls")]
        let calls = self.requests.saturating_add(self.warmup) as f64;
        self.cpu_ms.map_or(f64::NAN, |ms| ms * 1000.0 / calls)
    }

    /// What went wrong, if anything did.
    pub(super) fn failure(&self) -> Option<String> {
        let ok = self.statuses.get(&200).copied().unwrap_or(0);
        let fine = ok == self.requests && ok > 0 && self.errors.is_empty() && self.unfinished_streams == 0;
        (!fine).then(|| {
            format!(
                "statuses {:?}, errors {:?}, {} unfinished streams",
                self.statuses, self.errors, self.unfinished_streams
            )
        })
    }
}
