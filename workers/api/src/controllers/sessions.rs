//! Who is signed in.

use axum::Json;
use axum::extract::FromRequestParts;
use http::StatusCode;
use identity::{MemberId, OrganizationId, SessionId};
use organization::protocol::{Act, Answer, Entered, Question, Reply, SessionRecord};
use policy::{Grantee, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::members::Member;
use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Ids, Query, Target, Unrepeated};
use crate::page::{List, Paging, page};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::sign_in::session::{self, Tokens};
use crate::text::Name;
use crate::time::Time;

/// How long a script's session goes on that does not say.
const USUAL_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A role of whoever is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnRole {
    #[schema(value_type = schema::Role)]
    role: Role,
    #[schema(value_type = schema::RoleNode)]
    on: policy::Node,
    #[schema(value_type = Option<schema::Time>)]
    until: Option<Time>,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CurrentSession {
    #[schema(value_type = schema::SessionId)]
    id: SessionId,
    #[schema(value_type = schema::OrganizationId)]
    organization_id: OrganizationId,
    organization: String,
    member: Member,
    roles: Vec<OwnRole>,
    /// What pages send as `x-csrf-token` with whatever changes something.
    csrf_token: String,
    /// When the session ends.
    #[schema(value_type = schema::Time)]
    expires_at: Time,
}

/// A session of a member.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionBody {
    #[schema(value_type = schema::SessionId)]
    id: SessionId,
    /// What it is for, where it was made for a script.
    name: Option<String>,
    #[schema(value_type = schema::Time)]
    created_at: Time,
    /// When it last went on.
    #[schema(value_type = schema::Time)]
    refreshed_at: Time,
    #[schema(value_type = schema::Time)]
    expires_at: Time,
    /// Where it began.
    address: Option<String>,
    /// In what it began, as the client said.
    user_agent: Option<String>,
}

impl From<SessionRecord> for SessionBody {
    fn from(record: SessionRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            created_at: Time::from_ms(record.created_ms),
            refreshed_at: Time::from_ms(record.refreshed_ms),
            expires_at: Time::from_ms(record.expires_ms),
            address: record.address,
            user_agent: record.user_agent,
        }
    }
}

/// A session for a script.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewScriptSession {
    /// What it is for.
    #[schema(value_type = schema::Name)]
    name: Name,
    /// Within 92 days; in 30 days if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::Time>)]
    expires_at: Option<Time>,
}

/// Somebody who signed in, and not a key.
pub(crate) struct Person {
    pub(super) caller: Caller,
    session: SessionId,
    pub(super) member: MemberId,
}

impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let (session, member) = caller.session().ok_or_else(|| {
            Problem::new(Code::Forbidden, "this is for people who are signed in: keys have no session")
        })?;
        Ok(Self { caller, session, member })
    }
}

async fn sessions(admin: &Admin, member: MemberId) -> Result<Vec<SessionRecord>, Problem> {
    match admin.app.ask_organization(admin.organization, Question::Sessions { member }).await? {
        Answer::Sessions(sessions) => Ok(sessions?),
        _ => Err(unexpected()),
    }
}

/// Show who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "Sign-in",
    responses((status = 200, description = "Who, with which roles", body = CurrentSession)))]
#[worker::send]
pub(crate) async fn get_session(person: Person) -> Result<Json<CurrentSession>, Problem> {
    let Person { caller, session: id, member } = person;
    let admin = caller.may(Action::GetMember, Target::Member { id: member }).await?;
    let directory = admin.app.directory(admin.organization).await?;
    let record = directory.members.into_iter().find(|record| record.profile.member == member);
    let record = record.ok_or_else(|| Problem::not_found("member", member))?;
    let session = sessions(&admin, member).await?.into_iter().find(|session| session.id == id);
    let session = session.ok_or_else(|| Problem::new(Code::Unauthorized, "the session has ended: sign in again"))?;
    let own = |grant: &policy::Grant| grant.to == Grantee::Member(member) && grant.is_current(admin.now());
    let grants = admin.access().await?.grants.into_iter().filter(own);
    let roles =
        grants.map(|grant| OwnRole { role: grant.role, on: grant.on, until: grant.until_ms.map(Time::from_ms) });
    Ok(Json(CurrentSession {
        id,
        organization_id: admin.organization,
        organization: directory.name,
        member: record.into(),
        roles: roles.collect(),
        csrf_token: session::csrf(&admin.app, id)?.text,
        expires_at: Time::from_ms(session.expires_ms),
    }))
}

/// Make a session for a script of one's own.
///
/// Its tokens are in this answer only. Only somebody who signed in can, not a script that has a session itself.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "Sign-in", request_body = NewScriptSession,
    responses((status = 201, description = "It began", body = Tokens)))]
#[worker::send]
pub(crate) async fn create_session(
    person: Person,
    Body { value, repeat }: Body<NewScriptSession>,
) -> Result<Created<Tokens>, Problem> {
    let Person { caller, member, .. } = person;
    let admin = caller.may(Action::CreateSession, Target::Member { id: member }).await?;
    let (mut new, refresh_token) = session::new(admin.organization)?;
    new.name = Some(value.name.into_string());
    let usual = admin.now().saturating_add(USUAL_MS);
    new.expires_ms = Some(value.expires_at.map_or(usual, Time::ms));
    let directory = admin.app.directory(admin.organization).await?;
    let record = directory.members.into_iter().find(|record| record.profile.member == member);
    let record = record.ok_or_else(|| Problem::not_found("member", member))?;
    match admin.order(&repeat, Act::CreateSession(new.clone())).await? {
        Reply::Session(session) if session.refresh == new.refresh => {
            let entered = Entered { member: record, session: *session };
            session::tokens(&admin.app, admin.organization, &entered, refresh_token).map(created)
        }
        Reply::Session(_) => {
            let detail = "the tokens of this earlier request cannot be shown again: make another session";
            Err(Problem::new(Code::Conflict, detail))
        }
        _ => Err(unexpected()),
    }
}

/// List a member's sessions.
#[utoipa::path(get, path = "/api/v1/members/{member_id}/sessions", tag = "Sign-in",
    params(("member_id" = schema::MemberId, Path), Paging),
    responses((status = 200, description = "A page", body = List<SessionBody>)))]
#[worker::send]
pub(crate) async fn list_sessions(
    caller: Caller,
    Id(member): Id<MemberId>,
    Query(asked): Query<Paging>,
) -> Result<Json<List<SessionBody>>, Problem> {
    let admin = caller.may(Action::ListSessions, Target::Member { id: member }).await?;
    let all = sessions(&admin, member).await?;
    page(all, (asked.cursor.as_deref(), asked.limit), |session| session.id, SessionBody::from).map(Json)
}

/// End all of a member's sessions, at once.
#[utoipa::path(delete, path = "/api/v1/members/{member_id}/sessions", tag = "Sign-in",
    params(("member_id" = schema::MemberId, Path)), responses((status = 204, description = "They have ended")))]
#[worker::send]
pub(crate) async fn end_sessions(
    caller: Caller,
    Id(member): Id<MemberId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<StatusCode, Problem> {
    let admin = caller.may(Action::EndSessions, Target::Member { id: member }).await?;
    admin.order(&repeat, Act::EndSessions { member, only: None }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one of a member's sessions, at once.
#[utoipa::path(delete, path = "/api/v1/members/{member_id}/sessions/{session_id}", tag = "Sign-in",
    params(("member_id" = schema::MemberId, Path), ("session_id" = schema::SessionId, Path)),
    responses((status = 204, description = "It has ended")))]
#[worker::send]
pub(crate) async fn end_session(
    caller: Caller,
    Ids(member, session): Ids<MemberId, SessionId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<StatusCode, Problem> {
    let admin = caller.may(Action::EndSession, Target::Member { id: member }).await?;
    admin.order(&repeat, Act::EndSessions { member, only: Some(session) }).await?;
    Ok(StatusCode::NO_CONTENT)
}
