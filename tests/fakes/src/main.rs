//! `fakes provider` and `fakes load`: the library from the command line.

mod args;

use std::io::Write as _;

use anyhow::Context;
use clap::Parser;

use args::{Args, Command};

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut runtime = match args.threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if args.threads > 1 {
        runtime.worker_threads(args.threads);
    }
    let runtime = runtime.enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        match args.command {
            Command::Provider(provider) => {
                let running = fakes::provider::spawn(provider.options()?).await?;
                say(&serde_json::json!({"port": running.addr.port()}))?;
                running.wait().await;
            }
            Command::Slack(slack) => {
                let running = fakes::slack::spawn(slack.options()).await?;
                say(&serde_json::json!({"port": running.addr.port()}))?;
                running.wait().await;
            }
            Command::Inbox(inbox) => {
                let running = fakes::inbox::spawn(inbox.options()).await?;
                say(&serde_json::json!({"port": running.addr.port()}))?;
                running.wait().await;
            }
            Command::Load(load) => {
                let report = fakes::load::run(load.options()?).await?;
                say(&serde_json::to_value(report)?)?;
            }
        }
        Ok(())
    })
}

/// One line of JSON that whoever started us reads.
fn say(value: &serde_json::Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}").and_then(|()| out.flush()).context("nobody reads what we say")
}
