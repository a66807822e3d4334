//! What was asked for.

use ::approvals::State;
use ::organization::protocol::{self as organization, ApprovalFilter, ApprovalView, Question};
use axum::Json;
use identity::ApprovalId;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Approval;
use crate::app::unexpected;
use crate::extract::{Action, Admin, Caller, Id, Query, Target};
use crate::page::{List, Size, unknown_cursor};
use crate::problem::Problem;
use crate::schema;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ApprovalsFilter {
    /// Only what you asked for, or only what you can decide now; all that you may see if left out.
    #[param(inline)]
    only: Option<Only>,
    /// Only in this state.
    #[param(value_type = Option<schema::ApprovalState>)]
    state: Option<State>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// Seen from whoever looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Only {
    /// What they asked for.
    Own,
    /// What they can decide now.
    ToDecide,
}

/// List what was asked for, newest first.
///
/// You see what you asked for, what is for you or yours, what you may decide, and all of it where you have the role
/// `finance`, `auditor` or `organization_admin`.
#[utoipa::path(get, path = "/api/v1/approvals", tag = "Approvals", params(ApprovalsFilter),
    responses((status = 200, description = "A page", body = List<Approval>)))]
#[worker::send]
pub(crate) async fn list_approvals(
    caller: Caller,
    Query(asked): Query<ApprovalsFilter>,
) -> Result<Json<List<Approval>>, Problem> {
    let admin = caller.may(Action::ListApprovals, Target::Organization).await?;
    let before = asked.cursor.as_deref().map(|cursor| cursor.parse().map_err(unknown_cursor)).transpose()?;
    let size = usize::from(asked.limit.get());
    let filter = ApprovalFilter {
        id: None,
        to_decide: asked.only == Some(Only::ToDecide),
        own: asked.only == Some(Only::Own),
        state: asked.state,
        before,
        limit: u32::from(asked.limit.get()).saturating_add(1),
    };
    let mut views = views(&admin, filter).await?;
    let more = views.len() > size;
    views.truncate(size);
    let next_cursor = views.last().filter(|_| more).map(|view| view.approval.asked.id.to_string());
    Ok(Json(List { data: views.into_iter().map(Approval::from).collect(), next_cursor }))
}

/// Show what was asked for.
#[utoipa::path(get, path = "/api/v1/approvals/{approval_id}", tag = "Approvals",
    params(("approval_id" = schema::ApprovalId, Path)),
    responses((status = 200, description = "What was asked for", body = Approval)))]
#[worker::send]
pub(crate) async fn get_approval(caller: Caller, Id(id): Id<ApprovalId>) -> Result<Json<Approval>, Problem> {
    let admin = caller.may(Action::GetApproval, Target::Organization).await?;
    shown_one(&admin, id).await.map(Json)
}

/// One, if the caller may see it.
pub(super) async fn shown_one(admin: &Admin, id: ApprovalId) -> Result<Approval, Problem> {
    let filter = ApprovalFilter { id: Some(id), limit: 1, ..ApprovalFilter::default() };
    let view = views(admin, filter).await?.pop();
    view.map(Approval::from).ok_or_else(|| Problem::not_found("approval", id))
}

async fn views(admin: &Admin, filter: ApprovalFilter) -> Result<Vec<ApprovalView>, Problem> {
    let question = Question::Approvals { viewer: admin.who, filter };
    match admin.app.ask_organization(admin.organization, question).await? {
        organization::Answer::Approvals(views) => Ok(views?),
        _ => Err(unexpected()),
    }
}
