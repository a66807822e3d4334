//! Signing in, going on and signing out.

use ::organization::protocol::{self as organization, Enter, Question, SessionCommand, SetUp, SignIn, SigningIn};
use audit::Attribution;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use identity::{DepartmentId, GrantId, MemberId, OrganizationId, RefreshToken, SetupToken, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::{App, new_id, unexpected};
use crate::extract::{Body, Query, signed_in};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::sign_in::attempt::{self, Begun, check_return};
use crate::sign_in::browser::Browser;
use crate::sign_in::cookies::Cookie;
use crate::sign_in::provider::Provider;
use crate::sign_in::session::{self, Tokens};
use crate::sign_in::{domains, page};
use crate::text::{Email, Name};
use crate::throttle;
use crate::time::Time;

/// Where people are led who did not say where to.
const HOME: &str = "/api/v1/session";

/// Who signs in, and where they go afterwards.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    /// Whose domain says which organization, and who it probably is.
    email: Option<String>,
    /// Which organization.
    #[param(value_type = Option<schema::OrganizationId>)]
    organization: Option<OrganizationId>,
    /// A path of this site.
    return_to: Option<String>,
}

/// Begin to sign in, with a browser.
///
/// Leads to the organization's sign-in provider, which leads back to `/api/v1/auth/callback`. Without `email` and
/// `organization` it answers a page that asks for the address.
#[utoipa::path(get, path = "/api/v1/auth/sign-in", tag = "Sign-in", params(Begin), security(()),
    responses((status = 200, description = "A page that asks for the address", body = String, content_type = "text/html"),
        (status = 303, description = "To the provider")))]
#[worker::send]
pub(crate) async fn sign_in(browser: Browser, Query(asked): Query<Begin>) -> Response {
    let wants_page = browser.wants_page();
    begin(browser, asked).await.unwrap_or_else(|problem| sorry(wants_page, problem))
}

async fn begin(browser: Browser, asked: Begin) -> Result<Response, Problem> {
    let return_to = check_return(asked.return_to.as_deref().unwrap_or(HOME))?;
    let app = &browser.app;
    let organization = match (asked.organization, &asked.email) {
        (Some(organization), _) => Some(organization),
        (None, Some(email)) => domains::organization_of(app, email).await?,
        (None, None) => return Ok(page::ask(&return_to)),
    };
    // One answer for all of them: who is a customer is nobody's business.
    let nobody = || Problem::new(Code::NotFound, "nobody signs in with that: ask your admin for the way in");
    let organization = organization.ok_or_else(nobody)?;
    let sign_in = configured(app, organization).await?.ok_or_else(nobody)?;
    let provider = Provider::new(app, organization, &sign_in).await?;
    let begun = Begun::new(organization, sign_in.version, return_to)?;
    let address = provider.address(&begun, &browser.site.redirect_uri(), asked.email.as_deref());
    let mut response = see_other(&address)?;
    let sealed = begun.seal(&app.vault()?)?;
    browser.site.jar.set(response.headers_mut(), Cookie::Attempt, Some((&sealed, attempt::LASTS_S)));
    Ok(response)
}

/// End to sign in: where the provider leads the browser back to.
#[utoipa::path(get, path = "/api/v1/auth/callback", tag = "Sign-in", security(()),
    params(("code" = Option<String>, Query, description = "The provider's code"),
        ("state" = Option<String>, Query, description = "Which sign-in it answers"),
        ("iss" = Option<String>, Query, description = "Which provider answers"),
        ("error" = Option<String>, Query, description = "Why it refused"),
        ("error_description" = Option<String>, Query, description = "Why, for people")),
    responses((status = 303, description = "Signed in: to where they wanted to go, with the session in cookies")))]
#[worker::send]
pub(crate) async fn callback(browser: Browser) -> Response {
    let mut response = match end(&browser).await {
        Ok(response) => response,
        Err(problem) => sorry(browser.wants_page(), problem),
    };
    // One answer for each attempt.
    browser.site.jar.set(response.headers_mut(), Cookie::Attempt, None);
    response
}

async fn end(browser: &Browser) -> Result<Response, Problem> {
    let app = &browser.app;
    let cookie = browser.cookie(Cookie::Attempt);
    let begun = cookie.and_then(|cookie| Begun::open(&app.vault().ok()?, &cookie));
    let begun = begun.ok_or_else(|| {
        let detail = "this browser did not begin to sign in, or too long ago: start again";
        Problem::new(Code::SignInFailed, detail).with("reason", "no_attempt")
    })?;
    let organization = begun.organization;
    let sign_in = configured(app, organization).await?;
    let sign_in = sign_in.ok_or(organization::SessionError::NotConfigured)?;
    let provider = Provider::new(app, organization, &sign_in).await?;
    let identity = match provider.identify(&begun, &browser.site.redirect_uri(), &browser.query).await {
        Ok(identity) => identity,
        Err(refused) => {
            let command = SessionCommand::Refuse { code: refused.code.to_owned(), by: browser.by.clone() };
            session::tell(app, organization, command).await?;
            return Err(*refused.problem);
        }
    };
    let (new, refresh_token) = session::new(organization)?;
    let enter = Enter {
        version: begun.version,
        link: identity.link,
        email: identity.email,
        name: identity.name,
        groups: identity.groups,
        member: MemberId::from_u128(new_id()?),
        session: new,
        by: browser.by.clone(),
    };
    let entered = session::tell(app, organization, SessionCommand::Enter(Box::new(enter))).await?;
    let tokens = session::tokens(app, organization, &entered.ok_or_else(unexpected)?, refresh_token)?;
    let mut response = see_other(&begun.return_to)?;
    session::keep(response.headers_mut(), &browser.site, &tokens);
    Ok(response)
}

async fn configured(app: &App, organization: OrganizationId) -> Result<Option<SignIn>, Problem> {
    match app.ask_organization(organization, Question::SigningIn).await? {
        organization::Answer::SigningIn(Ok(signing_in)) => {
            let SigningIn { sign_in, .. } = *signing_in;
            Ok(sign_in)
        }
        organization::Answer::SigningIn(Err(organization::OrderError::NotOpen)) => Ok(None),
        organization::Answer::SigningIn(Err(error)) => Err(error.into()),
        _ => Err(unexpected()),
    }
}

fn see_other(address: &str) -> Result<Response, Problem> {
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let address = HeaderValue::from_str(address).map_err(Problem::internal)?;
    response.headers_mut().insert(header::LOCATION, address);
    Ok(response)
}

fn sorry(wants_page: bool, problem: Problem) -> Response {
    if wants_page { page::sorry(problem) } else { problem.into_response() }
}

/// Who begins without a provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstPerson {
    /// From the operator, or an admin key's owner: `POST /api/v1/organization/setup-token`.
    setup_token: String,
    #[schema(value_type = schema::Name)]
    name: Name,
    #[schema(value_type = schema::Email)]
    email: Email,
}

/// Sign in with the setup token, once.
///
/// Whoever does becomes an organization admin: the member with this address, or a new one in the team
/// "Administrators".
#[utoipa::path(post, path = "/api/v1/auth/setup", tag = "Sign-in", request_body = FirstPerson, security(()),
    responses((status = 201, description = "A session", body = Tokens)))]
#[worker::send]
pub(crate) async fn set_up(
    browser: Browser,
    Body { value, .. }: Body<FirstPerson>,
) -> Result<(StatusCode, Json<Tokens>), Problem> {
    let unknown = || Problem::from(organization::SessionError::UnknownToken);
    let token = SetupToken::parse(value.setup_token.trim()).map_err(|_| unknown())?;
    let (new, refresh_token) = session::new(token.organization)?;
    let set_up = SetUp {
        token: token.hash,
        name: value.name.into_string(),
        email: value.email.into_string(),
        member: MemberId::from_u128(new_id()?),
        department: DepartmentId::from_u128(new_id()?),
        team: TeamId::from_u128(new_id()?),
        grant: GrantId::from_u128(new_id()?),
        session: new,
        by: browser.by,
    };
    let command = SessionCommand::SetUp(Box::new(set_up));
    let entered = match session::tell(&browser.app, token.organization, command).await {
        // Whether there is such an organization is nobody's business.
        Err(problem) if problem.is_not_configured() => return Err(unknown()),
        other => other?.ok_or_else(unexpected)?,
    };
    let tokens = session::tokens(&browser.app, token.organization, &entered, refresh_token)?;
    Ok((StatusCode::CREATED, Json(tokens)))
}

/// How a session goes on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// The last refresh token; browsers send it as a cookie.
    #[serde(default)]
    refresh_token: Option<String>,
}

/// A session that goes on in cookies.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Renewed {
    /// By when it must be refreshed again.
    #[schema(value_type = schema::Time)]
    token_expires_at: Time,
    /// When the session ends.
    #[schema(value_type = schema::Time)]
    expires_at: Time,
}

/// What a refresh answers: tokens to those who sent one, cookies to browsers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Refreshed {
    /// In the answer.
    Tokens(Tokens),
    /// In cookies.
    Cookies(Renewed),
}

/// Go on: the next session token, for the last refresh token.
///
/// Each refresh token works once; one that comes again later than half a minute was copied, and ends the session.
/// Browsers send theirs as a cookie and get both as cookies.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "Sign-in", request_body = Refresh, security(()),
    responses((status = 200, description = "The next tokens", body = Refreshed)))]
#[worker::send]
pub(crate) async fn refresh(browser: Browser, Body { value, .. }: Body<Refresh>) -> Response {
    let by_cookie = value.refresh_token.is_none();
    match go_on(&browser, value.refresh_token).await {
        Ok(tokens) if by_cookie => {
            let renewed = Renewed { token_expires_at: tokens.token_expires_at, expires_at: tokens.expires_at };
            let mut response = Json(Refreshed::Cookies(renewed)).into_response();
            session::keep(response.headers_mut(), &browser.site, &tokens);
            response
        }
        Ok(tokens) => Json(Refreshed::Tokens(tokens)).into_response(),
        Err(problem) => {
            let is_over = problem.code == Code::Unauthorized;
            let mut response = problem.into_response();
            if by_cookie && is_over {
                session::forget(response.headers_mut(), &browser.site);
            }
            response
        }
    }
}

async fn go_on(browser: &Browser, shown: Option<String>) -> Result<Tokens, Problem> {
    throttle::may_try(&browser.app, &browser.headers)?;
    let shown = read_refresh(browser, shown)?;
    let shown = shown.ok_or_else(|| Problem::new(Code::Unauthorized, "send `refresh_token`, or sign in"))?;
    let next = session::next(&browser.app, &shown)?;
    let (session, by) = (shown.session, browser.by.clone());
    let earlier = next.earlier().map(session::hash).transpose()?;
    let command = SessionCommand::Refresh { session, shown: shown.hash, next: session::hash(&next.text)?, earlier, by };
    let entered = session::tell(&browser.app, shown.organization, command).await.map_err(|problem| {
        if problem.is_not_configured() { organization::SessionError::Ended.into() } else { problem }
    })?;
    let entered = entered.ok_or_else(unexpected)?;
    let is_its = |text: &str| session::hash(text).is_ok_and(|hash| hash == entered.session.refresh);
    let text = next.kept(is_its).ok_or_else(unexpected)?;
    session::tokens(&browser.app, shown.organization, &entered, text)
}

fn read_refresh(browser: &Browser, shown: Option<String>) -> Result<Option<RefreshToken>, Problem> {
    let shown = shown.or_else(|| browser.cookie(Cookie::Refresh));
    let read = shown.map(|text| RefreshToken::parse(text.trim())).transpose();
    read.map_err(|error| Problem::new(Code::Unauthorized, error))
}

/// Sign out: the session ends at once, everywhere.
///
/// With the session's token, its cookies, or a `refresh_token`. Doing it twice is doing it once.
#[utoipa::path(post, path = "/api/v1/auth/sign-out", tag = "Sign-in", request_body = Refresh, security(()),
    responses((status = 204, description = "It has ended")))]
#[worker::send]
pub(crate) async fn sign_out(browser: Browser, Body { value, .. }: Body<Refresh>) -> Result<Response, Problem> {
    let (organization, session, shown) = match value.refresh_token {
        Some(_) => {
            let shown = read_refresh(&browser, value.refresh_token)?;
            shown.map(|shown| (shown.organization, shown.session, Some(shown.hash)))
        }
        None => match signed_in(&browser)? {
            Some(session) => Some((session.organization, session.session, None)),
            // The token may have expired; this cookie no other site can have sent.
            None => read_refresh(&browser, None)?.map(|shown| (shown.organization, shown.session, Some(shown.hash))),
        },
    }
    .ok_or_else(|| Problem::new(Code::Unauthorized, "send the session's token or `refresh_token`"))?;
    let by: Attribution = browser.by.clone();
    let ended = session::tell(&browser.app, organization, SessionCommand::End { session, shown, by }).await;
    match ended {
        Err(problem) if !problem.is_not_configured() => return Err(problem),
        _ => {}
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    session::forget(response.headers_mut(), &browser.site);
    Ok(response)
}
