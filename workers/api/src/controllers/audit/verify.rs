//! Whether a trail holds, where it is kept and where it is read.

use audit::{Head, Record, Verifier};
use axum::Json;
use identity::AuditId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AT_ONCE, ROW, Row};
use crate::actor::Actor;
use crate::extract::{Action, Caller, Query};
use crate::problem::Problem;
use crate::schema;
use crate::sql::Sql;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct VerifyQuery {
    /// Whose trail; the organization's if left out.
    #[param(value_type = Option<schema::Actor>)]
    actor: Option<Actor>,
}

/// Whether a trail holds, where it is kept and where it is read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verification {
    #[schema(value_type = schema::Actor)]
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

/// Verify a trail: the actor's own, and the copy that lists read.
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "Audit", params(VerifyQuery),
    responses((status = 200, description = "What was found", body = Verification)))]
#[worker::send]
pub(crate) async fn verify_audit(
    caller: Caller,
    Query(asked): Query<VerifyQuery>,
) -> Result<Json<Verification>, Problem> {
    let (admin, actor) = Actor::admitted(caller, Action::VerifyAudit, asked.actor).await?;
    let name = actor.to_string();
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
