//! What the audit trail says of an act.

use audit::{Changed, Draft, Erasure, Outcome};
use identity::MemberId;
use serde::Serialize;
use serde_json::{Map, Value};
use storage::Storage;

use crate::Organization;
use crate::protocol::{Act, Holder, Order, OrderError, Reply, Resealed};

impl<S: Storage> Organization<S> {
    /// Something that is about to be done; memory is still as before.
    pub(crate) fn done(&self, order: &Order, reply: &Reply) -> Draft {
        let resource = resource(&order.act);
        let before = match &order.act {
            Act::PutGeneral(_) => self.records.profile.as_ref().and_then(|profile| json(&profile.general)),
            Act::ChangeOrganization { .. } => self
                .records
                .profile
                .as_ref()
                .and_then(|profile| json(&serde_json::json!({ "name": profile.name, "general": profile.general }))),
            Act::Rename { .. } => self.records.profile.as_ref().and_then(|profile| json(&profile.name)),
            Act::PutOverrides { .. } => json(&self.records.overrides),
            Act::PutSignIn(_) | Act::RemoveSignIn => json(&self.records.sign_in),
            Act::PutDomains { .. } => self.records.profile.as_ref().and_then(|profile| json(&profile.domains)),
            // What goes for ever must not stay in the record of its end.
            Act::EraseMember { .. } | Act::ExportMember { .. } => None,
            // Nothing about it changes.
            Act::TestChannel { .. }
            | Act::CreateChatLink { .. }
            | Act::LinkChat { .. }
            | Act::RemoveChatLink { .. } => None,
            _ => resource.as_deref().and_then(|id| self.snapshot(id)),
        };
        let erases = match &order.act {
            Act::EraseMember { member } => Some(Erasure::Subject(member.to_string())),
            _ => None,
        };
        let after = match reply {
            Reply::Done if is_removal(&order.act) => None,
            Reply::Done if let Act::Reseal { secrets } = &order.act => json(&holders(secrets)),
            Reply::Done if matches!(order.act, Act::ExportMember { .. }) => None,
            Reply::Done => json(&order.act),
            Reply::Department(view) => json(view),
            Reply::Team(profile) => json(profile),
            Reply::Member(record) => json(record),
            Reply::AdminKey(record) => json(record),
            Reply::Provider(provider) => json(provider),
            Reply::Channel(channel) => json(channel),
            Reply::Calendar(calendar) => json(calendar),
            Reply::Plan(plan) => json(plan),
            Reply::ServiceAccount(account) => json(account),
            Reply::Grant(_) if is_removal(&order.act) => None,
            Reply::Grant(grant) => json(grant),
            Reply::Policy(record) => json(record),
            Reply::Workload(_) if is_removal(&order.act) => None,
            Reply::Workload(workload) => json(workload),
            Reply::SignIn(sign_in) => json(sign_in),
            Reply::Session(session) => json(session),
            Reply::Moved(moved) => json(moved),
            Reply::Approval(approval) => json(approval),
        };
        let reference = match reply {
            Reply::Moved(moved) => Some(moved.transfer.to_string()),
            Reply::Approval(approval) => Some(approval.asked.transfer.to_string()),
            _ => None,
        };
        let name = audit::operation(&order.act);
        let draft = order.by.draft(&name, Some(order.who), Outcome::Done, Changed { before, after });
        Draft { resource, reference, erases, ..draft }
    }

    /// Something that could not be done.
    pub(crate) fn failed(order: &Order, error: &OrderError) -> Draft {
        let name = audit::operation(&order.act);
        let draft = order.by.draft(&name, Some(order.who), Outcome::Failed, Changed::default());
        Draft { resource: resource(&order.act), code: Some(code(error).to_owned()), ..draft }
    }

    /// A record as it is, by its id.
    fn snapshot(&self, id: &str) -> Option<Value> {
        let records = &self.records;
        match id.split('_').next()? {
            "dep" => json(records.departments.get(&id.parse().ok()?)?),
            "team" => json(&records.teams.get(&id.parse().ok()?)?.profile),
            "mem" => json(records.members.get(&id.parse().ok()?)?),
            "adm" => json(records.admin_keys.get(&id.parse().ok()?)?),
            "chan" => json(records.channels.get(&id.parse().ok()?)?),
            "cal" => json(records.calendars.get(&id.parse().ok()?)?),
            "plan" => json(records.plans.get(&id.parse().ok()?)?),
            "prov" => json(records.providers.get(&id.parse().ok()?)?),
            "svc" => json(records.service_accounts.get(&id.parse().ok()?)?),
            "grant" => json(records.grants.get(&id.parse().ok()?)?),
            "wl" => json(records.workloads.get(&id.parse().ok()?)?),
            "ses" => json(records.sessions.get(&id.parse().ok()?)?),
            "pol" => json(records.policies.get(&id.parse().ok()?)?),
            _ => None,
        }
    }
}

/// What an act is about.
fn resource(act: &Act) -> Option<String> {
    let id: &dyn ToString = match act {
        Act::Rename { .. }
        | Act::PutGeneral(_)
        | Act::ChangeOrganization { .. }
        | Act::PutOverrides { .. }
        | Act::PutSignIn(_)
        | Act::RemoveSignIn
        | Act::PutDomains { .. }
        | Act::PutSetupToken(_)
        | Act::Reseal { .. }
        | Act::Issue { .. } => return None,
        Act::CreateAdminKey(new) => &new.id,
        Act::RevokeAdminKey { id } => id,
        Act::CreateDepartment { id, .. } | Act::RenameDepartment { id, .. } => id,
        Act::CreateTeam(new) | Act::ChangeTeam(new) => &new.id,
        Act::CreateMember { member, .. } | Act::ChangeMember { member, .. } => {
            let id: &MemberId = &member.member;
            id
        }
        Act::ExportMember { member } | Act::EraseMember { member } => member,
        Act::Allot { to, .. } => to,
        Act::RequestApproval(asked) => &asked.id,
        Act::DecideApproval(decide) => &decide.id,
        Act::CancelApproval { id } => id,
        Act::PutProvider { provider, .. } => &provider.id,
        Act::RemoveProvider { id } => id,
        Act::PutChannel { channel, .. } => &channel.id,
        Act::PutCalendar { calendar, .. } => &calendar.id,
        Act::RemoveCalendar { id } => id,
        Act::CreatePlan(new) | Act::ChangePlan(new) => &new.id,
        Act::RemovePlan { id } => id,
        Act::RemoveChannel { id } | Act::TestChannel { id, .. } => id,
        Act::ResendDeadLetter { letter, .. } => letter,
        Act::CreateChatLink { member, .. } | Act::LinkChat { member, .. } | Act::RemoveChatLink { member, .. } => {
            member
        }
        Act::CreateServiceAccount { id, .. } | Act::ChangeServiceAccount { id, .. } => id,
        Act::CreateServiceKey(new) => &new.account,
        Act::RevokeServiceKey { account, .. } => account,
        Act::CreateGrant(new) | Act::LendRole(new) => &new.id,
        Act::RevokeGrant { id } => id,
        Act::CreateWorkload { workload, .. } => &workload.id,
        Act::RemoveWorkload { id } => id,
        Act::CreateSession(new) => &new.id,
        Act::EndSessions { member, .. } => member,
        Act::PutPolicy(put) => &put.id,
        Act::RemovePolicy { id } => id,
    };
    Some(id.to_string())
}

/// Whose secrets were sealed anew, without them.
fn holders(secrets: &[Resealed]) -> Vec<Holder> {
    secrets.iter().map(|secret| secret.holder).collect()
}

const fn is_removal(act: &Act) -> bool {
    matches!(
        act,
        Act::RemoveProvider { .. }
            | Act::RemoveChannel { .. }
            | Act::RemoveCalendar { .. }
            | Act::RemovePlan { .. }
            | Act::RevokeGrant { .. }
            | Act::RemoveWorkload { .. }
            | Act::RemoveSignIn
    )
}

/// The same names as the management API has for them.
const fn code(error: &OrderError) -> &'static str {
    match error {
        OrderError::NotOpen | OrderError::NotFound { .. } => "not_found",
        OrderError::Conflict { .. } => "conflict",
        OrderError::Stale { .. } => "precondition_failed",
        OrderError::Invalid { .. } => "invalid_request",
        OrderError::InsufficientFunds { .. } => "insufficient_funds",
        OrderError::IdempotencyConflict { .. } => "idempotency_conflict",
        OrderError::Storage => "unavailable",
    }
}

fn json(value: &impl Serialize) -> Option<Value> {
    let mut value = serde_json::to_value(value).ok()?;
    hide(&mut value);
    Some(value)
}

/// Takes out what is secret, or stands for a secret: hashes of keys, sealed
/// keys, and the values of headers, which may be keys.
fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("hash");
            fields.remove("previous");
            fields.remove("client_secret");
            fields.remove("secret");
            // A calendar's names of people, who can be erased, are in no record
            // that is about them.
            fields.remove("people");
            if fields.contains_key("base_url") {
                hide_provider(fields);
            }
            fields.values_mut().for_each(hide);
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

fn hide_provider(fields: &mut Map<String, Value>) {
    fields.remove("key");
    if let Some(Value::Object(headers)) = fields.get_mut("headers") {
        headers.values_mut().for_each(|value| *value = Value::from("…"));
    }
}
