//! `cargo xtask deploy`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::Deserialize;

use crate::support::scripts::wrangler_toml::{Environment, WranglerToml, is_placeholder};
use crate::support::scripts::{self, Profile, Script};
use crate::support::tools::node;
use crate::support::{console, process, workspace};

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
    let configs = Script::ALL.map(|script| Ok((script, WranglerToml::read(script)?)));
    let configs = configs.into_iter().collect::<Result<Vec<_>>>()?;
    let environments = configs.iter().map(|(script, config)| Ok((*script, config.environment(target)?)));
    let environments = environments.collect::<Result<Vec<_>>>()?;
    let wrangler = Wrangler::ensure(target)?;

    if arguments.dry_run {
        for line in databases_to_do(&environments, target) {
            console::note(&format!("still to do: {line}"));
        }
        scripts::build(Profile::Release)?;
        for script in Script::ALL {
            let outdir = workspace::path("build/dry-run").join(script.name());
            let mut command = wrangler.command(script, &["deploy", "--dry-run", "--outdir"]);
            process::run(command.arg(outdir))?;
        }
        return Ok(());
    }
    check(&environments, &wrangler)?;
    scripts::build(Profile::Release)?;
    let mut migrated = BTreeSet::new();
    for (script, environment) in environments {
        for database in environment.databases() {
            let name = &database.database_name;
            if !migrated.insert(name) {
                continue;
            }
            console::step(&format!("migrating {name}"), || {
                process::run(&mut wrangler.command(script, &["d1", "migrations", "apply", name, "--remote"]))
            })?;
        }
        console::step(&format!("deploying {} to {target}", script.name()), || {
            process::run(&mut wrangler.command(script, &["deploy"]))
        })?;
    }
    Ok(())
}

/// Everything that must be in place before the first change is made.
fn check(environments: &[(Script, &Environment)], wrangler: &Wrangler) -> Result<()> {
    console::step("checking the account", || {
        let mut to_do = Vec::new();
        let is_logged_in = process::run_quietly(&mut wrangler.plain(&["whoami", "--json"])).is_ok();
        if !is_logged_in {
            to_do.push("npx wrangler login   # or set CLOUDFLARE_API_TOKEN".to_owned());
        }
        to_do.extend(databases_to_do(environments, wrangler.target));
        if is_logged_in {
            to_do.extend(missing_queues(environments, wrangler)?);
            for (script, _) in environments {
                to_do.extend(missing_secrets(*script, wrangler));
            }
        }
        if to_do.is_empty() {
            return Ok(());
        }
        bail!("{} is not ready. Do this first, then deploy again:\n  {}", wrangler.target, to_do.join("\n  "))
    })
}

/// Databases that are still to be made, and those of which two scripts have
/// different ids.
fn databases_to_do(environments: &[(Script, &Environment)], target: &str) -> Vec<String> {
    let mut found: BTreeMap<&str, (BTreeSet<&str>, Vec<String>)> = BTreeMap::new();
    for (script, environment) in environments {
        for database in environment.databases() {
            let (ids, configs) = found.entry(&database.database_name).or_default();
            ids.insert(&database.database_id);
            configs.push(script.wrangler_toml());
        }
    }
    let line = |(name, (ids, configs)): (&str, (BTreeSet<&str>, Vec<String>))| {
        let configs = configs.join(" and ");
        let place = format!("{configs}, [[env.{target}.d1_databases]]");
        if ids.iter().copied().all(is_placeholder) {
            Some(format!("npx wrangler d1 create {name}   # then put its id into {place}"))
        } else if ids.len() > 1 {
            Some(format!("npx wrangler d1 info {name}   # the same id must stand in {place}"))
        } else {
            None
        }
    };
    found.into_iter().filter_map(line).collect()
}

fn missing_queues(environments: &[(Script, &Environment)], wrangler: &Wrangler) -> Result<Vec<String>> {
    let listed = process::output(&mut wrangler.plain(&["queues", "list"])).context("cannot list the queues")?;
    let exists = |name: &str| listed.split(|c: char| c.is_whitespace() || c == '│').any(|word| word == name);
    let all: BTreeSet<&str> = environments.iter().flat_map(|(_, environment)| environment.queues()).collect();
    let missing = all.into_iter().filter(|name| !exists(name));
    Ok(missing.map(|name| format!("npx wrangler queues create {name}")).collect())
}

fn missing_secrets(script: Script, wrangler: &Wrangler) -> Vec<String> {
    #[derive(Deserialize)]
    struct Secret {
        name: String,
    }
    // Before the first deployment there is no worker and the list fails: then
    // all are missing.
    let mut list = wrangler.command(script, &["secret", "list", "--format", "json"]);
    let listed = process::output(&mut list).unwrap_or_default();
    let set: Vec<Secret> = serde_json::from_str(&listed).unwrap_or_default();
    let missing = script.secrets().iter().filter(|&&name| !set.iter().any(|secret| secret.name == name));
    let (config, target) = (script.wrangler_toml(), wrangler.target);
    // One value of each, in every script that has it.
    missing.map(|name| format!("npx wrangler secret put {name} --config {config} --env {target}   # {HOW}")).collect()
}

/// Where the value of a secret comes from.
const HOW: &str = "openssl rand -base64 32; the same in each script; keep a copy";

/// wrangler, for one environment.
struct Wrangler {
    program: std::path::PathBuf,
    target: &'static str,
}

impl Wrangler {
    fn ensure(target: &'static str) -> Result<Self> {
        Ok(Self { program: node::packages()?.program("wrangler"), target })
    }

    /// A command that is about a script in the environment.
    fn command(&self, script: Script, arguments: &[&str]) -> Command {
        let mut command = self.plain(&["--config", &script.wrangler_toml(), "--env", self.target]);
        command.args(arguments);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn to_do(background: &str, management: &str) -> Vec<String> {
        let config = |id: &str| {
            let text = "name = 'x'\n[[env.staging.d1_databases]]\nbinding = 'DB'\ndatabase_name = 'alfred-staging'\n";
            toml::from_str::<WranglerToml>(&format!(
                "{text}database_id = '{id}'\n[[d1_databases]]\nbinding = 'DB'\ndatabase_name = 'alfred'\ndatabase_id = '0-0'"
            ))
        };
        let (background, management) = (config(background).unwrap(), config(management).unwrap());
        let of = |script, config| (script, WranglerToml::environment(config, "staging").unwrap());
        databases_to_do(&[of(Script::Background, &background), of(Script::Management, &management)], "staging")
    }

    #[test]
    fn a_database_is_made_once_and_named_alike_in_each_script() {
        let both = "workers/background/wrangler.toml and workers/management/wrangler.toml";
        let place = format!("{both}, [[env.staging.d1_databases]]");
        let make = format!("npx wrangler d1 create alfred-staging   # then put its id into {place}");
        assert_eq!(to_do("00-00", "00-00"), [make]);
        let alike = format!("npx wrangler d1 info alfred-staging   # the same id must stand in {place}");
        assert_eq!(to_do("12-ab", "00-00"), std::slice::from_ref(&alike));
        assert_eq!(to_do("12-ab", "12-ac"), [alike]);
        assert_eq!(to_do("12-ab", "12-ab"), Vec::<String>::new());
    }
}
