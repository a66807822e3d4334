//! `alfred departments`.

use serde_json::json;

use crate::api::operations as ops;
use crate::failure::Failure;
use crate::output::views;
use crate::session::{Session, text};

/// Departments.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List them
    #[command(after_help = "Example:\n  alfred departments list")]
    List,
    /// Make one
    #[command(after_help = "Example:\n  alfred departments add Research")]
    Add {
        /// Unique in the organization
        name: String,
    },
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    match command {
        Command::List => Ok(session.rows(&views::DEPARTMENT, session.api.list(ops::LIST_DEPARTMENTS, &[], &[], None)?)),
        Command::Add { name } => {
            let made = session.api.order(ops::CREATE_DEPARTMENT, &[], &json!({ "name": name }))?;
            Ok(session.done(&made, || format!("made the department {name} ({})", text(&made, "/id"))))
        }
    }
}
