//! The audit trail: reading it, taking it out of the house, and whether it
//! holds.

use ::actors::now_ms;
use ::organization::protocol::{self as organization, Target};
use ::team::protocol as team;
use audit::export::{Header, Writer};
use audit::{Head, Outcome, Record, Stretch, Verifier};
use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use http::header;
use identity::{AuditId, OrganizationId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use worker::send::SendFuture;

use crate::app::{App, unexpected};
use crate::extract::{Action, Admin, Caller, Query};
use crate::page::{List, Size};
use crate::problem::Problem;
use crate::schema;
use crate::sql::Sql;
use crate::time::Time;

/// Records that one page of a list looks at.
const SCAN: i64 = 10_000;

/// Records that an actor or D1 is asked for at once.
const AT_ONCE: u32 = 200;

/// What was done, or was not allowed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditRecord)]
pub(crate) struct AuditRecord {
    #[schema(value_type = schema::AuditId)]
    id: AuditId,
    #[schema(value_type = schema::Time)]
    time: Time,
    /// Whose trail: the organization's id, or a team's.
    actor: String,
    /// Its place there, without gaps.
    sequence: u64,
    /// The operation.
    action: String,
    #[schema(value_type = schema::AuditOutcome)]
    outcome: Outcome,
    /// Why it was denied or failed: a problem's code.
    code: Option<String>,
    /// Who; `null` for nobody that is known.
    who: Option<String>,
    on_behalf_of: Option<String>,
    /// What it was about.
    resource: Option<String>,
    /// What it belongs to, such as a movement of credits.
    reference: Option<String>,
    request_id: Option<String>,
    /// The policies that determined whether it was allowed.
    policies: Vec<String>,
    policy_version: Option<u64>,
    /// Where it came from, and the resource before and after; `null` where that was erased.
    #[schema(value_type = Option<schema::AuditDetail>)]
    detail: Option<serde_json::Value>,
    /// Covers all of it and the record before; of the detail its digest.
    hash: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditFilter {
    /// Only this trail: the organization's id, or a team's.
    actor: Option<String>,
    /// Only this operation.
    action: Option<String>,
    /// Only with this outcome.
    #[param(value_type = Option<schema::AuditOutcome>)]
    outcome: Option<Outcome>,
    /// Only by this principal, as records show it.
    who: Option<String>,
    /// Only about this.
    resource: Option<String>,
    /// Only of this request.
    request_id: Option<String>,
    /// From this time on.
    #[param(value_type = Option<schema::Time>)]
    from: Option<Time>,
    /// Before this time.
    #[param(value_type = Option<schema::Time>)]
    to: Option<Time>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<schema::AuditId>)]
    cursor: Option<AuditId>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// In which form a trail leaves the house.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// One JSON object a line: what can be verified offline.
    #[default]
    Ndjson,
    /// For spreadsheets; without details.
    Csv,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// Whose trail: the organization's id, or a team's; the organization's if left out.
    actor: Option<String>,
    /// In which form.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct VerifyQuery {
    /// Whose trail: the organization's id, or a team's; the organization's if left out.
    actor: Option<String>,
}

/// Whether a trail holds, where it is kept and where it is read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verification {
    actor: String,
    /// The actor's own.
    trail: Verified,
    /// The copy that lists and reports read, as far as it goes.
    copy: Verified,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verified {
    holds: bool,
    /// What is wrong, and where; `null` where it holds.
    fault: Option<String>,
    /// Records that were checked.
    records: u64,
    /// Of them, those whose detail was erased.
    erased: u64,
    /// The last record's place.
    sequence: u64,
    /// The last record's hash: note it down to find out later whether the trail was written anew.
    head: String,
}

const ROW: &str = "SELECT json_object('id', id, 'time_ms', time_ms, 'actor', actor, 'sequence', sequence,
    'action', action, 'outcome', outcome, 'code', code, 'who', who, 'on_behalf_of', on_behalf_of, 'resource', resource,
    'reference', reference, 'request', request, 'policies', json(coalesce(policies, '[]')),
    'policy_version', policy_version, 'erases', json(erases), 'digest', digest, 'detail', json(detail), 'hash', hash)
    AS row FROM ";

/// A record as D1 has it, with the actor's name.
#[derive(Debug, Deserialize)]
struct Row {
    actor: String,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

impl Row {
    fn record(self) -> Result<Record, Problem> {
        serde_json::from_value(serde_json::Value::Object(self.rest)).map_err(Problem::internal)
    }
}

fn body(actor: String, record: Record) -> AuditRecord {
    AuditRecord {
        id: record.id,
        time: Time::from_ms(record.time_ms),
        actor,
        sequence: record.sequence,
        action: record.action,
        outcome: record.outcome,
        code: record.code,
        who: record.who.map(|who| who.to_string()),
        on_behalf_of: record.on_behalf_of,
        resource: record.resource,
        reference: record.reference,
        request_id: record.request,
        policies: record.policies,
        policy_version: record.policy_version,
        detail: record.detail.and_then(|detail| {
            let mut detail = serde_json::to_value(detail).ok()?;
            detail.as_object_mut()?.remove("salt");
            Some(detail)
        }),
        hash: record.hash.to_string(),
    }
}

/// The id that all records of this time and later are at or after.
fn first_id(at: Time) -> AuditId {
    AuditId::from_u128(u128::try_from(at.ms()).unwrap_or_default() << 80)
}

/// A walk along the table's key, newest first, at most [`SCAN`] records.
fn walk(sql: Sql, organization: OrganizationId, asked: &AuditFilter) -> Sql {
    let mut sql = sql.push("audit WHERE organization = ").text(organization);
    if let Some(from) = asked.from {
        sql = sql.push(" AND id >= ").text(first_id(from));
    }
    if let Some(end) = [asked.to.map(first_id), asked.cursor].into_iter().flatten().min() {
        sql = sql.push(" AND id < ").text(end);
    }
    sql.push(" ORDER BY id DESC LIMIT ").int(SCAN)
}

fn list_statement(organization: OrganizationId, asked: &AuditFilter, teams: Option<&[TeamId]>) -> Sql {
    let outcome = asked.outcome.map(Outcome::as_str);
    walk(Sql::new(ROW).push("(SELECT * FROM "), organization, asked)
        .push(") WHERE TRUE")
        .and_within("actor", teams)
        .and_equal("actor", asked.actor.as_ref())
        .and_equal("action", asked.action.as_ref())
        .and_equal("outcome", outcome)
        .and_equal("who", asked.who.as_ref())
        .and_equal("resource", asked.resource.as_ref())
        .and_equal("request", asked.request_id.as_ref())
        .push(" ORDER BY id DESC LIMIT ")
        .int(i64::from(asked.limit.get()).saturating_add(1))
}

#[derive(Deserialize)]
struct Walked {
    last: Option<AuditId>,
    count: i64,
}

/// List what was done and what was not allowed, newest first.
///
/// Records arrive here within seconds. With filters, a page may have fewer items than `limit`, even none, and still a
/// `next_cursor`: follow it until it is `null`.
#[utoipa::path(get, path = "/api/v1/audit", tag = "Audit", params(AuditFilter),
    responses((status = 200, description = "A page", body = List<AuditRecord>)))]
#[worker::send]
pub(crate) async fn list_audit(
    caller: Caller,
    Query(asked): Query<AuditFilter>,
) -> Result<Json<List<AuditRecord>>, Problem> {
    let admin = caller.may(Action::ListAudit, Target::Visible).await?;
    let rows: Vec<Row> = admin.app.rows(list_statement(admin.organization, &asked, admin.teams())).await?;
    let most = usize::from(asked.limit.get());
    let more = rows.len() > most;
    let view = |row: Row| {
        let actor = row.actor.clone();
        row.record().map(|record| body(actor, record))
    };
    let data: Vec<AuditRecord> = rows.into_iter().take(most).map(view).collect::<Result<_, _>>()?;
    let next_cursor = if more {
        data.last().map(|record| record.id.to_string())
    } else {
        let sql = Sql::new("SELECT json_object('last', min(id), 'count', count(*)) AS row FROM (SELECT id FROM ");
        let walked: Vec<Walked> = admin.app.rows(walk(sql, admin.organization, &asked).push(")")).await?;
        walked.first().filter(|walked| walked.count >= SCAN).and_then(|walked| walked.last).map(|id| id.to_string())
    };
    Ok(Json(List { data, next_cursor }))
}

/// Whose trail is meant.
#[derive(Debug, Clone, Copy)]
enum Actor {
    Organization(OrganizationId),
    Team(TeamId),
}

impl Actor {
    /// Asks whether the caller may see it.
    async fn admitted(caller: Caller, action: Action, named: Option<&str>) -> Result<(Admin, Self), Problem> {
        let team: Option<TeamId> = named.and_then(|name| name.parse().ok());
        let target = team.map_or(Target::Organization, |id| Target::Team { id });
        let admin = caller.may(action, target).await?;
        match (team, named) {
            (Some(team), _) => Ok((admin, Self::Team(team))),
            (None, Some(name)) if name != admin.organization.to_string() => Err(Problem::not_found("actor", name)),
            (None, _) => {
                let organization = admin.organization;
                Ok((admin, Self::Organization(organization)))
            }
        }
    }

    fn name(self) -> String {
        match self {
            Self::Organization(id) => id.to_string(),
            Self::Team(id) => id.to_string(),
        }
    }

    /// The actor's own records after one, oldest first.
    async fn after(self, app: &App, after: u64) -> Result<Stretch, Problem> {
        match self {
            Self::Organization(id) => {
                let question = organization::Question::Trail { after, limit: AT_ONCE };
                match app.ask_organization(id, question).await? {
                    organization::Answer::Trail(stretch) => Ok(stretch?),
                    _ => Err(unexpected()),
                }
            }
            Self::Team(id) => {
                let question = team::Question::Trail { after, limit: AT_ONCE };
                match app.actors()?.team(id, &team::Command::Ask(question)).await? {
                    team::Answer::Trail(stretch) => Ok(stretch?),
                    _ => Err(unexpected()),
                }
            }
        }
    }
}

/// Take a trail out of the house, whole.
///
/// As NDJSON it says of itself whether it is whole, and `cargo xtask audit verify FILE` checks
/// it offline.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "Audit", params(ExportQuery),
    responses((status = 200, description = "The trail, streamed", content(
        (String = "application/x-ndjson"), (String = "text/csv")))))]
#[worker::send]
pub(crate) async fn export_audit(caller: Caller, Query(asked): Query<ExportQuery>) -> Result<Response, Problem> {
    let (admin, actor) = Actor::admitted(caller, Action::ExportAudit, asked.actor.as_deref()).await?;
    let (kind, extension) = match asked.format {
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let header = Header::new(admin.organization, actor.name(), now_ms());
    let (writer, first) = Writer::begin(&header).map_err(Problem::internal)?;
    let first = if asked.format == Format::Csv { CSV_HEAD.to_owned() } else { first };
    let start =
        Part { app: admin.app, actor, format: asked.format, after: 0, writer: Some(writer), first: Some(first) };
    let parts = unfold(start, |part| SendFuture::new(part.next()));
    let name = format!("attachment; filename=\"audit-{}.{extension}\"", actor.name());
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Where an export is.
struct Part {
    app: App,
    actor: Actor,
    format: Format,
    after: u64,
    /// `None` after the last line.
    writer: Option<Writer>,
    first: Option<String>,
}

impl Part {
    /// The next lines. An error breaks the stream off: without its last line
    /// an export is known to be incomplete.
    async fn next(mut self) -> Option<(Result<String, std::io::Error>, Self)> {
        if let Some(first) = self.first.take() {
            return Some((Ok(first), self));
        }
        let mut writer = self.writer.take()?;
        let stretch = match self.actor.after(&self.app, self.after).await {
            Ok(stretch) => stretch,
            Err(problem) => return Some((Err(std::io::Error::other(problem.document())), self)),
        };
        let mut text = String::new();
        for record in &stretch.records {
            self.after = record.sequence;
            let line = writer.record(record).unwrap_or_default();
            text.push_str(&if self.format == Format::Csv { csv(record) } else { line });
        }
        if !stretch.records.is_empty() {
            self.writer = Some(writer);
            return Some((Ok(text), self));
        }
        let last = if self.format == Format::Csv { String::new() } else { writer.end().unwrap_or_default() };
        Some((Ok(last), self))
    }
}

const CSV_HEAD: &str =
    "sequence,id,time,action,outcome,code,who,on_behalf_of,resource,reference,request_id,policies,hash\r\n";

/// RFC 4180. A text that a spreadsheet would take for a formula gets a quote.
fn csv(record: &Record) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let fields = [
        record.sequence.to_string(),
        record.id.to_string(),
        Time::from_ms(record.time_ms).to_string(),
        record.action.clone(),
        record.outcome.as_str().to_owned(),
        optional(&record.code),
        record.who.map(|who| who.to_string()).unwrap_or_default(),
        optional(&record.on_behalf_of),
        optional(&record.resource),
        optional(&record.reference),
        optional(&record.request),
        record.policies.join(" "),
        record.hash.to_string(),
    ];
    let quoted = fields.map(|field| {
        let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let field = if formula { format!("'{field}") } else { field };
        if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    quoted.join(",") + "\r\n"
}

/// Verify a trail: the actor's own, and the copy that lists read.
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "Audit", params(VerifyQuery),
    responses((status = 200, description = "What was found", body = Verification)))]
#[worker::send]
pub(crate) async fn verify_audit(
    caller: Caller,
    Query(asked): Query<VerifyQuery>,
) -> Result<Json<Verification>, Problem> {
    let (admin, actor) = Actor::admitted(caller, Action::VerifyAudit, asked.actor.as_deref()).await?;
    let name = actor.name();
    let mut trail = Check::new(&name);
    let mut hashes = Vec::new();
    loop {
        let stretch = actor.after(&admin.app, trail.head.sequence).await?;
        if stretch.records.is_empty() || trail.fault.is_some() {
            trail.end(Some(stretch.head));
            break;
        }
        hashes.extend(stretch.records.iter().map(|record| record.hash));
        trail.add(&stretch.records);
    }
    let mut copy = Check::new(&name);
    let mut last: Option<AuditId> = None;
    loop {
        let sql = Sql::new(ROW).push("audit WHERE organization = ").text(admin.organization);
        let sql = match last {
            Some(id) => sql.push(" AND id > ").text(id),
            None => sql,
        };
        let sql = sql.and_equal("actor", Some(&name)).push(" ORDER BY id LIMIT ").int(AT_ONCE.into());
        let rows: Vec<Row> = admin.app.rows(sql).await?;
        let records: Vec<Record> = rows.into_iter().map(Row::record).collect::<Result<_, _>>()?;
        let Some(end) = records.last() else { break };
        last = Some(end.id);
        copy.add(&records);
    }
    // Its last record must be the actor's of the same place.
    let place = usize::try_from(copy.head.sequence).ok().and_then(|sequence| sequence.checked_sub(1));
    let expected = place.and_then(|place| hashes.get(place)).map(|hash| Head { hash: *hash, ..copy.head });
    copy.end(expected);
    Ok(Json(Verification { actor: name, trail: trail.found(), copy: copy.found() }))
}

/// A verification that goes on.
struct Check {
    verifier: Option<Verifier>,
    head: Head,
    records: u64,
    erased: u64,
    fault: Option<String>,
}

impl Check {
    fn new(actor: &str) -> Self {
        Self { verifier: Some(Verifier::new(actor)), head: Head::START, records: 0, erased: 0, fault: None }
    }

    fn add(&mut self, records: &[Record]) {
        let Some(verifier) = &mut self.verifier else { return };
        for record in records {
            if let Err(fault) = verifier.check(record) {
                self.fault = Some(fault.to_string());
                self.verifier = None;
                return;
            }
            self.head = Head { sequence: record.sequence, hash: record.hash };
            self.records = self.records.saturating_add(1);
            self.erased = self.erased.saturating_add(u64::from(record.is_erased()));
        }
    }

    fn end(&mut self, expected: Option<Head>) {
        if self.fault.is_none() && expected.is_some_and(|expected| expected != self.head) {
            self.fault = Some(format!("the trail ends at record {} and not where it should", self.head.sequence));
        }
    }

    fn found(self) -> Verified {
        Verified {
            holds: self.fault.is_none(),
            fault: self.fault,
            records: self.records,
            erased: self.erased,
            sequence: self.head.sequence,
            head: self.head.hash.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audit::{Draft, Hash};

    #[test]
    fn csv_is_no_formula() {
        let draft =
            Draft { resource: Some("=1+1,\"x\"".into()), ..Draft::done("allot", identity::Principal::Operator) };
        let line = csv(&Record::seal("org_x", 1, 0, Hash::START, draft));
        assert!(line.contains(",operator,,\"'=1+1,\"\"x\"\"\",,,,"), "{line}");
        assert_eq!(line.matches(',').count(), CSV_HEAD.matches(',').count() + 1);
    }
}
