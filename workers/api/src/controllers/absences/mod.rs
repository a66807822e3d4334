//! When members are away, and what of their credits others may use meanwhile.

mod body;

use ::team::protocol::{self as team, AbsenceFilter, AbsenceView, Share, Terms};
use axum::Json;
use identity::{AbsenceId, MemberId, TeamId, at_home};
use organization::protocol::Directory;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

pub(crate) use body::{Absence, AbsenceChange, NewAbsence, ShareBody};

use crate::app::{App, unexpected};
use crate::controllers::transfers::find::homes;
use crate::controllers::transfers::team_of;
use crate::controllers::{Created, created};
use crate::extract::{Action, Admin, Body, Caller, Id, Query, Target};
use crate::idempotency::Repeat;
use crate::node::not_heard_of_yet;
use crate::page::{List, Size, unknown_cursor};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::tags::Tagged;

/// More than a member can have that are not over.
const MOST_CURRENT: u32 = 200;

/// How often a change is begun anew because somebody else was faster.
const ATTEMPTS: u32 = 5;

/// Say that somebody is away, or will be.
///
/// While they are, a share of the credits that are idle in their wallet pays for others: for one colleague, or for
/// everybody whose calls may draw from the pool, after the pool. It stays theirs, pays for their own calls too, and what
/// nobody has used is in their wallet again when they are back. Absences may overlap: the one that was made last says
/// what is lent.
#[utoipa::path(post, path = "/api/v1/absences", tag = "Absences", request_body = NewAbsence,
    responses((status = 201, description = "The absence", body = Absence)))]
#[worker::send]
pub(crate) async fn create_absence(
    caller: Caller,
    Body { value, repeat }: Body<NewAbsence>,
) -> Result<Created<Absence>, Problem> {
    let own = caller.session().map(|(_, member)| member);
    let member = value.member_id.or(own).ok_or_else(|| Problem::invalid("say with `member_id` who is away"))?;
    let admin = caller.clone().may(Action::CreateAbsence, Target::Wallet { id: member }).await?;
    let terms = value.terms(::runtime::now_ms());
    let directory = admin.directory().await?;
    let team = team_of(&directory, member).ok_or_else(|| Problem::not_found("member", member))?;
    may_share(caller, &directory, (member, team), &terms).await?;
    let id = AbsenceId::from_u128(at_home(admin.id()?, team));
    let act = team::Act::Absence(team::NewAbsence { id, member, terms });
    match admin.order_team(team, &repeat, act).await.map_err(not_heard_of_yet)? {
        team::Reply::Absence(view) => Ok(created(shown(*view))),
        _ => Err(unexpected()),
    }
}

/// Whether credits may be shared meanwhile, if they are, and with whom.
async fn may_share(
    caller: Caller,
    directory: &Directory,
    (member, team): (MemberId, TeamId),
    terms: &Terms,
) -> Result<(), Problem> {
    if let Some(delegate) = terms.lends.to {
        let home = team_of(directory, delegate).ok_or_else(|| Problem::not_found("member", delegate))?;
        if home != team {
            let message = format!("`{delegate}` is in another team: a delegate is a colleague of the same team");
            return Err(Problem::invalid(message));
        }
    }
    if terms.lends.share == Share::Nothing {
        return Ok(());
    }
    caller.goes_on(Action::ShareAbsence, Target::Wallet { id: member }, Default::default()).await.map(drop)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AbsencesFilter {
    /// This member's; your own if neither member nor team is said.
    #[param(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// Those of this team's members.
    #[param(value_type = Option<schema::TeamId>)]
    team_id: Option<TeamId>,
    /// Only those that are or will be, or only those that are over.
    #[param(inline)]
    state: Option<State>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// Which absences are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AbsenceState)]
pub(crate) enum State {
    /// Those that are, or will be.
    Current,
    /// Those that are over.
    Over,
}

/// List a member's or a team's absences, newest first.
#[utoipa::path(get, path = "/api/v1/absences", tag = "Absences", params(AbsencesFilter),
    responses((status = 200, description = "A page", body = List<Absence>)))]
#[worker::send]
pub(crate) async fn list_absences(
    caller: Caller,
    Query(asked): Query<AbsencesFilter>,
) -> Result<Json<List<Absence>>, Problem> {
    let member = match (asked.member_id, asked.team_id, caller.session()) {
        (Some(_), Some(_), _) => return Err(Problem::invalid("`member_id` and `team_id` exclude each other")),
        (None, None, None) => return Err(Problem::invalid("say whose absences: `member_id` or `team_id`")),
        (None, None, Some((_, own))) => Some(own),
        (member, _, _) => member,
    };
    let target = match (member, asked.team_id) {
        (Some(id), _) => Target::Member { id },
        (None, Some(id)) => Target::Team { id },
        (None, None) => return Err(unexpected()),
    };
    let admin = caller.may(Action::ListAbsences, target).await?;
    let before: Option<AbsenceId> =
        asked.cursor.as_deref().map(|cursor| cursor.parse().map_err(unknown_cursor)).transpose()?;
    let team = match (member, asked.team_id) {
        (Some(member), _) => {
            let directory = admin.directory().await?;
            team_of(&directory, member).ok_or_else(|| Problem::not_found("member", member))?
        }
        (None, team) => team.ok_or_else(unexpected)?,
    };
    let size = asked.limit.get();
    let over = asked.state.map(|state| state == State::Over);
    let filter = AbsenceFilter { member, over, before, limit: u32::from(size).saturating_add(1) };
    let mut data = absences(&admin.app, team, filter).await?;
    let more = data.len() > usize::from(size);
    data.truncate(size.into());
    let next_cursor = data.last().filter(|_| more).map(|last| last.absence.new.id.to_string());
    Ok(Json(List { data: data.into_iter().map(shown).collect(), next_cursor }))
}

/// Show an absence.
#[utoipa::path(get, path = "/api/v1/absences/{absence_id}", tag = "Absences",
    params(("absence_id" = schema::AbsenceId, Path)),
    responses((status = 200, description = "The absence", body = Absence)))]
#[worker::send]
pub(crate) async fn get_absence(caller: Caller, Id(id): Id<AbsenceId>) -> Result<Tagged<Absence>, Problem> {
    let (_, view) = seen(&caller, id).await?;
    Ok(Tagged::shown(view.absence.tag(), shown(view)))
}

/// Change an absence: shorten it, prolong it, share something else.
///
/// What follows from that for the credits does so at once.
#[utoipa::path(patch, path = "/api/v1/absences/{absence_id}", tag = "Absences",
    params(("absence_id" = schema::AbsenceId, Path)), request_body = AbsenceChange,
    responses((status = 200, description = "As it is now", body = Absence)))]
#[worker::send]
pub(crate) async fn change_absence(
    caller: Caller,
    Id(id): Id<AbsenceId>,
    Body { value, repeat }: Body<AbsenceChange>,
) -> Result<Tagged<Absence>, Problem> {
    let (team, mut known) = seen(&caller, id).await?;
    let member = known.absence.new.member;
    let target = Target::Wallet { id: member };
    let admin = caller.clone().goes_on(Action::ChangeAbsence, target, Default::default()).await?;
    let directory = admin.directory().await?;
    let mut attempts = ATTEMPTS;
    loop {
        attempts = attempts.saturating_sub(1);
        let tag = known.absence.tag();
        let terms = value.clone().applied(known.absence.new.terms);
        may_share(caller.clone(), &directory, (member, team), &terms).await?;
        let act = team::Act::ChangeAbsence { absence: id, terms };
        match admin.order_team(team, &repeat.meant_for(tag), act).await {
            Err(problem) if problem.code == Code::PreconditionFailed && repeat.if_match.is_none() && attempts > 0 => {
                known = find(&admin.app, team, id).await?.ok_or_else(|| Problem::not_found("absence", id))?;
            }
            Err(problem) => return Err(problem),
            Ok(team::Reply::Absence(view)) => return Ok(Tagged::changed(view.absence.tag(), shown(*view))),
            Ok(_) => return Err(unexpected()),
        }
    }
}

/// Ends all because of which a member is away now; how many.
pub(crate) async fn come_back(caller: Caller, member: MemberId, repeat: &Repeat) -> Result<usize, Problem> {
    let admin = caller.may(Action::EndAbsence, Target::Wallet { id: member }).await?;
    let team = team_of(&admin.directory().await?, member).ok_or_else(|| Problem::not_found("member", member))?;
    let filter = AbsenceFilter { member: Some(member), over: Some(false), before: None, limit: MOST_CURRENT };
    let mut ended: usize = 0;
    for view in absences(&admin.app, team, filter).await?.iter().filter(|view| view.is_now) {
        let act = team::Act::EndAbsence { absence: view.absence.new.id };
        admin.order_team(team, &repeat.part(), act).await?;
        ended = ended.saturating_add(1);
    }
    Ok(ended)
}

/// Nothing is to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EndAbsence)]
pub(crate) struct End {}

/// Say that somebody is back, or does not go.
///
/// What was lent and is free is in their wallet again at once, and what calls in flight have reserved when they end.
#[utoipa::path(post, path = "/api/v1/absences/{absence_id}/end", tag = "Absences",
    params(("absence_id" = schema::AbsenceId, Path)), request_body = End,
    responses((status = 200, description = "The absence", body = Absence)))]
#[worker::send]
pub(crate) async fn end_absence(
    caller: Caller,
    Id(id): Id<AbsenceId>,
    Body { repeat, .. }: Body<End>,
) -> Result<Json<Absence>, Problem> {
    let (team, known) = seen(&caller, id).await?;
    let target = Target::Wallet { id: known.absence.new.member };
    let admin = caller.goes_on(Action::EndAbsence, target, Default::default()).await?;
    match admin.order_team(team, &repeat, team::Act::EndAbsence { absence: id }).await? {
        team::Reply::Absence(view) => Ok(Json(shown(*view))),
        _ => Err(unexpected()),
    }
}

fn shown(view: AbsenceView) -> Absence {
    Absence::new(view, ::runtime::now_ms())
}

/// An absence that the caller may see, and its team: their own, or one in a
/// team that they may look into. Others are as if they were not.
async fn seen(caller: &Caller, id: AbsenceId) -> Result<(TeamId, AbsenceView), Problem> {
    let not_found = || Problem::not_found("absence", id);
    if let Some((_, member)) = caller.session() {
        let admin = caller.clone().may(Action::GetAbsence, Target::Member { id: member }).await?;
        let directory = admin.directory().await?;
        let team = team_of(&directory, member).ok_or_else(not_found)?;
        if let Some(own) = find(&admin.app, team, id).await?.filter(|view| view.absence.new.member == member) {
            return Ok((team, own));
        }
    }
    let admin = caller.clone().goes_on(Action::GetAbsence, Target::Visible, Default::default()).await;
    let admin: Admin = match (admin, caller.session()) {
        (Err(problem), Some(_)) if problem.code == Code::Forbidden => return Err(not_found()),
        (admin, _) => admin?,
    };
    for team in homes(&admin, id.as_u128(), &id).await? {
        if let Some(view) = find(&admin.app, team, id).await? {
            return Ok((team, view));
        }
    }
    Err(not_found())
}

async fn absences(app: &App, team: TeamId, filter: AbsenceFilter) -> Result<Vec<AbsenceView>, Problem> {
    match app.actors()?.team(team, &team::Command::Ask(team::Question::Absences(filter))).await? {
        team::Answer::Absences(absences) => Ok(absences?),
        _ => Err(unexpected()),
    }
}

async fn find(app: &App, team: TeamId, id: AbsenceId) -> Result<Option<AbsenceView>, Problem> {
    match app.actors()?.team(team, &team::Command::Ask(team::Question::Absence { id })).await? {
        team::Answer::Absence(Ok(view)) => Ok(Some(*view)),
        team::Answer::Absence(Err(team::OrderError::NotFound { .. })) => Ok(None),
        team::Answer::Absence(Err(error)) => Err(error.into()),
        _ => Err(unexpected()),
    }
}
