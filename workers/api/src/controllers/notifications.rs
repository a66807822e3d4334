//! Who is to be told of what. Nobody is told by this yet: whoever sends
//! messages reads them in the same table.

use audit::Outcome;
use axum::Json;
use identity::{AuditId, OrganizationId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::audit::list::first_id;
use crate::extract::{Action, Caller, Query, Target};
use crate::page::{List, Size};
use crate::problem::Problem;
use crate::schema;
use crate::sql::Sql;
use crate::time::Time;

/// Notifications that one page of a list looks at.
const SCAN: i64 = 10_000;

/// Somebody is to be told of something that was done, or was not allowed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification, example = json!({
    "id": "aud_01h2xcejqtf2nbrexx3vqjhp41.01", "time": "2026-11-22T13:45:00Z", "recipient": "finance",
    "record_id": "aud_01h2xcejqtf2nbrexx3vqjhp41", "actor": "org_01h2xcejqtf2nbrexx3vqjhp41", "action": "allot",
    "outcome": "done", "code": null, "who": "svc_01h2xcejqtf2nbrexx3vqjhp41/sk_01h2xcejqtf2nbrexx3vqjhp41",
    "resource": "dep_01h2xcejqtf2nbrexx3vqjhp41", "request_id": "req_01h2xcejqtf2nbrexx3vqjhp41"
}))]
pub(crate) struct NotificationBody {
    /// The record's id and the recipient's place in it; sorts by time.
    id: String,
    #[schema(value_type = schema::Time)]
    time: Time,
    /// Who, as the policy's `@notify` names them.
    recipient: String,
    /// The record of the audit trail that says all of it.
    #[schema(value_type = schema::AuditId)]
    record_id: AuditId,
    /// Whose trail: the organization's id, or a team's.
    actor: String,
    /// The operation.
    action: String,
    #[schema(value_type = schema::AuditOutcome)]
    outcome: Outcome,
    /// Why it was denied or failed: a problem's code.
    code: Option<String>,
    /// By whom; `null` for nobody that is known.
    who: Option<String>,
    /// What it was about.
    resource: Option<String>,
    request_id: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NotificationFilter {
    /// Only for them, as the policy names them.
    recipient: Option<String>,
    /// Only of this record.
    #[param(value_type = Option<schema::AuditId>)]
    record_id: Option<AuditId>,
    /// Only of this trail: the organization's id, or a team's.
    actor: Option<String>,
    /// Only of this operation.
    action: Option<String>,
    /// Only with this outcome.
    #[param(value_type = Option<schema::AuditOutcome>)]
    outcome: Option<Outcome>,
    /// Only of what this principal did, as records show it.
    who: Option<String>,
    /// Only about this.
    resource: Option<String>,
    /// From this time on.
    #[param(value_type = Option<schema::Time>)]
    from: Option<Time>,
    /// Before this time.
    #[param(value_type = Option<schema::Time>)]
    to: Option<Time>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Place>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// A notification's id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Place(String);

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_one = text.split_once('.').is_some_and(|(record, place)| {
            record.parse::<AuditId>().is_ok() && place.len() == 2 && place.bytes().all(|byte| byte.is_ascii_digit())
        });
        if is_one { Ok(Self(text)) } else { Err("it is not one that this list answered: begin without one".to_owned()) }
    }
}

/// A row as D1 has it.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    time_ms: i64,
    recipient: String,
    record: AuditId,
    actor: String,
    action: String,
    outcome: Outcome,
    code: Option<String>,
    who: Option<String>,
    resource: Option<String>,
    request: Option<String>,
}

impl From<Row> for NotificationBody {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            time: Time::from_ms(row.time_ms),
            recipient: row.recipient,
            record_id: row.record,
            actor: row.actor,
            action: row.action,
            outcome: row.outcome,
            code: row.code,
            who: row.who,
            resource: row.resource,
            request_id: row.request,
        }
    }
}

const ROW: &str = "SELECT json_object('id', id, 'time_ms', time_ms, 'recipient', recipient, 'record', record,
    'actor', actor, 'action', action, 'outcome', outcome, 'code', code, 'who', who, 'resource', resource,
    'request', request) AS row FROM (SELECT * FROM ";

/// A walk along the table's key, newest first, at most [`SCAN`] rows.
fn walk(sql: Sql, organization: OrganizationId, asked: &NotificationFilter) -> Sql {
    let mut sql = sql.push("notifications WHERE organization = ").text(organization);
    if let Some(from) = asked.from {
        sql = sql.push(" AND id >= ").text(first_id(from));
    }
    if let Some(to) = asked.to {
        sql = sql.push(" AND id < ").text(first_id(to));
    }
    if let Some(cursor) = &asked.cursor {
        sql = sql.push(" AND id < ").text(&cursor.0);
    }
    sql.push(" ORDER BY id DESC LIMIT ").int(SCAN)
}

fn list_statement(organization: OrganizationId, asked: &NotificationFilter, teams: Option<&[TeamId]>) -> Sql {
    walk(Sql::new(ROW), organization, asked)
        .push(") WHERE TRUE")
        .and_within("actor", teams)
        .and_equal("recipient", asked.recipient.as_ref())
        .and_equal("record", asked.record_id)
        .and_equal("actor", asked.actor.as_ref())
        .and_equal("action", asked.action.as_ref())
        .and_equal("outcome", asked.outcome.map(Outcome::as_str))
        .and_equal("who", asked.who.as_ref())
        .and_equal("resource", asked.resource.as_ref())
        .push(" ORDER BY id DESC LIMIT ")
        .int(i64::from(asked.limit.get()).saturating_add(1))
}

#[derive(Deserialize)]
struct Walked {
    last: Option<String>,
    count: i64,
}

/// List who is to be told of what, newest first.
///
/// A policy with `@notify("finance")` that determined whether something was allowed has it told to `finance`: what was
/// done, could not be done, or was refused. Reads that are allowed and calls of models are not told. They arrive here
/// within seconds, each once. With filters, a page may have fewer items than `limit`, even none, and still a
/// `next_cursor`: follow it until it is `null`.
#[utoipa::path(get, path = "/api/v1/notifications", tag = "Audit", params(NotificationFilter),
    responses((status = 200, description = "A page", body = List<NotificationBody>)))]
#[worker::send]
pub(crate) async fn list_notifications(
    caller: Caller,
    Query(asked): Query<NotificationFilter>,
) -> Result<Json<List<NotificationBody>>, Problem> {
    let admin = caller.may(Action::ListNotifications, Target::Visible).await?;
    let mut rows: Vec<Row> = admin.app.rows(list_statement(admin.organization, &asked, admin.teams())).await?;
    let most = usize::from(asked.limit.get());
    let next_cursor = if rows.len() > most {
        rows.truncate(most);
        rows.last().map(|row| row.id.clone())
    } else {
        let sql = Sql::new("SELECT json_object('last', min(id), 'count', count(*)) AS row FROM (SELECT id FROM ");
        let walked: Vec<Walked> = admin.app.rows(walk(sql, admin.organization, &asked).push(")")).await?;
        walked.into_iter().next().filter(|walked| walked.count >= SCAN).and_then(|walked| walked.last)
    };
    Ok(Json(List { data: rows.into_iter().map(NotificationBody::from).collect(), next_cursor }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing;

    fn id(n: i64) -> String {
        first_id(Time::from_ms(n * 1000)).to_string()
    }

    fn check(asked: NotificationFilter, teams: Option<&[TeamId]>, expected: &[&str]) {
        let database = testing::database();
        let team = TeamId::from_u128(1).to_string();
        for (organization, n, recipient, actor, outcome) in [
            (1, 1, "finance", "org_1", "done"),
            (1, 2, "security", &team, "denied"),
            (1, 3, "finance", &team, "failed"),
            (2, 4, "finance", "org_2", "done"),
        ] {
            database
                .execute(
                    "INSERT INTO notifications VALUES (?1, ?2 || '.01', ?3, ?2, ?4, ?5, 'allot', ?6, NULL, 'x', NULL, NULL)",
                    rusqlite::params![
                        OrganizationId::from_u128(organization).to_string(),
                        id(n),
                        recipient,
                        actor,
                        n * 1000,
                        outcome
                    ],
                )
                .unwrap();
        }
        let sql = list_statement(OrganizationId::from_u128(1), &asked, teams);
        let rows: Vec<Row> = testing::rows(&database, sql);
        let seen: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        assert_eq!(seen, expected, "{asked:?}");
    }

    #[test]
    fn filters_and_pages() {
        let [one, two, three] = [1, 2, 3].map(|n| format!("{}.01", id(n)));
        let (one, two, three) = (one.as_str(), two.as_str(), three.as_str());
        let all = NotificationFilter::default;
        check(all(), None, &[three, two, one]);
        check(all(), Some(&[TeamId::from_u128(1)]), &[three, two]);
        check(all(), Some(&[]), &[]);
        check(NotificationFilter { recipient: Some("finance".into()), ..all() }, None, &[three, one]);
        check(NotificationFilter { recipient: Some("' OR 1".into()), ..all() }, None, &[]);
        check(NotificationFilter { outcome: Some(Outcome::Denied), ..all() }, None, &[two]);
        check(NotificationFilter { record_id: id(3).parse().ok(), ..all() }, None, &[three]);
        check(NotificationFilter { from: Some(Time::from_ms(2000)), ..all() }, None, &[three, two]);
        check(NotificationFilter { to: Some(Time::from_ms(2000)), ..all() }, None, &[one]);
        check(NotificationFilter { cursor: Some(Place(two.into())), ..all() }, None, &[one]);
    }

    #[test]
    fn a_cursor_is_an_id() {
        let good = format!("{}.01", id(1));
        assert_eq!(Place::try_from(good.clone()), Ok(Place(good.clone())));
        for bad in ["", "x", ".01", "aud_1.01", &id(1), &format!("{}.1", id(1)), &format!("{good}1")] {
            assert!(Place::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
