//! What the team's actor keeps beside the money, one JSON row each.

use std::collections::BTreeMap;
use std::net::IpAddr;

use events::{MemberProfile, TeamProfile};
use identity::{KeyHash, KeyId, LimitId, MemberId, Networks};
use limits::Limit;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage::{Storage, StorageError, Value};

use crate::protocol::Subject;

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS records (
    id TEXT PRIMARY KEY,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

const PUT: &str = "INSERT INTO records (id, data) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data";
const REMOVE: &str = "DELETE FROM records WHERE id = ?";

/// A member's key. The secret is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its id; survives a change of secret.
    pub id: KeyId,
    /// Whose.
    pub member: MemberId,
    /// What it is for.
    pub name: String,
    /// What it is known by.
    pub hash: KeyHash,
    /// The secret before the last rotation, while it still works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousSecret>,
    /// What lists show of it.
    pub hint: String,
    /// When it was made.
    pub created_ms: i64,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<i64>,
    /// Models that it may use, within the member's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Networks that it may be used from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Networks>,
}

impl Key {
    /// Whether it may be used from there. An address that is not known is in
    /// no list.
    pub(crate) fn allows(&self, address: Option<IpAddr>) -> bool {
        let networks = self.addresses.as_ref();
        networks.is_none_or(|networks| address.is_some_and(|address| networks.contains(address)))
    }
}

/// A secret that was replaced and works for a while longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousSecret {
    /// What it is known by.
    pub hash: KeyHash,
    /// Until when.
    pub until_ms: i64,
}

/// A limit and whom it is set on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubjectLimit {
    pub(crate) id: LimitId,
    pub(crate) subject: Subject,
    pub(crate) limit: Limit,
}

/// All records, in memory.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) profile: Option<TeamProfile>,
    pub(crate) members: BTreeMap<MemberId, MemberProfile>,
    pub(crate) keys: BTreeMap<KeyId, Key>,
    pub(crate) limits: BTreeMap<LimitId, SubjectLimit>,
    by_hash: BTreeMap<KeyHash, KeyId>,
}

impl Records {
    pub(crate) fn load(store: &impl Storage) -> Result<Self, StorageError> {
        let mut records = Self::default();
        for row in store.query("SELECT id, data FROM records", &[])? {
            let data = row.text(1)?;
            match row.text(0)?.split('_').next() {
                Some("team") => records.profile = Some(read(data)?),
                Some("mem") => {
                    let member: MemberProfile = read(data)?;
                    records.members.insert(member.member, member);
                }
                Some("key") => records.put_key(read(data)?),
                Some("lim") => {
                    let limit: SubjectLimit = read(data)?;
                    records.limits.insert(limit.id, limit);
                }
                _ => {
                    return Err(StorageError::Corrupt {
                        what: "record",
                        error: format!("unknown id {}", row.text(0)?),
                    });
                }
            }
        }
        Ok(records)
    }

    /// The key with this secret, if it works at `now`. A secret that was
    /// rotated away works until its grace ends.
    pub(crate) fn key_by_secret(&self, hash: &KeyHash, now: i64) -> Option<&Key> {
        let key = self.keys.get(self.by_hash.get(hash)?)?;
        let by_previous = key.previous.as_ref().is_some_and(|previous| previous.hash == *hash);
        let in_grace = key.previous.as_ref().is_some_and(|previous| now < previous.until_ms);
        (!by_previous || in_grace).then_some(key)
    }

    /// The key that this is or was the secret of, whether it works or not.
    pub(crate) fn key_of(&self, hash: &KeyHash) -> Option<KeyId> {
        self.by_hash.get(hash).copied()
    }

    pub(crate) fn has_secret(&self, hash: &KeyHash) -> bool {
        self.by_hash.contains_key(hash)
    }

    pub(crate) fn put_key(&mut self, key: Key) {
        if let Some(old) = self.keys.get(&key.id) {
            self.by_hash.remove(&old.hash);
            if let Some(previous) = &old.previous {
                self.by_hash.remove(&previous.hash);
            }
        }
        self.by_hash.insert(key.hash, key.id);
        if let Some(previous) = &key.previous {
            self.by_hash.insert(previous.hash, key.id);
        }
        self.keys.insert(key.id, key);
    }
}

/// The statement that stores a record.
pub(crate) fn put<T: Serialize>(id: impl ToString, data: &T) -> Result<(&'static str, Vec<Value>), StorageError> {
    let data = serde_json::to_string(data).map_err(|error| corrupt(&error))?;
    Ok((PUT, vec![id.to_string().into(), data.into()]))
}

/// The statement that removes a record.
pub(crate) fn remove(id: impl ToString) -> (&'static str, Vec<Value>) {
    (REMOVE, vec![id.to_string().into()])
}

fn read<T: DeserializeOwned>(data: &str) -> Result<T, StorageError> {
    serde_json::from_str(data).map_err(|error| corrupt(&error))
}

fn corrupt(error: &serde_json::Error) -> StorageError {
    StorageError::Corrupt { what: "record", error: error.to_string() }
}

/// Whether a list of exact names and beginnings (`gpt-4o*`) has a model.
pub fn allows(models: Option<&Vec<String>>, model: &str) -> bool {
    models.is_none_or(|models| {
        models.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => pattern == model,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_lists() {
        let list = vec!["gpt-4o".to_owned(), "demo-*".to_owned()];
        for (model, allowed) in [("gpt-4o", true), ("gpt-4o-mini", false), ("demo-small", true), ("demo", false)] {
            assert_eq!(allows(Some(&list), model), allowed, "{model}");
        }
        assert!(allows(None, "anything"));
        assert!(!allows(Some(&vec![]), "anything"));
        assert!(allows(Some(&vec!["*".to_owned()]), "anything"));
    }
}
