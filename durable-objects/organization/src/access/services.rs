//! Service accounts: programs that act on their own, and their keys.

use identity::{ServiceAccountId, ServiceKeyId};
use journal::Change;
use storage::Storage;

use crate::Organization;
use crate::order::{invalid, not_found};
use crate::organization::write;
use crate::protocol::{NewServiceKey, Order, OrderError, Reply, ServiceAccount, ServiceKeyRecord};

const MOST_ACCOUNTS: usize = 1000;
pub(super) const MOST_KEYS: usize = 100;

impl<S: Storage> Organization<S> {
    pub(crate) fn create_service_account(
        &mut self,
        now: i64,
        order: &Order,
        id: ServiceAccountId,
        name: &str,
    ) -> Result<Reply, OrderError> {
        if self.records.service_accounts.len() >= MOST_ACCOUNTS {
            let message = format!("an organization can have {MOST_ACCOUNTS} service accounts");
            return Err(OrderError::Conflict { message });
        }
        let account =
            ServiceAccount { id, name: name.to_owned(), created_ms: now, disabled_ms: None, keys: Vec::new() };
        self.put_service_account(now, order, account)
    }

    pub(crate) fn change_service_account(
        &mut self,
        now: i64,
        order: &Order,
        id: ServiceAccountId,
        name: &str,
        disabled: bool,
    ) -> Result<Reply, OrderError> {
        let mut account = self.service_account(id)?;
        name.clone_into(&mut account.name);
        account.disabled_ms = disabled.then(|| account.disabled_ms.unwrap_or(now));
        self.put_service_account(now, order, account)
    }

    pub(crate) fn create_service_key(
        &mut self,
        now: i64,
        order: &Order,
        new: &NewServiceKey,
    ) -> Result<Reply, OrderError> {
        let mut account = self.service_account(new.account)?;
        if account.keys.len() >= MOST_KEYS {
            return Err(OrderError::Conflict { message: format!("a service account can have {MOST_KEYS} keys") });
        }
        let all = self.records.service_accounts.values().flat_map(|account| &account.keys);
        if all.clone().any(|key| key.id == new.id || key.hash == new.hash) {
            return Err(OrderError::Conflict { message: "the key exists already".to_owned() });
        }
        if new.expires_ms.is_some_and(|at| at <= now) {
            return Err(invalid("`expires_at` is in the past: the key would never work"));
        }
        account.keys.push(ServiceKeyRecord {
            id: new.id,
            name: new.name.clone(),
            hash: new.hash,
            hint: new.hint.clone(),
            created_ms: now,
            expires_ms: new.expires_ms,
            revoked_ms: None,
            scopes: new.scopes.clone(),
        });
        self.put_service_account(now, order, account)
    }

    /// Revoking twice is revoking once.
    pub(crate) fn revoke_service_key(
        &mut self,
        now: i64,
        order: &Order,
        id: ServiceAccountId,
        key: ServiceKeyId,
    ) -> Result<Reply, OrderError> {
        let mut account = self.service_account(id)?;
        let found = account.keys.iter_mut().find(|other| other.id == key).ok_or_else(|| not_found("key", key))?;
        found.revoked_ms.get_or_insert(now);
        self.put_service_account(now, order, account)
    }

    pub(super) fn service_account(&self, id: ServiceAccountId) -> Result<ServiceAccount, OrderError> {
        self.records.service_accounts.get(&id).cloned().ok_or_else(|| not_found("service account", id))
    }

    fn put_service_account(&mut self, now: i64, order: &Order, account: ServiceAccount) -> Result<Reply, OrderError> {
        let mut others = self.records.service_accounts.values();
        if others.any(|other| other.id != account.id && other.name == account.name) {
            let message = format!("there is a service account named `{}` already", account.name);
            return Err(OrderError::Conflict { message });
        }
        let mut change = Change::new();
        write(&mut change, account.id, &account)?;
        let reply = self.change_access(now, order, change, Reply::ServiceAccount(Box::new(account.clone())))?;
        self.records.service_accounts.insert(account.id, account);
        Ok(reply)
    }
}
