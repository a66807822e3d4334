//! What was asked for.

use ::approvals::State;
use ::organization::protocol::{self as organization, ApprovalFilter, ApprovalPage, Question};
use axum::Json;
use identity::{ApprovalId, OrganizationId, Principal};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Approval;
use crate::app::{App, unexpected};
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
/// `finance`, `auditor` or `organization_admin`. A page can have fewer than `limit`, or none: there is more as long as
/// there is a `next_cursor`.
#[utoipa::path(get, path = "/api/v1/approvals", tag = "Approvals", params(ApprovalsFilter),
    responses((status = 200, description = "A page", body = List<Approval>)))]
#[worker::send]
pub(crate) async fn list_approvals(
    caller: Caller,
    Query(asked): Query<ApprovalsFilter>,
) -> Result<Json<List<Approval>>, Problem> {
    let admin = caller.may(Action::ListApprovals, Target::Organization).await?;
    let before = asked.cursor.as_deref().map(|cursor| cursor.parse().map_err(unknown_cursor)).transpose()?;
    let filter = ApprovalFilter {
        id: None,
        to_decide: asked.only == Some(Only::ToDecide),
        own: asked.only == Some(Only::Own),
        state: asked.state,
        of: None,
        before,
        limit: asked.limit.get().into(),
    };
    let page = page(&admin, admin.who, filter).await?;
    let next_cursor = page.next.map(|next| next.to_string());
    Ok(Json(List { data: page.views.into_iter().map(Approval::from).collect(), next_cursor }))
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
    let view = page(admin, admin.who, filter).await?.views.pop();
    view.map(Approval::from).ok_or_else(|| Problem::not_found("approval", id))
}

async fn page(admin: &Admin, viewer: Principal, filter: ApprovalFilter) -> Result<ApprovalPage, Problem> {
    some(&admin.app, admin.organization, viewer, filter).await
}

/// Some of what was asked for, as somebody sees it.
pub(crate) async fn some(
    app: &App,
    organization: OrganizationId,
    viewer: Principal,
    filter: ApprovalFilter,
) -> Result<ApprovalPage, Problem> {
    match app.ask_organization(organization, Question::Approvals { viewer, filter }).await? {
        organization::Answer::Approvals(page) => Ok(page?),
        _ => Err(unexpected()),
    }
}
