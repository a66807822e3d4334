//! Beginning a boost.

use ::team::protocol as team;
use events::Place;
use identity::{BoostId, MemberId, at_home};
use ledger::Millicredits;
use policy::Facts;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Boost;
use crate::app::unexpected;
use crate::controllers::transfers::team_of;
use crate::controllers::{Created, created};
use crate::extract::{Action, Body, Caller, Target};
use crate::node::not_heard_of_yet;
use crate::problem::Problem;
use crate::schema;
use crate::text::Note;
use crate::time::Time;

/// Credits to be set apart for a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBoost {
    #[schema(value_type = schema::MemberId)]
    member_id: MemberId,
    #[schema(value_type = schema::PositiveAmount)]
    amount: Millicredits,
    /// Until when they can be spent; until they are if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::Time>)]
    ends_at: Option<Time>,
    /// Lift the rate limits of the member and their keys until then; it needs an end.
    #[serde(default)]
    lifts_rate_limits: bool,
    /// Why, for people.
    #[serde(default)]
    #[schema(value_type = Option<schema::Line>)]
    reason: Option<Note>,
}

/// Give a member credits apart from their wallet.
///
/// They come from the pool of the member's team, pay before the wallet does, and cannot be passed on. What is unused at
/// the end goes back to the pool.
#[utoipa::path(post, path = "/api/v1/boosts", tag = "Boosts", request_body = NewBoost,
    responses((status = 201, description = "The boost", body = Boost)))]
#[worker::send]
pub(crate) async fn boost(caller: Caller, Body { value, repeat }: Body<NewBoost>) -> Result<Created<Boost>, Problem> {
    let facts = Facts { millicredits: Some(value.amount.get()), ..Facts::default() };
    let admin = caller.may_with(Action::Boost, Target::Wallet { id: value.member_id }, facts).await?;
    let directory = admin.directory().await?;
    let team = team_of(&directory, value.member_id).ok_or_else(|| Problem::not_found("member", value.member_id))?;
    let new = team::NewBoost {
        id: BoostId::from_u128(at_home(admin.id()?, team)),
        member: value.member_id,
        from: Place { team, member: None },
        amount: value.amount,
        ends_ms: value.ends_at.map(Time::ms),
        lifts_rate_limits: value.lifts_rate_limits,
        reason: value.reason.map(Note::into_string),
    };
    match admin.order_team(team, &repeat, team::Act::Boost(new)).await.map_err(not_heard_of_yet)? {
        team::Reply::Boosted(view) => Ok(created((*view).into())),
        _ => Err(unexpected()),
    }
}
