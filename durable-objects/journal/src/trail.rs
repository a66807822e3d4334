//! The audit trail: records as rows, and how far it has come.

use audit::{Draft, Erasure, Head, Record};
use identity::AuditId;
use ledger::mutant::{self, Mutant};
use serde::de::DeserializeOwned;
use storage::{Row, Storage, StorageError, Value};

/// As the entries' table: one row a record, without an index. `detail` can be
/// erased; nothing else ever changes.
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS audit (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    who TEXT,
    on_behalf_of TEXT,
    resource TEXT,
    reference TEXT,
    request TEXT,
    policies TEXT,
    policy_version INTEGER,
    shadow TEXT,
    notify TEXT,
    erases TEXT,
    digest TEXT NOT NULL,
    detail TEXT,
    hash TEXT NOT NULL
) STRICT";

/// Columns that came later, which tables that were made before get.
const LATER: [(&str, &str); 2] =
    [("shadow", "ALTER TABLE audit ADD COLUMN shadow TEXT"), ("notify", "ALTER TABLE audit ADD COLUMN notify TEXT")];

/// How far the queue has taken it, in the journal's `meta`.
pub(crate) const PUBLISHED: &str = "audit_published";

/// Through where old details were erased, in the journal's `meta`.
pub(crate) const ERASED: &str = "audit_erased";

/// Records that are looked at in one step: as many as one can erase.
const OLD_AT_ONCE: usize = 200;

const OLD: &str = "SELECT sequence, id, time_ms, detail IS NOT NULL FROM audit WHERE sequence > ?
    ORDER BY sequence LIMIT 200";

/// The next details that have been kept for long enough.
pub(crate) struct OldDetails {
    pub(crate) ids: Vec<AuditId>,
    /// The last record that was looked at and is old.
    pub(crate) through: u64,
    /// Whether the next ones may be old too.
    pub(crate) more: bool,
}

/// Those after a record, of records before a time.
pub(crate) fn old_details(store: &impl Storage, after: u64, before_ms: i64) -> Result<OldDetails, StorageError> {
    let rows = store.query(OLD, &[Value::count(after)])?;
    let mut old = OldDetails { ids: Vec::new(), through: after, more: rows.len() == OLD_AT_ONCE };
    for row in &rows {
        if row.int(2)? >= before_ms {
            old.more = false;
            break;
        }
        old.through = row.count(0)?;
        if row.int(3)? != 0 {
            old.ids.push(row.parse(1, "record id")?);
        }
    }
    Ok(old)
}

const INSERT: &str = "INSERT INTO audit
    (sequence, id, time_ms, action, outcome, code, who, on_behalf_of, resource, reference, request, policies,
     policy_version, shadow, notify, erases, digest, detail, hash)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS INTEGER), ?, ?, ?, ?, ?, ?)";

const SELECT: &str = "SELECT sequence, id, time_ms, action, outcome, code, who, on_behalf_of, resource, reference,
    request, policies, CAST(policy_version AS TEXT), shadow, notify, erases, digest, detail, hash
    FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?";

const LAST: &str = "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1";

const ERASE_RECORDS: &str = "UPDATE audit SET detail = NULL
    WHERE sequence < ? AND detail IS NOT NULL AND id IN (SELECT value FROM json_each(?))";

/// Ids have no `/`, and where two stand in one text it is between them.
const ERASE_SUBJECT: &str = "UPDATE audit SET detail = NULL
    WHERE sequence < ? AND detail IS NOT NULL AND ? <> '//'
        AND (instr('/' || who || '/', ?) > 0 OR instr('/' || on_behalf_of || '/', ?) > 0
            OR instr('/' || resource || '/', ?) > 0)";

/// Adds the columns that a table of an older version lacks.
pub(crate) fn widen(store: &impl Storage) -> Result<(), StorageError> {
    let rows = store.query("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'audit'", &[])?;
    let made = rows.first().map(|row| row.text(0)).transpose()?.unwrap_or_default();
    let lacks = |column: &str| !made.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == column);
    LATER.iter().filter(|(column, _)| lacks(column)).try_for_each(|(_, sql)| store.execute(sql, &[]))
}

/// How far a trail goes, and how far the queue has taken it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trail {
    pub(crate) head: Head,
    pub(crate) published: u64,
}

impl Trail {
    /// Reads the last row; no other is needed to go on.
    pub(crate) fn load(store: &impl Storage, published: u64) -> Result<Self, StorageError> {
        let head = match store.query(LAST, &[])?.first() {
            Some(row) => Head { sequence: row.count(0)?, hash: row.parse(1, "hash")? },
            None => Head::START,
        };
        Ok(Self { head, published })
    }

    /// Gives drafts their places, and says where the trail then ends.
    pub(crate) fn seal(&self, actor: &str, now: i64, drafts: Vec<Draft>) -> (Vec<Record>, Head) {
        let mut head = self.head;
        let seal = |draft| {
            let sequence = head.sequence.saturating_add(1);
            let record = Record::seal(actor, sequence, now, head.hash, draft);
            head = Head { sequence, hash: record.hash };
            record
        };
        let sealed = drafts.into_iter().map(seal).collect();
        (sealed, head)
    }
}

/// Writes a record, and erases what it erases.
pub(crate) fn insert(store: &impl Storage, record: &Record) -> Result<(), StorageError> {
    let list = |names: &Vec<String>| (!names.is_empty()).then(|| serde_json::to_string(names));
    let json = |text: Option<serde_json::Result<String>>| text.transpose().map_err(corrupt);
    store.execute(
        INSERT,
        &[
            Value::count(record.sequence),
            record.id.to_string().into(),
            record.time_ms.into(),
            record.action.as_str().into(),
            record.outcome.as_str().into(),
            record.code.clone().into(),
            record.who.map(|who| who.to_string()).into(),
            record.on_behalf_of.clone().into(),
            record.resource.clone().into(),
            record.reference.clone().into(),
            record.request.clone().into(),
            json(list(&record.policies))?.into(),
            record.policy_version.map(|version| version.to_string()).into(),
            json(record.shadow.as_ref().map(serde_json::to_string))?.into(),
            json(list(&record.notify))?.into(),
            json(record.erases.as_ref().map(serde_json::to_string))?.into(),
            record.digest.to_string().into(),
            json(record.detail.as_ref().map(serde_json::to_string))?.into(),
            record.hash.to_string().into(),
        ],
    )?;
    let before = Value::count(record.sequence);
    match &record.erases {
        None => Ok(()),
        Some(_) if mutant::is_active(Mutant::KeepDetails) => Ok(()),
        Some(Erasure::Records(ids)) => {
            let ids = serde_json::to_string(ids).map_err(corrupt)?;
            store.execute(ERASE_RECORDS, &[before, ids.into()])
        }
        Some(Erasure::Subject(subject)) => {
            let id = || Value::Text(format!("/{subject}/"));
            store.execute(ERASE_SUBJECT, &[before, id(), id(), id(), id()])
        }
    }
}

/// Records after `sequence`, oldest first.
pub(crate) fn after(store: &impl Storage, sequence: u64, limit: u32) -> Result<Vec<Record>, StorageError> {
    let rows = store.query(SELECT, &[Value::count(sequence), i64::from(limit).into()])?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Record, StorageError> {
    let text = |column| Ok::<_, StorageError>(row.optional_text(column)?.map(str::to_owned));
    let wrong = |error: &dyn std::fmt::Display| StorageError::Corrupt { what: "record", error: error.to_string() };
    let version = row.optional_text(12)?.map(str::parse).transpose();
    Ok(Record {
        sequence: row.count(0)?,
        id: row.parse(1, "record id")?,
        time_ms: row.int(2)?,
        action: row.text(3)?.to_owned(),
        outcome: row.parse(4, "outcome")?,
        code: text(5)?,
        who: row.optional_text(6)?.map(str::parse).transpose().map_err(|error| wrong(&error))?,
        on_behalf_of: text(7)?,
        resource: text(8)?,
        reference: text(9)?,
        request: text(10)?,
        policies: json_of(row, 11)?.unwrap_or_default(),
        policy_version: version.map_err(|error: std::num::ParseIntError| wrong(&error))?,
        shadow: json_of(row, 13)?,
        notify: json_of(row, 14)?.unwrap_or_default(),
        erases: json_of(row, 15)?,
        digest: row.parse(16, "digest")?,
        detail: json_of(row, 17)?,
        hash: row.parse(18, "hash")?,
    })
}

fn json_of<T: DeserializeOwned>(row: &Row, column: usize) -> Result<Option<T>, StorageError> {
    row.optional_text(column)?.map(serde_json::from_str).transpose().map_err(corrupt)
}

fn corrupt(error: serde_json::Error) -> StorageError {
    StorageError::Corrupt { what: "record", error: error.to_string() }
}
