//! `alfred grants`.

use serde_json::{Value, json};

use crate::api::{body, operations as ops};
use crate::apply::state::{Organization, ServiceAccount};
use crate::failure::Failure;
use crate::output::views;
use crate::session::{Session, text};

/// Roles: who has which, where, and until when.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List them
    #[command(after_help = "Example:\n  alfred grants list")]
    List,
    /// Give somebody a role
    #[command(after_help = "Examples:
  alfred grants add ada team_manager Research/Compilers
  alfred grants add deploy organization_admin organization --until 2027-01-01 --only create_team,create_member")]
    Add(New),
    /// Take a role back
    #[command(after_help = "Example:\n  alfred grants revoke grant_01h2xcejqtf2nbrexx3vqjhp41")]
    Revoke {
        /// Its id
        grant: String,
    },
}

/// A new grant.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// A member or a service account
    to: String,
    /// organization_admin, finance, auditor, department_manager or team_manager
    role: String,
    /// `organization`, a department or a team: the role holds there and below
    on: String,
    /// Until this day or time; for good if left out
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only these actions of the role, with commas
    #[arg(long, value_delimiter = ',', value_name = "ACTIONS")]
    only: Vec<String>,
}

impl New {
    fn order(&self, to: &str, on: &str, until: Option<&String>) -> Value {
        body([
            ("to", Some(json!(to))),
            ("role", Some(json!(self.role))),
            ("on", Some(json!(on))),
            ("until", until.map(|until| json!(until))),
            ("only", Some(json!(self.only)).filter(|_| !self.only.is_empty())),
        ])
    }
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    match command {
        Command::List => {
            let mut grants = session.api.list(ops::LIST_GRANTS, &[], &[], None)?;
            if !session.json {
                let paths = session.directory()?.paths();
                grants = grants.into_iter().map(|grant| paths.put(grant, &["to", "on", "lender"])).collect();
            }
            Ok(session.rows(&views::GRANT, grants))
        }
        Command::Add(new) => {
            let directory = session.directory()?;
            let to = match directory.member(&new.to) {
                Ok((member, _)) => member,
                Err(failure) => {
                    let mut accounts = session.api.all::<ServiceAccount>(ops::LIST_SERVICE_ACCOUNTS, &[])?.into_iter();
                    let found = accounts.find(|account| account.name == new.to || account.id.to_string() == new.to);
                    found.ok_or(failure)?.id.to_string()
                }
            };
            let on = match new.on.as_str() {
                "organization" => {
                    let organization = session.api.call(ops::GET_ORGANIZATION, &[])?;
                    session.api.read::<Organization>(ops::GET_ORGANIZATION, organization)?.id.to_string()
                }
                other => directory.branch(other)?,
            };
            let until = session.moment(new.until.as_ref())?;
            let made = session.api.order(ops::CREATE_GRANT, &[], &new.order(&to, &on, until.as_ref()))?;
            Ok(session.done(&made, || format!("{} is {} on {} ({})", new.to, new.role, new.on, text(&made, "/id"))))
        }
        Command::Revoke { grant } => {
            let revoked = session.api.call(ops::REVOKE_GRANT, &[grant])?;
            Ok(session.done(&revoked, || format!("took {grant} back")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn what_is_sent() {
        let mut new = New {
            to: "ada".into(),
            role: "team_manager".into(),
            on: "Compilers".into(),
            until: None,
            only: Vec::new(),
        };
        let (to, on) = ("mem_01h2xcejqtf2nbrexx3vqjhp41", "team_01h2xcejqtf2nbrexx3vqjhp41");
        document::accepts(ops::CREATE_GRANT, &new.order(to, on, None));
        new.only = vec!["create_key".into()];
        document::accepts(ops::CREATE_GRANT, &new.order(to, on, Some(&"2027-01-01T00:00:00Z".to_owned())));
    }
}
