//! The organization's own policies.

use ::organization::protocol::{Act, HasTag, PolicyRecord, PolicySource, PutPolicy, Reply};
use axum::Json;
use axum::response::IntoResponse;
use http::header;
use identity::PolicyId;
use journal::Tag;
use policy::{Mode, Setting};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Query, Target, Unrepeated};
use crate::idempotency::Repeat;
use crate::page::{List, Paging, page};
use crate::problem::Problem;
use crate::schema;
use crate::tags::Tagged;
use crate::text::Name;
use crate::time::Time;

/// A policy of the organization's own, in one version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Policy)]
pub(crate) struct PolicyBody {
    #[schema(value_type = schema::PolicyId)]
    id: PolicyId,
    /// Counts from 1, with every change.
    version: u32,
    name: String,
    /// What it says, as it was written.
    #[schema(value_type = schema::PolicySource)]
    source: PolicySource,
    /// What it says, in Cedar.
    cedar: String,
    #[schema(value_type = schema::PolicyMode)]
    mode: Mode,
    /// Whether it was removed with this version.
    removed: bool,
    #[schema(value_type = schema::Time)]
    changed_at: Time,
    /// Who wrote this version.
    changed_by: String,
}

impl From<PolicyRecord> for PolicyBody {
    fn from(record: PolicyRecord) -> Self {
        Self {
            id: record.id,
            version: record.version,
            name: record.name,
            cedar: record.source.text(),
            source: record.source,
            mode: record.mode,
            removed: record.removed,
            changed_at: Time::from_ms(record.changed_ms),
            changed_by: record.changed_by.to_string(),
        }
    }
}

/// A policy as it shall be: in Cedar or as a setting.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPolicy)]
pub(crate) struct PolicyOrder {
    /// Unique in the organization.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    name: Name,
    /// In Cedar; see `/policies/schema` for what there is.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    cedar: Option<String>,
    /// Or as a setting.
    #[serde(default)]
    #[schema(value_type = Option<schema::Setting>)]
    setting: Option<Setting>,
    /// In shadow mode it is evaluated and does not decide.
    #[serde(default)]
    #[schema(value_type = Option<schema::PolicyMode>)]
    mode: Mode,
    /// The version that was read, so that nobody else's change is overwritten: the same as its tag in `If-Match`.
    #[serde(default)]
    version: Option<u32>,
}

impl PolicyOrder {
    fn into_put(self, id: PolicyId, new: bool) -> Result<PutPolicy, Problem> {
        let source = match (self.cedar, self.setting) {
            (Some(text), None) => PolicySource::Cedar(text),
            (None, Some(setting)) => PolicySource::Setting(setting),
            _ => return Err(Problem::invalid("write the policy either in `cedar` or as a `setting`")),
        };
        let name = self.name.into_string();
        // It stands in the order, as for everything else that has a tag.
        Ok(PutPolicy { id, new, expected_version: None, name, source, mode: self.mode })
    }
}

/// Make a policy. It holds from the next decision on.
#[utoipa::path(post, path = "/api/v1/policies", tag = "Policies", request_body = PolicyOrder,
    responses((status = 201, description = "It was made", body = PolicyBody)))]
#[worker::send]
pub(crate) async fn create_policy(
    caller: Caller,
    Body { value, repeat }: Body<PolicyOrder>,
) -> Result<Created<PolicyBody>, Problem> {
    let admin = caller.may(Action::CreatePolicy, Target::Organization).await?;
    if value.version.is_some() {
        return Err(Problem::invalid("`version` is for a change of a policy: leave it out for a new one"));
    }
    let put = value.into_put(PolicyId::from_u128(admin.id()?), true)?;
    order(&admin, &repeat, Act::PutPolicy(put)).await.map(|record| created(record.into()))
}

/// List policies.
#[utoipa::path(get, path = "/api/v1/policies", tag = "Policies", params(Paging),
    responses((status = 200, description = "A page", body = List<PolicyBody>)))]
#[worker::send]
pub(crate) async fn list_policies(
    caller: Caller,
    Query(asked): Query<Paging>,
) -> Result<Json<List<PolicyBody>>, Problem> {
    let admin = caller.may(Action::ListPolicies, Target::Organization).await?;
    let policies = admin.access().await?.policies;
    page(policies, (asked.cursor.as_deref(), asked.limit), |record| record.id, PolicyBody::from).map(Json)
}

/// Show a policy.
#[utoipa::path(get, path = "/api/v1/policies/{policy_id}", tag = "Policies",
    params(("policy_id" = schema::PolicyId, Path)),
    responses((status = 200, description = "The policy", body = PolicyBody)))]
#[worker::send]
pub(crate) async fn get_policy(caller: Caller, Id(id): Id<PolicyId>) -> Result<Tagged<PolicyBody>, Problem> {
    let admin = caller.may(Action::GetPolicy, Target::Organization).await?;
    let mut policies = admin.access().await?.policies.into_iter();
    let found = policies.find(|record| record.id == id).ok_or_else(|| Problem::not_found("policy", id))?;
    Ok(Tagged::shown(found.tag(), found.into()))
}

/// List the versions of a policy, the newest first; of one that was removed, too.
#[utoipa::path(get, path = "/api/v1/policies/{policy_id}/versions", tag = "Policies",
    params(("policy_id" = schema::PolicyId, Path)),
    responses((status = 200, description = "The newest hundred", body = List<PolicyBody>)))]
#[worker::send]
pub(crate) async fn list_policy_versions(
    caller: Caller,
    Id(id): Id<PolicyId>,
) -> Result<Json<List<PolicyBody>>, Problem> {
    let admin = caller.may(Action::ListPolicyVersions, Target::Organization).await?;
    let versions = admin.policy_versions(id).await?;
    Ok(Json(List { data: versions.into_iter().map(PolicyBody::from).collect(), next_cursor: None }))
}

/// Put a policy in the place of an earlier version.
#[utoipa::path(put, path = "/api/v1/policies/{policy_id}", tag = "Policies",
    params(("policy_id" = schema::PolicyId, Path)), request_body = PolicyOrder,
    responses((status = 200, description = "As it is now", body = PolicyBody)))]
#[worker::send]
pub(crate) async fn change_policy(
    caller: Caller,
    Id(id): Id<PolicyId>,
    Body { value, repeat }: Body<PolicyOrder>,
) -> Result<Tagged<PolicyBody>, Problem> {
    let admin = caller.may(Action::ChangePolicy, Target::Organization).await?;
    let repeat = value.version.map_or_else(|| repeat.clone(), |version| repeat.meant_for(Tag::version(version)));
    let record = order(&admin, &repeat, Act::PutPolicy(value.into_put(id, false)?)).await?;
    Ok(Tagged::changed(record.tag(), record.into()))
}

/// Remove a policy. Its versions can still be listed.
#[utoipa::path(delete, path = "/api/v1/policies/{policy_id}", tag = "Policies",
    params(("policy_id" = schema::PolicyId, Path)),
    responses((status = 200, description = "Its last version", body = PolicyBody)))]
#[worker::send]
pub(crate) async fn remove_policy(
    caller: Caller,
    Id(id): Id<PolicyId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<Json<PolicyBody>, Problem> {
    let admin = caller.may(Action::RemovePolicy, Target::Organization).await?;
    order(&admin, &repeat, Act::RemovePolicy { id }).await.map(|record| Json(record.into()))
}

/// Show the types and actions that policies in Cedar may name.
#[utoipa::path(get, path = "/api/v1/policies/schema", tag = "Policies", security(()),
    responses((status = 200, description = "A Cedar schema", body = String, content_type = "text/plain")))]
pub(crate) async fn get_policy_schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], policy::schema_text())
}

async fn order(admin: &Admin, repeat: &Repeat, act: Act) -> Result<PolicyRecord, Problem> {
    match admin.order(repeat, act).await? {
        Reply::Policy(record) => Ok(*record),
        _ => Err(unexpected()),
    }
}
