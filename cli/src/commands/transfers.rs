//! `alfred transfers`.

use ledger::Millicredits;
use serde_json::{Value, json};

use super::send::{all_named, moved, named};
use crate::api::{body, operations as ops};
use crate::failure::Failure;
use crate::output::views;
use crate::session::Session;

/// Credits that were sent.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List them, the newest first
    #[command(after_help = "Examples:
  alfred transfers list
  alfred transfers list --team Vision --first 20
  alfred transfers list --member alan --direction received --json")]
    List {
        /// This member's; your own if left out
        #[arg(long, conflicts_with = "team")]
        member: Option<String>,
        /// Of this team's pool and members
        #[arg(long)]
        team: Option<String>,
        /// Only what a member has sent, or received
        #[arg(long, value_parser = ["sent", "received"], conflicts_with = "team")]
        direction: Option<String>,
        /// Only so many
        #[arg(long, value_name = "NUMBER")]
        first: Option<usize>,
    },
    /// Show one
    #[command(after_help = "Example:\n  alfred transfers show xfer_01h2xcejqtf2nbrexx3vqjhp41")]
    Show {
        /// Its id
        transfer: String,
    },
    /// Take one back, as far as it is unspent
    #[command(after_help = "Examples:
  alfred transfers undo xfer_01h2xcejqtf2nbrexx3vqjhp41
  alfred transfers undo xfer_01h2xcejqtf2nbrexx3vqjhp41 --amount 12.5")]
    Undo {
        /// Its id
        transfer: String,
        /// Only so much of it; all if left out
        #[arg(long)]
        amount: Option<Millicredits>,
    },
}

fn undo(amount: Option<Millicredits>) -> Value {
    body([("amount", amount.map(|amount| json!(amount)))])
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    let directory = session.neighbours()?;
    match command {
        Command::List { member, team, direction, first } => {
            let query = [
                ("member_id", member.as_deref().map(|member| directory.purse(member)).transpose()?),
                ("team_id", team.as_deref().map(|team| directory.purse(team)).transpose()?),
                ("direction", direction.clone()),
            ];
            let transfers = session.api.list(ops::LIST_TRANSFERS, &[], &query, *first)?;
            Ok(all_named(session, &directory, &views::TRANSFER, transfers))
        }
        Command::Show { transfer } => {
            let shown = session.api.call(ops::GET_TRANSFER, &[transfer])?;
            Ok(named(session, &directory, &views::TRANSFER, shown))
        }
        Command::Undo { transfer, amount } => {
            let undone = session.api.order(ops::UNDO_TRANSFER, &[transfer], &undo(*amount))?;
            Ok(moved(session, &directory, undone))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn what_is_sent() {
        document::accepts(ops::UNDO_TRANSFER, &undo(None));
        document::accepts(ops::UNDO_TRANSFER, &undo(Some(Millicredits::new(1))));
    }
}
