//! What was used, summed up from D1's hourly sums.

mod report;
mod statement;

use axum::Json;
use identity::{DepartmentId, KeyId, MemberId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(crate) use self::report::UsageRow;
pub(crate) use self::statement::Interval;
use self::statement::Period;
use crate::extract::{Action, Caller, Query, Target};
use crate::node::{Node, must_be_in};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::time::Time;

/// Rows of one answer; a few megabytes.
const MOST_ROWS: usize = 10_000;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageFilter {
    /// Calls accepted from this time on, down to the whole hour; 30 days before `to` if left out.
    #[param(value_type = Option<schema::Time>, example = "2026-11-01T00:00:00Z")]
    from: Option<Time>,
    /// Calls accepted before this time, up to the whole hour; now if left out.
    #[param(value_type = Option<schema::Time>)]
    to: Option<Time>,
    /// One row for each hour or day; one for the whole time if left out.
    interval: Option<Interval>,
    /// One row for each: several of `department`, `team`, `member`, `key`, `model`, `provider`, `tag`, with commas.
    #[param(value_type = Option<schema::Dimensions>)]
    group_by: statement::Dimensions,
    /// Only this department's.
    #[param(value_type = Option<schema::DepartmentId>)]
    department_id: Option<DepartmentId>,
    /// Only this team's.
    #[param(value_type = Option<schema::TeamId>)]
    team_id: Option<TeamId>,
    /// Only this member's.
    #[param(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// Only with this key.
    #[param(value_type = Option<schema::KeyId>)]
    key_id: Option<KeyId>,
    /// Only of this model, as clients name it.
    model: Option<String>,
    /// Only served by this provider, by its name.
    provider: Option<String>,
    /// Only with this label; empty for none.
    tag: Option<String>,
}

/// What was used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    #[schema(value_type = schema::Time)]
    from: Time,
    #[schema(value_type = schema::Time)]
    to: Time,
    /// In which days are cut.
    time_zone: String,
    /// By time, then by what they are grouped by. Where nothing was used there is no row.
    data: Vec<UsageRow>,
}

/// Sum up what was used.
///
/// Days are the organization's own; an hour belongs to the day in which it begins. At most 10,000 rows are answered.
#[utoipa::path(get, path = "/api/v1/usage", tag = "Reports", params(UsageFilter),
    responses((status = 200, description = "All rows", body = Usage)))]
#[worker::send]
pub(crate) async fn get_usage(caller: Caller, Query(asked): Query<UsageFilter>) -> Result<Json<Usage>, Problem> {
    let admin = caller.may(Action::GetUsage, Target::Visible).await?;
    let directory = admin.directory().await?;
    if let Some(id) = asked.department_id {
        must_be_in(&directory, Node::Department(id))?;
    }
    let zone = limits::Zone::parse(&directory.general.time_zone).unwrap_or(limits::Zone::UTC);
    let period = Period::new(asked.from, asked.to, admin.now())?;
    let sql = statement::statement(&directory, &asked, period, &zone, admin.teams())?;
    let rows: Vec<report::SumRow> = admin.app.rows(sql).await?;
    if rows.len() > statement::most_sums(&asked) {
        return Err(too_many());
    }
    let data = report::report(&directory, rows, asked.group_by.places())?;
    if data.len() > MOST_ROWS {
        return Err(too_many());
    }
    Ok(Json(Usage { from: period.from(), to: period.to(), time_zone: zone.name().to_owned(), data }))
}

fn too_many() -> Problem {
    Problem::new(
        Code::TooMuch,
        format!(
            "that would be more than {MOST_ROWS} rows: ask for a shorter time, a longer interval, fewer groups or with a filter"
        ),
    )
}
