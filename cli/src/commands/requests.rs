//! `alfred requests`.

use crate::api::operations as ops;
use crate::failure::Failure;
use crate::output::views;
use crate::session::Session;

/// List calls, the newest first.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred requests --first 20
  alfred requests --team Vision --from 2026-11-22 --outcome upstream_failed
  alfred requests --request-id req_01h2xcejqtf2nbrexx3vqjhp41 --json")]
pub(crate) struct Arguments {
    /// Only so many
    #[arg(long, value_name = "NUMBER")]
    first: Option<usize>,
    /// Only this call
    #[arg(long)]
    request_id: Option<String>,
    /// Only this team's
    #[arg(long)]
    team: Option<String>,
    /// Only this member's
    #[arg(long)]
    member: Option<String>,
    /// Only of this model
    #[arg(long)]
    model: Option<String>,
    /// Only served by this provider
    #[arg(long)]
    provider: Option<String>,
    /// Only with this label
    #[arg(long)]
    tag: Option<String>,
    /// Only those that ended so
    #[arg(long)]
    outcome: Option<String>,
    /// From this day or time on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this day or time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<String, Failure> {
    let directory = session.directory()?;
    let query = [
        ("request_id", arguments.request_id.clone()),
        ("team_id", arguments.team.as_ref().map(|name| directory.team(name)).transpose()?),
        ("member_id", arguments.member.as_ref().map(|name| directory.member(name)).transpose()?.map(|(id, _)| id)),
        ("model", arguments.model.clone()),
        ("provider", arguments.provider.clone()),
        ("tag", arguments.tag.clone()),
        ("outcome", arguments.outcome.clone()),
        ("from", session.moment(arguments.from.as_ref())?),
        ("to", session.moment(arguments.to.as_ref())?),
    ];
    let mut calls = session.api.list(ops::LIST_REQUESTS, &[], &query, arguments.first)?;
    if !session.json {
        let paths = directory.paths();
        calls = calls.into_iter().map(|call| paths.put(call, &["member_id"])).collect();
    }
    Ok(session.rows(&views::REQUEST, calls))
}
