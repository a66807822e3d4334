//! Asking for credits.

use ::organization::protocol::{Act, AskApproval};
use events::Place;
use identity::{ApprovalId, TransferId, at_home};
use ledger::Millicredits;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Approval;
use crate::controllers::transfers::{place, team_of};
use crate::controllers::{Created, created};
use crate::extract::{Action, Admin, Body, Caller, Target};
use crate::idempotency::Repeat;
use crate::node::Node;
use crate::problem::Problem;
use crate::schema;
use crate::text::Note;

/// Credits that are asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApproval {
    /// Whose: a colleague's wallet, or a team's pool; the pool of your own team if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::WalletOrPool>)]
    from: Option<Node>,
    /// For whom: your own wallet if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::WalletOrPool>)]
    to: Option<Node>,
    #[schema(value_type = schema::PositiveAmount)]
    amount: Millicredits,
    /// Why, for whoever decides; it becomes the transfer's note.
    #[serde(default)]
    #[schema(value_type = Option<schema::Line>)]
    reason: Option<Note>,
}

impl NewApproval {
    /// For whoever asks, from the pool of their team.
    pub(crate) const fn own(amount: Millicredits, reason: Option<Note>) -> Self {
        Self { from: None, to: None, amount, reason }
    }
}

/// Ask for credits that others must approve.
///
/// From the pool, its team's managers decide; from a colleague, the colleague; and whoever the organization's policies
/// name besides. The last approval moves the credits.
#[utoipa::path(post, path = "/api/v1/approvals", tag = "Approvals", request_body = NewApproval,
    responses((status = 201, description = "It was asked for", body = Approval)))]
#[worker::send]
pub(crate) async fn request_approval(
    caller: Caller,
    Body { value, repeat }: Body<NewApproval>,
) -> Result<Created<Approval>, Problem> {
    let own = caller.person();
    let admin = caller.may(Action::RequestApproval, Target::Organization).await?;
    let directory = admin.directory().await?;
    let missing = |name: &str| {
        Problem::invalid(format!("say `{name}`: only who is signed in has a wallet and a team of their own"))
    };
    let team = own.and_then(|member| team_of(&directory, member));
    let from = value.from.or(team.map(Node::Team)).ok_or_else(|| missing("from"))?;
    let to = value.to.or(own.map(Node::Member)).ok_or_else(|| missing("to"))?;
    let (from, to) = (place(&directory, from)?, place(&directory, to)?);
    let reason = value.reason.map(Note::into_string);
    ask(&admin, &repeat, (from, to), (value.amount, reason)).await.map(created)
}

/// Asks for a transfer.
pub(crate) async fn ask(
    admin: &Admin,
    repeat: &Repeat,
    (from, to): (Place, Place),
    (amount, reason): (Millicredits, Option<String>),
) -> Result<Approval, Problem> {
    let (id, transfer) = (ApprovalId::from_u128(admin.id()?), TransferId::from_u128(at_home(admin.id()?, from.team)));
    let asked = AskApproval { id, transfer, from, to, amount, reason };
    super::decide::ordered(admin, repeat, Act::RequestApproval(asked)).await
}
