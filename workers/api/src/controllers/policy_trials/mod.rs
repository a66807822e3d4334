//! Trying a policy on what was decided before it is written.
//!
//! All of it happens here and not in an actor: a thousand decisions take a
//! while, in which an actor would answer nobody. What was asked then stands in
//! the details of the audit trail, and calls of models in the journal; both
//! are read in D1, so nothing is kept only for this.

mod rows;
mod trial;

use audit::Verdict;
use axum::Json;
use identity::{AuditId, PolicyId};
use policy::Setting;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Action, Body, Caller, Target};
use crate::problem::Problem;
use crate::schema;
use crate::time::Time;

use rows::{CallRow, RecordRow, calls_statement, records_statement};
use trial::Trial;

/// Most decisions and most calls that are asked again: with 50 policies a
/// second of computing.
const MOST: u16 = 1000;

/// A policy to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"setting": {"kind": "allotments", "most": "1000", "approval": "finance"}, "last": 500}))]
pub(crate) struct PolicyTrial {
    /// In Cedar.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    cedar: Option<String>,
    /// Or as a setting.
    #[serde(default)]
    #[schema(value_type = Option<schema::Setting>)]
    setting: Option<Setting>,
    /// In place of this policy; beside all that there are if left out. Without `cedar` and `setting` this policy is tried
    /// as it is, as if it decided: for one in shadow mode.
    #[serde(default)]
    #[schema(value_type = Option<schema::PolicyId>)]
    policy_id: Option<PolicyId>,
    /// How many recorded decisions, and how many calls of models, are asked again: the newest. 1,000 if left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    last: Option<u16>,
}

/// What would change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "decisions": {"asked": 812, "since": "2026-10-01T08:00:00Z"},
    "calls": null,
    "changes": [{"now": "allowed", "would": "approval_required", "decisions": 1, "calls": 0}],
    "changed": [{
        "record_id": "aud_01h2xcejqtf2nbrexx3vqjhp41", "request_id": "req_01h2xcejqtf2nbrexx3vqjhp41",
        "time": "2026-11-22T13:45:00Z", "who": "svc_01h2xcejqtf2nbrexx3vqjhp41/sk_01h2xcejqtf2nbrexx3vqjhp41",
        "action": "allot", "resource": "dep_01h2xcejqtf2nbrexx3vqjhp41", "now": "allowed",
        "would": "approval_required", "policies": ["proposed"]
    }]
}))]
pub(crate) struct TrialResult {
    /// Acts of management and refusals of the audit trail that were asked again.
    decisions: Asked,
    /// Calls of models that were asked again; `null` where the policy has no say in calls.
    calls: Option<Asked>,
    /// How many would change, and how; none where nothing would.
    changes: Vec<Change>,
    /// Which, decisions first, each newest first; at most 500.
    changed: Vec<Changed>,
}

/// What was asked again.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Asked {
    /// How many.
    asked: usize,
    /// When the oldest of them was decided; `null` where there is none.
    #[schema(value_type = Option<schema::Time>)]
    since: Option<Time>,
}

/// What one verdict would become.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Change {
    /// What the policies decide that there are.
    #[schema(value_type = schema::Verdict)]
    now: Verdict,
    /// What they would decide.
    #[schema(value_type = schema::Verdict)]
    would: Verdict,
    /// So many recorded decisions.
    decisions: usize,
    /// So many calls.
    calls: usize,
}

/// A decision that would be another one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changed {
    /// The record of the audit trail; `null` for a call.
    #[schema(value_type = Option<schema::AuditId>)]
    record_id: Option<AuditId>,
    request_id: Option<String>,
    #[schema(value_type = schema::Time)]
    time: Time,
    who: Option<String>,
    #[schema(value_type = schema::Action)]
    action: Action,
    /// What it was about.
    resource: String,
    /// What the policies decide that there are.
    #[schema(value_type = schema::Verdict)]
    now: Verdict,
    /// What they would decide.
    #[schema(value_type = schema::Verdict)]
    would: Verdict,
    /// By which policies; one that is not there yet is called `proposed`.
    policies: Vec<String>,
}

/// Try a policy on what was decided; nothing is changed by it.
///
/// The newest recorded decisions (acts of management and refusals) are asked again twice: of the policies that there are,
/// and of them with this one. They are asked as they were then: the same roles, place, amount, address and time. Records
/// whose details were erased are left out. Where the policy has a say in calls of models, the newest calls are asked too,
/// by member, team, model and time; their address is not known, and calls that were refused are not recorded. Reads that
/// were allowed are not recorded either. Records and calls arrive here within seconds.
#[utoipa::path(post, path = "/api/v1/policies/test", tag = "Policies", request_body = PolicyTrial,
    responses((status = 200, description = "What would change", body = TrialResult)))]
#[worker::send]
pub(crate) async fn test_policies(
    caller: Caller,
    Body { value, .. }: Body<PolicyTrial>,
) -> Result<Json<TrialResult>, Problem> {
    let admin = caller.may(Action::TestPolicies, Target::Organization).await?;
    let last = value.last.unwrap_or(MOST);
    if !(1..=MOST).contains(&last) {
        return Err(Problem::invalid(format!("`last` is a number from 1 to {MOST}, not {last}")));
    }
    let mut trial = Trial::new(admin.access().await?.policies, value)?;
    let rows: Vec<RecordRow> = admin.app.rows(records_statement(admin.organization, last)).await?;
    let decisions = trial.decisions(rows);
    let calls = if trial.concerns(Action::UseModel) {
        let rows: Vec<CallRow> = admin.app.rows(calls_statement(admin.organization, last)).await?;
        Some(trial.calls(rows, &admin.directory().await?))
    } else {
        None
    };
    let changes = trial.changes.into_iter();
    let changes = changes.map(|((now, would), (decisions, calls))| Change { now, would, decisions, calls }).collect();
    Ok(Json(TrialResult { decisions, calls, changes, changed: trial.changed }))
}

#[cfg(test)]
mod tests;
