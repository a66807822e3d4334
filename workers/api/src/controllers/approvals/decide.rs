//! Deciding about what was asked for.

use ::approvals::Verdict;
use ::organization::protocol::{Act, Decide, Reply};
use axum::Json;
use identity::ApprovalId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Approval;
use super::list::shown_one;
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Target};
use crate::idempotency::Repeat;
use crate::problem::Problem;
use crate::schema;
use crate::text::Note;

/// Why somebody decides so.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// Why, for whoever asked.
    #[serde(default)]
    #[schema(value_type = Option<schema::Line>)]
    reason: Option<Note>,
}

impl Decision {
    /// For that reason.
    pub(crate) const fn because(reason: Option<Note>) -> Self {
        Self { reason }
    }
}

/// Approve what was asked for.
///
/// The last approval that is needed moves the credits. Approving twice is approving once.
#[utoipa::path(post, path = "/api/v1/approvals/{approval_id}/approve", tag = "Approvals",
    params(("approval_id" = schema::ApprovalId, Path)), request_body = Decision,
    responses((status = 200, description = "As it is now", body = Approval)))]
#[worker::send]
pub(crate) async fn approve(
    caller: Caller,
    Id(id): Id<ApprovalId>,
    body: Body<Decision>,
) -> Result<Json<Approval>, Problem> {
    decide(caller, Action::Approve, (id, Verdict::Approve), body).await
}

/// Deny what was asked for: then it is over.
#[utoipa::path(post, path = "/api/v1/approvals/{approval_id}/deny", tag = "Approvals",
    params(("approval_id" = schema::ApprovalId, Path)), request_body = Decision,
    responses((status = 200, description = "As it is now", body = Approval)))]
#[worker::send]
pub(crate) async fn deny(
    caller: Caller,
    Id(id): Id<ApprovalId>,
    body: Body<Decision>,
) -> Result<Json<Approval>, Problem> {
    decide(caller, Action::Deny, (id, Verdict::Deny), body).await
}

/// Withdraw what you have asked for.
#[utoipa::path(post, path = "/api/v1/approvals/{approval_id}/cancel", tag = "Approvals",
    params(("approval_id" = schema::ApprovalId, Path)), request_body = Decision,
    responses((status = 200, description = "As it is now", body = Approval)))]
#[worker::send]
pub(crate) async fn cancel_approval(
    caller: Caller,
    Id(id): Id<ApprovalId>,
    Body { repeat, .. }: Body<Decision>,
) -> Result<Json<Approval>, Problem> {
    let admin = caller.may(Action::CancelApproval, Target::Organization).await?;
    // What they may not see is as if it were not.
    shown_one(&admin, id).await?;
    ordered(&admin, &repeat, Act::CancelApproval { id }).await.map(Json)
}

/// Decides, whichever way the word came.
pub(crate) async fn decide(
    caller: Caller,
    action: Action,
    (id, verdict): (ApprovalId, Verdict),
    Body { value, repeat }: Body<Decision>,
) -> Result<Json<Approval>, Problem> {
    let admin = caller.may(action, Target::Organization).await?;
    shown_one(&admin, id).await?;
    let reason = value.reason.map(Note::into_string);
    ordered(&admin, &repeat, Act::DecideApproval(Decide { id, verdict, reason })).await.map(Json)
}

/// Orders it, and shows how far it is then: a team has carried out what was
/// approved by the time that this is answered, as a rule.
pub(super) async fn ordered(admin: &Admin, repeat: &Repeat, act: Act) -> Result<Approval, Problem> {
    match admin.order(repeat, act).await? {
        Reply::Approval(approval) => shown_one(admin, approval.asked.id).await,
        _ => Err(unexpected()),
    }
}
