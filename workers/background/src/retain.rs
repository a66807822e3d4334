//! The cron that ends what has been kept for long enough, as each
//! organization's settings say: in D1, and in its actors.
//!
//! Once a day each organization has its turn. A run does a bounded part of it,
//! and the next one goes on where it stopped; nothing of it is on the path of
//! a call.

use identity::{OrganizationId, TeamId};
use organization::Retention;
use organization::protocol::{Answer, Command, Retained};
use projector::retention::{Kind, ROWS_AT_ONCE, portion};
use runtime::Actors;
use serde::{Deserialize, Serialize};
use worker::{D1Database, Env, Error, Result, console_error};

use crate::d1;

/// Statements and questions of one run: at some milliseconds each, a second or
/// two of every five minutes.
const STEPS_A_RUN: u32 = 200;
/// Organizations that are looked up at once.
const ORGANIZATIONS_AT_ONCE: i64 = 20;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const CURSOR: &str = "retention";

#[derive(Deserialize)]
struct Organization {
    id: String,
}

#[derive(Deserialize)]
struct Row {
    position: String,
}

/// How far the walk of a day is.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Position {
    /// Days since 1970.
    day: i64,
    /// The last organization that is done.
    after: String,
    /// Of the next one, the last team that is done.
    team: Option<TeamId>,
    /// Whether all are.
    done: bool,
}

/// Does the next part of the day's walk; `now_ms` is the cron's time.
pub(crate) async fn run(env: &Env, now_ms: i64) -> Result<()> {
    let db = env.d1("DB")?;
    let cursor = d1::prepare(&db, "SELECT position FROM cursors WHERE name = ?", &[CURSOR.into()])?;
    let row = cursor.first::<Row>(None).await?;
    let mut position: Position = row.and_then(|row| serde_json::from_str(&row.position).ok()).unwrap_or_default();
    let day = now_ms.div_euclid(DAY_MS);
    if position.day >= day && position.done {
        return Ok(());
    }
    if position.done {
        position = Position { day, ..Position::default() };
    }
    let mut walk = Walk { db: &db, actors: Actors::new(env)?, now_ms, left: STEPS_A_RUN };
    let outcome = walk.go_on(&mut position, day).await;
    let sql = "INSERT INTO cursors (name, position) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET position = excluded.position";
    let text = serde_json::to_string(&position).map_err(|error| Error::from(error.to_string()))?;
    d1::prepare(&db, sql, &[CURSOR.into(), text.into()])?.run().await?;
    outcome
}

struct Walk<'a> {
    db: &'a D1Database,
    actors: Actors,
    now_ms: i64,
    /// Steps that this run may still take.
    left: u32,
}

impl Walk<'_> {
    async fn go_on(&mut self, position: &mut Position, day: i64) -> Result<()> {
        loop {
            let sql = "SELECT id FROM organizations WHERE id > ? ORDER BY id LIMIT ?";
            let values = [position.after.clone().into(), ORGANIZATIONS_AT_ONCE.into()];
            let next: Vec<Organization> = d1::prepare(self.db, sql, &values)?.all().await?.results()?;
            if next.is_empty() {
                *position = Position { day, done: true, ..Position::default() };
                return Ok(());
            }
            for organization in next {
                let is_done = match organization.id.parse() {
                    Ok(id) => self.organization(id, &mut position.team).await.unwrap_or_else(|error| {
                        // Whatever is wrong with one keeps no other waiting; its turn comes again tomorrow.
                        console_error!("ending what {id} has kept for long enough: {error}");
                        true
                    }),
                    Err(error) => {
                        console_error!("D1 has an organization without a valid id: {error}");
                        true
                    }
                };
                if !is_done {
                    return Ok(());
                }
                position.after = organization.id;
                position.team = None;
            }
        }
    }

    /// Takes a step, if there is one left.
    fn step(&mut self) -> bool {
        let has = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has
    }

    /// One organization's turn. Whether it is over; if not, `reached` says
    /// where it goes on.
    async fn organization(&mut self, id: OrganizationId, reached: &mut Option<TeamId>) -> Result<bool> {
        let Retained { retention, mut teams, .. } = loop {
            if !self.step() {
                return Ok(false);
            }
            match self.actors.organization(id, &Command::Retain { now_ms: self.now_ms }).await {
                Ok(Answer::Retained(Ok(retained))) if retained.more => {}
                Ok(Answer::Retained(Ok(retained))) => break *retained,
                Ok(_) => return Ok(true),
                Err(error) => return Err(error.to_string().into()),
            }
        };
        for (kind, days) in [
            (Kind::Requests, retention.requests),
            (Kind::Usage, retention.usage),
            (Kind::Notifications, retention.notifications),
            (Kind::Deliveries, retention.notifications),
            (Kind::DeadLetters, retention.dead_letters),
        ] {
            let Some(before) = Retention::before_ms(days, self.now_ms) else { continue };
            let mut more = true;
            while more {
                if !self.step() {
                    return Ok(false);
                }
                more = d1::transact(self.db, &[portion(kind, id, before)]).await? >= ROWS_AT_ONCE;
            }
        }
        let Some(before_ms) = Retention::before_ms(retention.audit_details, self.now_ms) else { return Ok(true) };
        teams.sort_unstable();
        let from = *reached;
        for team in teams.into_iter().filter(|team| from.is_none_or(|from| *team > from)) {
            if !self.team(team, before_ms).await? {
                return Ok(false);
            }
            *reached = Some(team);
        }
        Ok(true)
    }

    async fn team(&mut self, team: TeamId, before_ms: i64) -> Result<bool> {
        loop {
            if !self.step() {
                return Ok(false);
            }
            match self.actors.team(team, &team::protocol::Command::Retain { before_ms }).await {
                Ok(team::protocol::Answer::Retained(Ok(true))) => {}
                Ok(_) => return Ok(true),
                Err(error) => {
                    console_error!("ending what {team} has kept for long enough: {error}");
                    return Ok(true);
                }
            }
        }
    }
}
