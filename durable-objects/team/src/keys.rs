//! Making, rotating and revoking keys.

use identity::{KeyHash, KeyId, WorkloadId};
use journal::Change;
use storage::Storage;

use crate::Team;
use crate::order::{invalid, not_found};
use crate::protocol::{KeyView, NewKey, Order, OrderError, Reply, Subject};
use crate::records::{self, Key, PreviousSecret};

/// A team's keys are all in its actor's memory; this many are a few MB.
const MOST_KEYS: usize = 10_000;

/// An old secret may live on for a week at most after a rotation.
const LONGEST_GRACE_MS: i64 = 7 * 24 * 3600 * 1000;

impl<S: Storage> Team<S> {
    pub(crate) fn create_key(&mut self, now: i64, order: &Order, new: &NewKey) -> Result<Reply, OrderError> {
        if !self.records.members.contains_key(&new.member) {
            return Err(not_found("member", new.member));
        }
        self.is_here(new.member)?;
        if self.records.keys.len() >= MOST_KEYS {
            return Err(OrderError::Conflict { message: format!("a team can have {MOST_KEYS} keys") });
        }
        if self.records.keys.contains_key(&new.key) || self.records.has_secret(&new.hash) {
            return Err(OrderError::Conflict { message: "the key exists already".to_owned() });
        }
        if new.expires_ms.is_some_and(|at| at <= now) {
            return Err(invalid("`expires_at` is in the past: the key would never work"));
        }
        let key = Key {
            id: new.key,
            member: new.member,
            name: new.name.clone(),
            hash: new.hash,
            previous: None,
            hint: new.hint.clone(),
            created_ms: now,
            expires_ms: new.expires_ms,
            revoked_ms: None,
            models: new.models.clone(),
            addresses: new.addresses.clone(),
        };
        self.put_key(now, order, key)
    }

    pub(crate) fn rotate_key(
        &mut self,
        now: i64,
        order: &Order,
        id: KeyId,
        hash: KeyHash,
        hint: &str,
        grace_ms: i64,
    ) -> Result<Reply, OrderError> {
        let old = self.records.keys.get(&id).ok_or_else(|| not_found("key", id))?;
        if old.hint.parse::<WorkloadId>().is_ok() {
            let message = format!("the key `{id}` stands behind a workload's tokens and has no secret");
            return Err(OrderError::Conflict { message });
        }
        if old.revoked_ms.is_some() {
            return Err(OrderError::Conflict { message: format!("the key `{id}` was revoked: make a new one") });
        }
        if !(0..=LONGEST_GRACE_MS).contains(&grace_ms) {
            return Err(invalid("the old secret can live on for 0 to 604800 seconds"));
        }
        if self.records.has_secret(&hash) {
            return Err(OrderError::Conflict { message: "the key exists already".to_owned() });
        }
        let previous =
            (grace_ms > 0).then(|| PreviousSecret { hash: old.hash, until_ms: now.saturating_add(grace_ms) });
        let key = Key { hash, hint: hint.to_owned(), previous, ..old.clone() };
        self.put_key(now, order, key)
    }

    /// Revoking twice is revoking once.
    pub(crate) fn revoke_key(&mut self, now: i64, order: &Order, id: KeyId) -> Result<Reply, OrderError> {
        let old = self.records.keys.get(&id).ok_or_else(|| not_found("key", id))?;
        let key = Key { revoked_ms: Some(old.revoked_ms.unwrap_or(now)), previous: None, ..old.clone() };
        self.put_key(now, order, key)
    }

    fn put_key(&mut self, now: i64, order: &Order, key: Key) -> Result<Reply, OrderError> {
        let (sql, values) = records::put(key.id, &key).map_err(|_| OrderError::Storage)?;
        let mut change = Change::new();
        change.write(sql, values);
        let reply = self.finish(now, order, change, Reply::Key(self.key_view(&key)))?;
        self.records.put_key(key);
        Ok(reply)
    }

    pub(crate) fn key_view(&self, key: &Key) -> KeyView {
        KeyView {
            id: key.id,
            member: key.member,
            name: key.name.clone(),
            hint: key.hint.clone(),
            created_ms: key.created_ms,
            expires_ms: key.expires_ms,
            revoked_ms: key.revoked_ms,
            models: key.models.clone(),
            addresses: key.addresses.clone(),
            spent: self.spent_in_all(Subject::Key(key.id)),
        }
    }
}
