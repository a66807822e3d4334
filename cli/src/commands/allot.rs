//! `alfred allot`.

use ledger::Millicredits;
use serde_json::{Value, json};

use crate::api::{body, operations as ops};
use crate::failure::Failure;
use crate::output::views;
use crate::session::Session;

/// Move credits one step up or down the tree.
///
/// Between the treasury and a department, a department and its team, a team and its member.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred allot treasury Research 1000000
  alfred allot Research Vision 250000.5 --note 'for the demo'
  alfred allot Research/Vision/alan Vision 1000 --json")]
pub(crate) struct Arguments {
    /// `treasury`, a department, a team or a member
    from: String,
    /// The same, one step away
    to: String,
    /// Credits, like 12.5
    amount: Millicredits,
    /// Why, for people
    #[arg(long)]
    note: Option<String>,
}

fn order(from: &str, to: &str, amount: Millicredits, note: Option<&String>) -> Value {
    body([
        ("from", Some(json!(from))),
        ("to", Some(json!(to))),
        ("amount", Some(json!(amount))),
        ("note", note.map(|note| json!(note))),
    ])
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<String, Failure> {
    let directory = session.directory()?;
    let (from, to) = (directory.node(&arguments.from)?, directory.node(&arguments.to)?);
    let order = order(&from, &to, arguments.amount, arguments.note.as_ref());
    let moved = session.api.order(ops::ALLOT, &[], &order)?;
    Ok(session.card(&views::MOVEMENT, &moved))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn what_is_sent() {
        let note = Some("why".to_owned());
        let order = order("treasury", "dep_01h2xcejqtf2nbrexx3vqjhp41", Millicredits::new(1), note.as_ref());
        document::accepts(ops::ALLOT, &order);
        assert_eq!(order["amount"], "0.001");
    }
}
