//! Who sent what to whom.

use ::team::protocol::{self as team, Direction, TransferFilter};
use axum::Json;
use identity::{MemberId, TeamId, TransferId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Transfer, team_of};
use crate::app::{App, unexpected};
use crate::extract::{Action, Caller, Query, Target};
use crate::page::{List, Size, unknown_cursor};
use crate::problem::Problem;
use crate::schema;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TransfersFilter {
    /// To or from this member's wallet; your own if neither member nor team is said.
    #[param(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// To or from this team's pool and its members.
    #[param(value_type = Option<schema::TeamId>)]
    team_id: Option<TeamId>,
    /// What they sent, or what they got; both if left out. For members only.
    #[param(inline)]
    direction: Option<Way>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// Seen from whose transfers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// What they sent.
    Sent,
    /// What they got.
    Received,
}

/// Whose transfers are listed.
#[derive(Clone, Copy)]
pub(super) enum Whose {
    Member(MemberId),
    Team(TeamId),
}

impl TransfersFilter {
    fn whose(&self, caller: &Caller) -> Result<Whose, Problem> {
        match (self.member_id, self.team_id, caller.session()) {
            (Some(_), Some(_), _) => Err(Problem::invalid("`member_id` and `team_id` exclude each other")),
            (Some(member), None, _) => Ok(Whose::Member(member)),
            (None, Some(_), _) if self.direction.is_some() => {
                Err(Problem::invalid("`direction` is about a member: say `member_id` with it"))
            }
            (None, Some(team), _) => Ok(Whose::Team(team)),
            (None, None, Some((_, member))) => Ok(Whose::Member(member)),
            (None, None, None) => Err(Problem::invalid("say whose transfers: `member_id` or `team_id`")),
        }
    }
}

/// List a member's or a team's transfers, newest first.
#[utoipa::path(get, path = "/api/v1/transfers", tag = "Transfers", params(TransfersFilter),
    responses((status = 200, description = "A page", body = List<Transfer>)))]
#[worker::send]
pub(crate) async fn list_transfers(
    caller: Caller,
    Query(asked): Query<TransfersFilter>,
) -> Result<Json<List<Transfer>>, Problem> {
    let whose = asked.whose(&caller)?;
    let target = match whose {
        Whose::Member(id) => Target::Member { id },
        Whose::Team(id) => Target::Team { id },
    };
    let admin = caller.may(Action::ListTransfers, target).await?;
    let before: Option<TransferId> =
        asked.cursor.as_deref().map(|cursor| cursor.parse().map_err(unknown_cursor)).transpose()?;
    let (team, member) = match whose {
        Whose::Team(team) => (team, None),
        Whose::Member(member) => {
            let directory = admin.directory().await?;
            (team_of(&directory, member).ok_or_else(|| Problem::not_found("member", member))?, Some(member))
        }
    };
    let direction = asked.direction.map(|way| match way {
        Way::Sent => Direction::Sent,
        Way::Received => Direction::Received,
    });
    let size = u32::from(asked.limit.get());
    let filter = TransferFilter { member, pool: false, direction, before, limit: size.saturating_add(1) };
    let mut data = transfers(&admin.app, team, filter).await?;
    let more = data.len() > usize::from(asked.limit.get());
    data.truncate(asked.limit.get().into());
    let next_cursor = data.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(List { data: data.into_iter().map(Transfer::from).collect(), next_cursor }))
}

async fn transfers(app: &App, team: TeamId, filter: TransferFilter) -> Result<Vec<team::Transfer>, Problem> {
    match app.actors()?.team(team, &team::Command::Ask(team::Question::Transfers(filter))).await? {
        team::Answer::Transfers(transfers) => Ok(transfers?),
        _ => Err(unexpected()),
    }
}
