//! The cron that compares D1 with the journals and audit trails. An actor that
//! has more of either than D1 sends again what is missing, so that a lost
//! message heals.

use std::collections::BTreeSet;

use identity::{OrganizationId, TeamId};
use runtime::Actors;
use serde::Deserialize;
use worker::{D1Database, Env, Result, console_error};

use crate::d1;
use crate::journals::{self, Both};

/// Actors that one run asks; the next run goes on where this one stopped. A
/// question costs a request and a few rows read.
const ACTORS_A_RUN: usize = 300;

/// Organizations that one run looks up.
const ORGANIZATIONS_A_RUN: i64 = 100;

const CURSOR: &str = "heal";

#[derive(Deserialize)]
struct Organization {
    id: String,
}

#[derive(Deserialize)]
struct Cursor {
    position: String,
}

/// Compares the next organizations' journals with D1.
/// Answers those that have calendars to be read.
pub(crate) async fn run(env: &Env) -> Result<BTreeSet<OrganizationId>> {
    let db = env.d1("DB")?;
    let actors = Actors::new(env)?;
    let cursor = d1::prepare(&db, "SELECT position FROM cursors WHERE name = ?", &[CURSOR.into()])?;
    let after = cursor.first::<Cursor>(None).await?.map(|row| row.position).unwrap_or_default();
    let sql = "SELECT id FROM organizations WHERE id > ? ORDER BY id LIMIT ?";
    let next = d1::prepare(&db, sql, &[after.clone().into(), ORGANIZATIONS_A_RUN.into()])?.all().await?;
    let next: Vec<Organization> = next.results()?;
    let mut asked = 0;
    let mut with_calendars = BTreeSet::new();
    let mut reached = String::new();
    for organization in &next {
        if asked >= ACTORS_A_RUN {
            break;
        }
        match organization.id.parse() {
            Ok(id) => {
                let Healed { actors, has_calendars } = one(&db, &actors, id).await?;
                asked += actors;
                with_calendars.extend(has_calendars.then_some(id));
            }
            Err(error) => console_error!("D1 has an organization without a valid id: {error}"),
        }
        reached.clone_from(&organization.id);
    }
    // At the end it begins anew.
    let all = reached == next.last().map(|last| last.id.clone()).unwrap_or_default();
    let ended = all && next.len() < usize::try_from(ORGANIZATIONS_A_RUN).unwrap_or(usize::MAX);
    let position = if ended { String::new() } else { reached };
    if position != after {
        let sql = "INSERT INTO cursors (name, position) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET position = excluded.position";
        d1::prepare(&db, sql, &[CURSOR.into(), position.into()])?.run().await?;
    }
    Ok(with_calendars)
}

/// What came of one organization.
struct Healed {
    /// How many actors were asked.
    actors: usize,
    has_calendars: bool,
}

/// Compares one organization's journals, its own and its teams'.
async fn one(db: &D1Database, actors: &Actors, id: OrganizationId) -> Result<Healed> {
    let Both { entries: projected, records } = journals::both_through(db, &id.to_string()).await?;
    let command = organization::protocol::Command::Heal { projected, audit: Some(records) };
    let (teams, calendars): (Vec<TeamId>, u64) = match actors.organization(id, &command).await {
        Ok(organization::protocol::Answer::Standing(Ok(standing))) => (standing.teams, standing.calendars),
        Ok(_) => return Ok(Healed { actors: 1, has_calendars: false }),
        Err(error) => {
            console_error!("healing {id}: {error}");
            return Ok(Healed { actors: 1, has_calendars: false });
        }
    };
    for team in &teams {
        let Both { entries: projected, records } = journals::both_through(db, &team.to_string()).await?;
        let command = team::protocol::Command::Heal { projected, audit: Some(records) };
        if let Err(error) = actors.team(*team, &command).await {
            console_error!("healing {team}: {error}");
        }
    }
    Ok(Healed { actors: teams.len().saturating_add(1), has_calendars: calendars > 0 })
}
