//! `alfred usage`.

use serde_json::Value;

use crate::api::operations as ops;
use crate::failure::Failure;
use crate::output::{at, views};
use crate::session::{Session, text};

/// Sum up what was used, the last 30 days if not said otherwise.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred usage --by team,model
  alfred usage --by member --from 2026-11-01 --to 2026-12-01 --interval day
  alfred usage --by tag --team Vision --json")]
pub(crate) struct Arguments {
    /// From this day or time on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this day or time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// One row for each: department, team, member, key, model, provider, tag
    #[arg(long, value_name = "GROUPS")]
    by: Option<String>,
    /// One row for each hour or day
    #[arg(long, value_parser = ["hour", "day"])]
    interval: Option<String>,
    /// Only this department's
    #[arg(long)]
    department: Option<String>,
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
}

/// Columns of what it may be grouped by; each is shown where it is.
const GROUPS: [&str; 7] = ["department", "team", "member", "key", "model", "provider", "tag"];

/// Runs it.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<String, Failure> {
    let names = [&arguments.department, &arguments.team, &arguments.member];
    let directory = if names.iter().any(|name| name.is_some()) { session.directory()? } else { Default::default() };
    let by: Vec<&str> = arguments.by.iter().flat_map(|by| by.split(',')).map(str::trim).collect();
    let usage = session.api.query(
        ops::GET_USAGE,
        &[
            ("from", session.moment(arguments.from.as_ref())?),
            ("to", session.moment(arguments.to.as_ref())?),
            ("interval", arguments.interval.clone()),
            ("group_by", Some(by.join(",")).filter(|by| !by.is_empty())),
            ("department_id", arguments.department.as_ref().map(|name| directory.department(name)).transpose()?),
            ("team_id", arguments.team.as_ref().map(|name| directory.team(name)).transpose()?),
            ("member_id", arguments.member.as_ref().map(|name| directory.member(name)).transpose()?.map(|(id, _)| id)),
            ("model", arguments.model.clone()),
            ("provider", arguments.provider.clone()),
            ("tag", arguments.tag.clone()),
        ],
    )?;
    if session.json {
        return Ok(session.document(&usage));
    }
    let rows = usage.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    let wanted = |header: &str| match header.to_lowercase().as_str() {
        "time" => arguments.interval.is_some(),
        group if GROUPS.contains(&group) => by.contains(&group),
        _ => true,
    };
    let table = views::USAGE.rows_of(&rows, &session.zone, |column| wanted(column.header));
    let time = |pointer| at(text(&usage, pointer), &session.zone);
    Ok(format!("{} to {}, days of {}\n\n{table}", time("/from"), time("/to"), text(&usage, "/time_zone")))
}
