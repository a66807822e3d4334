//! Whether this deployment lives, and whether it can serve.

use ::organization::protocol as organization;
use ::runtime::now_ms;
use ::team::protocol as team;
use axum::Json;
use axum::response::{IntoResponse, Response};
use futures::future::join3;
use http::StatusCode;
use identity::{AdminKey, OrganizationId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Problem;
use crate::sql::Sql;

/// D1 is behind by so long only if the cron that heals it has failed three
/// times in a row; it runs every five minutes.
const STALE_MS: i64 = 15 * 60 * 1000;

/// Whether the deployment lives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    status: &'static str,
}

/// Whether the deployment can serve, check by check.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// `ready` or `not_ready`.
    status: &'static str,
    checks: Checks,
}

/// All checks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Checks {
    /// D1 answers.
    database: Check,
    /// Actors answer.
    actors: Check,
    /// D1 keeps up with the journals.
    projection: Projection,
}

/// What came of a check: `ok` or `failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Check {
    Ok,
    Failed,
}

/// How far D1 is behind the journals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Projection {
    status: Check,
    /// Entries that D1 lacks, as far as it has heard.
    entries_behind: i64,
    /// Journals of which it lacks some.
    journals_behind: i64,
    /// For how long the worst of them has not moved.
    behind_for_seconds: i64,
}

#[derive(Debug, Default, Deserialize)]
struct LagRow {
    entries: i64,
    journals: i64,
    oldest_ms: Option<i64>,
}

pub(crate) const LAG: &str =
    "SELECT json_object('entries', coalesce(sum(last_sequence - applied_through), 0), 'journals', count(*),
    'oldest_ms', min(updated_ms)) AS row FROM projections WHERE last_sequence > applied_through";

/// Say that the worker lives. Asks nobody.
#[utoipa::path(get, path = "/healthz", tag = "Operations", security(()),
    responses((status = 200, description = "It lives", body = Health)))]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Say whether D1 and the actors answer and D1 keeps up, as far as it was told.
///
/// What an actor has not sent yet is not known here; the cron that compares D1 with the journals finds it.
#[utoipa::path(get, path = "/readyz", tag = "Operations", security(()), responses(
    (status = 200, description = "It can serve", body = Readiness),
    (status = 503, description = "Something does not answer or is far behind", body = Readiness)))]
#[worker::send]
pub(crate) async fn readyz(app: App) -> Response {
    let (lag, organizations, teams) =
        join3(app.rows::<LagRow>(Sql::new(LAG)), organizations_answer(&app), teams_answer(&app)).await;
    let actors = check(organizations.is_ok() && teams.is_ok());
    let (database, projection) = match lag {
        Ok(rows) => (Check::Ok, projection(rows.into_iter().next().unwrap_or_default(), now_ms())),
        Err(_) => (
            Check::Failed,
            Projection { status: Check::Failed, entries_behind: 0, journals_behind: 0, behind_for_seconds: 0 },
        ),
    };
    let ready = [database, actors, projection.status].iter().all(|check| *check == Check::Ok);
    let (code, status) = if ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    (code, Json(Readiness { status, checks: Checks { database, actors, projection } })).into_response()
}

fn check(ok: bool) -> Check {
    if ok { Check::Ok } else { Check::Failed }
}

fn projection(lag: LagRow, now: i64) -> Projection {
    let behind_ms = lag.oldest_ms.map_or(0, |oldest| now.saturating_sub(oldest).max(0));
    Projection {
        status: check(behind_ms <= STALE_MS),
        entries_behind: lag.entries,
        journals_behind: lag.journals,
        behind_for_seconds: behind_ms.checked_div(1000).unwrap_or_default(),
    }
}

/// Asks an organization that there is not; its actor answers all the same,
/// and stores nothing.
async fn organizations_answer(app: &App) -> Result<(), Problem> {
    let nobody = OrganizationId::from_u128(0);
    let key = AdminKey::parse(&AdminKey::mint(nobody, 0)).map_err(Problem::internal)?;
    app.actors()?.organization(nobody, &organization::Command::Authorize { key: key.hash }).await?;
    Ok(())
}

/// Asks a team that there is not.
async fn teams_answer(app: &App) -> Result<(), Problem> {
    app.actors()?.team(TeamId::from_u128(0), &team::Command::Ask(team::Question::Overview)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing;

    #[test]
    fn lag() {
        let database = testing::database();
        let ask = || testing::rows::<LagRow>(&database, Sql::new(LAG)).remove(0);
        assert_eq!(projection(ask(), 5).status, Check::Ok);
        database
            .execute_batch(
                "INSERT INTO projections VALUES ('a', 'o', 5, 5, 1), ('b', 'o', 3, 9, 1000), ('c', 'o', 0, 1, 2000)",
            )
            .unwrap();
        let fresh = projection(ask(), STALE_MS + 1000);
        assert_eq!((fresh.status, fresh.entries_behind, fresh.journals_behind), (Check::Ok, 7, 2));
        assert_eq!(projection(ask(), STALE_MS + 1001).status, Check::Failed);
    }
}
