//! The organization's own policies, in versions.

use identity::PolicyId;
use journal::Change;
use policy::{Action, Engine, Rule};
use storage::{Storage, StorageError, Value};

use crate::Organization;
use crate::order::{invalid, not_found};
use crate::organization::write;
use crate::protocol::{Order, OrderError, PolicyRecord, PutPolicy, Reply};
use crate::records;

/// Versions are kept for good: who changed what a year ago is asked one day.
pub(crate) const VERSIONS_TABLE: &str = "CREATE TABLE IF NOT EXISTS policy_versions (
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID";

/// Versions that are shown; the newest.
const SHOWN: i64 = 100;

impl<S: Storage> Organization<S> {
    pub(crate) fn put_policy(&mut self, now: i64, order: &Order, put: &PutPolicy) -> Result<Reply, OrderError> {
        let before = self.records.policies.get(&put.id);
        if put.new != before.is_none() {
            return Err(match before {
                None => not_found("policy", put.id),
                Some(_) => OrderError::Conflict { message: format!("the policy `{}` exists already", put.id) },
            });
        }
        let version = before.map_or(0, |record| record.version);
        let same_name = |other: &&PolicyRecord| other.id != put.id && other.name == put.name;
        if self.records.policies.values().any(|other| same_name(&other)) {
            let message = format!("there is a policy named `{}` already", put.name);
            return Err(OrderError::Conflict { message });
        }
        let record = PolicyRecord {
            id: put.id,
            version: version.saturating_add(1),
            name: put.name.clone(),
            source: put.source.clone(),
            mode: put.mode,
            removed: false,
            changed_ms: now,
            changed_by: order.who,
        };
        rule(&record).check().map_err(invalid)?;
        // All of them together must be usable, or nothing could be decided.
        let others = self.records.policies.values().filter(|other| other.id != put.id);
        let rules: Vec<Rule> = others.chain([&record]).map(rule).collect();
        let engine = Engine::new(&rules).map_err(invalid)?;

        let mut change = Change::new();
        write(&mut change, record.id, &record)?;
        let concerned = before.is_some_and(concerns_calls) || concerns_calls(&record);
        let reply = self.commit_policy(now, order, change, &record, concerned)?;
        self.watch.forget(record.id);
        self.records.policies.insert(record.id, record);
        self.engine = Ok(engine).into();
        Ok(reply)
    }

    pub(crate) fn remove_policy(&mut self, now: i64, order: &Order, id: PolicyId) -> Result<Reply, OrderError> {
        let before = self.records.policies.get(&id).cloned().ok_or_else(|| not_found("policy", id))?;
        let concerned = concerns_calls(&before);
        let last = PolicyRecord {
            version: before.version.saturating_add(1),
            removed: true,
            changed_ms: now,
            changed_by: order.who,
            ..before
        };
        let mut change = Change::new();
        let (sql, values) = records::remove(id);
        change.write(sql, values);
        let reply = self.commit_policy(now, order, change, &last, concerned)?;
        self.watch.forget(id);
        self.records.policies.remove(&id);
        self.engine = std::cell::OnceCell::new();
        Ok(reply)
    }

    /// Keeps the version, and tells the teams where their calls are concerned.
    fn commit_policy(
        &mut self,
        now: i64,
        order: &Order,
        mut change: Change,
        record: &PolicyRecord,
        concerns_calls: bool,
    ) -> Result<Reply, OrderError> {
        let data = serde_json::to_string(record).map_err(|_| OrderError::Storage)?;
        let values = vec![record.id.to_string().into(), Value::Int(record.version.into()), data.into()];
        change.write("INSERT INTO policy_versions (id, version, data) VALUES (?, ?, ?)", values);
        // What was counted was counted of the version before.
        change.write("DELETE FROM shadow_counts WHERE policy = ?", vec![record.id.to_string().into()]);
        let reply = Reply::Policy(Box::new(record.clone()));
        if !concerns_calls {
            return self.change_access(now, order, change, reply);
        }
        let mut profile = self.profile()?.clone();
        profile.policy_version = profile.policy_version.saturating_add(1);
        self.change_settings(now, order, change, profile, reply)
    }

    /// All versions of a policy, the newest first; those of one that was
    /// removed too.
    ///
    /// # Errors
    /// When there never was such a policy, or the database fails.
    pub fn policy_versions(&self, id: PolicyId) -> Result<Vec<PolicyRecord>, OrderError> {
        self.profile()?;
        let sql = "SELECT data FROM policy_versions WHERE id = ? ORDER BY version DESC LIMIT ?";
        let rows = self.journal.store().query(sql, &[id.to_string().into(), Value::Int(SHOWN)]);
        let read = |rows: Vec<storage::Row>| -> Result<Vec<PolicyRecord>, StorageError> {
            let corrupt = |error: serde_json::Error| StorageError::Corrupt { what: "policy", error: error.to_string() };
            rows.iter().map(|row| serde_json::from_str(row.text(0)?).map_err(corrupt)).collect()
        };
        let versions = rows.and_then(read).map_err(|_| OrderError::Storage)?;
        if versions.is_empty() { Err(not_found("policy", id)) } else { Ok(versions) }
    }

    /// Those that have a say in calls of models.
    pub(crate) fn rules_for_calls(&self) -> Vec<Rule> {
        self.records.policies.values().filter(|record| concerns_calls(record)).map(rule).collect()
    }
}

/// A policy as the engine gets it.
pub(crate) fn rule(record: &PolicyRecord) -> Rule {
    Rule { id: record.id.to_string(), text: record.source.text(), mode: record.mode }
}

fn concerns_calls(record: &PolicyRecord) -> bool {
    rule(record).concerns(Action::UseModel)
}
