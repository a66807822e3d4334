//! One calendar: asked, read, and who of the organization it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use calendars::{
    Access, Away, CalendarError, Credentials, Read, Source, Validators, bamboohr, google, graph, ics, judge, mapped,
    merged,
};
use identity::MemberId;
use limits::Zone;
use organization::protocol::{Calendar, Directory};
use vault::Vault;
use worker::Env;

use super::fetch::{self, Answer};
use super::row::Row;

/// What is asked of a calendar: what has just ended, and two months.
const BEHIND_MS: i64 = 24 * 3600 * 1000;
const AHEAD_MS: i64 = 60 * 24 * 3600 * 1000;

/// All of a calendar is read so often.
const WHOLE_EVERY_MS: i64 = 24 * 3600 * 1000;

/// Times of one person, the soonest; the team keeps no more.
const MOST_TIMES: usize = 100;

/// What is shown of what could not be read, and of who is unknown.
const MOST_SHOWN: usize = 20;

/// Pages of an answer.
const MOST_PAGES: usize = 20;

/// What a calendar says.
pub(super) enum Found {
    /// The same as before.
    Unchanged,
    Changed(Seen),
}

/// All that a calendar says now.
pub(super) struct Seen {
    /// When members are away; of whoever is not named it says nothing.
    pub(super) away: BTreeMap<MemberId, Vec<Away>>,
    /// By which it is asked for changes.
    pub(super) validators: Validators,
    /// What could not be read.
    pub(super) skipped: Vec<String>,
    /// People who are no members.
    pub(super) unknown: Vec<String>,
}

/// Asks a calendar and reads what it answers. An error is for people.
pub(super) async fn read(
    (env, directory): (&Env, &Directory),
    calendar: &Calendar,
    last: Option<&Row>,
    now: i64,
) -> Result<Found, String> {
    let access = open(env, calendar)?;
    let window = now.saturating_sub(BEHIND_MS)..now.saturating_add(AHEAD_MS);
    let zone = Zone::parse(&directory.general.time_zone).unwrap_or(Zone::UTC);
    let is_fresh = |row: &&Row| now.saturating_sub(row.whole_ms) < WHOLE_EVERY_MS;
    let known = last.filter(is_fresh).map(|row| row.validators.clone()).unwrap_or_default();
    let Some((read, validators)) = ask(env, &access, (&window, &zone), &known).await? else {
        return Ok(Found::Unchanged);
    };
    let (away, unknown) = people(calendar, directory, &read);
    let skipped = read.skipped.iter().take(MOST_SHOWN).map(|skipped| skipped.reason.clone()).collect();
    Ok(Found::Changed(Seen { away, validators, skipped, unknown }))
}

fn open(env: &Env, calendar: &Calendar) -> Result<Access, String> {
    let secret = |name| env.secret(name).ok().map(|secret| secret.to_string());
    let master = secret("MASTER_SECRET").ok_or("the deployment has no MASTER_SECRET")?;
    let previous = secret("MASTER_SECRET_PREVIOUS").filter(|secret| !secret.is_empty());
    let opened = Vault::new(&master, previous.as_deref())
        .and_then(|vault| vault.open(&calendar.id.to_string(), &calendar.secret))
        .map_err(|error| format!("what it is read with cannot be opened ({error}): set its source again"))?;
    serde_json::from_str(&opened)
        .map_err(|_| "what it is read with cannot be understood: set its source again".to_owned())
}

/// What the source says, and by what it is asked for changes; `None` where
/// nothing has changed.
async fn ask(
    env: &Env,
    Access { source, credentials }: &Access,
    (window, zone): (&Range<i64>, &Zone),
    known: &Validators,
) -> Result<Option<(Read, Validators)>, String> {
    let text = |error: CalendarError| error.to_string();
    let key = credentials.key().unwrap_or_default();
    let request = match source {
        Source::Ics { url, .. } => ics::request(url, known),
        Source::Json { url, .. } if key.is_empty() => mapped::request(url, known),
        Source::Json { url, .. } => mapped::request(url, known).bearer(key),
        Source::BambooHr { company } => bamboohr::request(company, key, window, zone).map_err(text)?,
        Source::MicrosoftGraph { user } => graph::request(user, &token(env, credentials).await?),
        Source::GoogleCalendar { calendar_id } => {
            let token = token(env, credentials).await?;
            return pages(env, (calendar_id, &token), (window, zone)).await.map(Some);
        }
    };
    let Some(Answer { body, validators }) = changed(env, &request).await? else { return Ok(None) };
    let read = match source {
        Source::Ics { rule, .. } => ics::absences(&body, window, zone, rule),
        Source::Json { mapping, .. } => mapped::absences(&body, window, zone, mapping),
        Source::BambooHr { .. } => bamboohr::absences(&body, window, zone),
        Source::MicrosoftGraph { .. } | Source::GoogleCalendar { .. } => graph::absences(&body, window),
    };
    Ok(Some((read.map_err(text)?, validators)))
}

/// All pages of Google's answer. It is asked anew each time: its own way to ask
/// for changes would have to keep what was said before.
async fn pages(
    env: &Env,
    (calendar, token): (&str, &str),
    (window, zone): (&Range<i64>, &Zone),
) -> Result<(Read, Validators), String> {
    let text = |error: CalendarError| error.to_string();
    let mut position = google::Position::default();
    let mut all = Read::default();
    for _ in 0..MOST_PAGES {
        let request = google::request(calendar, token, window, &position).map_err(text)?;
        let Some(Answer { body, .. }) = changed(env, &request).await? else { break };
        let page = google::absences(&body, window, zone, &position).map_err(text)?;
        all.absences.extend(page.read.absences);
        all.skipped.extend(page.read.skipped);
        match page.next {
            google::Next::Page(next) => position = next,
            google::Next::Later(_) => break,
        }
    }
    Ok((all, Validators::default()))
}

async fn changed(env: &Env, request: &calendars::Request) -> Result<Option<Answer>, String> {
    let (status, answer) = fetch::get(env, request).await?;
    match judge(status).map_err(|error| error.to_string())? {
        calendars::Answer::Changed => Ok(Some(answer)),
        calendars::Answer::Unchanged => Ok(None),
    }
}

async fn token(env: &Env, credentials: &Credentials) -> Result<String, String> {
    let asked = credentials.token_request().ok_or("it has no credentials for an access token: set its source again")?;
    let (status, body) = fetch::post(env, &asked).await?;
    if status != 200 {
        return Err(format!(
            "no access token was had (status {status}): check the client, and whether it is still allowed"
        ));
    }
    calendars::token(&body).map_err(|error| error.to_string())
}

/// Whom the calendar is about, and names of whom nobody knows.
fn people(calendar: &Calendar, directory: &Directory, read: &Read) -> (BTreeMap<MemberId, Vec<Away>>, Vec<String>) {
    let by_address = |name: &str| {
        let has = |email: &str| email.eq_ignore_ascii_case(name);
        directory.members.iter().find(|member| member.email.as_deref().is_some_and(has)).map(|one| one.profile.member)
    };
    let member = |name: &str| calendar.people.get(name).copied().or_else(|| by_address(name));
    let mut absences = Vec::new();
    let mut unknown = BTreeSet::new();
    for absence in &read.absences {
        let who = match (&absence.who, calendar.member) {
            (_, Some(owner)) => Some(owner),
            (Some(name), None) => member(name),
            (None, None) => None,
        };
        match who {
            // Several names can be one member's.
            Some(who) => absences.push(calendars::Absence { who: Some(who.to_string()), ..absence.clone() }),
            None => {
                unknown.insert(absence.who.clone().unwrap_or_default());
            }
        }
    }
    let mut away: BTreeMap<MemberId, Vec<Away>> = BTreeMap::new();
    for time in merged(&absences) {
        let Some(member) = time.who.as_ref().and_then(|who| who.parse().ok()) else { continue };
        let times = away.entry(member).or_default();
        if times.len() < MOST_TIMES {
            times.push(time);
        }
    }
    (away, unknown.into_iter().take(MOST_SHOWN).collect())
}
