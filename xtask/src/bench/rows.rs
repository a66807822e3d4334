//! Rows written, which dominate the bill.
//!
//! The actors count their own: what SQLite reports for each statement, and one
//! for each time that the alarm is set. In D1 triggers count, while they are
//! there, each row that is inserted, changed or deleted; no table has an index
//! beside its primary key, so that a row is one row on the bill.
//!
//! Both depend on how many calls travel together, so it is counted twice: in
//! one busy team, and in fifty teams with a call a second each. A reservation
//! is deleted more than an hour after its call: that row is added.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::cells::Plan;
use super::fakes::{Load, Outcome};
use super::stage::{Stage, Way};

/// The row that is written when a reservation is deleted.
pub(super) const DELETED_LATER: f64 = 1.0;

/// D1's tables that calls write to.
const TABLES: [&str; 3] = ["entries", "usage_hours", "projections"];

/// Rows written for each call.
#[derive(Debug, Serialize)]
pub(super) struct Rows {
    pub(super) load: &'static str,
    pub(super) calls: u64,
    /// In the actors, later deletion included.
    pub(super) actor: f64,
    pub(super) d1: f64,
    pub(super) d1_tables: Vec<Written>,
    pub(super) failure: Option<String>,
}

/// Rows written to one table, all calls together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) rows: u64,
}

/// Counts.
pub(super) fn measure(stage: &mut Stage<'_>, plan: &Plan) -> Result<Vec<Rows>> {
    ensure_no_index(stage)?;
    for sql in triggers() {
        stage.query::<serde_json::Value>(&sql)?;
    }
    let (hot, spread) = (vec![stage.company.hot.id.clone()], ids(stage));
    let shape = Load {
        url: "",
        keys: "".as_ref(),
        body: "".as_ref(),
        concurrency: 8,
        seconds: 30.0,
        calls: Some(plan.counted_calls),
        warmup: 0,
        rate: None,
        stream: false,
    };
    let busy = count(stage, "one busy team", &hot, |stage| stage.load(Way::OneTeam, &shape))?;
    let rate = u32::try_from(spread.len())?;
    let slow = Load { rate: Some(rate), calls: Some(u64::from(rate) * plan.quiet_seconds), concurrency: 32, ..shape };
    let quiet = count(stage, "a call a second", &spread, |stage| stage.load(Way::FiftyTeams, &slow))?;
    for table in TABLES {
        stage.query::<serde_json::Value>(&format!("DROP TRIGGER bench_insert_{table}"))?;
        stage.query::<serde_json::Value>(&format!("DROP TRIGGER bench_update_{table}"))?;
        stage.query::<serde_json::Value>(&format!("DROP TRIGGER bench_delete_{table}"))?;
    }
    stage.query::<serde_json::Value>("DROP TABLE bench_written")?;
    Ok(vec![busy, quiet])
}

fn ids(stage: &Stage<'_>) -> Vec<String> {
    stage.company.spread.iter().map(|team| team.id.clone()).collect()
}

fn count(
    stage: &mut Stage<'_>,
    name: &'static str,
    teams: &[String],
    load: impl FnOnce(&Stage<'_>) -> Result<Outcome>,
) -> Result<Rows> {
    stage.wait_until_quiet()?;
    stage.query::<serde_json::Value>("UPDATE bench_written SET rows = 0")?;
    let before = stage.rows_written(teams)?;
    let outcome = load(stage)?;
    stage.wait_until_quiet()?;
    // The alarm that has published sets itself anew afterwards.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let after = stage.rows_written(teams)?;
    let written = after.checked_sub(before).context("an actor forgot its count: it was evicted")?;
    let d1_tables: Vec<Written> = stage.query("SELECT name, rows FROM bench_written ORDER BY name")?;
    let in_d1 = d1_tables.iter().map(|table| table.rows).sum();
    Ok(Rows {
        load: name,
        calls: outcome.requests,
        actor: each(written, outcome.requests) + DELETED_LATER,
        d1: each(in_d1, outcome.requests),
        d1_tables,
        failure: outcome.failure(),
    })
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "some thousands")]
fn each(rows: u64, calls: u64) -> f64 {
    rows as f64 / calls.max(1) as f64
}

fn triggers() -> Vec<String> {
    let mut sql = vec!["CREATE TABLE bench_written (name TEXT PRIMARY KEY, rows INTEGER NOT NULL)".to_owned()];
    for table in TABLES {
        sql.push(format!("INSERT INTO bench_written VALUES ('{table}', 0)"));
        for event in ["INSERT", "UPDATE", "DELETE"] {
            sql.push(format!(
                "CREATE TRIGGER bench_{}_{table} AFTER {event} ON {table} BEGIN
                    UPDATE bench_written SET rows = rows + 1 WHERE name = '{table}'; END",
                event.to_lowercase()
            ));
        }
    }
    sql
}

/// An index would be a second row for each row.
fn ensure_no_index(stage: &mut Stage<'_>) -> Result<()> {
    #[derive(Deserialize)]
    struct Index {
        name: String,
    }
    let tables = TABLES.map(|table| format!("'{table}'")).join(", ");
    let sql =
        format!("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({tables})");
    let indexes: Vec<Index> = stage.query(&sql)?;
    let names: Vec<_> = indexes.iter().map(|index| index.name.as_str()).collect();
    ensure!(names.is_empty(), "D1 has indexes that are not counted: {}", names.join(", "));
    Ok(())
}
