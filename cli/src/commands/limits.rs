//! `alfred limits`.

use limits::{LimitAmount, Unit};
use serde_json::{Value, json};

use crate::api::{body, operations as ops};
use crate::directory::Directory;
use crate::failure::Failure;
use crate::output::views;
use crate::session::{Session, text};

/// Limits on teams, members and keys.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List them and where they stand
    #[command(after_help = "Examples:\n  alfred limits list\n  alfred limits list --team Vision --json")]
    List {
        /// Only of this team
        #[arg(long, conflicts_with = "member")]
        team: Option<String>,
        /// Only on this member
        #[arg(long)]
        member: Option<String>,
    },
    /// Set one, or change the amount of the one that is there
    #[command(after_help = "Examples:
  alfred limits set --team Vision --window month --unit credits 1000000
  alfred limits set --member alan --window minute --unit requests 60")]
    Set(Set),
    /// Remove one
    #[command(after_help = "Example:\n  alfred limits remove lim_01h2xcejqtf2nbrexx3vqjhp41")]
    Remove {
        /// Its id
        limit: String,
    },
}

/// A limit as it shall be.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("subject").required(true).multiple(true).args(["team", "member", "limited_key"]))]
pub(crate) struct Set {
    /// On all calls of this team; with --limited-key, whose key it is
    #[arg(long, conflicts_with = "member")]
    team: Option<String>,
    /// On all calls of this member
    #[arg(long)]
    member: Option<String>,
    /// On all calls by this key, by its id
    #[arg(long, requires = "team", value_name = "KEY_ID")]
    limited_key: Option<String>,
    /// In which it counts
    #[arg(long, value_parser = ["minute", "hour", "day", "week", "month", "quarter", "total"])]
    window: String,
    /// What it counts
    #[arg(long, value_parser = ["credits", "tokens", "requests"])]
    unit: String,
    /// A cap on spending or a rate limit; tokens or requests per minute are a rate limit if left out
    #[arg(long, value_parser = ["cap", "rate"])]
    kind: Option<String>,
    /// Credits like 12.5, or a whole number of tokens or requests
    amount: String,
}

impl Set {
    fn subject(&self, id: Option<&str>) -> Value {
        match (&self.limited_key, id) {
            (Some(key), _) => json!({ "type": "key", "id": key }),
            (None, Some(member)) => json!({ "type": "member", "id": member }),
            (None, None) => json!({ "type": "team" }),
        }
    }

    /// The limit, checked.
    fn limit(&self) -> Result<limits::Limit, Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
        let unit: Unit = serde_json::from_value(json!(self.unit)).map_err(|error| wrong(&error))?;
        let amount = match unit {
            Unit::Credits => LimitAmount::Credits(self.amount.parse().map_err(|error| wrong(&error))?),
            Unit::Tokens | Unit::Requests => {
                let count = self.amount.parse();
                LimitAmount::Count(count.map_err(|_| wrong(&format!("`{}` is no whole number", self.amount)))?)
            }
        };
        let fields = [
            ("kind", self.kind.as_ref().map(|kind| json!(kind))),
            ("window", Some(json!(self.window))),
            ("unit", Some(json!(self.unit))),
            ("amount", Some(json!(amount))),
        ];
        serde_json::from_value(body(fields)).map_err(|error| wrong(&error))
    }
}

/// What is sent for a limit on somebody.
fn order(limit: limits::Limit, subject: Value) -> Value {
    let mut order = json!(limit);
    if let Some(fields) = order.as_object_mut() {
        fields.insert("subject".to_owned(), subject);
    }
    order
}

fn amount(limit: limits::Limit) -> Value {
    json!({ "amount": LimitAmount::new(limit.unit(), limit.amount()) })
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    let directory = session.directory()?;
    match command {
        Command::List { team, member } => {
            let (member, teams) = match (member, team) {
                (Some(member), _) => directory.member(member).map(|(member, team)| (Some(member), vec![team]))?,
                (None, Some(team)) => (None, vec![directory.team(team)?]),
                (None, None) => (None, directory.teams.iter().map(|team| team.id.to_string()).collect()),
            };
            let mut limits = Vec::new();
            for team in &teams {
                limits.extend(session.api.list(ops::LIST_LIMITS, &[team], &[("member_id", member.clone())], None)?);
            }
            Ok(table(session, &directory, limits))
        }
        Command::Set(set) => put(set, session, &directory),
        Command::Remove { limit } => {
            for team in &directory.teams {
                let team = team.id.to_string();
                let limits = session.api.list(ops::LIST_LIMITS, &[&team], &[], None)?;
                if let Some(found) = limits.iter().find(|other| text(other, "/id") == limit) {
                    session.api.call(ops::REMOVE_LIMIT, &[&team, limit])?;
                    return Ok(session.done(found, || format!("removed {limit}")));
                }
            }
            Err(Failure::Here(format!("there is no limit `{limit}`, or you cannot see it: see `alfred limits list`")))
        }
    }
}

/// Limits as a table, with names; for scripts as they are.
pub(crate) fn table(session: &Session, directory: &Directory, limits: Vec<Value>) -> String {
    if session.json {
        return session.rows(&views::LIMIT, limits);
    }
    let paths = directory.paths();
    let named = |mut limit: Value| {
        if let Some(subject) = limit.get_mut("subject") {
            *subject = paths.put(subject.take(), &["id"]);
        }
        paths.put(limit, &["team_id"])
    };
    session.rows(&views::LIMIT, limits.into_iter().map(named).collect())
}

fn put(set: &Set, session: &Session, directory: &Directory) -> Result<String, Failure> {
    let limit = set.limit()?;
    let (member, team) = match (&set.member, &set.team) {
        (Some(member), _) => directory.member(member).map(|(member, team)| (Some(member), team))?,
        (None, Some(team)) => (None, directory.team(team)?),
        (None, None) => return Err(Failure::Usage("on whom? give --team or --member".to_owned())),
    };
    let subject = set.subject(member.as_deref());
    let new = order(limit, subject);
    let identity = |one: &Value| ["subject", "kind", "window", "unit"].map(|field| one.get(field).cloned());
    let there = session.api.list(ops::LIST_LIMITS, &[&team], &[], None)?;
    let set = match there.iter().find(|other| identity(other) == identity(&new)) {
        Some(old) => session.api.order(ops::CHANGE_LIMIT, &[&team, text(old, "/id")], &amount(limit))?,
        None => session.api.order(ops::CREATE_LIMIT, &[&team], &new)?,
    };
    Ok(session.done(&set, || format!("{} holds from the next call on", text(&set, "/id"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    fn set(unit: &str, window: &str, amount: &str) -> Set {
        let (unit, window, amount) = (unit.to_owned(), window.to_owned(), amount.to_owned());
        Set { team: None, member: None, limited_key: None, window, unit, kind: None, amount }
    }

    #[test]
    fn what_is_sent() {
        for (set, expected) in [
            (set("credits", "month", "12.50"), json!({"kind":"cap","window":"month","unit":"credits","amount":"12.5"})),
            (set("requests", "minute", "60"), json!({"kind":"rate","window":"minute","unit":"requests","amount":60})),
        ] {
            let limit = set.limit().unwrap();
            assert_eq!(json!(limit), expected);
            document::accepts(ops::CHANGE_LIMIT, &amount(limit));
            for member in [None, Some("mem_01h2xcejqtf2nbrexx3vqjhp41")] {
                document::accepts(ops::CREATE_LIMIT, &order(limit, set.subject(member)));
            }
        }
        for (unit, window, amount) in [("credits", "day", "1e3"), ("tokens", "day", "1.5"), ("tokens", "day", "-1")] {
            assert!(matches!(set(unit, window, amount).limit(), Err(Failure::Usage(_))), "{amount} {unit}");
        }
    }
}
