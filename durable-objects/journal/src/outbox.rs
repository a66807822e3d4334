//! Messages that another actor has not yet taken.

use events::{Envelope, Message};
use storage::{Row, Storage, StorageError, Value};

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    message TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_ms INTEGER NOT NULL
) STRICT";

/// Waits of 1 s, 2 s, 4 s … up to 2^8 s, about four minutes. It never gives
/// up: the message is money.
const MAX_DOUBLINGS: u32 = 8;

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its number in this actor's outbox.
    pub number: u64,
    /// The name of the actor that it is for.
    pub target: String,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// When it is tried next.
    pub next_ms: i64,
    /// The message with its id.
    pub envelope: Envelope,
}

impl Pending {
    pub(crate) fn new(actor: &str, number: u64, target: String, now: i64, message: Message) -> Self {
        let envelope = Envelope { id: Envelope::name(actor, number), message };
        Self { number, target, attempts: 0, next_ms: now, envelope }
    }

    pub(crate) fn postponed(&self, now: i64) -> Self {
        let wait_ms = 1000_i64 << self.attempts.min(MAX_DOUBLINGS);
        Self { attempts: self.attempts.saturating_add(1), next_ms: now.saturating_add(wait_ms), ..self.clone() }
    }
}

pub(crate) fn insert(store: &impl Storage, pending: &Pending) -> Result<(), StorageError> {
    let message = serde_json::to_string(&pending.envelope).map_err(corrupt)?;
    store.execute(
        "INSERT INTO outbox (number, target, message, attempts, next_ms) VALUES (?, ?, ?, 0, ?)",
        &[Value::count(pending.number), pending.target.as_str().into(), message.into(), pending.next_ms.into()],
    )
}

pub(crate) fn delete(store: &impl Storage, number: u64) -> Result<(), StorageError> {
    store.execute("DELETE FROM outbox WHERE number = ?", &[Value::count(number)])
}

pub(crate) fn postpone(store: &impl Storage, pending: &Pending) -> Result<(), StorageError> {
    store.execute(
        "UPDATE outbox SET attempts = ?, next_ms = ? WHERE number = ?",
        &[i64::from(pending.attempts).into(), pending.next_ms.into(), Value::count(pending.number)],
    )
}

pub(crate) fn all(store: &impl Storage) -> Result<Vec<Pending>, StorageError> {
    let rows = store.query("SELECT number, target, message, attempts, next_ms FROM outbox ORDER BY number", &[])?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Pending, StorageError> {
    Ok(Pending {
        number: row.count(0)?,
        target: row.text(1)?.to_owned(),
        envelope: serde_json::from_str(row.text(2)?).map_err(corrupt)?,
        attempts: u32::try_from(row.int(3)?).unwrap_or(u32::MAX),
        next_ms: row.int(4)?,
    })
}

fn corrupt(error: serde_json::Error) -> StorageError {
    StorageError::Corrupt { what: "message", error: error.to_string() }
}
