//! `alfred send`.

use ledger::Millicredits;
use serde_json::{Value, json};

use crate::api::{body, operations as ops};
use crate::directory::Directory;
use crate::failure::Failure;
use crate::output::{View, views};
use crate::session::{Session, text};

/// Send credits to a colleague, a pool or another team.
///
/// What policies want approved is asked for instead. Whoever is signed in sends their own; admins and programs say
/// --from whom.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred send 500 --to alan --note 'for the demo'
  alfred send 500 --to Research/Vision --preview
  alfred send 12.5 --from Vision --to ada --json")]
pub(crate) struct Arguments {
    /// Credits, like 12.5
    amount: Millicredits,
    /// A member (their wallet) or a team (its pool)
    #[arg(long)]
    to: String,
    /// The same; your own wallet if left out
    #[arg(long)]
    from: Option<String>,
    /// Why, for people: both see it
    #[arg(long)]
    note: Option<String>,
    /// Only look what would come of it
    #[arg(long, conflicts_with = "note")]
    preview: bool,
}

fn order(from: Option<&String>, to: &str, amount: Millicredits, note: Option<&String>) -> Value {
    body([
        ("from", from.map(|from| json!(from))),
        ("to", Some(json!(to))),
        ("amount", Some(json!(amount))),
        ("note", note.map(|note| json!(note))),
    ])
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<String, Failure> {
    let directory = session.neighbours()?;
    let to = directory.purse(&arguments.to)?;
    let from = arguments.from.as_deref().map(|from| directory.purse(from)).transpose()?;
    let order = order(from.as_ref(), &to, arguments.amount, arguments.note.as_ref());
    if arguments.preview {
        let preview = session.api.order(ops::PREVIEW_TRANSFER, &[], &order)?;
        return Ok(named(session, &directory, &views::PREVIEW, preview));
    }
    let sent = session.api.order(ops::TRANSFER, &[], &order)?;
    if sent.get("transfer").is_some() {
        return Ok(moved(session, &directory, sent));
    }
    let line = || format!("that needs an approval: {} asks for it\n", text(&sent, "/id"));
    let asked = if session.json { String::new() } else { line() };
    Ok(asked + &named(session, &directory, &views::APPROVAL, sent.clone()))
}

/// What was moved, with names.
pub(crate) fn moved(session: &Session, directory: &Directory, mut moved: Value) -> String {
    if !session.json
        && let Some(transfer) = moved.get_mut("transfer")
    {
        *transfer = directory.paths().put(transfer.take(), &["from", "to"]);
    }
    session.card(&views::SENT, &moved)
}

/// One thing, with names; for scripts as it is.
pub(crate) fn named(session: &Session, directory: &Directory, view: &View, item: Value) -> String {
    let names = ["from", "to", "member_id", "delegate_id"];
    let item = if session.json { item } else { directory.paths().put(item, &names) };
    session.card(view, &item)
}

/// Some, with names; for scripts as they are.
pub(crate) fn all_named(session: &Session, directory: &Directory, view: &View, items: Vec<Value>) -> String {
    if session.json {
        return session.rows(view, items);
    }
    let paths = directory.paths();
    let items = items.into_iter().map(|item| paths.put(item, &["from", "to", "member_id", "delegate_id"]));
    session.rows(view, items.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn what_is_sent() {
        let (member, note) = ("mem_01h2xcejqtf2nbrexx3vqjhp41".to_owned(), "why".to_owned());
        for (from, note) in [(None, None), (Some(&member), Some(&note))] {
            let order = order(from, "team_01h2xcejqtf2nbrexx3vqjhp41", Millicredits::new(1500), note);
            document::accepts(ops::TRANSFER, &order);
            document::accepts(ops::PREVIEW_TRANSFER, &order);
            assert_eq!(order["amount"], "1.5");
        }
    }
}
