//! Ending a boost before its time.

use ::team::protocol as team;
use axum::Json;
use identity::BoostId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Boost;
use super::list::seen;
use crate::app::unexpected;
use crate::extract::{Action, Body, Caller, Id, Target};
use crate::problem::Problem;
use crate::schema;

/// Nothing is to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {}

/// End a boost now.
///
/// What is free goes back to where it came from at once, and what calls in flight have reserved when they end.
#[utoipa::path(post, path = "/api/v1/boosts/{boost_id}/end", tag = "Boosts",
    params(("boost_id" = schema::BoostId, Path)), request_body = End,
    responses((status = 200, description = "The boost", body = Boost)))]
#[worker::send]
pub(crate) async fn end_boost(
    caller: Caller,
    Id(id): Id<BoostId>,
    Body { repeat, .. }: Body<End>,
) -> Result<Json<Boost>, Problem> {
    let boost = seen(&caller, id).await?.boost;
    let target = Target::Wallet { id: boost.new.member };
    let admin = caller.goes_on(Action::EndBoost, target, Default::default()).await?;
    let act = team::Act::EndBoost { boost: id };
    match admin.order_team(boost.new.from.team, &repeat, act).await? {
        team::Reply::Boosted(view) => Ok(Json((*view).into())),
        _ => Err(unexpected()),
    }
}
