//! The organization's own policies.

use std::collections::BTreeMap;

use ::organization::protocol::{Access, Act, HasTag, PolicyRecord, PolicySource, PutPolicy, Reply, WouldDiffer};
use axum::Json;
use axum::response::IntoResponse;
use http::header;
use identity::PolicyId;
use journal::Tag;
use ledger::Millicredits;
use policy::{LONGEST_TEXT, Mode, Setting};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Query, Target, Unrepeated};
use crate::idempotency::Repeat;
use crate::page::{List, Paging, page};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::tags::Tagged;
use crate::text::{Name, models};
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
    /// In shadow mode: how often it would have changed a decision since this version was written. What happened in the
    /// last minute may be lost.
    #[schema(value_type = Option<schema::WouldDiffer>)]
    would_differ: Option<WouldDifferBody>,
}

/// How often a policy in shadow mode would have changed a decision.
#[derive(Debug, Serialize)]
struct WouldDifferBody {
    acts: u64,
    reads: u64,
    calls: u64,
    last_at: Option<Time>,
}

impl From<WouldDiffer> for WouldDifferBody {
    fn from(counts: WouldDiffer) -> Self {
        let WouldDiffer { acts, reads, calls, last_ms } = counts;
        Self { acts, reads, calls, last_at: last_ms.map(Time::from_ms) }
    }
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
            would_differ: None,
        }
    }
}

/// A policy as it shall be: in Cedar or as a setting, as `schema::NewPolicy` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyOrder {
    name: Name,
    #[serde(default)]
    cedar: Option<String>,
    #[serde(default)]
    setting: Option<Setting>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    version: Option<u32>,
}

impl PolicyOrder {
    fn into_put(self, id: PolicyId, new: bool) -> Result<PutPolicy, Problem> {
        let source = match (self.cedar, self.setting) {
            (Some(text), None) => PolicySource::Cedar(text),
            (None, Some(setting)) => {
                check(&setting).map_err(Problem::invalid)?;
                PolicySource::Setting(setting)
            }
            _ => return Err(Problem::invalid("write the policy either in `cedar` or as a `setting`")),
        };
        // Said before anything is compared: what is too long makes no sense in any state.
        if source.text().len() > LONGEST_TEXT {
            return Err(Problem::invalid(format!("a policy can have {LONGEST_TEXT} bytes in Cedar")));
        }
        let name = self.name.into_string();
        // It stands in the order, as for everything else that has a tag.
        Ok(PutPolicy { id, new, expected_version: None, name, source, mode: self.mode })
    }
}

/// What a setting cannot say although its form could.
fn check(setting: &Setting) -> Result<(), String> {
    if setting.most().is_some_and(Millicredits::is_negative) {
        return Err("`setting.most` is below zero: write `0` to let nothing pass".to_owned());
    }
    if let Some(chain) = setting.approval() {
        Name::try_from(chain.to_owned()).map_err(|error| format!("`setting.approval`: {error}"))?;
    }
    match setting {
        Setting::Models { members: Some(members), .. } if members.is_empty() => {
            Err("`setting.members` is empty: name somebody, or leave it out for everybody".to_owned())
        }
        Setting::Models { only, .. } => models(only).map_err(|error| format!("`setting.only`: {error}")),
        _ => Ok(()),
    }
}

/// Make a policy. It holds from the next decision on.
#[utoipa::path(post, path = "/api/v1/policies", tag = "Policies", request_body = schema::NewPolicy,
    responses((status = 201, description = "It was made", body = PolicyBody)))]
#[worker::send]
pub(crate) async fn create_policy(
    caller: Caller,
    Body { value, repeat }: Body<PolicyOrder>,
) -> Result<Created<PolicyBody>, Problem> {
    let admin = caller.may(Action::CreatePolicy, Target::Organization).await?;
    let version = value.version;
    let put = value.into_put(PolicyId::from_u128(admin.id()?), true)?;
    if version.is_some() {
        let detail = "`version` is for a change of a policy: a new one has none before, so leave it out";
        return Err(Problem::new(Code::PreconditionFailed, detail));
    }
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
    let Access { policies, would_differ, .. } = admin.access().await?;
    let view = |record| with_counts(record, &would_differ);
    page(policies, (asked.cursor.as_deref(), asked.limit), |record| record.id, view).map(Json)
}

/// Show a policy.
#[utoipa::path(get, path = "/api/v1/policies/{policy_id}", tag = "Policies",
    params(("policy_id" = schema::PolicyId, Path)),
    responses((status = 200, description = "The policy", body = PolicyBody)))]
#[worker::send]
pub(crate) async fn get_policy(caller: Caller, Id(id): Id<PolicyId>) -> Result<Tagged<PolicyBody>, Problem> {
    let admin = caller.may(Action::GetPolicy, Target::Policy { id }).await?;
    let Access { policies, would_differ, .. } = admin.access().await?;
    let found = policies.into_iter().find(|record| record.id == id).ok_or_else(|| Problem::not_found("policy", id))?;
    Ok(Tagged::shown(found.tag(), with_counts(found, &would_differ)))
}

fn with_counts(record: PolicyRecord, would_differ: &BTreeMap<PolicyId, WouldDiffer>) -> PolicyBody {
    let would_differ = would_differ.get(&record.id).map(|counts| (*counts).into());
    PolicyBody { would_differ, ..record.into() }
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
    let admin = caller.may(Action::ListPolicyVersions, Target::Policy { id }).await?;
    let versions = admin.policy_versions(id).await?;
    Ok(Json(List { data: versions.into_iter().map(PolicyBody::from).collect(), next_cursor: None }))
}

/// Put a policy in the place of an earlier version.
#[utoipa::path(put, path = "/api/v1/policies/{policy_id}", tag = "Policies",
    params(("policy_id" = schema::PolicyId, Path)), request_body = schema::NewPolicy,
    responses((status = 200, description = "As it is now", body = PolicyBody)))]
#[worker::send]
pub(crate) async fn change_policy(
    caller: Caller,
    Id(id): Id<PolicyId>,
    Body { value, repeat }: Body<PolicyOrder>,
) -> Result<Tagged<PolicyBody>, Problem> {
    let admin = caller.may(Action::ChangePolicy, Target::Policy { id }).await?;
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
    let admin = caller.may(Action::RemovePolicy, Target::Policy { id }).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    #[test]
    fn written_in_one_way_and_bounded() {
        let put = |json: &str| {
            let order: PolicyOrder = serde_json::from_str(json).unwrap();
            order.into_put(PolicyId::from_u128(1), true).map(|put| put.source).map_err(|problem| problem.code)
        };
        let text = |length: usize| format!(r#"{{"name":"a","cedar":"{}"}}"#, "x".repeat(length));
        assert!(put(&text(LONGEST_TEXT)).is_ok());
        assert_eq!(put(&text(LONGEST_TEXT + 1)), Err(Code::InvalidRequest));
        assert_eq!(put(r#"{"name":"a"}"#), Err(Code::InvalidRequest));
        let both = r#"{"name":"a","cedar":"","setting":{"kind":"absence_sharing","allowed":true}}"#;
        assert_eq!(put(both), Err(Code::InvalidRequest));
        let most = |amount: &str| put(&format!(r#"{{"name":"a","setting":{{"kind":"boosts","most":"{amount}"}}}}"#));
        assert!(most("0").is_ok());
        let only = |model: &str| put(&format!(r#"{{"name":"a","setting":{{"kind":"models","only":["{model}"]}}}}"#));
        assert!(only("demo-*").is_ok());
        assert_eq!(only("a*b"), Err(Code::InvalidRequest));
        assert_eq!(only(""), Err(Code::InvalidRequest));
        let nobody = r#"{"name":"a","setting":{"kind":"models","members":[],"only":["demo-*"]}}"#;
        assert_eq!(put(nobody), Err(Code::InvalidRequest));
        let approval = |chain: &str| {
            put(&format!(r#"{{"name":"a","setting":{{"kind":"boosts","most":"1","approval":"{chain}"}}}}"#))
        };
        assert!(approval("finance").is_ok());
        assert_eq!(approval(" "), Err(Code::InvalidRequest));
        let long = (0..60).map(|n| format!("{n}{}", "x".repeat(200))).collect::<Vec<_>>().join("\",\"");
        assert_eq!(only(&long), Err(Code::InvalidRequest));
        assert_eq!(most("-0.001"), Err(Code::InvalidRequest));
    }
}
