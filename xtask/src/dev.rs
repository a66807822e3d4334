//! `cargo xtask dev`: everything on this machine, from a fresh clone to a line
//! that can be pasted.

mod state;
mod welcome;

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::seed::{self, DevJson};
use crate::support::scripts::{self, Profile};
use crate::support::tools::node;
use crate::support::{console, process, workspace};
use state::Run;
pub(crate) use state::{Secrets, State};

/// Run Alfred on this machine, with an example organization to play with.
///
/// Builds, migrates, starts and seeds, each only if needed, then serves until
/// Ctrl-C. Everything that lasts is in the state folder. Variables for the
/// worker (provider keys, for example) can be put into .dev.vars, one KEY=VALUE
/// a line.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to listen.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The address to listen on; 0.0.0.0 lets other machines in.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The folder of everything that lasts.
    #[arg(long, default_value = ".alfred")]
    state: State,
    /// Forget the old state first.
    #[arg(long)]
    fresh: bool,
    /// Start without the example organization.
    #[arg(long)]
    no_seed: bool,
    /// Run what would be deployed, not the quicker development build.
    #[arg(long)]
    release: bool,
}

/// How often to look whether the runtime is ready, and how long.
const POLL: Duration = Duration::from_millis(50);
const PATIENCE: u32 = 60 * 20;

/// Runs the chore.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    refuse_taken_port(&arguments.host, arguments.port)?;
    let folder = scripts::build(if arguments.release { Profile::Release } else { Profile::Dev })?;
    let (mut server, run) = console::step("starting the runtime", || {
        let mut server = start(arguments, &folder)?;
        let run = wait_until_ready(&arguments.state, &mut server)?;
        Ok((server, run))
    })?;
    let stdin = Arc::new(Mutex::new(server.stdin.take()));
    // The runtime ends when its standard input does; a terminal's Ctrl-C
    // reaches it directly as well.
    ctrlc::set_handler(move || drop(stdin.lock().unwrap_or_else(PoisonError::into_inner).take()))?;

    let seeded = seed_once(arguments, &run)?;
    welcome::print(&seeded, &arguments.state);
    let status = server.wait()?;
    if status.success() {
        return Ok(());
    }
    bail!("the runtime ended ({status})")
}

fn refuse_taken_port(host: &str, port: u16) -> Result<()> {
    match TcpListener::bind((host, port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(anyhow!("cannot listen on {host}:{port} ({error}): choose another port with --port")),
    }
}

fn start(arguments: &Arguments, folder: &std::path::Path) -> Result<Child> {
    let mut command = node::node();
    command.arg(workspace::path("xtask/node/serve.mjs"));
    command.arg("--build").arg(folder).arg("--state").arg(arguments.state.folder());
    command.args(["--host", &arguments.host, "--port", &arguments.port.to_string()]);
    if arguments.fresh {
        command.arg("--fresh");
    }
    process::spawn(command.stdin(Stdio::piped()))
}

fn wait_until_ready(state: &State, server: &mut Child) -> Result<Run> {
    for _ in 0..PATIENCE {
        if let Some(status) = server.try_wait()? {
            bail!("the runtime did not start ({status}); the reason is above");
        }
        if let Some(run) = state.run()?.filter(|run| run.pid == server.id()) {
            return Ok(run);
        }
        thread::sleep(POLL);
    }
    server.kill().context("cannot end the runtime")?;
    bail!("the runtime was not ready after {} s", (POLL * PATIENCE).as_secs())
}

/// Seeds a state once; a later run only notes where it listens now.
fn seed_once(arguments: &Arguments, run: &Run) -> Result<DevJson> {
    let operator_key = arguments.state.operator_key()?;
    let seeded = match arguments.state.dev_json()? {
        Some(known) => DevJson { base_url: run.base_url.clone(), ..known },
        None if arguments.no_seed => {
            return Ok(DevJson { base_url: run.base_url.clone(), operator_key, ..DevJson::default() });
        }
        None => console::step("seeding the example organization", || seed::run(&run.base_url, &operator_key))?,
    };
    arguments.state.write_dev_json(&seeded)?;
    let added = seed::add_real(&seeded)?;
    if !added.is_empty() {
        println!("  added from .dev.vars: {}", added.join(", "));
    }
    Ok(seeded)
}
