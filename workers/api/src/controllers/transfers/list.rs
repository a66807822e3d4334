//! Who sent what to whom.

use ::team::protocol::{self as team, Direction, TransferFilter};
use axum::Json;
use identity::{MemberId, TeamId, TransferId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Transfer, team_of};
use crate::app::{App, unexpected};
use crate::extract::{Action, Admin, Caller, Query, Target};
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

impl Whose {
    /// Whose transfers are asked for; the caller's own if nothing is said.
    pub(super) fn new(
        caller: &Caller,
        (member, team): (Option<MemberId>, Option<TeamId>),
        direction: Option<Way>,
    ) -> Result<Self, Problem> {
        match (member, team, caller.session()) {
            (Some(_), Some(_), _) => Err(Problem::invalid("`member_id` and `team_id` exclude each other")),
            (Some(member), None, _) => Ok(Self::Member(member)),
            (None, Some(_), _) if direction.is_some() => {
                Err(Problem::invalid("`direction` is about a member: say `member_id` with it"))
            }
            (None, Some(team), _) => Ok(Self::Team(team)),
            (None, None, Some((_, member))) => Ok(Self::Member(member)),
            (None, None, None) => Err(Problem::invalid("say whose transfers: `member_id` or `team_id`")),
        }
    }

    pub(super) const fn target(self) -> Target {
        match self {
            Self::Member(id) => Target::Member { id },
            Self::Team(id) => Target::Team { id },
        }
    }

    /// The team that knows them, and which of its transfers are meant: the
    /// first `limit` before one.
    pub(super) async fn filter(
        self,
        admin: &Admin,
        direction: Option<Way>,
        (before, limit): (Option<TransferId>, u32),
    ) -> Result<(TeamId, TransferFilter), Problem> {
        let (team, member) = match self {
            Self::Team(team) => (team, None),
            Self::Member(member) => {
                let directory = admin.directory().await?;
                (team_of(&directory, member).ok_or_else(|| Problem::not_found("member", member))?, Some(member))
            }
        };
        let direction = direction.map(|way| match way {
            Way::Sent => Direction::Sent,
            Way::Received => Direction::Received,
        });
        Ok((team, TransferFilter { member, pool: false, direction, before, limit }))
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
    let whose = Whose::new(&caller, (asked.member_id, asked.team_id), asked.direction)?;
    let admin = caller.may(Action::ListTransfers, whose.target()).await?;
    let before: Option<TransferId> =
        asked.cursor.as_deref().map(|cursor| cursor.parse().map_err(unknown_cursor)).transpose()?;
    let size = u32::from(asked.limit.get());
    let (team, filter) = whose.filter(&admin, asked.direction, (before, size.saturating_add(1))).await?;
    let mut data = transfers(&admin.app, team, filter).await?;
    let more = data.len() > usize::from(asked.limit.get());
    data.truncate(asked.limit.get().into());
    let next_cursor = data.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(List { data: data.into_iter().map(Transfer::from).collect(), next_cursor }))
}

/// Some of a team's transfers, newest first.
pub(crate) async fn transfers(app: &App, team: TeamId, filter: TransferFilter) -> Result<Vec<team::Transfer>, Problem> {
    match app.actors()?.team(team, &team::Command::Ask(team::Question::Transfers(filter))).await? {
        team::Answer::Transfers(transfers) => Ok(transfers?),
        _ => Err(unexpected()),
    }
}
