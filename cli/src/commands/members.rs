//! `alfred members`.

use serde_json::{Value, json};

use crate::api::{body, operations as ops};
use crate::failure::Failure;
use crate::output::views;
use crate::session::{Session, text};

/// Members.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List them
    #[command(after_help = "Examples:\n  alfred members list\n  alfred members list --team Vision --json")]
    List {
        /// Only this team's
        #[arg(long)]
        team: Option<String>,
    },
    /// Show one and where they stand
    #[command(after_help = "Example:\n  alfred members show alan@acme.example")]
    Show {
        /// Name, path, e-mail address or id
        member: String,
    },
    /// Make one
    #[command(after_help = "Example:\n  alfred members add alan --team Vision --email alan@acme.example")]
    Add(New),
    /// Stop their keys for now; keys and credits stay
    #[command(after_help = "Example:\n  alfred members suspend Research/Vision/alan")]
    Suspend {
        /// Name, path, e-mail address or id
        member: String,
    },
    /// Let their keys work again
    #[command(after_help = "Example:\n  alfred members activate Research/Vision/alan")]
    Activate {
        /// Name, path, e-mail address or id
        member: String,
    },
}

/// A new member.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// Their name
    name: String,
    /// To which they belong
    #[arg(long)]
    team: String,
    /// Unique in the organization
    #[arg(long)]
    email: Option<String>,
    /// Models that they may use, within the team's; repeatable; all of those if left out
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
}

impl New {
    fn order(&self, team: &str) -> Value {
        body([
            ("team_id", Some(json!(team))),
            ("name", Some(json!(self.name))),
            ("email", self.email.as_ref().map(|email| json!(email))),
            ("models", Some(json!(self.models)).filter(|_| !self.models.is_empty())),
        ])
    }
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    let directory = session.directory()?;
    match command {
        Command::List { team } => {
            let id = team.as_ref().map(|name| directory.team(name)).transpose()?;
            let members = session.api.list(ops::LIST_MEMBERS, &[], &[("team_id", id)], None)?;
            if session.json {
                return Ok(session.rows(&views::MEMBER, members));
            }
            let paths = directory.paths();
            let named = members.into_iter().map(|member| paths.put(member, &["team_id"])).collect();
            Ok(session.rows(&views::MEMBER, named))
        }
        Command::Show { member } => {
            let member = session.api.call(ops::GET_MEMBER, &[&directory.member(member)?.0])?;
            let member = if session.json { member } else { directory.paths().put(member, &["team_id"]) };
            Ok(session.card(&views::MEMBER_DETAIL, &member))
        }
        Command::Add(new) => {
            let team = directory.team(&new.team)?;
            let made = session.api.order(ops::CREATE_MEMBER, &[], &new.order(&team))?;
            Ok(session.done(&made, || format!("made the member {} ({})", new.name, text(&made, "/id"))))
        }
        Command::Suspend { member } => change(session, &directory.member(member)?.0, "suspended"),
        Command::Activate { member } => change(session, &directory.member(member)?.0, "active"),
    }
}

fn change(session: &Session, id: &str, status: &str) -> Result<String, Failure> {
    let changed = session.api.order(ops::CHANGE_MEMBER, &[id], &status_change(status))?;
    Ok(session.done(&changed, || format!("{} ({id}) is {status}", text(&changed, "/name"))))
}

fn status_change(status: &str) -> Value {
    json!({ "status": status })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn what_is_sent() {
        let team = "team_01h2xcejqtf2nbrexx3vqjhp41";
        let mut new = New { name: "alan".into(), team: "Vision".into(), email: None, models: Vec::new() };
        document::accepts(ops::CREATE_MEMBER, &new.order(team));
        (new.email, new.models) = (Some("alan@acme.example".into()), vec!["demo-*".into()]);
        document::accepts(ops::CREATE_MEMBER, &new.order(team));
        for status in ["active", "suspended"] {
            document::accepts(ops::CHANGE_MEMBER, &status_change(status));
        }
    }
}
