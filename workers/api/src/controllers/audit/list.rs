//! What was done and what was not allowed, from D1.

use ::organization::protocol::Target;
use audit::{Outcome, Record, Shadow};
use axum::Json;
use identity::{AuditId, OrganizationId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ROW, Row};
use crate::actor::Actor;
use crate::extract::{Action, Caller, Query};
use crate::page::{List, Size};
use crate::problem::Problem;
use crate::schema;
use crate::sql::Sql;
use crate::time::Time;

/// Records that one page of a list looks at.
const SCAN: i64 = 10_000;

/// What was done, or was not allowed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditRecord)]
pub(crate) struct AuditRecord {
    #[schema(value_type = schema::AuditId)]
    id: AuditId,
    #[schema(value_type = schema::Time)]
    time: Time,
    /// Whose trail.
    #[schema(value_type = schema::Actor)]
    actor: String,
    /// Its place there, without gaps.
    sequence: u64,
    /// The operation.
    #[schema(example = "create_key")]
    action: String,
    #[schema(value_type = schema::AuditOutcome)]
    outcome: Outcome,
    /// Why it was denied or failed: a problem's code.
    code: Option<String>,
    /// Who; `null` for nobody that is known.
    #[schema(example = "operator")]
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
    /// What policies in shadow mode would have made of it; `null` where they had no say in it.
    #[schema(value_type = Option<schema::AuditShadow>)]
    shadow: Option<Shadow>,
    /// Who is to be told of it, because a policy that determined it says so: `GET /api/v1/notifications` lists them.
    notify: Vec<String>,
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
    /// Only this trail.
    #[param(value_type = Option<schema::Actor>)]
    actor: Option<Actor>,
    /// Only this operation.
    #[param(example = "create_key")]
    action: Option<String>,
    /// Only with this outcome.
    #[param(value_type = Option<schema::AuditOutcome>)]
    outcome: Option<Outcome>,
    /// Only where policies in shadow mode would have decided otherwise (`differs`), or had a say at all (`any`).
    #[param(inline)]
    shadow: Option<ShadowFilter>,
    /// Only by this principal, as records show it.
    #[param(example = "operator")]
    who: Option<String>,
    /// Only about this.
    #[param(example = "team_01h2xcejqtf2nbrexx3vqjhp41")]
    resource: Option<String>,
    /// Only of this request.
    #[param(example = "req_01h2xcejqtf2nbrexx3vqjhp41")]
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

/// Which part policies in shadow mode had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShadowFilter {
    /// They would have decided otherwise.
    Differs,
    /// They had a say in it.
    Any,
}

pub(crate) fn body(actor: String, record: Record) -> AuditRecord {
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
        shadow: record.shadow,
        notify: record.notify,
        detail: record.detail.and_then(|detail| {
            let mut detail = serde_json::to_value(detail).ok()?;
            detail.as_object_mut()?.remove("salt");
            Some(detail)
        }),
        hash: record.hash.to_string(),
    }
}

/// The id that all records of this time and later are at or after.
pub(crate) fn first_id(at: Time) -> AuditId {
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
    let shadow = match asked.shadow {
        None => "",
        Some(ShadowFilter::Any) => " AND shadow IS NOT NULL",
        Some(ShadowFilter::Differs) => " AND shadow ->> 'differs'",
    };
    walk(Sql::new(ROW).push("(SELECT * FROM "), organization, asked)
        .push(") WHERE TRUE")
        .and_within("actor", teams)
        .and_equal("actor", asked.actor.as_ref())
        .and_equal("action", asked.action.as_ref())
        .and_equal("outcome", outcome)
        .push(shadow)
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
