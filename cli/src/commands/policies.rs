//! `alfred policies`.

use std::fs;
use std::io::Read as _;

use serde_json::{Value, json};

use crate::api::{body, operations as ops};
use crate::apply::state::Policy;
use crate::failure::Failure;
use crate::output::{plain, views};
use crate::session::{Session, text};

/// The organization's own policies.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List them
    #[command(after_help = "Example:\n  alfred policies list")]
    List,
    /// Show one, in Cedar
    #[command(after_help = "Example:\n  alfred policies show 'Large allotments'")]
    Show {
        /// Its name or id
        policy: String,
    },
    /// Make one, or put it in the place of the one of that name
    #[command(after_help = "Examples:
  alfred policies put 'No robots' --cedar no-robots.cedar --mode shadow
  alfred policies put 'Large allotments' --setting '{\"kind\": \"allotments\", \"most\": \"1000000\"}'")]
    Put(Put),
    /// Remove one
    #[command(after_help = "Example:\n  alfred policies remove 'No robots'")]
    Remove {
        /// Its name or id
        policy: String,
    },
}

/// A policy as it shall be.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["cedar", "setting"]))]
pub(crate) struct Put {
    /// Unique in the organization
    name: String,
    /// A file in Cedar; `-` for standard input
    #[arg(long, value_name = "FILE")]
    cedar: Option<String>,
    /// A setting, in JSON
    #[arg(long, value_name = "JSON")]
    setting: Option<String>,
    /// In shadow mode it is evaluated and does not decide
    #[arg(long, default_value = "enforce", value_parser = ["enforce", "shadow"])]
    mode: String,
}

fn order(put: &Put, cedar: Option<String>, setting: Option<Value>, version: Option<u32>) -> Value {
    body([
        ("name", Some(json!(put.name))),
        ("cedar", cedar.map(|cedar| json!(cedar))),
        ("setting", setting),
        ("mode", Some(json!(put.mode))),
        ("version", version.map(|version| json!(version))),
    ])
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    match command {
        Command::List => Ok(session.rows(&views::POLICY, session.api.list(ops::LIST_POLICIES, &[], &[], None)?)),
        Command::Show { policy } => {
            let policies = session.api.list(ops::LIST_POLICIES, &[], &[], None)?;
            let named = |other: &&Value| text(other, "/name") == policy || text(other, "/id") == policy;
            let found = policies.iter().find(named).ok_or_else(|| missing(policy))?;
            if session.json {
                return Ok(session.document(found));
            }
            let cedar: Vec<String> = text(found, "/cedar").lines().map(plain).collect();
            Ok(format!("{}\n{}\n", session.card(&views::POLICY, found), cedar.join("\n")))
        }
        Command::Put(put) => {
            let cedar = put.cedar.as_deref().map(read).transpose()?;
            let setting = put.setting.as_deref().map(|setting| {
                serde_json::from_str(setting)
                    .map_err(|error| Failure::Usage(format!("the setting is no JSON: {error}")))
            });
            let setting: Option<Value> = setting.transpose()?;
            let there = find(session, &put.name)?;
            let order = order(put, cedar, setting, there.as_ref().map(|policy| policy.version));
            let answer = match there {
                Some(policy) => session.api.order(ops::CHANGE_POLICY, &[&policy.id.to_string()], &order)?,
                None => session.api.order(ops::CREATE_POLICY, &[], &order)?,
            };
            Ok(session.done(&answer, || format!("{} ({}) holds from now on", put.name, text(&answer, "/id"))))
        }
        Command::Remove { policy } => {
            let found = find(session, policy)?.ok_or_else(|| missing(policy))?;
            let removed = session.api.call(ops::REMOVE_POLICY, &[&found.id.to_string()])?;
            Ok(session.done(&removed, || format!("removed {}", found.name)))
        }
    }
}

fn find(session: &Session, policy: &str) -> Result<Option<Policy>, Failure> {
    let mut policies = session.api.all::<Policy>(ops::LIST_POLICIES, &[])?.into_iter();
    Ok(policies.find(|other| other.name == policy || other.id.to_string() == policy))
}

fn missing(policy: &str) -> Failure {
    Failure::Here(format!("there is no policy `{policy}`"))
}

fn read(path: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match path {
        "-" => std::io::stdin().read_to_string(&mut text).map(|_| text),
        path => fs::read_to_string(path),
    };
    read.map_err(|error| Failure::Here(format!("cannot read {path}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn what_is_sent() {
        let put = Put { name: "x".into(), cedar: None, setting: None, mode: "shadow".into() };
        document::accepts(ops::CREATE_POLICY, &order(&put, Some("permit (…);".into()), None, None));
        let setting = json!({ "kind": "absence_sharing", "allowed": false });
        document::accepts(ops::CHANGE_POLICY, &order(&put, None, Some(setting), Some(3)));
    }
}
