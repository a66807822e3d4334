//! `alfred journal`.

use crate::api::operations as ops;
use crate::failure::Failure;
use crate::output::views;
use crate::session::Session;

/// List movements of credits, the newest first.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred journal --first 20
  alfred journal --team Vision --kind allot --from 2026-11-01
  alfred journal --reference xfer_01h2xcejqtf2nbrexx3vqjhp41 --json")]
pub(crate) struct Arguments {
    /// Only so many
    #[arg(long, value_name = "NUMBER")]
    first: Option<usize>,
    /// Only this team's journal
    #[arg(long)]
    team: Option<String>,
    /// Only this kind of movement
    #[arg(long)]
    kind: Option<String>,
    /// Only with this cause: a request or a movement
    #[arg(long)]
    reference: Option<String>,
    /// From this day or time on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this day or time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<String, Failure> {
    let team = arguments.team.as_ref().map(|name| session.directory()?.team(name)).transpose()?;
    let query = [
        ("actor", team),
        ("kind", arguments.kind.clone()),
        ("reference", arguments.reference.clone()),
        ("from", session.moment(arguments.from.as_ref())?),
        ("to", session.moment(arguments.to.as_ref())?),
    ];
    let entries = session.api.list(ops::LIST_JOURNAL, &[], &query, arguments.first)?;
    Ok(session.rows(&views::ENTRY, entries))
}
