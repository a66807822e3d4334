//! `alfred keys`.

use serde_json::{Value, json};

use crate::api::{body, operations as ops};
use crate::apply::state::ServiceAccount;
use crate::directory::Directory;
use crate::failure::Failure;
use crate::output::views;
use crate::session::{Session, text};

/// Keys of members and of service accounts. A secret is shown once, when it is made.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List them
    #[command(after_help = "Examples:
  alfred keys list
  alfred keys list --member Research/Vision/alan
  alfred keys list --service-account deploy")]
    List(Whose),
    /// Make one
    #[command(after_help = "Examples:
  alfred keys create laptop --member Research/Vision/alan
  export OPENAI_API_KEY=$(alfred keys create laptop --member alan --quiet)
  alfred keys create ci --service-account deploy --scope list_teams --scope create_member --quiet")]
    Create(New),
    /// Let one work no more
    #[command(after_help = "Example:\n  alfred keys revoke key_01h2xcejqtf2nbrexx3vqjhp41")]
    Revoke {
        /// Its id
        #[arg(value_name = "KEY_ID")]
        id: String,
    },
    /// Put another secret in the place of a member's key
    #[command(after_help = "Example:\n  alfred keys rotate key_01h2xcejqtf2nbrexx3vqjhp41 --grace 3600 --quiet")]
    Rotate {
        /// Its id
        #[arg(value_name = "KEY_ID")]
        id: String,
        /// For so many seconds the old secret works, too
        #[arg(long, value_name = "SECONDS")]
        grace: Option<u32>,
        /// Only the secret, on a line of its own
        #[arg(long, short)]
        quiet: bool,
    },
}

/// Whose keys are meant.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(crate) struct Whose {
    /// All of a team
    #[arg(long)]
    team: Option<String>,
    /// A member's
    #[arg(long)]
    member: Option<String>,
    /// A service account's, by its name or id
    #[arg(long)]
    service_account: Option<String>,
}

/// A new key.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("owner").required(true).args(["member", "service_account"]))]
pub(crate) struct New {
    /// What it is for
    name: String,
    /// Whose it is
    #[arg(long)]
    member: Option<String>,
    /// Or which service account's, by its name or id
    #[arg(long)]
    service_account: Option<String>,
    /// When it stops working: a day or a time
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// Models that it may be used for, of a member's key; repeatable
    #[arg(long = "model", value_name = "MODEL", conflicts_with = "service_account")]
    models: Vec<String>,
    /// Networks that it may be used from, of a member's key; repeatable
    #[arg(long = "address", value_name = "NETWORK", conflicts_with = "service_account")]
    addresses: Vec<String>,
    /// Actions that it may be used for, of a service account's key; repeatable
    #[arg(long = "scope", value_name = "ACTION", conflicts_with = "member")]
    scopes: Vec<String>,
    /// Only the secret, on a line of its own
    #[arg(long, short)]
    quiet: bool,
}

fn some(list: &[String]) -> Option<Value> {
    Some(json!(list)).filter(|_| !list.is_empty())
}

impl New {
    fn order(&self, member: &str, expires: Option<&String>) -> Value {
        body([
            ("member_id", Some(json!(member))),
            ("name", Some(json!(self.name))),
            ("expires_at", expires.map(|time| json!(time))),
            ("models", some(&self.models)),
            ("addresses", some(&self.addresses)),
        ])
    }

    fn service_order(&self, expires: Option<&String>) -> Value {
        body([
            ("name", Some(json!(self.name))),
            ("expires_at", expires.map(|time| json!(time))),
            ("scopes", some(&self.scopes)),
        ])
    }
}

fn rotation(grace: Option<u32>) -> Value {
    body([("grace_seconds", grace.map(|grace| json!(grace)))])
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    match command {
        Command::List(whose) => list(whose, session),
        Command::Create(new) => create(new, session),
        Command::Revoke { id: key } => {
            let revoked = if key.starts_with("skey_") {
                let account = account_of(session, key)?.id.to_string();
                session.api.call(ops::REVOKE_SERVICE_KEY, &[&account, key])?
            } else {
                session.api.call(ops::REVOKE_KEY, &[&team_of(session, key)?, key])?
            };
            Ok(session.done(&revoked, || format!("{key} works no more")))
        }
        Command::Rotate { id: key, grace, quiet } => {
            let team = team_of(session, key)?;
            let rotated = session.api.order(ops::ROTATE_KEY, &[&team, key], &rotation(*grace))?;
            Ok(secret(session, &rotated, *quiet))
        }
    }
}

fn list(whose: &Whose, session: &Session) -> Result<String, Failure> {
    if let Some(name) = &whose.service_account {
        let account = account(session, name)?;
        let accounts = session.api.list(ops::LIST_SERVICE_ACCOUNTS, &[], &[], None)?;
        let own = accounts.into_iter().find(|other| text(other, "/id") == account.id.to_string());
        let keys = own.and_then(|own| own.get("keys").and_then(Value::as_array).cloned()).unwrap_or_default();
        return Ok(session.rows(&views::SERVICE_KEY, keys));
    }
    let directory = session.directory()?;
    let (member, teams) = match (&whose.member, &whose.team) {
        (Some(member), _) => directory.member(member).map(|(member, team)| (Some(member), vec![team]))?,
        (None, Some(team)) => (None, vec![directory.team(team)?]),
        (None, None) => (None, directory.teams.iter().map(|team| team.id.to_string()).collect()),
    };
    let mut keys = Vec::new();
    for team in &teams {
        keys.extend(session.api.list(ops::LIST_KEYS, &[team], &[("member_id", member.clone())], None)?);
    }
    if !session.json {
        keys = named(&directory, keys);
    }
    Ok(session.rows(&views::KEY, keys))
}

fn named(directory: &Directory, keys: Vec<Value>) -> Vec<Value> {
    let paths = directory.paths();
    keys.into_iter().map(|key| paths.put(key, &["member_id", "team_id"])).collect()
}

fn create(new: &New, session: &Session) -> Result<String, Failure> {
    let expires = session.moment(new.expires.as_ref())?;
    let made = match (&new.member, &new.service_account) {
        (Some(member), _) => {
            let (member, team) = session.directory()?.member(member)?;
            session.api.order(ops::CREATE_KEY, &[&team], &new.order(&member, expires.as_ref()))?
        }
        (None, Some(name)) => {
            let account = account(session, name)?.id.to_string();
            session.api.order(ops::CREATE_SERVICE_KEY, &[&account], &new.service_order(expires.as_ref()))?
        }
        (None, None) => return Err(Failure::Usage("whose key? give --member or --service-account".to_owned())),
    };
    Ok(secret(session, &made, new.quiet))
}

/// The secret, this once.
fn secret(session: &Session, key: &Value, quiet: bool) -> String {
    let secret = text(key, "/secret");
    match (session.json, quiet) {
        (true, _) => session.document(key),
        (false, true) => format!("{secret}\n"),
        (false, false) => {
            format!("{} ({}); nobody can show its secret again:\n{secret}\n", text(key, "/name"), text(key, "/id"))
        }
    }
}

/// Keys are kept by the team: every team is asked for its own.
fn team_of(session: &Session, key: &str) -> Result<String, Failure> {
    for team in session.directory()?.teams {
        let team = team.id.to_string();
        let keys = session.api.list(ops::LIST_KEYS, &[&team], &[], None)?;
        if keys.iter().any(|other| text(other, "/id") == key) {
            return Ok(team);
        }
    }
    Err(Failure::Here(format!("there is no key `{key}`, or you cannot see it: `alfred keys list` shows their ids")))
}

fn account(session: &Session, name: &str) -> Result<ServiceAccount, Failure> {
    let mut accounts = session.api.all::<ServiceAccount>(ops::LIST_SERVICE_ACCOUNTS, &[])?.into_iter();
    let found = accounts.find(|account| account.name == name || account.id.to_string() == name);
    found.ok_or_else(|| Failure::Here(format!("there is no service account `{name}`")))
}

fn account_of(session: &Session, key: &str) -> Result<ServiceAccount, Failure> {
    let mut accounts = session.api.all::<ServiceAccount>(ops::LIST_SERVICE_ACCOUNTS, &[])?.into_iter();
    let found = accounts.find(|account| account.keys.iter().any(|other| other.id.to_string() == key));
    found.ok_or_else(|| Failure::Here(format!("no service account has a key `{key}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn what_is_sent() {
        let mut new = New {
            name: "laptop".into(),
            member: None,
            service_account: None,
            expires: None,
            models: Vec::new(),
            addresses: Vec::new(),
            scopes: Vec::new(),
            quiet: false,
        };
        let member = "mem_01h2xcejqtf2nbrexx3vqjhp41";
        let expires = Some("2027-01-01T00:00:00Z".to_owned());
        for _ in 0..2 {
            document::accepts(ops::CREATE_KEY, &new.order(member, expires.as_ref()));
            document::accepts(ops::CREATE_SERVICE_KEY, &new.service_order(expires.as_ref()));
            new.models = vec!["demo-*".into()];
            new.addresses = vec!["10.0.0.0/8".into()];
            new.scopes = vec!["list_teams".into()];
        }
        document::accepts(ops::ROTATE_KEY, &rotation(None));
        document::accepts(ops::ROTATE_KEY, &rotation(Some(60)));
    }
}
