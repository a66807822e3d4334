//! What came of reading a calendar, in D1.

use calendars::Validators;
use identity::{CalendarId, MemberId, OrganizationId};
use serde::{Deserialize, Serialize};
use storage::Value;
use worker::{D1Database, Result, console_error};

use super::d1;

/// As the table has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) calendar: CalendarId,
    pub(super) tag: String,
    pub(super) read_ms: i64,
    pub(super) whole_ms: i64,
    pub(super) next_ms: i64,
    pub(super) validators: Validators,
    /// The members of whom it has said something.
    pub(super) told: Vec<MemberId>,
    pub(super) error: Option<String>,
    pub(super) skipped: Vec<String>,
    pub(super) unknown: Vec<String>,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            calendar: CalendarId::from_u128(0),
            tag: String::new(),
            read_ms: 0,
            whole_ms: 0,
            next_ms: 0,
            validators: Validators::default(),
            told: Vec::new(),
            error: None,
            skipped: Vec::new(),
            unknown: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
struct Text {
    row: String,
}

#[derive(Deserialize)]
struct Organization {
    id: String,
}

/// Organizations of which calendars were read.
pub(super) async fn organizations(db: &D1Database) -> Result<Vec<OrganizationId>> {
    let sql = "SELECT DISTINCT organization AS id FROM calendar_reads";
    let rows: Vec<Organization> = d1::prepare(db, sql, &[])?.all().await?.results()?;
    Ok(rows.iter().filter_map(|row| row.id.parse().ok()).collect())
}

/// All of an organization.
pub(super) async fn of(db: &D1Database, organization: OrganizationId) -> Result<Vec<Row>> {
    let sql = "SELECT json_object('calendar', calendar, 'tag', tag, 'read_ms', read_ms, 'whole_ms', whole_ms,
            'next_ms', next_ms, 'validators', json(validators), 'told', json(told), 'error', error,
            'skipped', json(skipped), 'unknown', json(unknown)) AS row
        FROM calendar_reads WHERE organization = ?";
    let rows: Vec<Text> = d1::prepare(db, sql, &[organization.to_string().into()])?.all().await?.results()?;
    let read = |row: &Text| match serde_json::from_str(&row.row) {
        Ok(row) => Some(row),
        Err(error) => {
            console_error!("what came of reading a calendar of {organization}: {error}");
            None
        }
    };
    Ok(rows.iter().filter_map(read).collect())
}

/// Of a calendar that is gone.
pub(super) async fn remove(db: &D1Database, organization: OrganizationId, calendar: CalendarId) -> Result<()> {
    let sql = "DELETE FROM calendar_reads WHERE organization = ? AND calendar = ?";
    d1::prepare(db, sql, &[organization.to_string().into(), calendar.to_string().into()])?.run().await.map(drop)
}

impl Row {
    pub(super) async fn keep(&self, db: &D1Database, organization: OrganizationId) -> Result<()> {
        let sql =
            "INSERT INTO calendar_reads (organization, calendar, tag, read_ms, whole_ms, next_ms, validators, told,
                error, skipped, unknown)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (organization, calendar) DO UPDATE SET tag = excluded.tag, read_ms = excluded.read_ms,
                whole_ms = excluded.whole_ms, next_ms = excluded.next_ms, validators = excluded.validators,
                told = excluded.told, error = excluded.error, skipped = excluded.skipped, unknown = excluded.unknown";
        let values = [
            organization.to_string().into(),
            self.calendar.to_string().into(),
            self.tag.clone().into(),
            self.read_ms.into(),
            self.whole_ms.into(),
            self.next_ms.into(),
            serde_json::to_string(&self.validators)?.into(),
            serde_json::to_string(&self.told)?.into(),
            self.error.clone().map_or(Value::Null, Value::Text),
            serde_json::to_string(&self.skipped)?.into(),
            serde_json::to_string(&self.unknown)?.into(),
        ];
        d1::prepare(db, sql, &values)?.run().await.map(drop)
    }
}
