//! The command line.

use clap::{Parser, Subcommand};

use crate::Done;
use crate::commands::{
    allot, apply, approvals, audit, away, balance, boosts, completions, departments, export, grants, journal, keys,
    limits, login, logout, members, permissions, policies, requests, send, teams, transfers, usage, watch, whoami,
};
use crate::failure::Failure;
use crate::session::Session;

/// Credits for AI, managed from the command line.
///
/// Log in once, or give --url and --key (or ALFRED_URL and ALFRED_API_KEY) with every command. Departments, teams and
/// members are named by their names, by paths like `Research/Vision/alan`, or by their ids.
#[derive(Parser)]
#[command(
    name = "alfred",
    version,
    after_help = "Examples:
  alfred login --url https://alfred.example.com
  alfred balance Research/Vision
  alfred allot Research Vision 250000 --note 'for the demo'
  alfred usage --by team,model --interval day --from 2026-11-01
  alfred export > alfred.toml && alfred apply -f alfred.toml --dry-run

Exit codes: 0 done, 1 refused or failed, 2 the command line is wrong, 3 `apply --exit-code` would change something."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Globals {
    /// Where Alfred listens, like http://127.0.0.1:8787
    #[arg(long, global = true, env = "ALFRED_URL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) url: Option<String>,
    /// The key; other users of this machine can see a command line, so prefer `login` or the environment
    #[arg(long, global = true, env = "ALFRED_API_KEY", hide_env_values = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) key: Option<String>,
    /// Which login to use
    #[arg(long, global = true, env = "ALFRED_PROFILE", default_value = "default")]
    pub(crate) profile: String,
    /// With an operator's key: the id of the organization that is meant
    #[arg(long, global = true, env = "ALFRED_ORGANIZATION", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) organization: Option<String>,
    /// The API's own JSON, one document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Times in UTC, not in the local zone
    #[arg(long, global = true)]
    pub(crate) utc: bool,
}

#[derive(Subcommand)]
enum Command {
    Login(login::Arguments),
    Logout(logout::Arguments),
    Whoami(whoami::Arguments),
    Balance(balance::Arguments),
    Allot(allot::Arguments),
    Send(send::Arguments),
    #[command(subcommand)]
    Transfers(transfers::Command),
    #[command(subcommand)]
    Approvals(approvals::Command),
    #[command(subcommand)]
    Boosts(boosts::Command),
    #[command(subcommand)]
    Away(away::Command),
    #[command(subcommand)]
    Departments(departments::Command),
    #[command(subcommand)]
    Teams(teams::Command),
    #[command(subcommand)]
    Members(members::Command),
    #[command(subcommand)]
    Keys(keys::Command),
    #[command(subcommand)]
    Limits(limits::Command),
    Usage(usage::Arguments),
    Requests(requests::Arguments),
    Journal(journal::Arguments),
    #[command(subcommand)]
    Grants(grants::Command),
    #[command(subcommand)]
    Policies(policies::Command),
    Permissions(permissions::Arguments),
    Audit(audit::Arguments),
    Watch(watch::Arguments),
    Apply(apply::Arguments),
    Export(export::Arguments),
    Completions(completions::Arguments),
}

impl Arguments {
    /// Does what was asked.
    pub(crate) fn run(&self) -> Result<Done, Failure> {
        let session = || Session::open(&self.globals);
        match &self.command {
            Command::Login(arguments) => login::run(arguments, &self.globals).map(Done::from),
            Command::Logout(arguments) => logout::run(arguments, &self.globals).map(Done::from),
            Command::Completions(arguments) => completions::run(arguments).map(Done::from),
            Command::Apply(arguments) => apply::run(arguments, &self.globals),
            Command::Whoami(arguments) => whoami::run(arguments, &session()?).map(Done::from),
            Command::Balance(arguments) => balance::run(arguments, &session()?).map(Done::from),
            Command::Allot(arguments) => allot::run(arguments, &session()?).map(Done::from),
            Command::Send(arguments) => send::run(arguments, &session()?).map(Done::from),
            Command::Transfers(command) => transfers::run(command, &session()?).map(Done::from),
            Command::Approvals(command) => approvals::run(command, &session()?).map(Done::from),
            Command::Boosts(command) => boosts::run(command, &session()?).map(Done::from),
            Command::Away(command) => away::run(command, &session()?).map(Done::from),
            Command::Departments(command) => departments::run(command, &session()?).map(Done::from),
            Command::Teams(command) => teams::run(command, &session()?).map(Done::from),
            Command::Members(command) => members::run(command, &session()?).map(Done::from),
            Command::Keys(command) => keys::run(command, &session()?).map(Done::from),
            Command::Limits(command) => limits::run(command, &session()?).map(Done::from),
            Command::Usage(arguments) => usage::run(arguments, &session()?).map(Done::from),
            Command::Requests(arguments) => requests::run(arguments, &session()?).map(Done::from),
            Command::Journal(arguments) => journal::run(arguments, &session()?).map(Done::from),
            Command::Grants(command) => grants::run(command, &session()?).map(Done::from),
            Command::Policies(command) => policies::run(command, &session()?).map(Done::from),
            Command::Permissions(arguments) => permissions::run(arguments, &session()?).map(Done::from),
            Command::Audit(arguments) => audit::run(arguments, &session()?).map(Done::from),
            Command::Watch(arguments) => watch::run(arguments, &session()?).map(Done::from),
            Command::Export(arguments) => export::run(arguments, &session()?).map(Done::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_command_has_an_example() {
        let mut command = Arguments::command();
        command.build();
        command.clone().debug_assert();
        check(&command, "alfred");
    }

    fn check(command: &clap::Command, path: &str) {
        let commands: Vec<_> = command.get_subcommands().filter(|one| one.get_name() != "help").collect();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(!commands.is_empty() || help.contains("alfred "), "`{path} --help` has no example");
        assert!(command.get_about().is_some(), "`{path} --help` says nothing");
        // An argument of the same name would take the place of the one for everywhere, and a key's id that of the key.
        for global in ["url", "key", "profile", "organization", "json", "utc"] {
            let argument = command.get_arguments().find(|argument| argument.get_id() == global);
            assert_eq!(argument.and_then(|argument| argument.get_long()), Some(global), "{path}");
        }
        for command in commands {
            check(command, &format!("{path} {}", command.get_name()));
        }
    }
}
