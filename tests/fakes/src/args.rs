//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use clap::{Parser, Subcommand};
use fakes::{inbox, load, provider, slack};

/// Servers that tests and benchmarks talk to, and the load they make.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Threads of the runtime; one is quickest where cores are few.
    #[arg(long, global = true, default_value_t = 1)]
    pub(crate) threads: usize,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a fake OpenAI-compatible provider on 127.0.0.1; prints `{"port":N}` when it is ready.
    Provider(ProviderArgs),
    /// Runs a fake Slack on 127.0.0.1; prints `{"port":N}` when it is ready.
    Slack(SlackArgs),
    /// Runs what takes mail and webhooks on 127.0.0.1; prints `{"port":N}` when it is ready.
    Inbox(InboxArgs),
    /// Calls a server on this machine and prints what came of it as one line of JSON.
    Load(LoadArgs),
}

#[derive(Debug, Parser)]
pub(crate) struct ProviderArgs {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The usual plan: a mode's name, or JSON.
    #[arg(long, default_value = "ok")]
    plan: String,
    /// Refuses calls with any other key.
    #[arg(long)]
    api_key: Option<String>,
    /// What `GET /v1/models` lists; may be repeated.
    #[arg(long = "model")]
    models: Vec<String>,
    /// How many finished calls are listed.
    #[arg(long, default_value_t = provider::Options::default().keep_calls)]
    keep_calls: usize,
    /// How many requests are kept with headers and body.
    #[arg(long, default_value_t = provider::Options::default().keep_requests)]
    keep_requests: usize,
}

impl ProviderArgs {
    pub(crate) fn options(self) -> anyhow::Result<provider::Options> {
        let defaults = provider::Options::default();
        Ok(provider::Options {
            port: self.port,
            plan: if self.plan.starts_with('{') {
                provider::Plan::parse(&self.plan)?
            } else {
                provider::Plan::of_mode(&self.plan)?
            },
            api_key: self.api_key,
            models: if self.models.is_empty() { defaults.models } else { self.models },
            keep_calls: self.keep_calls,
            keep_requests: self.keep_requests,
        })
    }
}

#[derive(Debug, Parser)]
pub(crate) struct SlackArgs {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The bot's token.
    #[arg(long)]
    token: String,
    /// By which requests are signed.
    #[arg(long)]
    signing_secret: String,
    /// The workspace's id.
    #[arg(long)]
    team: String,
}

impl SlackArgs {
    pub(crate) fn options(self) -> slack::Options {
        slack::Options { port: self.port, token: self.token, signing_secret: self.signing_secret, team: self.team }
    }
}

#[derive(Debug, Parser)]
pub(crate) struct InboxArgs {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Resend's key, and Postmark's server token.
    #[arg(long)]
    token: String,
    /// The domain from which mail may come.
    #[arg(long)]
    domain: String,
    /// The webhook's secret, `whsec_…`.
    #[arg(long)]
    secret: String,
    /// The secret token of Telegram's webhook.
    #[arg(long)]
    telegram_secret: String,
}

impl InboxArgs {
    pub(crate) fn options(self) -> inbox::Options {
        let Self { port, token, domain, secret, telegram_secret } = self;
        inbox::Options { port, token, domain, secret, telegram_secret }
    }
}

#[derive(Debug, Parser)]
pub(crate) struct LoadArgs {
    /// An `http://` URL of this machine, with its path.
    url: String,
    /// Connections, and the most calls at a time.
    #[arg(short, long, default_value_t = 1)]
    concurrency: usize,
    /// Seconds to run, at most 600.
    #[arg(short, long, default_value_t = 10.0)]
    duration: f64,
    /// Stop after so many measured calls.
    #[arg(short = 'n', long, default_value_t = load::MAX_CALLS)]
    calls: u64,
    /// Calls before them that are not measured.
    #[arg(long, default_value_t = 0)]
    warmup: u64,
    /// Calls a second, due at fixed times whatever the target does; latency counts from when a call was due.
    #[arg(long)]
    rate: Option<u32>,
    /// The method.
    #[arg(short = 'X', long, default_value = "POST")]
    method: String,
    /// A header, `name: value`; may be repeated.
    #[arg(short = 'H', long = "header")]
    headers: Vec<String>,
    /// The body; `@file` reads it from a file. Without it a small chat.
    #[arg(short, long)]
    body: Option<String>,
    /// A file with one API key a line, used in turn.
    #[arg(long)]
    keys: Option<PathBuf>,
    /// Asks for streams (sets `stream` in the body) and checks that they end.
    #[arg(long)]
    stream: bool,
    /// Seconds after which a call is given up.
    #[arg(long, default_value_t = 60.0)]
    timeout: f64,
}

const CHAT: &str =
    r#"{"model":"gpt-4o-mini","max_completion_tokens":16,"messages":[{"role":"user","content":"Say something."}]}"#;

impl LoadArgs {
    pub(crate) fn options(self) -> anyhow::Result<load::Options> {
        let keys = match &self.keys {
            None => Vec::new(),
            Some(path) => lines(path)?,
        };
        ensure!(self.keys.is_none() || !keys.is_empty(), "the file of keys has none");
        Ok(load::Options {
            body: self.read_body()?,
            headers: self.headers.iter().map(|line| split_header(line)).collect::<anyhow::Result<_>>()?,
            url: self.url,
            method: self.method,
            keys,
            concurrency: self.concurrency,
            duration: Duration::try_from_secs_f64(self.duration).context("not a duration")?,
            calls: self.calls,
            warmup: self.warmup,
            rate: self.rate,
            stream: self.stream,
            timeout: Duration::try_from_secs_f64(self.timeout).context("not a timeout")?,
        })
    }

    fn read_body(&self) -> anyhow::Result<Bytes> {
        let text = match self.body.as_deref() {
            None if self.method == "POST" => CHAT.to_owned(),
            None => String::new(),
            Some(text) => match text.strip_prefix('@') {
                Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read `{path}`"))?,
                None => text.to_owned(),
            },
        };
        if !self.stream {
            return Ok(text.into());
        }
        let mut body: serde_json::Map<_, _> =
            serde_json::from_str(&text).context("with --stream the body is a JSON object")?;
        body.insert("stream".to_owned(), true.into());
        Ok(serde_json::to_vec(&body)?.into())
    }
}

fn lines(path: &PathBuf) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn split_header(line: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = line.split_once(':').with_context(|| format!("`{line}` is not `name: value`"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
