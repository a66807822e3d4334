//! The cron that reads the calendars that say when people are away, and orders of
//! the teams' actors what follows. What a calendar means, `calendars` decides;
//! what is new about it, the team's actor.
//!
//! A calendar is asked for changes only, and once a day for all of it: what
//! recurs comes into the window with time, and not by a change.

mod fetch;
mod read;
mod row;

use std::collections::BTreeSet;

use futures::future::join_all;
use identity::{AbsenceId, CalendarId, MemberId, OrganizationId, TeamId, at_home};
use organization::protocol::{Answer, Calendar, Command, Directory, HasTag, Question};
use runtime::{Actors, now_ms, uuid_v7};
use team::protocol::{Act, AwayTime, CalendarAbsences, Lends, Order};
use worker::{D1Database, Env, Error, Result, console_error};

use crate::d1;
use read::{Found, Seen};
use row::Row;

/// A calendar is asked so often.
const EVERY_MS: i64 = 15 * 60 * 1000;

/// Calendars that one run asks; the others are asked by the next one, for they
/// are due then too, and have been for longer.
const READS_A_RUN: usize = 200;

/// Calendars that are asked at the same time: a worker has six connections.
const AT_ONCE: usize = 5;

/// Asks the calendars of organizations that are due.
pub(crate) async fn run(env: &Env, mut organizations: BTreeSet<OrganizationId>) -> Result<()> {
    let db = env.d1("DB")?;
    // Those whose last calendar was removed have absences that are over.
    organizations.extend(row::organizations(&db).await?);
    let mut left = READS_A_RUN;
    let mut due = Vec::new();
    for organization in organizations {
        match Place::open(env, &db, organization).await {
            Ok(place) => due.extend(place),
            Err(error) => console_error!("the calendars of {organization}: {error}"),
        }
    }
    // Whoever has waited for longest comes first.
    let waits = |place: &Place<'_>| place.due.iter().map(|(_, row)| row.as_ref().map_or(0, |row| row.next_ms)).min();
    due.sort_by_key(waits);
    for place in due {
        let some = place.due.len().min(left);
        left = left.saturating_sub(some);
        if let Err(error) = place.work(some).await {
            console_error!("the calendars of {}: {error}", place.directory.organization);
        }
    }
    Ok(())
}

/// An organization of which something is to be done.
struct Place<'a> {
    env: &'a Env,
    db: &'a D1Database,
    actors: Actors,
    directory: Directory,
    /// Calendars to be asked, with what came of it last.
    due: Vec<(Calendar, Option<Row>)>,
    /// What was read of calendars that are removed or off.
    gone: Vec<Row>,
}

impl<'a> Place<'a> {
    async fn open(env: &'a Env, db: &'a D1Database, organization: OrganizationId) -> Result<Option<Self>> {
        let actors = Actors::new(env)?;
        let ask = async |question| {
            let answer = actors.organization(organization, &Command::Ask(question)).await;
            answer.map_err(|error| Error::from(error.to_string()))
        };
        let Answer::Calendars(Ok(mut calendars)) = ask(Question::Calendars).await? else {
            return Err(Error::from("the organization has no calendars to show"));
        };
        calendars.retain(|calendar| calendar.enabled);
        let mut rows = row::of(db, organization).await?;
        let now = now_ms();
        let mut due = Vec::new();
        for calendar in calendars {
            let row = rows.iter().position(|row| row.calendar == calendar.id).map(|at| rows.swap_remove(at));
            if row.as_ref().is_none_or(|row| row.next_ms <= now || row.tag != calendar.tag().to_string()) {
                due.push((calendar, row));
            }
        }
        if due.is_empty() && rows.is_empty() {
            return Ok(None);
        }
        due.sort_by_key(|(_, row)| row.as_ref().map_or(0, |row| row.next_ms));
        let Answer::Directory(Ok(directory)) = ask(Question::Directory).await? else {
            return Err(Error::from("the organization has no directory to show"));
        };
        Ok(Some(Self { env, db, actors, directory: *directory, due, gone: rows }))
    }

    /// Asks the first ones, and ends what was said by those that are gone.
    async fn work(&self, some: usize) -> Result<()> {
        for row in &self.gone {
            let ended = join_all(row.told.iter().map(|member| self.say(row.calendar, *member, Vec::new(), None))).await;
            if ended.into_iter().all(|done| done) {
                row::remove(self.db, self.directory.organization, row.calendar).await?;
            }
        }
        for some in self.due.get(..some).unwrap_or_default().chunks(AT_ONCE) {
            for done in join_all(some.iter().map(|(calendar, row)| self.one(calendar, row.as_ref()))).await {
                done?;
            }
        }
        Ok(())
    }

    async fn one(&self, calendar: &Calendar, last: Option<&Row>) -> Result<()> {
        let now = now_ms();
        let told = last.map(|row| row.told.clone()).unwrap_or_default();
        // What another configuration has read is no help with this one.
        let same = last.filter(|row| row.tag == calendar.tag().to_string());
        let mut row = Row {
            calendar: calendar.id,
            tag: calendar.tag().to_string(),
            read_ms: now,
            next_ms: now.saturating_add(EVERY_MS),
            ..last.cloned().unwrap_or_default()
        };
        let seen = match read::read((self.env, &self.directory), calendar, same, now).await {
            Ok(Found::Unchanged) => {
                row.error = None;
                return row.keep(self.db, self.directory.organization).await;
            }
            Ok(Found::Changed(seen)) => seen,
            Err(error) => {
                row.error = Some(error);
                return row.keep(self.db, self.directory.organization).await;
            }
        };
        let Seen { away, validators, skipped, unknown } = seen;
        let silent: Vec<MemberId> = told.into_iter().filter(|member| !away.contains_key(member)).collect();
        let said = away.iter().map(|(member, times)| (*member, times.clone()));
        let orders = said.chain(silent.iter().map(|member| (*member, Vec::new())));
        let heard = join_all(orders.map(|(member, times)| self.say(calendar.id, member, times, Some(calendar)))).await;
        row.told = away.keys().copied().collect();
        (row.skipped, row.unknown, row.error) = (skipped, unknown, None);
        if heard.into_iter().all(|heard| heard) {
            (row.validators, row.whole_ms) = (validators, now);
        } else {
            // All is read anew by the next run, and nobody is forgotten.
            row.told.extend(silent);
            (row.validators, row.next_ms) = (calendars::Validators::default(), now);
        }
        row.keep(self.db, self.directory.organization).await
    }

    /// Orders what a calendar says of somebody, all of it. Answers whether that
    /// was heard, or never will be.
    async fn say(
        &self,
        calendar: CalendarId,
        member: MemberId,
        times: Vec<calendars::Away>,
        by: Option<&Calendar>,
    ) -> bool {
        let Some(team) = self.team_of(member) else { return true };
        let lends = by.map(|calendar| self.lends(calendar, member, team)).unwrap_or_default();
        let times: Result<Vec<AwayTime>> = times.into_iter().map(|time| away_time(time, team)).collect();
        let Ok(times) = times else { return false };
        let order = Order {
            who: identity::Principal::System,
            // What is no news shall not be written.
            idempotency: None,
            if_match: None,
            by: Default::default(),
            act: Act::CalendarAbsences(CalendarAbsences { calendar, member, times, lends }),
        };
        let command = team::protocol::Command::Order(Box::new(order));
        match self.actors.team(team, &command).await {
            Ok(team::protocol::Answer::Order(Ok(_))) => true,
            Ok(team::protocol::Answer::Order(Err(error))) => {
                console_error!("what the calendar {calendar} says of {member}: {error}");
                !matches!(error, team::protocol::OrderError::Storage | team::protocol::OrderError::NotOpen)
            }
            Ok(_) => false,
            Err(error) => {
                console_error!("what the calendar {calendar} says of {member}: {error}");
                false
            }
        }
    }

    /// A delegate is somebody else of the same team; where they are not, nothing
    /// is lent.
    fn lends(&self, calendar: &Calendar, member: MemberId, team: TeamId) -> Lends {
        let is_possible = |to: MemberId| to != member && self.team_of(to) == Some(team);
        if calendar.lends.to.is_none_or(is_possible) { calendar.lends } else { Lends::default() }
    }

    /// The team of somebody who has not left.
    fn team_of(&self, member: MemberId) -> Option<TeamId> {
        let here = |record: &&organization::protocol::MemberRecord| {
            record.profile.member == member && record.profile.status != events::MemberStatus::Removed
        };
        self.directory.members.iter().find(here).map(|record| record.team)
    }
}

fn away_time(time: calendars::Away, team: TeamId) -> Result<AwayTime> {
    let bits = uuid_v7().map_err(|error| Error::from(error.to_string()))?;
    let known = |at_ms: i64, unknown: i64| (at_ms != unknown).then_some(at_ms);
    Ok(AwayTime {
        id: AbsenceId::from_u128(at_home(bits, team)),
        from_ms: known(time.from_ms, calendars::BEGUN_MS),
        until_ms: known(time.until_ms, calendars::OPEN_MS),
    })
}
