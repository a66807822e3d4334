//! Everything that runs while calls are measured: two providers, two workers,
//! a company.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::company::{Company, PROVIDER_KEY};
use super::fakes::{Fakes, Load, Outcome, Provider, Totals};
use super::machine;
use crate::support::tools::node;
use crate::support::{process, workspace};

/// Calls as people make them: a system prompt and a few turns, about 1.3 KB.
const TURNS: usize = 4;

/// How long D1 may take to hear of everything.
const PATIENCE: u32 = 60;

/// What stands between the caller and the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// Nothing.
    Direct,
    /// The bare worker.
    PassThrough,
    /// The same, asking an object first: what the platform takes for that.
    OneObject,
    /// Alfred, all calls by one team.
    OneTeam,
    /// Alfred, calls by fifty teams in turn.
    FiftyTeams,
}

/// The stage.
pub(super) struct Stage<'a> {
    fakes: &'a Fakes,
    /// Serves Alfred and nobody else, so that its books can be compared.
    provider: Provider,
    /// Serves the others.
    other: Provider,
    workers: Workers,
    pub(super) company: Company,
    other_keys: PathBuf,
    body: PathBuf,
}

/// The process of xtask/node/bench.mjs.
struct Workers {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    at: At,
}

/// Where the workers are.
#[derive(Debug, Deserialize)]
struct At {
    alfred: String,
    passthrough: String,
    one_object: String,
    operator_key: String,
    alfred_pid: u32,
    passthrough_pid: u32,
    one_object_pid: u32,
}

/// The sums of D1's hours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Projected {
    requests: u64,
    failed: u64,
    input_tokens: u64,
    output_tokens: u64,
}

impl<'a> Stage<'a> {
    /// Starts everything in a folder.
    pub(super) fn set(folder: &Path, build: &Path, fakes: &'a Fakes) -> Result<Self> {
        let (provider, other) = (fakes.provider(PROVIDER_KEY)?, fakes.provider(PROVIDER_KEY)?);
        let workers = Workers::start(folder, build, &other.url)?;
        let company = Company::found(folder, &workers.at.alfred, &workers.at.operator_key, &provider.url)?;
        let (other_keys, body) = (folder.join("other.keys"), folder.join("body.json"));
        std::fs::write(&other_keys, PROVIDER_KEY)?;
        std::fs::write(&body, chat().to_string())?;
        Ok(Self { fakes, provider, other, workers, company, other_keys, body })
    }

    /// Makes load that goes this way; the caller fills in the rest.
    pub(super) fn load(&self, way: Way, shape: &Load<'_>) -> Result<Outcome> {
        let at = &self.workers.at;
        let (origin, keys, worker) = match way {
            Way::Direct => (&self.other.url, &self.other_keys, None),
            Way::PassThrough => (&at.passthrough, &self.other_keys, Some(at.passthrough_pid)),
            Way::OneObject => (&at.one_object, &self.other_keys, Some(at.one_object_pid)),
            Way::OneTeam => (&at.alfred, &self.company.hot_keys, Some(at.alfred_pid)),
            Way::FiftyTeams => (&at.alfred, &self.company.spread_keys, Some(at.alfred_pid)),
        };
        let url = format!("{origin}/v1/chat/completions");
        let before = worker.and_then(machine::cpu_ms);
        let mut outcome = self.fakes.load(&Load { url: &url, keys, body: &self.body, ..*shape })?;
        let after = worker.and_then(machine::cpu_ms);
        outcome.cpu_ms = before.zip(after).map(|(before, after)| after - before);
        Ok(outcome)
    }

    /// Rows of Alfred's D1.
    pub(super) fn query<T: DeserializeOwned>(&mut self, sql: &str) -> Result<Vec<T>> {
        self.workers.ask(&json!({"verb": "query", "sql": sql}))
    }

    /// Rows that these teams' actors have written since they woke up.
    pub(super) fn rows_written(&mut self, teams: &[String]) -> Result<u64> {
        let mut sum: u64 = 0;
        for team in teams {
            let command = json!({"ask": {"ask": "overview"}});
            let answer: Value =
                self.workers.ask(&json!({"verb": "actor", "binding": "TEAM", "name": team, "command": command}))?;
            let rows = answer.pointer("/overview/Ok/rows_written").and_then(Value::as_u64);
            sum += rows.with_context(|| format!("the team's actor answered {answer}"))?;
        }
        Ok(sum)
    }

    /// Waits until D1 has heard of every call that the provider has served.
    pub(super) fn wait_until_quiet(&mut self) -> Result<(Totals, bool)> {
        let mut last = None;
        for _ in 0..PATIENCE * 5 {
            let (totals, projected) = (self.provider.totals()?, self.projected()?);
            let agree = totals.open == 0 && projected.requests == totals.done;
            if agree {
                let exactly = projected.agrees(&totals);
                return Ok((totals, exactly));
            }
            last = Some((totals, projected));
            thread::sleep(Duration::from_millis(200));
        }
        let said = last.map(|(totals, projected)| format!("{totals:?}, D1: {projected:?}")).unwrap_or_default();
        bail!("after {PATIENCE} s the books do not agree; provider: {said}")
    }

    /// What is wrong with the books: the provider's against D1's.
    pub(super) fn check_books(&mut self) -> Result<Option<String>> {
        Ok(match self.wait_until_quiet() {
            Ok((_, true)) => None,
            Ok((totals, false)) => {
                Some(format!("the books do not agree: provider {totals:?}, D1 {:?}", self.projected()?))
            }
            Err(error) => Some(error.to_string()),
        })
    }

    fn projected(&mut self) -> Result<Projected> {
        let sql = "SELECT COALESCE(SUM(requests), 0) AS requests, COALESCE(SUM(failed), 0) AS failed,
            COALESCE(SUM(input_tokens), 0) AS input_tokens, COALESCE(SUM(output_tokens), 0) AS output_tokens
            FROM usage_hours";
        self.query(sql)?.pop().context("D1 answered no row")
    }

    /// Ends everything.
    pub(super) fn clear(self) -> Result<()> {
        self.workers.stop()
    }
}

impl Projected {
    fn agrees(&self, totals: &Totals) -> bool {
        let said = (self.requests, self.failed, self.input_tokens, self.output_tokens);
        said == (totals.done, 0, totals.input_tokens, totals.output_tokens)
    }
}

impl Workers {
    fn start(folder: &Path, build: &Path, upstream: &str) -> Result<Self> {
        let mut command = node::node();
        command.arg(workspace::path("xtask/node/bench.mjs"));
        command.arg("--build").arg(build).arg("--state").arg(folder.join("state"));
        command.args(["--upstream", upstream, "--authorization", &format!("Bearer {PROVIDER_KEY}")]);
        let mut child = process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().context("the workers have no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let at = serde_json::from_str(&line).context("the workers did not start; the reason is above");
        match at {
            Ok(at) => Ok(Self { child, input, output, at }),
            Err(error) => {
                let _ = child.kill();
                Err(error)
            }
        }
    }

    fn ask<T: DeserializeOwned>(&mut self, question: &Value) -> Result<T> {
        #[derive(Deserialize)]
        struct Said<T> {
            ok: Option<T>,
            error: Option<String>,
        }
        let input = self.input.as_mut().context("the workers have ended")?;
        writeln!(input, "{question}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let said: Said<T> = serde_json::from_str(&line).context("cannot read what the workers said")?;
        said.ok.with_context(|| said.error.unwrap_or_default())
    }

    /// The end of its input is the end of it.
    fn stop(mut self) -> Result<()> {
        self.input = None;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

fn chat() -> Value {
    let text = "Budgets are checked before the call, so that nothing is spent that nobody has allotted. ";
    let mut messages = vec![json!({"role": "system", "content": text.repeat(4)})];
    for turn in 0..TURNS {
        let role = if turn % 2 == 0 { "user" } else { "assistant" };
        messages.push(json!({"role": role, "content": text.repeat(2)}));
    }
    messages.push(json!({"role": "user", "content": "Say it in a sentence."}));
    json!({"model": "gpt-4o-mini", "max_completion_tokens": 16, "temperature": 0.2, "messages": messages})
}
