//! Credits up and down the tree, one step at a time.

use ::organization::protocol as organization;
use ::team::protocol as team;
use identity::TransferId;
use ledger::Millicredits;
use policy::Facts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Body, Caller, Target};
use crate::node::{Node, Route, not_heard_of_yet, route};
use crate::problem::Problem;
use crate::schema;
use crate::text::Note;
use crate::time::Time;

/// Credits to be moved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allotment {
    #[schema(value_type = schema::Node)]
    from: Node,
    #[schema(value_type = schema::Node)]
    to: Node,
    #[schema(value_type = schema::PositiveAmount)]
    amount: Millicredits,
    /// Why, for people.
    #[serde(default)]
    #[schema(value_type = Option<schema::Line>)]
    note: Option<Note>,
}

/// Credits that were moved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Movement {
    /// The movement's name in every journal that it touches.
    #[schema(value_type = schema::TransferId)]
    pub(crate) id: TransferId,
    #[schema(value_type = schema::Credits)]
    pub(crate) amount: Millicredits,
    /// `null` for credits that came into being.
    #[schema(value_type = Option<schema::Node>)]
    pub(crate) from: Option<Node>,
    /// What was left there to move or spend.
    #[schema(value_type = Option<schema::Credits>)]
    pub(crate) from_available: Option<Millicredits>,
    #[schema(value_type = schema::Node)]
    pub(crate) to: Node,
    #[schema(value_type = schema::Time)]
    pub(crate) time: Time,
}

/// The upper one of two places: credits move below it.
fn above(from: Node, to: Node) -> Target {
    match (from, to) {
        (Node::Department(id), Node::Team(_)) | (Node::Team(_), Node::Department(id)) => Target::Department { id },
        (Node::Team(id), Node::Member(_)) | (Node::Member(_), Node::Team(id)) => Target::Team { id },
        // To or from the treasury, or a way that does not exist.
        _ => Target::Organization,
    }
}

/// What policies may look at.
fn facts(asked: &Allotment) -> Facts {
    let millicredits = Some(asked.amount.get());
    match asked.to {
        Node::Treasury => Facts { millicredits, ..Facts::default() },
        Node::Department(id) => Facts { millicredits, to_node: Some(policy::Node::Department(id)), ..Facts::default() },
        Node::Team(id) => Facts { millicredits, to_node: Some(policy::Node::Team(id)), ..Facts::default() },
        Node::Member(id) => Facts { millicredits, to_member: Some(id), ..Facts::default() },
    }
}

/// Move credits one step up or down the tree.
///
/// Between the treasury and a department, a department and its own team, a team's pool and its own member's wallet.
/// Only what is not reserved for calls in flight can be moved.
#[utoipa::path(post, path = "/api/v1/allotments", tag = "Credits", request_body = Allotment,
    responses((status = 201, description = "They were moved", body = Movement)))]
#[worker::send]
pub(crate) async fn allot(
    caller: Caller,
    Body { value, repeat }: Body<Allotment>,
) -> Result<Created<Movement>, Problem> {
    let admin = caller.may_with(Action::Allot, above(value.from, value.to), facts(&value)).await?;
    let Allotment { from, to, amount, note } = value;
    let note = note.map(Note::into_string);
    let transfer = TransferId::from_u128(admin.id()?);
    let moved = |id, amount, available, time_ms| {
        let (from, from_available) = (Some(from), Some(available));
        created(Movement { id, amount, from, from_available, to, time: Time::from_ms(time_ms) })
    };
    match route(&admin.directory().await?, from, to)? {
        Route::Organization(from, to) => {
            let act = organization::Act::Allot { transfer, from, to, amount, note };
            match admin.order(&repeat, act).await? {
                organization::Reply::Moved(done) => {
                    Ok(moved(done.transfer, done.amount, done.from_available, done.time_ms))
                }
                _ => Err(unexpected()),
            }
        }
        Route::Return(id) => {
            let act = team::Act::Return { transfer, amount, note };
            match admin.order_team(id, &repeat, act).await? {
                team::Reply::Moved(done) => Ok(moved(done.transfer, done.amount, done.from_available, done.time_ms)),
                _ => Err(unexpected()),
            }
        }
        Route::Team(id, from, to) => {
            let act = team::Act::Allot { transfer, from, to, amount, note };
            match admin.order_team(id, &repeat, act).await.map_err(not_heard_of_yet)? {
                team::Reply::Moved(done) => Ok(moved(done.transfer, done.amount, done.from_available, done.time_ms)),
                _ => Err(unexpected()),
            }
        }
    }
}
