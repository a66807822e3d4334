//! Where it is written when an organization's people are away: calendars, and
//! systems that know who is out. What they are read with is sealed before it
//! leaves this worker and never shown again.

mod body;

use std::collections::BTreeMap;

use ::organization::protocol::{Act, Answer, Calendar, HasTag, Question, Reply};
use axum::Json;
use calendars::Access;
use events::{Lends, Share};
use identity::CalendarId;
use issuers::address::{Reach, check_public};
use serde::Deserialize;
use url::Url;
use vault::Sealed;

pub(crate) use body::{CalendarBody, CalendarChange, LastRead, NewCalendar, NewSource};

use super::sealed::{anew, seal};
use super::{Created, created};
use crate::app::{App, unexpected};
use crate::extract::{Action, Admin, Body, Caller, Id, Query, Target, Unrepeated};
use crate::page::{List, Paging, page};
use crate::problem::Problem;
use crate::schema;
use crate::sql::Sql;
use crate::tags::Tagged;

/// Add a calendar.
///
/// It is read every quarter of an hour from then on, and whoever it says is away is away (`/absences`), with what of their
/// credits others may use meanwhile. What it says no more is over, and so is all that it has said when it is removed.
/// Whoever comes back early is not sent away again by what had begun then.
#[utoipa::path(post, path = "/api/v1/calendars", tag = "Absences", request_body = NewCalendar,
    responses((status = 201, description = "It is read from now on", body = CalendarBody)))]
#[worker::send]
pub(crate) async fn create_calendar(
    caller: Caller,
    Body { value, repeat }: Body<NewCalendar>,
) -> Result<Created<CalendarBody>, Problem> {
    let admin = caller.clone().may(Action::CreateCalendar, Target::Organization).await?;
    let id = CalendarId::from_u128(admin.id()?);
    let access = value.source.access();
    let calendar = Calendar {
        id,
        name: value.name.into_string(),
        enabled: true,
        kind: access.source.kind().to_owned(),
        member: value.member_id,
        people: value.people,
        lends: Lends { share: value.share.map_or(Share::All, Into::into), to: value.delegate_id },
        secret: sealed(&admin.app, id, &access)?,
    };
    check_people(&calendar, &access)?;
    may_share(caller, &calendar).await?;
    match admin.order(&repeat, Act::PutCalendar { calendar: Box::new(calendar), new: true }).await? {
        Reply::Calendar(calendar) => Ok(created(CalendarBody::new(*calendar, None))),
        _ => Err(unexpected()),
    }
}

/// List calendars.
#[utoipa::path(get, path = "/api/v1/calendars", tag = "Absences", params(Paging),
    responses((status = 200, description = "A page", body = List<CalendarBody>)))]
#[worker::send]
pub(crate) async fn list_calendars(
    caller: Caller,
    Query(asked): Query<Paging>,
) -> Result<Json<List<CalendarBody>>, Problem> {
    let admin = caller.may(Action::ListCalendars, Target::Organization).await?;
    let calendars = all(&admin).await?;
    let reads = last_reads(&admin, None).await?;
    let shown = |calendar: Calendar| {
        let last = reads.get(&calendar.id).cloned();
        CalendarBody::new(calendar, last)
    };
    page(calendars, (asked.cursor.as_deref(), asked.limit), |calendar| calendar.id, shown).map(Json)
}

/// Show a calendar.
#[utoipa::path(get, path = "/api/v1/calendars/{calendar_id}", tag = "Absences",
    params(("calendar_id" = schema::CalendarId, Path)),
    responses((status = 200, description = "The calendar", body = CalendarBody)))]
#[worker::send]
pub(crate) async fn get_calendar(caller: Caller, Id(id): Id<CalendarId>) -> Result<Tagged<CalendarBody>, Problem> {
    let admin = caller.may(Action::GetCalendar, Target::Organization).await?;
    let calendar = find(&admin, id).await?;
    let last = last_reads(&admin, Some(id)).await?.remove(&id);
    Ok(Tagged::shown(calendar.tag(), CalendarBody::new(calendar, last)))
}

/// Change a calendar.
///
/// It is read anew soon after.
#[utoipa::path(patch, path = "/api/v1/calendars/{calendar_id}", tag = "Absences",
    params(("calendar_id" = schema::CalendarId, Path)), request_body = CalendarChange,
    responses((status = 200, description = "As it is now", body = CalendarBody)))]
#[worker::send]
pub(crate) async fn change_calendar(
    caller: Caller,
    Id(id): Id<CalendarId>,
    Body { value, repeat }: Body<CalendarChange>,
) -> Result<Tagged<CalendarBody>, Problem> {
    let admin = caller.clone().may(Action::ChangeCalendar, Target::Organization).await?;
    may_share(caller, &value.clone().applied(find(&admin, id).await?)).await?;
    let read = async || find(&admin, id).await.map(|calendar| (calendar.tag(), calendar));
    let alter = |known: Calendar| {
        let vault = admin.app.vault()?;
        let new = value.source.clone().map(NewSource::access);
        let mut calendar = value.clone().applied(known);
        match &new {
            Some(access) => {
                calendar.kind = access.source.kind().to_owned();
                calendar.secret = sealed(&admin.app, id, access)?;
                check_people(&calendar, access)?;
            }
            None => {
                // One that does not open is told where it is read.
                if let Some(access) = opened(&vault, &calendar) {
                    check_people(&calendar, &access)?;
                }
                calendar.secret = anew(&vault, &id.to_string(), calendar.secret)?;
            }
        }
        Ok(Act::PutCalendar { calendar: Box::new(calendar), new: false })
    };
    match admin.change(&repeat, read, alter).await? {
        Reply::Calendar(calendar) => {
            let last = last_reads(&admin, Some(id)).await?.remove(&id);
            Ok(Tagged::changed(calendar.tag(), CalendarBody::new(*calendar, last)))
        }
        _ => Err(unexpected()),
    }
}

/// Remove a calendar.
///
/// What it has said is over within minutes.
#[utoipa::path(delete, path = "/api/v1/calendars/{calendar_id}", tag = "Absences",
    params(("calendar_id" = schema::CalendarId, Path)), responses((status = 204, description = "It is gone")))]
#[worker::send]
pub(crate) async fn remove_calendar(
    caller: Caller,
    Id(id): Id<CalendarId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<http::StatusCode, Problem> {
    let admin = caller.may(Action::RemoveCalendar, Target::Organization).await?;
    admin.order(&repeat, Act::RemoveCalendar { id }).await?;
    Ok(http::StatusCode::NO_CONTENT)
}

/// What is stored of a source, once it is known that it can be read.
fn sealed(app: &App, id: CalendarId, access: &Access) -> Result<Sealed, Problem> {
    let reach = app.reach();
    let invalid = |detail: String| Problem::invalid(format!("the source: {detail}"));
    access.check(reach == Reach::Anywhere).map_err(|error| invalid(error.to_string()))?;
    if let calendars::Source::Ics { url, .. } | calendars::Source::Json { url, .. } = &access.source {
        let url = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
        check_public(&url, "`url`", reach).map_err(invalid)?;
    }
    let text = serde_json::to_string(access).map_err(Problem::internal)?;
    seal(&app.vault()?, &id.to_string(), &text)
}

/// Whether the credits of whoever it is about may be shared meanwhile.
async fn may_share(caller: Caller, calendar: &Calendar) -> Result<(), Problem> {
    match calendar.member.filter(|_| calendar.lends.share != Share::Nothing) {
        Some(id) => caller.goes_on(Action::ShareAbsence, Target::Wallet { id }, Default::default()).await.map(drop),
        None => Ok(()),
    }
}

/// Whose it is must be said where the source does not.
fn check_people(calendar: &Calendar, access: &Access) -> Result<(), Problem> {
    match (access.source.is_one_person(), calendar.member) {
        (true, None) => Err(Problem::invalid("say with `member_id` whose calendar it is: the source does not say")),
        (false, Some(_)) => Err(Problem::invalid("leave out `member_id`: the source says who is away")),
        _ => Ok(()),
    }
}

fn opened(vault: &vault::Vault, calendar: &Calendar) -> Option<Access> {
    let text = vault.open(&calendar.id.to_string(), &calendar.secret).ok()?;
    serde_json::from_str(&text).ok()
}

async fn all(admin: &Admin) -> Result<Vec<Calendar>, Problem> {
    match admin.app.ask_organization(admin.organization, Question::Calendars).await? {
        Answer::Calendars(calendars) => Ok(calendars?),
        _ => Err(unexpected()),
    }
}

async fn find(admin: &Admin, id: CalendarId) -> Result<Calendar, Problem> {
    let mut calendars = all(admin).await?.into_iter();
    calendars.find(|calendar| calendar.id == id).ok_or_else(|| Problem::not_found("calendar", id))
}

#[derive(Deserialize)]
struct ReadRow {
    calendar: CalendarId,
    #[serde(flatten)]
    last: LastRead,
}

/// What came of reading calendars.
async fn last_reads(admin: &Admin, only: Option<CalendarId>) -> Result<BTreeMap<CalendarId, LastRead>, Problem> {
    let sql = Sql::new(
        "SELECT json_object('calendar', calendar, 'at', strftime('%Y-%m-%dT%H:%M:%SZ', read_ms / 1000, 'unixepoch'),
            'error', error, 'skipped', json(skipped), 'unknown', json(unknown)) AS row
        FROM calendar_reads WHERE organization = ",
    );
    let sql = sql.text(admin.organization).push(" AND read_ms > 0").and_equal("calendar", only);
    let rows: Vec<ReadRow> = admin.app.rows(sql).await?;
    Ok(rows.into_iter().map(|row| (row.calendar, row.last)).collect())
}
