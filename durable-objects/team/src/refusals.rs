//! Calls that were refused, for the audit trail.
//!
//! The first refusal of a key for a reason is recorded before the client hears
//! of it. What the same key is refused for the same reason soon after is
//! counted, and recorded together: when nothing more has come for a few
//! seconds, since the platform forgets an object that is idle for ten, and
//! after a minute at the latest. So whatever a client does, it writes one
//! record a minute for each of its keys and of the few reasons there are, and a
//! dozen if it takes its time; all keys that are unknown here count as one. A
//! crash loses at most what was counted, never that there was a refusal.

use std::collections::BTreeMap;

use audit::{Detail, Draft, Salt};
use identity::{KeyId, Principal};
use journal::{Change, CommitError};
use ledger::mutant::{self, Mutant};
use serde_json::json;
use storage::{Storage, StorageError};

use crate::Team;
use crate::protocol::Refused;

/// What is alike is counted for so long at most.
const TOGETHER_MS: i64 = 60_000;

/// What was counted is recorded when nothing more has come for so long.
const QUIET_MS: i64 = 5000;

/// The operation's name in the trail: the same as in policies.
const ACTION: &str = "use_model";

/// Which refusals are alike: of one key, for one reason.
type Alike = (Option<KeyId>, String);

/// What was refused of late.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    minutes: BTreeMap<Alike, Minute>,
}

/// A minute that begins with a record.
#[derive(Debug)]
struct Minute {
    since_ms: i64,
    following: Option<Following>,
}

/// What followed that record.
#[derive(Debug, Clone)]
struct Following {
    /// The last one, for all of them.
    refused: Refused,
    salt: Salt,
    last_ms: i64,
}

impl Minute {
    /// Clocks can go back: a minute that has not begun yet is over.
    const fn is_over(&self, now: i64) -> bool {
        now < self.since_ms || now >= self.ends_ms()
    }

    const fn ends_ms(&self) -> i64 {
        self.since_ms.saturating_add(TOGETHER_MS)
    }

    /// When what was counted is to be recorded, if anything was.
    fn due_ms(&self) -> Option<i64> {
        let following = self.following.as_ref()?;
        Some(following.last_ms.saturating_add(QUIET_MS).min(self.ends_ms()))
    }

    fn is_due(&self, now: i64) -> bool {
        let goes_back = self.following.as_ref().is_some_and(|following| now < following.last_ms);
        self.due_ms().is_some_and(|due| due <= now) || goes_back
    }
}

impl Refusals {
    fn next(&self) -> Option<i64> {
        self.minutes.values().filter_map(Minute::due_ms).min()
    }
}

impl<S: Storage> Team<S> {
    /// Takes note of a call that was refused. `salt`: random bits for the
    /// record's detail.
    ///
    /// # Errors
    /// When the database fails.
    pub fn refuse(&mut self, now: i64, refused: &Refused, salt: Salt) -> Result<(), StorageError> {
        if self.records.profile.is_none() {
            return Ok(());
        }
        let alike = (self.records.key_of(&refused.key), refused.code.clone());
        if let Some(minute) = self.refusals.minutes.get_mut(&alike).filter(|minute| !minute.is_over(now)) {
            if mutant::is_active(Mutant::ForgetRefused) {
                return Ok(());
            }
            let before = minute.following.as_ref().map_or(0, |before| before.refused.times);
            let times = before.saturating_add(refused.times);
            let refused = Refused { times, ..refused.clone() };
            minute.following = Some(Following { refused, salt, last_ms: now });
            return Ok(());
        }
        let mut change = Change::new();
        if let Some(following) = self.refusals.minutes.get(&alike).and_then(|over| over.following.as_ref()) {
            change.audit(self.refusal(alike.0, &following.refused, following.salt));
        }
        change.audit(self.refusal(alike.0, refused, salt));
        self.commit_refusals(now, change)?;
        // Those in which nothing more was refused are forgotten on this occasion.
        self.refusals.minutes.retain(|_, minute| minute.following.is_some() || !minute.is_over(now));
        self.refusals.minutes.insert(alike, Minute { since_ms: now, following: None });
        Ok(())
    }

    /// Records what was counted and is due. A new minute begins with each
    /// record.
    pub(crate) fn record_refusals(&mut self, now: i64) -> Result<(), StorageError> {
        let due = self.refusals.minutes.iter().filter(|(_, minute)| minute.is_due(now));
        let due: Vec<Alike> = due.map(|(alike, _)| alike.clone()).collect();
        if due.is_empty() {
            return Ok(());
        }
        let mut change = Change::new();
        for alike in &due {
            if let Some(following) = self.refusals.minutes.get(alike).and_then(|minute| minute.following.as_ref()) {
                change.audit(self.refusal(alike.0, &following.refused, following.salt));
            }
        }
        self.commit_refusals(now, change)?;
        for alike in due {
            self.refusals.minutes.insert(alike, Minute { since_ms: now, following: None });
        }
        Ok(())
    }

    /// When the alarm must ring for them.
    pub(crate) fn next_refusals(&self) -> Option<i64> {
        self.refusals.next()
    }

    fn commit_refusals(&mut self, now: i64, change: Change) -> Result<(), StorageError> {
        match self.commit(now, change) {
            Ok(_) => Ok(()),
            Err(CommitError::Storage(error)) => Err(error),
            Err(error) => Err(StorageError::Corrupt { what: "record", error: error.to_string() }),
        }
    }

    /// The record. The model's name is what the client wrote and stands in the
    /// detail, which can be erased.
    fn refusal(&self, key: Option<KeyId>, refused: &Refused, salt: Salt) -> Draft {
        let known = key.and_then(|key| self.records.keys.get(&key));
        let after = json!({"model": refused.model, "times": refused.times});
        Draft {
            action: ACTION.to_owned(),
            outcome: refused.outcome,
            code: Some(refused.code.clone()),
            who: known.map(|key| Principal::Member(key.member, key.id)),
            reference: refused.limit.map(|limit| limit.to_string()),
            request: Some(refused.request.to_string()),
            policies: refused.policies.clone(),
            policy_version: refused.policy_version,
            detail: Some(Detail {
                address: refused.address.map(|address| address.to_string()),
                after: Some(after),
                note: refused.why.clone(),
                ..Detail::new(salt)
            }),
            ..Draft::default()
        }
    }
}
