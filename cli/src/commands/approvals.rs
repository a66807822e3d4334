//! `alfred approvals`.

use ledger::Millicredits;
use serde_json::{Value, json};

use super::send::{all_named, named};
use crate::api::{Operation, body, operations as ops};
use crate::failure::Failure;
use crate::output::views;
use crate::session::Session;

/// What was asked for and others decide.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List what you may see, the newest first
    #[command(after_help = "Examples:
  alfred approvals list --to-decide
  alfred approvals list --own --state pending --json")]
    List {
        /// Only what you can decide now
        #[arg(long, conflicts_with = "own")]
        to_decide: bool,
        /// Only what you have asked for
        #[arg(long)]
        own: bool,
        /// Only in this state
        #[arg(long, value_parser = ["pending", "approved", "denied", "cancelled", "expired"])]
        state: Option<String>,
        /// Only so many
        #[arg(long, value_name = "NUMBER")]
        first: Option<usize>,
    },
    /// Show one
    #[command(after_help = "Example:\n  alfred approvals show apr_01h2xcejqtf2nbrexx3vqjhp41")]
    Show {
        /// Its id
        approval: String,
    },
    /// Approve one; the last approval moves the credits
    #[command(
        after_help = "Example:\n  alfred approvals approve apr_01h2xcejqtf2nbrexx3vqjhp41 --reason 'until Friday'"
    )]
    Approve(Decision),
    /// Deny one
    #[command(
        after_help = "Example:\n  alfred approvals deny apr_01h2xcejqtf2nbrexx3vqjhp41 --reason 'not this month'"
    )]
    Deny(Decision),
    /// Withdraw what you have asked for
    #[command(after_help = "Example:\n  alfred approvals cancel apr_01h2xcejqtf2nbrexx3vqjhp41")]
    Cancel(Decision),
    /// Ask a team's pool, or a colleague, for credits
    #[command(after_help = "Examples:
  alfred approvals request 500 --reason 'for the demo'
  alfred approvals request 500 --from alan --to Vision")]
    Request(Request),
}

/// About one.
#[derive(Debug, clap::Args)]
pub(crate) struct Decision {
    /// Its id
    approval: String,
    /// Why, for people
    #[arg(long)]
    reason: Option<String>,
}

/// What is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Request {
    /// Credits, like 12.5
    amount: Millicredits,
    /// A colleague or a team (its pool); your own team's pool if left out
    #[arg(long)]
    from: Option<String>,
    /// The same; you if left out
    #[arg(long)]
    to: Option<String>,
    /// Why, for whoever decides
    #[arg(long)]
    reason: Option<String>,
}

fn decision(reason: Option<&String>) -> Value {
    body([("reason", reason.map(|reason| json!(reason)))])
}

fn request(amount: Millicredits, from: Option<String>, to: Option<String>, reason: Option<&String>) -> Value {
    body([
        ("amount", Some(json!(amount))),
        ("from", from.map(|from| json!(from))),
        ("to", to.map(|to| json!(to))),
        ("reason", reason.map(|reason| json!(reason))),
    ])
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    let directory = session.neighbours()?;
    let show = |approval: Value| named(session, &directory, &views::APPROVAL, approval);
    let decide = |operation: &Operation, Decision { approval, reason }: &Decision| {
        session.api.order(operation, &[approval], &decision(reason.as_ref())).map(show)
    };
    match command {
        Command::List { to_decide, own, state, first } => {
            let only = to_decide.then_some("to_decide").or(own.then_some("own")).map(str::to_owned);
            let query = [("only", only), ("state", state.clone())];
            let approvals = session.api.list(ops::LIST_APPROVALS, &[], &query, *first)?;
            Ok(all_named(session, &directory, &views::APPROVAL, approvals))
        }
        Command::Show { approval } => session.api.call(ops::GET_APPROVAL, &[approval]).map(show),
        Command::Approve(of) => decide(ops::APPROVE, of),
        Command::Deny(of) => decide(ops::DENY, of),
        Command::Cancel(of) => decide(ops::CANCEL_APPROVAL, of),
        Command::Request(Request { amount, from, to, reason }) => {
            let place = |text: &Option<String>| text.as_deref().map(|text| directory.purse(text)).transpose();
            let order = request(*amount, place(from)?, place(to)?, reason.as_ref());
            session.api.order(ops::REQUEST_APPROVAL, &[], &order).map(show)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn what_is_sent() {
        let (reason, id) = ("why".to_owned(), || Some("mem_01h2xcejqtf2nbrexx3vqjhp41".to_owned()));
        for operation in [ops::APPROVE, ops::DENY, ops::CANCEL_APPROVAL] {
            document::accepts(operation, &decision(None));
            document::accepts(operation, &decision(Some(&reason)));
        }
        document::accepts(ops::REQUEST_APPROVAL, &request(Millicredits::new(1), None, None, None));
        document::accepts(ops::REQUEST_APPROVAL, &request(Millicredits::new(1), id(), id(), Some(&reason)));
    }
}
