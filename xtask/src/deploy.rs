//! `cargo xtask deploy`.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::Deserialize;

use crate::support::edge::{self, Profile};
use crate::support::tools::node;
use crate::support::wrangler_toml::{Environment, WranglerToml};
use crate::support::{console, process, workspace};

/// The secrets that a deployment must have. Locally, xtask/node/secrets.mjs
/// makes them.
const SECRETS: [&str; 2] = ["OPERATOR_KEY", "MASTER_SECRET"];

/// Build, check, migrate and deploy to Cloudflare.
///
/// Checks everything first and says exactly what to do about what is missing,
/// before anything is changed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to.
    #[arg(long)]
    env: Target,
    /// Build and check what can be checked here, but change nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    Staging,
    Production,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// Runs the chore.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let target = arguments.env.name();
    let config = WranglerToml::read()?;
    let environment = config.environment(target)?;
    let wrangler = Wrangler::ensure(target)?;

    if arguments.dry_run {
        for line in placeholders(environment, target) {
            console::note(&format!("still to do: {line}"));
        }
        edge::build(Profile::Release)?;
        process::run(wrangler.command(&["deploy", "--dry-run"]).args(["--outdir", "build/dry-run"]))?;
        return Ok(());
    }
    check(environment, &wrangler)?;
    edge::build(Profile::Release)?;
    for database in environment.databases() {
        console::step(&format!("migrating {}", database.database_name), || {
            process::run(&mut wrangler.command(&["d1", "migrations", "apply", &database.database_name, "--remote"]))
        })?;
    }
    console::step(&format!("deploying to {target}"), || process::run(&mut wrangler.command(&["deploy"])))
}

/// Everything that must be in place before the first change is made.
fn check(environment: &Environment, wrangler: &Wrangler) -> Result<()> {
    console::step("checking the account", || {
        let mut to_do = Vec::new();
        let is_logged_in = process::run_quietly(&mut wrangler.plain(&["whoami", "--json"])).is_ok();
        if !is_logged_in {
            to_do.push("npx wrangler login   # or set CLOUDFLARE_API_TOKEN".to_owned());
        }
        to_do.extend(placeholders(environment, wrangler.target));
        if is_logged_in {
            to_do.extend(missing_queues(environment, wrangler)?);
            to_do.extend(missing_secrets(wrangler)?);
        }
        if to_do.is_empty() {
            return Ok(());
        }
        bail!("{} is not ready. Do this first, then deploy again:\n  {}", wrangler.target, to_do.join("\n  "))
    })
}

fn placeholders(environment: &Environment, target: &str) -> Vec<String> {
    let databases = environment.databases_to_create();
    let line = |name: &str| {
        format!("npx wrangler d1 create {name}   # then put its id into wrangler.toml, [[env.{target}.d1_databases]]")
    };
    databases.map(|database| line(&database.database_name)).collect()
}

fn missing_queues(environment: &Environment, wrangler: &Wrangler) -> Result<Vec<String>> {
    let listed = process::output(&mut wrangler.plain(&["queues", "list"])).context("cannot list the queues")?;
    let exists = |name: &str| listed.split(|c: char| c.is_whitespace() || c == '│').any(|word| word == name);
    let missing = environment.queues().into_iter().filter(|name| !exists(name));
    Ok(missing.map(|name| format!("npx wrangler queues create {name}")).collect())
}

fn missing_secrets(wrangler: &Wrangler) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Secret {
        name: String,
    }
    // Before the first deployment there is no worker and the list fails: then
    // all are missing.
    let listed = process::output(&mut wrangler.command(&["secret", "list", "--format", "json"])).unwrap_or_default();
    let set: Vec<Secret> = serde_json::from_str(&listed).unwrap_or_default();
    let missing = SECRETS.iter().filter(|&&name| !set.iter().any(|secret| secret.name == name));
    let line = |name: &str| {
        format!("openssl rand -base64 32 | npx wrangler secret put {name} --env {}   # keep a copy", wrangler.target)
    };
    Ok(missing.map(|name| line(name)).collect())
}

/// wrangler, for one environment.
struct Wrangler {
    program: std::path::PathBuf,
    target: &'static str,
}

impl Wrangler {
    fn ensure(target: &'static str) -> Result<Self> {
        Ok(Self { program: node::packages()?.program("wrangler"), target })
    }

    /// A command that is about the environment.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.plain(arguments);
        command.args(["--env", self.target]);
        command
    }

    /// A command that is about the account.
    fn plain(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(workspace::root());
        command.env("WRANGLER_SEND_METRICS", "false").env("WRANGLER_SEND_ERROR_REPORTS", "false");
        command
    }
}
