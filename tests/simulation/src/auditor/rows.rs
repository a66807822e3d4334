//! The actors' rows, read past the core's own reading.

use audit::Record;
use ledger::{Entry, Millicredits, Reservation};
use storage::{Row, Storage, StorageError};

use crate::actors::Disk;
use crate::violation::{Checked, Violation};

const ENTRIES: &str =
    "SELECT sequence, id, time_ms, kind, debit, credit, CAST(amount AS TEXT), reference, who, call, note, hash
    FROM entries WHERE sequence > ? ORDER BY sequence";

/// All entries after a sequence.
pub(super) fn entries(store: &impl Storage, after: u64) -> Checked<Vec<Entry>> {
    let rows = store.query(ENTRIES, &[storage::Value::count(after)]).map_err(unreadable)?;
    rows.iter().map(|row| entry(row).map_err(unreadable)).collect()
}

/// One entry out of columns in the order of the journal's table.
pub(super) fn entry(row: &Row) -> Result<Entry, StorageError> {
    let corrupt = |error: serde_json::Error| StorageError::Corrupt { what: "call", error: error.to_string() };
    Ok(Entry {
        sequence: row.count(0)?,
        id: row.parse(1, "id")?,
        time_ms: row.int(2)?,
        kind: row.parse(3, "kind")?,
        debit: row.parse(4, "debit")?,
        credit: row.parse(5, "credit")?,
        amount: Millicredits::new(row.exact(6)?),
        reference: row.text(7)?.to_owned(),
        who: row.parse(8, "who")?,
        call: row.optional_text(9)?.map(serde_json::from_str).transpose().map_err(corrupt)?,
        note: row.optional_text(10)?.map(str::to_owned),
        hash: row.parse(11, "hash")?,
    })
}

/// Columns in the order in which [`record`] reads them.
pub(super) const RECORD: &str = "sequence, id, time_ms, action, outcome, code, who, on_behalf_of, resource, reference,
    request, policies, policy_version, erases, digest, detail, hash, shadow, notify";

/// All records after a sequence.
pub(super) fn records(store: &impl Storage, after: u64) -> Checked<Vec<Record>> {
    let sql = format!("SELECT {RECORD} FROM audit WHERE sequence > ? ORDER BY sequence");
    let rows = store.query(&sql, &[storage::Value::count(after)]).map_err(unreadable)?;
    rows.iter().map(|row| record(row).map_err(unreadable)).collect()
}

/// One record out of columns in this order.
pub(super) fn record(row: &Row) -> Result<Record, StorageError> {
    let corrupt = |error: serde_json::Error| StorageError::Corrupt { what: "record", error: error.to_string() };
    let text = |column| Ok::<_, StorageError>(row.optional_text(column)?.map(str::to_owned));
    let who = row.optional_text(6)?.map(|_| row.parse(6, "who")).transpose()?;
    Ok(Record {
        sequence: row.count(0)?,
        id: row.parse(1, "id")?,
        time_ms: row.int(2)?,
        action: row.text(3)?.to_owned(),
        outcome: row.parse(4, "outcome")?,
        code: text(5)?,
        who,
        on_behalf_of: text(7)?,
        resource: text(8)?,
        reference: text(9)?,
        request: text(10)?,
        policies: text(11)?.map(|text| serde_json::from_str(&text)).transpose().map_err(corrupt)?.unwrap_or_default(),
        policy_version: row.count(12).ok(),
        erases: text(13)?.map(|text| serde_json::from_str(&text)).transpose().map_err(corrupt)?,
        digest: row.parse(14, "digest")?,
        detail: text(15)?.map(|text| serde_json::from_str(&text)).transpose().map_err(corrupt)?,
        hash: row.parse(16, "hash")?,
        shadow: text(17)?.map(|text| serde_json::from_str(&text)).transpose().map_err(corrupt)?,
        notify: text(18)?.map(|text| serde_json::from_str(&text)).transpose().map_err(corrupt)?.unwrap_or_default(),
    })
}

/// The row of a reservation.
pub(super) fn reservation(disk: &Disk, request: identity::RequestId) -> Checked<Option<Reservation>> {
    let sql = "SELECT data FROM reservations WHERE id = ?";
    let rows = disk.native().query(sql, &[request.to_string().into()]).map_err(unreadable)?;
    let read = |row: &Row| -> Result<Reservation, StorageError> {
        let corrupt =
            |error: serde_json::Error| StorageError::Corrupt { what: "reservation", error: error.to_string() };
        serde_json::from_str(row.text(0)?).map_err(corrupt)
    };
    rows.first().map(read).transpose().map_err(unreadable)
}

/// One text or NULL of one row.
pub(super) fn text(disk: &Disk, sql: &str, key: &str) -> Checked<Option<String>> {
    let rows = disk.native().query(sql, &[key.into()]).map_err(unreadable)?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(row.optional_text(0).map_err(unreadable)?.map(str::to_owned))
}

pub(super) fn unreadable(error: StorageError) -> Violation {
    Violation { check: "the database can be read", detail: error.to_string() }
}
