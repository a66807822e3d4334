//! The memory of commands: a repeated idempotency key gets the first reply.

use serde::{Deserialize, Serialize};
use storage::{Storage, StorageError, Value};

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS commands (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    reply TEXT NOT NULL,
    time_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID";

/// Replies are kept for a week; a client that retries later has given up
/// knowing the outcome long ago.
const KEEP_MS: i64 = 7 * 24 * 3600 * 1000;

/// An idempotency key and a fingerprint of what was sent under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// Unique for whoever uses it.
    pub key: String,
    /// Of method, path and body.
    pub fingerprint: String,
}

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// Never seen, or too long ago.
    New,
    /// Seen with the same content: this was the reply.
    Same(String),
    /// Seen with another content: the caller is confused and must be told.
    Different,
}

pub(crate) fn recall(store: &impl Storage, key: &str, fingerprint: &str) -> Result<Remembered, StorageError> {
    let rows = store.query("SELECT fingerprint, reply FROM commands WHERE key = ?", &[key.into()])?;
    let Some(row) = rows.first() else {
        return Ok(Remembered::New);
    };
    Ok(if row.text(0)? == fingerprint { Remembered::Same(row.text(1)?.to_owned()) } else { Remembered::Different })
}

pub(crate) fn remember(
    store: &impl Storage,
    now: i64,
    (key, fingerprint, reply): &(String, String, String),
) -> Result<(), StorageError> {
    store.execute(
        "INSERT INTO commands (key, fingerprint, reply, time_ms) VALUES (?, ?, ?, ?)",
        &[key.as_str().into(), fingerprint.as_str().into(), reply.as_str().into(), now.into()],
    )
}

pub(crate) fn forget_old(store: &impl Storage, now: i64) -> Result<(), StorageError> {
    store.execute("DELETE FROM commands WHERE time_ms < ?", &[Value::Int(now.saturating_sub(KEEP_MS))])
}
