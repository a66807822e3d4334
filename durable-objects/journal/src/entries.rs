//! Entries as rows.

use ledger::{Entry, Millicredits};
use storage::{Row, Storage, StorageError, Value};

/// `sequence` is the row's own number, so that an entry is one row without an
/// index; amounts go through text (see `storage`).
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS entries (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    reference TEXT NOT NULL,
    who TEXT NOT NULL,
    call TEXT,
    note TEXT,
    hash TEXT NOT NULL
) STRICT";

const INSERT: &str = "INSERT INTO entries
    (sequence, id, time_ms, kind, debit, credit, amount, reference, who, call, note, hash)
    VALUES (?, ?, ?, ?, ?, ?, CAST(? AS INTEGER), ?, ?, ?, ?, ?)";

const SELECT: &str =
    "SELECT sequence, id, time_ms, kind, debit, credit, CAST(amount AS TEXT), reference, who, call, note, hash
    FROM entries WHERE sequence > ? ORDER BY sequence LIMIT ?";

const SELECT_BEFORE: &str =
    "SELECT sequence, id, time_ms, kind, debit, credit, CAST(amount AS TEXT), reference, who, call, note, hash
    FROM entries WHERE sequence < ? ORDER BY sequence DESC LIMIT ?";

pub(crate) fn insert(store: &impl Storage, entry: &Entry) -> Result<(), StorageError> {
    let call = entry.call.as_ref().map(serde_json::to_string).transpose().map_err(corrupt)?;
    store.execute(
        INSERT,
        &[
            Value::count(entry.sequence),
            entry.id.to_string().into(),
            entry.time_ms.into(),
            entry.kind.as_str().into(),
            entry.debit.to_string().into(),
            entry.credit.to_string().into(),
            Value::exact(entry.amount.get()),
            entry.reference.as_str().into(),
            entry.who.to_string().into(),
            call.into(),
            entry.note.clone().into(),
            entry.hash.to_string().into(),
        ],
    )
}

/// Entries after `sequence`, oldest first.
pub(crate) fn after(store: &impl Storage, sequence: u64, limit: u32) -> Result<Vec<Entry>, StorageError> {
    let rows = store.query(SELECT, &[Value::count(sequence), i64::from(limit).into()])?;
    rows.iter().map(read).collect()
}

/// Entries before `sequence`, newest first.
pub(crate) fn before(store: &impl Storage, sequence: u64, limit: u32) -> Result<Vec<Entry>, StorageError> {
    let rows = store.query(SELECT_BEFORE, &[Value::count(sequence), i64::from(limit).into()])?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Entry, StorageError> {
    Ok(Entry {
        sequence: row.count(0)?,
        id: row.parse(1, "entry id")?,
        time_ms: row.int(2)?,
        kind: row.parse(3, "kind")?,
        debit: row.parse(4, "account")?,
        credit: row.parse(5, "account")?,
        amount: Millicredits::new(row.exact(6)?),
        reference: row.text(7)?.to_owned(),
        who: row.parse(8, "principal")?,
        call: row.optional_text(9)?.map(serde_json::from_str).transpose().map_err(corrupt)?,
        note: row.optional_text(10)?.map(str::to_owned),
        hash: row.parse(11, "hash")?,
    })
}

fn corrupt(error: serde_json::Error) -> StorageError {
    StorageError::Corrupt { what: "call record", error: error.to_string() }
}
