//! `alfred export`.

use crate::apply::export;
use crate::apply::state::State;
use crate::failure::Failure;
use crate::session::Session;

/// What stands above everything.
const HEAD: &str =
    "# Made by `alfred export`; apply it with `alfred apply -f`. Credits, keys, and limits on keys are not in it.\n\n";

/// Write the organization's configuration as a file for `apply`.
///
/// Secrets are not in it: a provider's key is named by a variable of the environment, and headers that Alfred does not
/// show are left out.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred export > alfred.toml
  alfred export | alfred apply -f - --dry-run --exit-code")]
pub(crate) struct Arguments {}

/// Runs it.
pub(crate) fn run(_: &Arguments, session: &Session) -> Result<String, Failure> {
    let state = State::read(&session.api, None)?;
    let here = |error: export::ExportError| Failure::Here(error.to_string());
    let file = export::file(&state).map_err(here)?;
    if session.json {
        let json = serde_json::to_value(&file).map_err(|error| Failure::Here(error.to_string()))?;
        return Ok(session.document(&json));
    }
    Ok(format!("{HEAD}{}", export::write(&file).map_err(here)?))
}
