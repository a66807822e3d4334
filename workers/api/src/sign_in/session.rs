//! Session tokens: made, continued and told.

use ::runtime::now_ms;
use http::HeaderMap;
use identity::{KeyHash, OrganizationId, RefreshToken, SessionId};
use openid::session::{LIFETIME_S, SessionKeys};
use organization::protocol::{Answer, Command, Entered, NewSession, SessionCommand, SessionError};
use serde::Serialize;
use utoipa::ToSchema;

use super::browser::Site;
use super::cookies::Cookie;
use crate::app::{App, new_id, random, unexpected};
use crate::idempotency::{self, Minted};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::time::Time;

/// A session, as whoever has it is told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    #[schema(value_type = schema::SessionId)]
    pub(crate) session_id: SessionId,
    #[schema(value_type = schema::MemberId)]
    pub(crate) member_id: identity::MemberId,
    /// What goes into `Authorization: Bearer …`, for ten minutes.
    pub(crate) token: String,
    /// When it stops working.
    #[schema(value_type = schema::Time)]
    pub(crate) token_expires_at: Time,
    /// With it `POST /api/v1/auth/refresh` gives the next token, once.
    pub(crate) refresh_token: String,
    /// When the session ends.
    #[schema(value_type = schema::Time)]
    pub(crate) expires_at: Time,
}

/// A session that is about to begin, and its refresh token.
pub(crate) fn new(organization: OrganizationId) -> Result<(NewSession, String), Problem> {
    let id = SessionId::from_u128(new_id()?);
    let text = RefreshToken::mint(organization, id, random()?);
    let refresh = hash(&text)?;
    Ok((NewSession { id, refresh, name: None, expires_ms: None }, text))
}

/// The refresh token that comes after one: always the same, so that an answer
/// that was lost can be asked for again.
pub(crate) fn next(app: &App, shown: &RefreshToken) -> Result<Minted, Problem> {
    let derive = |master: String| idempotency::derive(&master, &["next refresh token", &shown.hash.to_string()]);
    let bits = derive(app.master_secret()?).ok_or_else(|| Problem::internal("nothing can be derived"))?;
    let earlier = app.previous_secret().and_then(derive);
    Ok(Minted::new(bits, earlier, |bits| RefreshToken::mint(shown.organization, shown.session, bits)))
}

/// What the actor knows a refresh token by.
pub(crate) fn hash(text: &str) -> Result<KeyHash, Problem> {
    RefreshToken::parse(text).map(|token| token.hash).map_err(Problem::internal)
}

/// The keys of session tokens.
pub(crate) fn keys(app: &App) -> Result<SessionKeys, Problem> {
    SessionKeys::new(&app.master_secret()?, app.previous_secret().as_deref()).map_err(Problem::internal)
}

/// What a page must send along with whatever changes something: another site's
/// page can have the browser send the cookie, but cannot know this.
pub(crate) fn csrf(app: &App, session: SessionId) -> Result<Minted, Problem> {
    let derive = |master: String| idempotency::derive(&master, &["csrf token", &session.to_string()]);
    let bits = derive(app.master_secret()?).ok_or_else(|| Problem::internal("nothing can be derived"))?;
    Ok(Minted::new(bits, app.previous_secret().and_then(derive), |bits| format!("{bits:032x}")))
}

/// Tells the organization's actor.
pub(crate) async fn tell(
    app: &App,
    organization: OrganizationId,
    command: SessionCommand,
) -> Result<Option<Entered>, Problem> {
    match app.actors()?.organization(organization, &Command::Session(command)).await? {
        Answer::Session(answer) => Ok(answer?.map(|entered| *entered)),
        _ => Err(unexpected()),
    }
}

/// The tokens of a session.
pub(crate) fn tokens(
    app: &App,
    organization: OrganizationId,
    entered: &Entered,
    refresh_token: String,
) -> Result<Tokens, Problem> {
    let (session, member) = (&entered.session, entered.member.profile.member);
    let now = now_ms();
    // A token does not outlive its session.
    let left_s = session.expires_ms.saturating_sub(now).div_euclid(1000);
    let lasts_s = LIFETIME_S.min(left_s).max(0);
    let token = keys(app)?.mint(session.id, organization, member, now, lasts_s);
    Ok(Tokens {
        session_id: session.id,
        member_id: member,
        token,
        token_expires_at: Time::from_ms(now.saturating_add(lasts_s.saturating_mul(1000))),
        refresh_token,
        expires_at: Time::from_ms(session.expires_ms),
    })
}

/// Has the browser keep them.
pub(crate) fn keep(headers: &mut HeaderMap, site: &Site, tokens: &Tokens) {
    let seconds = |until: Time| until.ms().saturating_sub(now_ms()).div_euclid(1000).max(0);
    site.jar.set(headers, Cookie::Session, Some((&tokens.token, seconds(tokens.token_expires_at))));
    site.jar.set(headers, Cookie::Refresh, Some((&tokens.refresh_token, seconds(tokens.expires_at))));
}

/// Has the browser forget them.
pub(crate) fn forget(headers: &mut HeaderMap, site: &Site) {
    site.jar.set(headers, Cookie::Session, None);
    site.jar.set(headers, Cookie::Refresh, None);
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match &error {
            SessionError::Storage => Self::unavailable(error),
            SessionError::Ended | SessionError::Reused | SessionError::UnknownToken => {
                Self::new(Code::Unauthorized, &error).with("reason", error.code())
            }
            SessionError::Conflict { .. } => Self::new(Code::Conflict, error),
            _ => Self::new(Code::SignInFailed, &error).with("reason", error.code()),
        }
    }
}
