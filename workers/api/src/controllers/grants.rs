//! Roles: who has which, where, and until when.

use axum::Json;
use identity::{GrantId, MemberId, Principal};
use organization::protocol::{Access, Act, NewGrant, Reply};
use policy::{Grant, Grantee, Node, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Query, Target, Unrepeated};
use crate::idempotency::Repeat;
use crate::page::{List, Size, page};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::time::Time;

/// A role that somebody has on a node of the tree and below it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grant)]
pub(crate) struct GrantBody {
    #[schema(value_type = schema::GrantId)]
    id: GrantId,
    /// A member or a service account.
    #[schema(value_type = schema::Grantee)]
    to: Grantee,
    #[schema(value_type = schema::Role)]
    role: Role,
    /// The organization, a department or a team.
    #[schema(value_type = schema::RoleNode)]
    on: Node,
    /// Until when; `null` for good.
    #[schema(value_type = Option<schema::Time>)]
    until: Option<Time>,
    /// Only these actions of the role; `null` for all.
    #[schema(value_type = Option<Vec<schema::Action>>)]
    only: Option<Vec<Action>>,
    /// Who lent it: it ends with the lender's own role. `null` where it was granted.
    #[schema(value_type = Option<schema::MemberId>)]
    lender: Option<MemberId>,
    /// Who made the grant.
    by: String,
    #[schema(value_type = schema::Time)]
    created_at: Time,
}

impl From<Grant> for GrantBody {
    fn from(grant: Grant) -> Self {
        Self {
            id: grant.id,
            to: grant.to,
            role: grant.role,
            on: grant.on,
            until: grant.until_ms.map(Time::from_ms),
            only: grant.only,
            lender: grant.lender,
            by: grant.by.to_string(),
            created_at: Time::from_ms(grant.created_ms),
        }
    }
}

/// A role for somebody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewGrant)]
pub(crate) struct GrantOrder {
    /// A member or a service account.
    #[schema(value_type = schema::Grantee)]
    to: Grantee,
    #[schema(value_type = schema::Role)]
    role: Role,
    /// The organization, a department or a team: the role holds there and below.
    #[schema(value_type = schema::RoleNode)]
    on: Node,
    /// Until when; for good if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::FutureTime>)]
    until: Option<Time>,
    /// Only these actions of the role; all if left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::Action>>)]
    only: Option<Vec<Action>>,
}

impl GrantOrder {
    fn into_new(self, id: u128) -> NewGrant {
        NewGrant {
            id: GrantId::from_u128(id),
            to: self.to,
            role: self.role,
            on: self.on,
            until_ms: self.until.map(Time::ms),
            only: self.only,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GrantFilter {
    /// Only this member's or service account's.
    #[param(value_type = Option<schema::Grantee>)]
    to: Option<Grantee>,
    /// Only on this node.
    #[param(value_type = Option<schema::RoleNode>)]
    on: Option<Node>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// Grant somebody a role.
#[utoipa::path(post, path = "/api/v1/grants", tag = "Access", request_body = GrantOrder,
    responses((status = 201, description = "It was granted", body = GrantBody)))]
#[worker::send]
pub(crate) async fn create_grant(
    caller: Caller,
    Body { value, repeat }: Body<GrantOrder>,
) -> Result<Created<GrantBody>, Problem> {
    let admin = caller.may(Action::CreateGrant, Target::Organization).await?;
    let new = value.into_new(admin.id()?);
    put(&admin, &repeat, Act::CreateGrant(new)).await.map(created)
}

/// Lend somebody a role of your own until a date.
///
/// Only what you have yourself, on the same node or below; it ends with your own role. What was lent cannot be lent on.
#[utoipa::path(post, path = "/api/v1/grants/lend", tag = "Access", request_body = GrantOrder,
    responses((status = 201, description = "It was lent", body = GrantBody)))]
#[worker::send]
pub(crate) async fn lend_role(
    caller: Caller,
    Body { value, repeat }: Body<GrantOrder>,
) -> Result<Created<GrantBody>, Problem> {
    let admin = caller.may(Action::LendRole, target(value.on)).await?;
    if matches!(admin.who, Principal::Operator | Principal::Admin(_) | Principal::Service(..) | Principal::System) {
        return Err(Problem::new(Code::Forbidden, "only a person can lend a role of their own: grant it instead"));
    }
    let new = value.into_new(admin.id()?);
    put(&admin, &repeat, Act::LendRole(new)).await.map(created)
}

/// List roles that were granted or lent.
#[utoipa::path(get, path = "/api/v1/grants", tag = "Access", params(GrantFilter),
    responses((status = 200, description = "A page", body = List<GrantBody>)))]
#[worker::send]
pub(crate) async fn list_grants(
    caller: Caller,
    Query(asked): Query<GrantFilter>,
) -> Result<Json<List<GrantBody>>, Problem> {
    let admin = caller.may(Action::ListGrants, Target::Visible).await?;
    let Access { grants, .. } = admin.access().await?;
    let wanted = grants.into_iter().filter(|grant| {
        admin.sees(grant.on) && asked.to.is_none_or(|to| grant.to == to) && asked.on.is_none_or(|on| grant.on == on)
    });
    page(wanted, (asked.cursor.as_deref(), asked.limit), |grant| grant.id, GrantBody::from).map(Json)
}

/// Take a role back.
#[utoipa::path(delete, path = "/api/v1/grants/{grant_id}", tag = "Access",
    params(("grant_id" = schema::GrantId, Path)),
    responses((status = 200, description = "As it was", body = GrantBody)))]
#[worker::send]
pub(crate) async fn revoke_grant(
    caller: Caller,
    Id(id): Id<GrantId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<Json<GrantBody>, Problem> {
    let admin = caller.may(Action::RevokeGrant, Target::Organization).await?;
    put(&admin, &repeat, Act::RevokeGrant { id }).await.map(Json)
}

async fn put(admin: &Admin, repeat: &Repeat, act: Act) -> Result<GrantBody, Problem> {
    match admin.order(repeat, act).await? {
        Reply::Grant(grant) => Ok((*grant).into()),
        _ => Err(unexpected()),
    }
}

const fn target(node: Node) -> Target {
    match node {
        Node::Organization(_) => Target::Organization,
        Node::Department(id) => Target::Department { id },
        Node::Team(id) => Target::Team { id },
    }
}
