//! Taking a transfer back.

use ::team::protocol as team;
use axum::Json;
use identity::TransferId;
use ledger::Millicredits;
use serde::Deserialize;
use utoipa::ToSchema;

use super::find::seen;
use super::{Moved, shown, target};
use crate::app::unexpected;
use crate::extract::{Action, Body, Caller, Id};
use crate::problem::{Code, Problem};
use crate::schema;

/// How much comes back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Undo {
    /// All of it if left out; what is spent cannot.
    #[serde(default)]
    #[schema(value_type = Option<schema::PositiveAmount>)]
    amount: Option<Millicredits>,
}

/// Take a transfer back, as far as it is unspent.
///
/// Where a part of it is spent, the answer says how much can come back (`partly_spent`, `undoable`): ask for that much.
#[utoipa::path(post, path = "/api/v1/transfers/{transfer_id}/undo", tag = "Transfers",
    params(("transfer_id" = schema::TransferId, Path)), request_body = Undo,
    responses((status = 200, description = "It came back", body = Moved)))]
#[worker::send]
pub(crate) async fn undo_transfer(
    caller: Caller,
    Id(id): Id<TransferId>,
    Body { value, repeat }: Body<Undo>,
) -> Result<Json<Moved>, Problem> {
    let known = seen(&caller, id).await?;
    let admin = caller.goes_on(Action::UndoTransfer, target(shown(known.from))?, Default::default()).await?;
    let act = team::Act::UndoTransfer { transfer: id, amount: value.amount };
    let undone = admin.order_team(known.to.team, &repeat, act).await.map_err(|problem| match problem.code {
        // It has an end there, so it will arrive.
        Code::NotFound if known.status == team::TransferStatus::Sent => {
            let detail = "the transfer is still on its way to the other team: try again in a moment";
            Problem::new(Code::Conflict, detail)
        }
        Code::NotFound => Problem::new(Code::Conflict, "the transfer was refused over there, and has come back"),
        _ => problem,
    })?;
    match undone {
        // What others have left is theirs to know.
        team::Reply::Transferred(done) => Ok(Json(Moved::new(*done, false))),
        _ => Err(unexpected()),
    }
}
