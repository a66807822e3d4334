//! Workloads: what their platforms sign of them stands in place of a key.

use identity::{KeyHash, WorkloadId};
use journal::Change;
use policy::Action;
use storage::Storage;

use super::services::MOST_KEYS;
use crate::Organization;
use crate::order::{invalid, not_found};
use crate::organization::write;
use crate::protocol::{Order, OrderError, Reply, ServiceAccount, ServiceKeyRecord};
use crate::records;
use crate::settings::{StandsFor, Workload};

/// They travel with the settings, and each token is held against those of its
/// issuer.
const MOST_WORKLOADS: usize = 200;
/// What a token must say beside who signed it.
const MOST_RULES: usize = 20;

impl<S: Storage> Organization<S> {
    pub(crate) fn create_workload(
        &mut self,
        now: i64,
        order: &Order,
        new: &Workload,
        scopes: Option<&Vec<Action>>,
    ) -> Result<Reply, OrderError> {
        if self.records.workloads.len() >= MOST_WORKLOADS {
            let message = format!("an organization can have {MOST_WORKLOADS} workloads");
            return Err(OrderError::Conflict { message });
        }
        if self.records.workloads.values().any(|other| other.id == new.id || other.name == new.name) {
            return Err(OrderError::Conflict { message: format!("there is a workload named `{}` already", new.name) });
        }
        if new.rules.is_empty() || new.rules.len() > MOST_RULES {
            return Err(invalid(format!(
                "a workload needs 1 to {MOST_RULES} `rules`: an issuer such as GitHub's signs tokens for everybody"
            )));
        }
        let workload = Workload { created_ms: now, ..new.clone() };
        let mut change = Change::new();
        let account = self.key_for(now, &workload, scopes)?;
        if let Some(account) = &account {
            write(&mut change, account.id, account)?;
        }
        write(&mut change, workload.id, &workload)?;
        let profile = self.profile()?.clone();
        let reply = Reply::Workload(Box::new(workload.clone()));
        let reply = self.change_settings(now, order, change, profile, reply)?;
        self.keep_account(account);
        self.records.workloads.insert(workload.id, workload);
        Ok(reply)
    }

    /// The service account with the key; a member's key is the team's to make.
    fn key_for(
        &self,
        now: i64,
        workload: &Workload,
        scopes: Option<&Vec<Action>>,
    ) -> Result<Option<ServiceAccount>, OrderError> {
        match workload.stands_for {
            StandsFor::Key { team, member, .. } => {
                let known = self.records.members.get(&member).filter(|record| record.team == team);
                known.map(|_| None).ok_or_else(|| not_found("member", member))
            }
            StandsFor::ServiceKey { account, key } => {
                let mut account = self.service_account(account)?;
                if account.keys.len() >= MOST_KEYS {
                    let message = format!("a service account can have {MOST_KEYS} keys");
                    return Err(OrderError::Conflict { message });
                }
                account.keys.push(ServiceKeyRecord {
                    id: key,
                    name: workload.name.clone(),
                    hash: KeyHash::of_workload(workload.id),
                    hint: workload.id.to_string(),
                    created_ms: now,
                    expires_ms: None,
                    revoked_ms: None,
                    scopes: scopes.cloned(),
                });
                Ok(Some(account))
            }
        }
    }

    /// A service account's key is revoked with it; a member's is the team's to
    /// revoke.
    pub(crate) fn remove_workload(&mut self, now: i64, order: &Order, id: WorkloadId) -> Result<Reply, OrderError> {
        let workload = self.records.workloads.get(&id).cloned().ok_or_else(|| not_found("workload", id))?;
        let mut change = Change::new();
        let (sql, values) = records::remove(id);
        change.write(sql, values);
        let account = match workload.stands_for {
            StandsFor::Key { .. } => None,
            StandsFor::ServiceKey { account, key } => self.without_key(now, account, key),
        };
        if let Some(account) = &account {
            write(&mut change, account.id, account)?;
        }
        let profile = self.profile()?.clone();
        let reply = self.change_settings(now, order, change, profile, Reply::Workload(Box::new(workload)))?;
        self.keep_account(account);
        self.records.workloads.remove(&id);
        Ok(reply)
    }

    fn without_key(
        &self,
        now: i64,
        id: identity::ServiceAccountId,
        key: identity::ServiceKeyId,
    ) -> Option<ServiceAccount> {
        let mut account = self.records.service_accounts.get(&id).cloned()?;
        for known in account.keys.iter_mut().filter(|known| known.id == key) {
            known.revoked_ms.get_or_insert(now);
        }
        Some(account)
    }

    fn keep_account(&mut self, account: Option<ServiceAccount>) {
        self.records.service_accounts.extend(account.map(|account| (account.id, account)));
    }
}
