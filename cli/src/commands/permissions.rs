//! `alfred permissions`.

use serde_json::Value;

use crate::api::operations as ops;
use crate::failure::Failure;
use crate::output::views;
use crate::session::{Session, text};

/// Show who may do what, made from the roles and the organization's own policies.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred permissions
  alfred permissions --role team_manager")]
pub(crate) struct Arguments {
    /// Only what this role may do
    #[arg(long)]
    role: Option<String>,
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<String, Failure> {
    let matrix = session.api.call(ops::GET_MATRIX, &[])?;
    if session.json {
        return Ok(session.document(&matrix));
    }
    let mut rows = matrix.get("actions").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(role) = &arguments.role {
        let has = |list: Option<&Value>| {
            list.and_then(Value::as_array).is_some_and(|list| list.iter().any(|one| one.as_str() == Some(role)))
        };
        if !has(matrix.get("roles")) {
            return Err(Failure::Usage(format!("there is no role `{role}`")));
        }
        rows.retain(|row| has(row.get("allowed")));
    }
    rows.sort_by_key(|row| text(row, "/area").to_owned());
    Ok(views::PERMISSION.rows(&rows, &session.zone))
}
