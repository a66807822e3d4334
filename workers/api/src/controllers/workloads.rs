//! Workloads: CI jobs, pods and machines that show what their platform signs of
//! them in place of a key.

use ::organization::protocol::{Act, Reply};
use ::organization::{StandsFor, Workload};
use ::team::protocol::{self as team, NewKey};
use axum::Json;
use http::StatusCode;
use identity::{KeyHash, KeyId, MemberId, ServiceAccountId, ServiceKeyId, WorkloadId};
use issuers::workload::AUDIENCE;
use openid::{ClaimRule, Issuer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Query, Target, Unrepeated};
use crate::node::not_heard_of_yet;
use crate::page::{List, Paging, page};
use crate::problem::Problem;
use crate::schema;
use crate::text::Name;
use crate::time::Time;

/// What a token's claim must be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClaimRule)]
pub(crate) struct RuleBody {
    /// The claim's name, such as `sub`; a path into it if it begins with `/`.
    #[schema(min_length = 1, max_length = 200)]
    claim: String,
    /// Its value, or with `*` at the end what it begins with: `repo:acme/*`.
    #[schema(min_length = 1, max_length = 1000)]
    value: String,
}

/// A workload whose tokens stand in place of a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workload)]
pub(crate) struct WorkloadBody {
    #[schema(value_type = schema::WorkloadId)]
    id: WorkloadId,
    name: String,
    /// Who signs its tokens.
    issuer: String,
    /// What they must say: all of it.
    rules: Vec<RuleBody>,
    /// For whom they must be meant: their `aud`.
    audience: String,
    /// Whose calls they are.
    #[schema(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// As which service account they manage.
    #[schema(value_type = Option<schema::ServiceAccountId>)]
    service_account_id: Option<ServiceAccountId>,
    /// The key behind them: it has no secret, but limits and an end as others have.
    #[schema(value_type = schema::AnyKeyId)]
    key_id: String,
    #[schema(value_type = schema::Time)]
    created_at: Time,
}

/// A new workload, for a member or for a service account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWorkload {
    #[schema(value_type = schema::Name)]
    name: Name,
    /// Who signs its tokens, such as `https://token.actions.githubusercontent.com`.
    #[schema(max_length = 512)]
    issuer: String,
    /// What they must say: all of it.
    #[schema(min_items = 1, max_items = 20)]
    rules: Vec<RuleBody>,
    /// Whose calls they are.
    #[serde(default)]
    #[schema(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// As which service account they manage.
    #[serde(default)]
    #[schema(value_type = Option<schema::ServiceAccountId>)]
    service_account_id: Option<ServiceAccountId>,
    /// What they may be used for, within the service account's roles; all of that if left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::Action>>)]
    scopes: Option<Vec<Action>>,
}

fn show(admin: &Admin, workload: Workload) -> WorkloadBody {
    let (member_id, service_account_id, key_id) = match workload.stands_for {
        StandsFor::Key { member, key, .. } => (Some(member), None, key.to_string()),
        StandsFor::ServiceKey { account, key } => (None, Some(account), key.to_string()),
    };
    let rules = workload.rules.iter();
    let rules = rules.map(|rule| RuleBody { claim: rule.claim().to_owned(), value: rule.value() });
    WorkloadBody {
        id: workload.id,
        name: workload.name,
        issuer: workload.issuer.to_string(),
        rules: rules.collect(),
        audience: format!("{AUDIENCE}{}", admin.organization),
        member_id,
        service_account_id,
        key_id,
        created_at: Time::from_ms(workload.created_ms),
    }
}

/// Let a workload's tokens stand in place of a key.
///
/// The issuer is asked for its metadata before anything is changed. Its tokens are then keys: of the member on `/v1`,
/// or of the service account here. They must be meant for `urn:alfred:` and the organization's id.
#[utoipa::path(post, path = "/api/v1/workloads", tag = "Workloads", request_body = NewWorkload,
    responses((status = 201, description = "Its tokens are accepted from now on", body = WorkloadBody)))]
#[worker::send]
pub(crate) async fn create_workload(
    caller: Caller,
    Body { value, repeat }: Body<NewWorkload>,
) -> Result<Created<WorkloadBody>, Problem> {
    let admin = caller.may(Action::CreateWorkload, Target::Organization).await?;
    let issuer = Issuer::parse(&value.issuer, admin.app.reach().transport()).map_err(Problem::invalid)?;
    let read = |rule: &RuleBody| ClaimRule::new(&rule.claim, &rule.value).map_err(Problem::invalid);
    let rules = value.rules.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    issuers::metadata(&issuer, admin.app.reach())
        .await
        .map_err(|fault| Problem::invalid(format!("the issuer cannot be used: {fault}")))?;
    let master = admin.app.master_secret()?;
    let bits = match repeat.derive(&master, "workload", &admin.organization.to_string()) {
        Some(bits) => bits,
        None => admin.id()?,
    };
    let id = WorkloadId::from_u128(bits);
    let name = value.name.into_string();
    let stands_for = match (value.member_id, value.service_account_id) {
        (Some(member), None) if value.scopes.is_none() => {
            let directory = admin.directory().await?;
            let record = directory.members.iter().find(|record| record.profile.member == member);
            let team = record.ok_or_else(|| Problem::not_found("member", member))?.team;
            StandsFor::Key { team, member, key: KeyId::from_u128(bits) }
        }
        (None, Some(account)) => StandsFor::ServiceKey { account, key: ServiceKeyId::from_u128(bits) },
        (Some(_), None) => return Err(Problem::invalid("`scopes` are for a service account: a member's key has none")),
        _ => return Err(Problem::invalid("a workload is for a `member_id` or for a `service_account_id`")),
    };
    if let StandsFor::Key { team, member, key } = stands_for {
        let hash = KeyHash::of_workload(id);
        let new = NewKey {
            key,
            member,
            name: name.clone(),
            hash,
            hint: id.to_string(),
            expires_ms: None,
            models: None,
            addresses: None,
        };
        admin.order_team(team, &repeat, team::Act::CreateKey(new)).await.map_err(not_heard_of_yet)?;
    }
    let workload = Box::new(Workload { id, name, issuer, rules, stands_for, created_ms: 0 });
    match admin.order(&repeat, Act::CreateWorkload { workload, scopes: value.scopes }).await {
        Ok(Reply::Workload(workload)) => Ok(created(show(&admin, *workload))),
        Ok(_) => Err(unexpected()),
        Err(problem) => {
            // A key that nothing stands for is not left behind.
            if let StandsFor::Key { team, key, .. } = stands_for {
                admin.order_team(team, &repeat.part(), team::Act::RevokeKey { key }).await?;
            }
            Err(problem)
        }
    }
}

/// List workloads.
#[utoipa::path(get, path = "/api/v1/workloads", tag = "Workloads", params(Paging),
    responses((status = 200, description = "A page", body = List<WorkloadBody>)))]
#[worker::send]
pub(crate) async fn list_workloads(
    caller: Caller,
    Query(asked): Query<Paging>,
) -> Result<Json<List<WorkloadBody>>, Problem> {
    let admin = caller.may(Action::ListWorkloads, Target::Organization).await?;
    let workloads = admin.app.settings(admin.organization).await?.workloads;
    let asked = (asked.cursor.as_deref(), asked.limit);
    page(workloads, asked, |workload| workload.id, |workload| show(&admin, workload)).map(Json)
}

/// Accept a workload's tokens no more; the key behind them is revoked.
#[utoipa::path(delete, path = "/api/v1/workloads/{workload_id}", tag = "Workloads",
    params(("workload_id" = schema::WorkloadId, Path)),
    responses((status = 204, description = "They are accepted no more")))]
#[worker::send]
pub(crate) async fn remove_workload(
    caller: Caller,
    Id(id): Id<WorkloadId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<StatusCode, Problem> {
    let admin = caller.may(Action::RemoveWorkload, Target::Organization).await?;
    let workloads = admin.app.settings(admin.organization).await?.workloads;
    let workload = workloads.into_iter().find(|workload| workload.id == id);
    let workload = workload.ok_or_else(|| Problem::not_found("workload", id))?;
    // The key first: that is what bites at once.
    if let StandsFor::Key { team, key, .. } = workload.stands_for {
        admin.order_team(team, &repeat.part(), team::Act::RevokeKey { key }).await?;
    }
    admin.order(&repeat, Act::RemoveWorkload { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
