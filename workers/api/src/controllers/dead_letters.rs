//! Messages that the queue gave up on. What journals' carried is sent again by
//! the cron that compares them; messages to people are sent again when somebody
//! says so.

use ::organization::protocol::Act;
use axum::Json;
use identity::OrganizationId;
use notifier::{Job, Letter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Action, Body, Caller, Id, Query, Target};
use crate::page::{List, Paging, page};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::sql::Sql;
use crate::time::Time;

/// A message that the queue gave up on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetter {
    id: String,
    queue: String,
    /// `null` where the message did not say so in a readable way; only the operator sees those.
    #[schema(value_type = Option<schema::OrganizationId>)]
    organization_id: Option<String>,
    #[schema(value_type = schema::Time)]
    received_at: Time,
    /// What it said.
    body: String,
}

#[derive(Deserialize)]
struct LetterRow {
    id: String,
    queue: String,
    organization: Option<String>,
    received_ms: i64,
    body: String,
}

fn list_statement(organization: Option<OrganizationId>, asked: &Paging) -> Sql {
    Sql::new(
        "SELECT json_object('id', id, 'queue', queue, 'organization', organization, 'received_ms', received_ms,
        'body', body) AS row FROM dead_letters WHERE id > ",
    )
    .text(asked.cursor.as_deref().unwrap_or_default())
    .and_equal("organization", organization)
    .push(" ORDER BY id LIMIT ")
    .int(i64::from(asked.limit.get()).saturating_add(1))
}

/// List the organization's messages that the queue gave up on, by id.
///
/// The operator sees all where no organization is named.
#[utoipa::path(get, path = "/api/v1/dead-letters", tag = "Operations", params(Paging),
    responses((status = 200, description = "A page", body = List<DeadLetter>)))]
#[worker::send]
pub(crate) async fn list_dead_letters(
    caller: Caller,
    Query(asked): Query<Paging>,
) -> Result<Json<List<DeadLetter>>, Problem> {
    let (app, organization) = caller.may_oversee(Action::ListDeadLetters).await?;
    let rows: Vec<LetterRow> = app.rows(list_statement(organization, &asked)).await?;
    let view = |row: LetterRow| DeadLetter {
        id: row.id,
        queue: row.queue,
        organization_id: row.organization,
        received_at: Time::from_ms(row.received_ms),
        body: row.body,
    };
    page(rows, (None, asked.limit), |row| row.id.clone(), view).map(Json)
}

/// Remove a message that the queue gave up on.
#[utoipa::path(delete, path = "/api/v1/dead-letters/{dead_letter_id}", tag = "Operations",
    params(("dead_letter_id" = String, Path)), responses((status = 204, description = "It is gone")))]
#[worker::send]
pub(crate) async fn remove_dead_letter(caller: Caller, Id(id): Id<String>) -> Result<http::StatusCode, Problem> {
    let (app, organization) = caller.may_oversee(Action::RemoveDeadLetter).await?;
    let sql = Sql::new("DELETE FROM dead_letters WHERE id = ").text(&id).and_equal("organization", organization);
    match app.execute(sql).await? {
        0 => Err(Problem::not_found("dead letter", id.chars().take(80).collect::<String>())),
        _ => Ok(http::StatusCode::NO_CONTENT),
    }
}

/// Nothing is said about it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resend {}

#[derive(Deserialize)]
struct State {
    state: String,
}

/// Send again what could not be delivered to somebody.
///
/// For messages by channels, of the queue `alfred-notifications`: once what was wrong is put right. Where nobody knows
/// whether it had arrived (`uncertain`) it may arrive twice. What journals and audit trails carried is sent again by
/// itself.
#[utoipa::path(post, path = "/api/v1/dead-letters/{dead_letter_id}/resend", tag = "Operations",
    params(("dead_letter_id" = String, Path)), request_body = Resend,
    responses((status = 202, description = "It is on its way, and no dead letter any more")))]
#[worker::send]
pub(crate) async fn resend_dead_letter(
    caller: Caller,
    Id(id): Id<String>,
    Body { repeat, .. }: Body<Resend>,
) -> Result<http::StatusCode, Problem> {
    let admin = caller.may(Action::ResendDeadLetter, Target::Organization).await?;
    let (app, organization) = (&admin.app, admin.organization);
    let sql = "SELECT json_object('id', id, 'queue', queue, 'organization', organization, 'received_ms', received_ms,
        'body', body) AS row FROM dead_letters WHERE id = ";
    let sql = Sql::new(sql).text(&id).push(" AND organization = ").text(organization);
    let row: Option<LetterRow> = app.rows(sql).await?.pop();
    let row = row.ok_or_else(|| Problem::not_found("dead letter", id.chars().take(80).collect::<String>()))?;
    let letter: Letter = serde_json::from_str(&row.body).map_err(|_| {
        Problem::new(Code::Conflict, "it is no message to somebody: what it carried is sent again by itself")
    })?;
    let job = letter.job(organization);
    let delivery = match &job {
        Job::Deliver { id, .. } | Job::Tell { id, .. } => id.clone(),
    };
    if let Job::Deliver { id, .. } = &job {
        let sql = Sql::new("SELECT json_object('state', state) AS row FROM deliveries WHERE organization = ");
        let found: Option<State> = app.rows(sql.text(organization).push(" AND id = ").text(id)).await?.pop();
        let state = found.map_or_else(|| "kept no more".to_owned(), |row| row.state);
        if !notifier::may_go_again(&state) {
            return Err(Problem::new(Code::Conflict, format!("the message is {state}: it cannot be sent again")));
        }
    }
    let act = Act::ResendDeadLetter { letter: row.id.clone(), delivery: delivery.clone() };
    admin.order(&repeat, act).await?;
    app.execute(Sql::given(notifier::AGAIN, &[&organization.to_string(), &delivery])).await?;
    let text = serde_json::to_string(&job).map_err(Problem::internal)?;
    ::runtime::enqueue(app.env(), notifier::QUEUE, &text).await.map_err(Problem::unavailable)?;
    // Last: where one of these fails it can be asked for again.
    app.execute(Sql::new("DELETE FROM dead_letters WHERE id = ").text(&row.id)).await?;
    Ok(http::StatusCode::ACCEPTED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing;

    #[test]
    fn each_sees_their_own_and_the_operator_all() {
        let database = testing::database();
        let organization = OrganizationId::from_u128(1);
        database
            .execute_batch(&format!(
                "INSERT INTO dead_letters VALUES ('a', 'q', 1, '{organization}', '{{}}'), ('b', 'q', 2, NULL, 'x')"
            ))
            .unwrap();
        let list = |organization, json: &str| {
            let sql = list_statement(organization, &serde_json::from_str(json).unwrap());
            let rows: Vec<LetterRow> = testing::rows(&database, sql);
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(list(None, "{}"), ["a", "b"]);
        assert_eq!(list(None, r#"{"cursor":"a"}"#), ["b"]);
        assert_eq!(list(Some(organization), "{}"), ["a"]);
        assert_eq!(list(Some(OrganizationId::from_u128(2)), "{}"), [""; 0]);
    }
}
