//! Who has which boosts.

use ::team::protocol::{self as team, BoostFilter, BoostView};
use axum::Json;
use identity::{BoostId, MemberId, TeamId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Boost;
use crate::app::{App, unexpected};
use crate::controllers::transfers::find::homes;
use crate::controllers::transfers::team_of;
use crate::extract::{Action, Caller, Id, Query, Target};
use crate::page::{List, Size, unknown_cursor};
use crate::problem::{Code, Problem};
use crate::schema;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BoostsFilter {
    /// This member's; your own if neither member nor team is said.
    #[param(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// Those of this team's members.
    #[param(value_type = Option<schema::TeamId>)]
    team_id: Option<TeamId>,
    /// Only those that go on, or only those that have ended.
    #[param(inline)]
    state: Option<State>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// Where a boost is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BoostState)]
pub(crate) enum State {
    /// It goes on.
    Running,
    /// It has ended.
    Ended,
}

/// List a member's or a team's boosts, newest first.
#[utoipa::path(get, path = "/api/v1/boosts", tag = "Boosts", params(BoostsFilter),
    responses((status = 200, description = "A page", body = List<Boost>)))]
#[worker::send]
pub(crate) async fn list_boosts(
    caller: Caller,
    Query(asked): Query<BoostsFilter>,
) -> Result<Json<List<Boost>>, Problem> {
    let member = match (asked.member_id, asked.team_id, caller.session()) {
        (Some(_), Some(_), _) => return Err(Problem::invalid("`member_id` and `team_id` exclude each other")),
        (None, None, None) => return Err(Problem::invalid("say whose boosts: `member_id` or `team_id`")),
        (None, None, Some((_, own))) => Some(own),
        (member, _, _) => member,
    };
    let target = match (member, asked.team_id) {
        (Some(id), _) => Target::Member { id },
        (None, Some(id)) => Target::Team { id },
        (None, None) => return Err(unexpected()),
    };
    let admin = caller.may(Action::ListBoosts, target).await?;
    let before: Option<BoostId> =
        asked.cursor.as_deref().map(|cursor| cursor.parse().map_err(unknown_cursor)).transpose()?;
    let team = match (member, asked.team_id) {
        (Some(member), _) => {
            let directory = admin.directory().await?;
            team_of(&directory, member).ok_or_else(|| Problem::not_found("member", member))?
        }
        (None, team) => team.ok_or_else(unexpected)?,
    };
    let size = asked.limit.get();
    let ended = asked.state.map(|state| state == State::Ended);
    let filter = BoostFilter { member, ended, before, limit: u32::from(size).saturating_add(1) };
    let mut data = boosts(&admin.app, team, filter).await?;
    let more = data.len() > usize::from(size);
    data.truncate(size.into());
    let next_cursor = data.last().filter(|_| more).map(|last| last.boost.new.id.to_string());
    Ok(Json(List { data: data.into_iter().map(Boost::from).collect(), next_cursor }))
}

/// Show a boost.
#[utoipa::path(get, path = "/api/v1/boosts/{boost_id}", tag = "Boosts",
    params(("boost_id" = schema::BoostId, Path)),
    responses((status = 200, description = "The boost", body = Boost)))]
#[worker::send]
pub(crate) async fn get_boost(caller: Caller, Id(id): Id<BoostId>) -> Result<Json<Boost>, Problem> {
    seen(&caller, id).await.map(|view| Json(view.into()))
}

/// A boost that the caller may see: their own, or one in a team that they may
/// look into. Others are as if they were not.
pub(super) async fn seen(caller: &Caller, id: BoostId) -> Result<BoostView, Problem> {
    let not_found = || Problem::not_found("boost", id);
    if let Some((_, member)) = caller.session() {
        let admin = caller.clone().may(Action::GetBoost, Target::Member { id: member }).await?;
        let directory = admin.directory().await?;
        let team = team_of(&directory, member).ok_or_else(not_found)?;
        if let Some(own) = find(&admin.app, team, id).await?.filter(|view| view.boost.new.member == member) {
            return Ok(own);
        }
    }
    let admin = caller.clone().goes_on(Action::GetBoost, Target::Visible, Default::default()).await;
    let admin = match (admin, caller.session()) {
        (Err(problem), Some(_)) if problem.code == Code::Forbidden => return Err(not_found()),
        (admin, _) => admin?,
    };
    for team in homes(&admin, id.as_u128(), &id).await? {
        if let Some(view) = find(&admin.app, team, id).await? {
            return Ok(view);
        }
    }
    Err(not_found())
}

async fn boosts(app: &App, team: TeamId, filter: BoostFilter) -> Result<Vec<BoostView>, Problem> {
    match app.actors()?.team(team, &team::Command::Ask(team::Question::Boosts(filter))).await? {
        team::Answer::Boosts(boosts) => Ok(boosts?),
        _ => Err(unexpected()),
    }
}

async fn find(app: &App, team: TeamId, id: BoostId) -> Result<Option<BoostView>, Problem> {
    match app.actors()?.team(team, &team::Command::Ask(team::Question::Boost { id })).await? {
        team::Answer::Boost(Ok(view)) => Ok(Some(*view)),
        team::Answer::Boost(Err(team::OrderError::NotFound { .. })) => Ok(None),
        team::Answer::Boost(Err(error)) => Err(error.into()),
        _ => Err(unexpected()),
    }
}
