//! `alfred teams`.

use ledger::Millicredits;
use serde_json::{Value, json};

use crate::api::{body, operations as ops};
use crate::failure::Failure;
use crate::output::views;
use crate::session::{Session, text};

/// Teams.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List them
    #[command(after_help = "Examples:\n  alfred teams list\n  alfred teams list --department Research --json")]
    List {
        /// Only this department's
        #[arg(long)]
        department: Option<String>,
    },
    /// Show one, where it stands and its limits
    #[command(after_help = "Example:\n  alfred teams show Research/Vision")]
    Show {
        /// Name, path or id
        team: String,
    },
    /// Make one
    #[command(after_help = "Examples:
  alfred teams add Vision --department Research
  alfred teams add Agents --department Research --model 'demo-*' --chunk 1000000 --low-water 500000")]
    Add(New),
}

/// A new team.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// Unique in the organization
    name: String,
    /// To which it belongs
    #[arg(long)]
    department: String,
    /// Models that it may use, by name or beginning with `*`; repeatable; all if left out
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// Networks that its calls may come from; repeatable; all if left out
    #[arg(long = "address", value_name = "NETWORK")]
    addresses: Vec<String>,
    /// Calls do not draw from the pool once the wallet is empty
    #[arg(long)]
    no_pool_draw: bool,
    /// Of the pool, each member's calls may draw so much in a window
    #[arg(long, value_name = "CREDITS", conflicts_with = "no_pool_draw")]
    each: Option<Millicredits>,
    /// Of the last so much of the pool, nobody draws more than an even share in a window
    #[arg(long, value_name = "CREDITS", conflicts_with = "no_pool_draw")]
    floor: Option<Millicredits>,
    /// The window in which draws are counted; a month if left out
    #[arg(long, value_name = "WINDOW", value_parser = ["day", "week", "month", "quarter", "total"])]
    draw_window: Option<String>,
    /// Refill the pool by so much at a time; by hand if left out
    #[arg(long, requires = "low_water", value_name = "CREDITS")]
    chunk: Option<Millicredits>,
    /// Refill it when it has less than this
    #[arg(long, requires = "chunk", value_name = "CREDITS")]
    low_water: Option<Millicredits>,
    /// At most so much in a month
    #[arg(long, requires = "chunk", value_name = "CREDITS")]
    monthly_cap: Option<Millicredits>,
}

impl New {
    fn order(&self, department: &str) -> Value {
        let some = |list: &Vec<String>| Some(json!(list)).filter(|_| !list.is_empty());
        let plan = self.chunk.zip(self.low_water).map(|(chunk, low_water)| {
            let cap = self.monthly_cap.map(|cap| json!(cap));
            body([("chunk", Some(json!(chunk))), ("low_water", Some(json!(low_water))), ("monthly_cap", cap)])
        });
        let rules = self.each.is_some() || self.floor.is_some() || self.draw_window.is_some();
        let rules = rules.then(|| {
            let window = self.draw_window.as_deref().unwrap_or("month");
            let amount = |amount: Option<Millicredits>| amount.map(|amount| json!(amount));
            body([("window", Some(json!(window))), ("each", amount(self.each)), ("floor", amount(self.floor))])
        });
        body([
            ("department_id", Some(json!(department))),
            ("name", Some(json!(self.name))),
            ("models", some(&self.models)),
            ("addresses", some(&self.addresses)),
            ("pool_draw", Some(json!(if self.no_pool_draw { "off" } else { "automatic" }))),
            ("pool_rules", rules),
            ("allotment_plan", plan),
        ])
    }
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    match command {
        Command::List { department } => {
            let directory = session.directory()?;
            let id = department.as_ref().map(|name| directory.department(name)).transpose()?;
            let teams = session.api.list(ops::LIST_TEAMS, &[], &[("department_id", id)], None)?;
            if session.json {
                return Ok(session.rows(&views::TEAM, teams));
            }
            let paths = directory.paths();
            let named = teams.into_iter().map(|team| paths.put(team, &["department_id"])).collect();
            Ok(session.rows(&views::TEAM, named))
        }
        Command::Show { team } => {
            let directory = session.directory()?;
            let team = session.api.call(ops::GET_TEAM, &[&directory.team(team)?])?;
            if session.json {
                return Ok(session.document(&team));
            }
            let limits = team.get("limits").and_then(Value::as_array).cloned().unwrap_or_default();
            let mut shown = session.card(&views::TEAM_DETAIL, &directory.paths().put(team, &["department_id"]));
            if !limits.is_empty() {
                shown.push_str(&format!("\n{}", super::limits::table(session, &directory, limits)));
            }
            Ok(shown)
        }
        Command::Add(new) => {
            let department = session.directory()?.department(&new.department)?;
            let made = session.api.order(ops::CREATE_TEAM, &[], &new.order(&department))?;
            Ok(session.done(&made, || format!("made the team {} ({})", new.name, text(&made, "/id"))))
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
            name: "Vision".into(),
            department: "Research".into(),
            models: Vec::new(),
            addresses: Vec::new(),
            no_pool_draw: false,
            each: None,
            floor: None,
            draw_window: None,
            chunk: None,
            low_water: None,
            monthly_cap: None,
        };
        let department = "dep_01h2xcejqtf2nbrexx3vqjhp41";
        document::accepts(ops::CREATE_TEAM, &new.order(department));
        assert_eq!(new.order(department).get("models"), None);
        new.models = vec!["demo-*".into()];
        new.addresses = vec!["10.0.0.0/8".into()];
        new.no_pool_draw = true;
        (new.chunk, new.low_water) = (Some(Millicredits::new(5000)), Some(Millicredits::new(1500)));
        (new.no_pool_draw, new.each) = (false, Some(Millicredits::new(9000)));
        document::accepts(ops::CREATE_TEAM, &new.order(department));
        assert_eq!(new.order(department)["pool_rules"], json!({"window": "month", "each": "9"}));
        assert_eq!(new.order(department)["allotment_plan"], json!({"chunk": "5", "low_water": "1.5"}));
    }
}
