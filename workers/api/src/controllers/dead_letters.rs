//! Messages that the queue gave up on. What they carried is sent again by the
//! cron that compares journals; they are here for somebody to look at.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Admin, Id, Query};
use crate::page::{List, Paging, page};
use crate::problem::Problem;
use crate::schema;
use crate::sql::Sql;
use crate::time::Time;

/// A message that the queue gave up on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetter {
    id: String,
    queue: String,
    #[schema(value_type = schema::Time)]
    received_at: Time,
    /// What it said.
    body: String,
}

#[derive(Deserialize)]
struct LetterRow {
    id: String,
    queue: String,
    received_ms: i64,
    body: String,
}

/// List the organization's messages that the queue gave up on, by id.
#[utoipa::path(get, path = "/api/v1/dead-letters", tag = "Operations", params(Paging),
    responses((status = 200, description = "A page", body = List<DeadLetter>)))]
#[worker::send]
pub(crate) async fn list_dead_letters(
    admin: Admin,
    Query(asked): Query<Paging>,
) -> Result<Json<List<DeadLetter>>, Problem> {
    let sql = Sql::new(
        "SELECT json_object('id', id, 'queue', queue, 'received_ms', received_ms, 'body', body) AS row
        FROM dead_letters WHERE organization = ",
    )
    .text(admin.organization)
    .push(" AND id > ")
    .text(asked.cursor.unwrap_or_default())
    .push(" ORDER BY id LIMIT ")
    .int(i64::from(asked.limit.get()).saturating_add(1));
    let rows: Vec<LetterRow> = admin.app.rows(sql).await?;
    let view = |row: LetterRow| DeadLetter {
        id: row.id,
        queue: row.queue,
        received_at: Time::from_ms(row.received_ms),
        body: row.body,
    };
    Ok(Json(page(rows, (None, asked.limit), |row| row.id.clone(), view)))
}

/// Remove a message that the queue gave up on.
#[utoipa::path(delete, path = "/api/v1/dead-letters/{dead_letter_id}", tag = "Operations",
    params(("dead_letter_id" = String, Path)), responses((status = 204, description = "It is gone")))]
#[worker::send]
pub(crate) async fn remove_dead_letter(admin: Admin, Id(id): Id<String>) -> Result<http::StatusCode, Problem> {
    let sql = Sql::new("DELETE FROM dead_letters WHERE id = ").text(&id).push(" AND organization = ");
    match admin.app.execute(sql.text(admin.organization)).await? {
        0 => Err(Problem::not_found("dead letter", id.chars().take(80).collect::<String>())),
        _ => Ok(http::StatusCode::NO_CONTENT),
    }
}
