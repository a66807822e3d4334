//! `alfred balance`.

use identity::ApiKey;

use crate::api::operations as ops;
use crate::failure::Failure;
use crate::output::views;
use crate::session::Session;

/// Show what is left.
///
/// Without a name: of the whole tree, or with a member's key your own.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred balance
  alfred balance treasury
  alfred balance Research/Vision/alan --json")]
pub(crate) struct Arguments {
    /// `treasury`, a department, a team (its pool) or a member (their wallet)
    node: Option<String>,
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<String, Failure> {
    if ApiKey::parse(session.api.key()).is_ok() {
        if arguments.node.is_some() {
            return Err(Failure::Usage("with a member's key there is only your own balance".to_owned()));
        }
        return Ok(session.card(&views::MY_BALANCE, &session.api.call(ops::GET_ME, &[])?));
    }
    match &arguments.node {
        Some(node) => {
            let node = session.directory()?.node(node)?;
            Ok(session.card(&views::BALANCE, &session.api.call(ops::GET_BALANCE, &[&node])?))
        }
        None => Ok(session.rows(&views::BALANCE, session.api.list(ops::LIST_BALANCES, &[], &[], None)?)),
    }
}
