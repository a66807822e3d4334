//! What an actor shows from its memory: the same before a crash and after.

use identity::{KeyHash, Principal};
use organization::Organization;
use organization::protocol::ApprovalFilter;
use serde_json::Value;
use storage::{Storage, StorageError};
use team::Team;

use crate::actors::Disk;
use crate::violation::{Checked, Violation, ensure};

const CHECK: &str = "memory is a cache of the database";

/// What a team's memory holds, as its questions show it at one moment.
pub(crate) struct TeamMemory {
    now: i64,
    secrets: Vec<KeyHash>,
    shown: Value,
}

impl TeamMemory {
    pub(crate) fn of(team: &mut Team<Disk>, now: i64, secrets: Vec<KeyHash>) -> Checked<Self> {
        let shown = show_team(team, now, &secrets).map_err(unreadable)?;
        Ok(Self { now, secrets, shown })
    }

    /// The team that was opened anew shows the same.
    pub(crate) fn compare(&self, team: &mut Team<Disk>) -> Checked {
        let shown = show_team(team, self.now, &self.secrets).map_err(unreadable)?;
        same(&self.shown, &shown)
    }
}

fn show_team(team: &mut Team<Disk>, now: i64, secrets: &[KeyHash]) -> serde_json::Result<Value> {
    let overview = team.overview(now).ok();
    let organization = team.profile().map(|profile| profile.organization);
    let address = "192.0.2.1".parse().ok();
    let me = secrets.iter().filter_map(|secret| team.me(now, organization?, secret, address).ok());
    let me = me.map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let journal = team.journal();
    let balances: Vec<_> = journal.books().accounts().filter(|part| !part.amount.is_zero()).collect();
    let reservations: Vec<_> = team.open_reservations().values().collect();
    Ok(serde_json::json!({
        "overview": overview,
        "me": me,
        "standing": team.standing(),
        "balances": balances,
        "reservations": reservations,
        "outbox": outbox(journal)?,
        "unpublished": first_unpublished(journal),
        "audit": audit(journal),
    }))
}

/// What an organization's memory holds.
pub(crate) struct OrganizationMemory {
    now: i64,
    shown: Value,
}

impl OrganizationMemory {
    pub(crate) fn of(organization: &Organization<Disk>, now: i64) -> Checked<Self> {
        let shown = show_organization(organization, now).map_err(unreadable)?;
        Ok(Self { now, shown })
    }

    pub(crate) fn compare(&self, organization: &Organization<Disk>) -> Checked {
        same(&self.shown, &show_organization(organization, self.now).map_err(unreadable)?)
    }
}

fn show_organization(organization: &Organization<Disk>, now: i64) -> serde_json::Result<Value> {
    let open = ApprovalFilter { to_decide: true, limit: 1000, ..ApprovalFilter::default() };
    let journal = organization.journal();
    let balances: Vec<_> = journal.books().accounts().filter(|part| !part.amount.is_zero()).collect();
    Ok(serde_json::json!({
        "directory": organization.directory().ok(),
        "settings": organization.settings().ok(),
        "standing": organization.standing().ok(),
        "approvals": organization.approvals(now, Principal::Operator, &open).ok(),
        "balances": balances,
        "outbox": outbox(journal)?,
        "unpublished": first_unpublished(journal),
        "audit": audit(journal),
    }))
}

fn outbox<S: Storage>(journal: &journal::Journal<S>) -> serde_json::Result<Vec<Value>> {
    let due = journal.due(i64::MAX);
    due.iter()
        .map(|pending| {
            Ok(serde_json::json!([
                pending.number,
                pending.target,
                pending.attempts,
                pending.next_ms,
                serde_json::to_value(&pending.envelope)?
            ]))
        })
        .collect()
}

fn first_unpublished<S: Storage>(journal: &journal::Journal<S>) -> Option<u64> {
    let entries: Result<_, StorageError> = journal.unpublished(1);
    entries.ok()?.first().map(|entry| entry.sequence)
}

/// Where the audit trail ends, and what of it the queue would be given next.
fn audit<S: Storage>(journal: &journal::Journal<S>) -> (audit::Head, Option<u64>) {
    let next = journal.unpublished_records(1).ok().and_then(|records| records.first().map(|record| record.sequence));
    (journal.audit_head(), next)
}

fn same(before: &Value, after: &Value) -> Checked {
    ensure(before == after, CHECK, || difference("", before, after))
}

/// The first place at which two values differ.
fn difference(path: &str, before: &Value, after: &Value) -> String {
    match (before, after) {
        (Value::Object(one), Value::Object(other)) => {
            let differs = one.iter().find(|(name, value)| other.get(*name) != Some(value));
            differs.map_or_else(
                || format!("{path} has more fields"),
                |(name, value)| difference(&format!("{path}/{name}"), value, other.get(name).unwrap_or(&Value::Null)),
            )
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let differs = one.iter().zip(other).enumerate().find(|(_, (one, other))| one != other);
            differs.map_or_else(String::new, |(place, (one, other))| difference(&format!("{path}/{place}"), one, other))
        }
        _ => format!("{path} was {before}, after opening anew {after}"),
    }
}

fn unreadable(error: serde_json::Error) -> Violation {
    Violation { check: CHECK, detail: error.to_string() }
}
