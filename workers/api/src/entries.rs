//! Reading D1's copy of the journals, newest first.
//!
//! The table has no index beside its key (organization, id), since each would
//! be another row to pay for with every call. Ids sort by time, so a page is a
//! walk along the key; filters are applied on the way, and a walk ends after
//! [`SCAN`] entries whether or not it has found a page full. The cursor says
//! where it ended, so that the next page goes on from there.

use identity::{EntryId, OrganizationId, TeamId};
use ledger::{CallRecord, Millicredits};
use serde::Deserialize;

use crate::app::App;
use crate::page::{List, Size};
use crate::problem::Problem;
use crate::sql::Sql;
use crate::time::Time;

/// Entries that one page looks at: a few tens of milliseconds in D1.
const SCAN: i64 = 10_000;

/// An entry as D1 has it.
#[derive(Debug, Deserialize)]
pub(crate) struct EntryRow {
    pub(crate) id: EntryId,
    pub(crate) actor: String,
    pub(crate) sequence: u64,
    pub(crate) time_ms: i64,
    pub(crate) kind: ledger::Kind,
    pub(crate) debit: String,
    pub(crate) credit: String,
    amount: i64,
    pub(crate) reference: String,
    pub(crate) who: String,
    pub(crate) call: Option<CallRecord>,
    pub(crate) note: Option<String>,
    pub(crate) hash: String,
}

impl EntryRow {
    pub(crate) const fn amount(&self) -> Millicredits {
        Millicredits::new(self.amount)
    }
}

const ROW: &str = "SELECT json_object('id', id, 'actor', actor, 'sequence', sequence, 'time_ms', time_ms, 'kind', kind,
    'debit', debit, 'credit', credit, 'amount', amount, 'reference', reference, 'who', who, 'call', json(call),
    'note', note, 'hash', hash) AS row FROM (SELECT * FROM entries";

/// Which stretch of the journal a page is from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) from: Option<Time>,
    pub(crate) to: Option<Time>,
    pub(crate) cursor: Option<EntryId>,
    pub(crate) limit: Size,
}

impl Stretch {
    /// ` WHERE …` with the key's own columns, newest first, at most [`SCAN`].
    fn walk(&self, sql: Sql, organization: OrganizationId) -> Sql {
        let sql = sql.push(" WHERE organization = ").text(organization);
        let sql = match self.from {
            Some(from) => sql.push(" AND id >= ").text(first_id(from)),
            None => sql,
        };
        let end = [self.to.map(first_id), self.cursor].into_iter().flatten().min();
        let sql = match end {
            Some(end) => sql.push(" AND id < ").text(end),
            None => sql,
        };
        sql.push(" ORDER BY id DESC LIMIT ").int(SCAN)
    }
}

/// The id that all entries of this time and later are at or after.
fn first_id(at: Time) -> EntryId {
    EntryId::from_u128(u128::try_from(at.ms()).unwrap_or_default() << 80)
}

/// Conditions on an entry's columns, each with the value it is compared with,
/// and whose entries there are.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    equal: Vec<(&'static str, String)>,
    naming: Option<(&'static str, String)>,
    teams: Option<Vec<TeamId>>,
}

impl Conditions {
    /// `expression = value`, if there is a value. The expression comes from
    /// this crate and never from outside.
    pub(crate) fn equal(mut self, expression: &'static str, value: Option<impl ToString>) -> Self {
        self.equal.extend(value.map(|value| (expression, value.to_string())));
        self
    }

    /// `expression` has this id between two slashes.
    pub(crate) fn naming(mut self, expression: &'static str, id: impl ToString) -> Self {
        self.naming = Some((expression, format!("/{}/", id.to_string())));
        self
    }

    /// Only of these teams, unless the caller may see all.
    pub(crate) fn of(mut self, teams: Option<&[TeamId]>) -> Self {
        self.teams = teams.map(<[_]>::to_vec);
        self
    }
}

fn page_statement(organization: OrganizationId, stretch: &Stretch, conditions: &Conditions, only_calls: bool) -> Sql {
    let mut sql = stretch.walk(Sql::new(ROW), organization).push(") WHERE ");
    sql = sql.push(if only_calls { "call IS NOT NULL" } else { "TRUE" });
    sql = sql.and_within("actor", conditions.teams.as_deref());
    for (expression, value) in &conditions.equal {
        sql = sql.and_equal(expression, Some(value));
    }
    if let Some((expression, id)) = &conditions.naming {
        sql = sql.push(" AND instr(").push(expression).push(", ").text(id).push(") > 0");
    }
    sql.push(" ORDER BY id DESC LIMIT ").int(i64::from(stretch.limit.get()).saturating_add(1))
}

#[derive(Deserialize)]
struct Walked {
    last: Option<EntryId>,
    count: i64,
}

fn walked_statement(organization: OrganizationId, stretch: &Stretch) -> Sql {
    let sql = Sql::new("SELECT json_object('last', min(id), 'count', count(*)) AS row FROM (SELECT id FROM entries");
    stretch.walk(sql, organization).push(")")
}

/// A page of entries.
pub(crate) async fn page<T>(
    app: &App,
    organization: OrganizationId,
    stretch: Stretch,
    (conditions, only_calls): (Conditions, bool),
    view: impl Fn(EntryRow) -> T,
) -> Result<List<T>, Problem> {
    let mut rows: Vec<EntryRow> = app.rows(page_statement(organization, &stretch, &conditions, only_calls)).await?;
    let next_cursor = if rows.len() > usize::from(stretch.limit.get()) {
        rows.truncate(stretch.limit.get().into());
        rows.last().map(|row| row.id.to_string())
    } else {
        let walked: Vec<Walked> = app.rows(walked_statement(organization, &stretch)).await?;
        walked.first().filter(|walked| walked.count >= SCAN).and_then(|walked| walked.last).map(|id| id.to_string())
    };
    Ok(List { data: rows.into_iter().map(view).collect(), next_cursor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing;

    fn database() -> rusqlite::Connection {
        let database = testing::database();
        for (organization, n, kind, call) in [
            (1, 1, "allot", None),
            (
                1,
                2,
                "settle",
                Some(
                    r#"{"member":"mem_00000000000000000000000001","key":"key_00000000000000000000000001","model":"a","provider":"p","tag":"x","accepted_ms":1,"duration_ms":2,"input_tokens":3,"cached_tokens":0,"output_tokens":5,"reasoning_tokens":0,"cost":"0.5","outcome":"completed","metered":"reported"}"#,
                ),
            ),
            (1, 3, "settle", None),
            (2, 4, "allot", None),
        ] {
            database.execute(
                "INSERT INTO entries VALUES (?, ?, 'team_x', ?, ?, ?, 'pool', 'spent', 9223372036854775807, 'r', 'system', ?, NULL, 'h')",
                rusqlite::params![
                    OrganizationId::from_u128(organization).to_string(),
                    first_id(Time::from_ms(n * 1000)).to_string(),
                    n,
                    n * 1000,
                    kind,
                    call,
                ],
            )
            .unwrap();
        }
        database
    }

    fn check(stretch: Stretch, conditions: Conditions, only_calls: bool, expected: &[u64]) {
        let sql = page_statement(OrganizationId::from_u128(1), &stretch, &conditions, only_calls);
        let rows: Vec<EntryRow> = testing::rows(&database(), sql);
        assert_eq!(rows.iter().map(|row| row.sequence).collect::<Vec<_>>(), expected);
        assert!(rows.iter().all(|row| row.amount() == Millicredits::MAX));
    }

    #[test]
    fn walks() {
        let all = Stretch { from: None, to: None, cursor: None, limit: Size::default() };
        let at = |ms| Some(Time::from_ms(ms));
        check(all, Conditions::default(), false, &[3, 2, 1]);
        check(all, Conditions::default(), true, &[2]);
        check(all, Conditions::default().equal("kind", Some("settle")), false, &[3, 2]);
        check(all, Conditions::default().equal("call ->> 'tag'", Some("x")), true, &[2]);
        check(all, Conditions::default().equal("call ->> 'tag'", Some("' OR 1")), true, &[]);
        check(all, Conditions::default().naming("'/' || actor || '/' || debit || '/'", "team_x"), false, &[3, 2, 1]);
        check(all, Conditions::default().naming("'/' || actor || '/' || debit || '/'", "team_"), false, &[]);
        check(Stretch { from: at(2000), ..all }, Conditions::default(), false, &[3, 2]);
        check(Stretch { to: at(2000), ..all }, Conditions::default(), false, &[1]);
        check(Stretch { from: at(2000), to: at(3000), ..all }, Conditions::default(), false, &[2]);
        let cursor = Some(first_id(Time::from_ms(3000)));
        check(Stretch { cursor, ..all }, Conditions::default(), false, &[2, 1]);
        let walked: Vec<Walked> = testing::rows(&database(), walked_statement(OrganizationId::from_u128(1), &all));
        assert_eq!((walked[0].count, walked[0].last), (3, Some(first_id(Time::from_ms(1000)))));
        let none: Vec<Walked> = testing::rows(&database(), walked_statement(OrganizationId::from_u128(7), &all));
        assert_eq!((none[0].count, none[0].last), (0, None));
    }
}
