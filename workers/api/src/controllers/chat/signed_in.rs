//! `/decide/{organization_id}/{approval_id}`: where messages in conversations
//! lead. Everybody there sees the address, so it says nothing of who decides:
//! whoever is signed in does, and who is not signs in first.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use channels::Verdict;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use identity::{ApprovalId, OrganizationId, Principal};
use openid::session::Session;
use url::form_urlencoded;

use super::link::verdict;
use super::question;
use crate::app::App;
use crate::controllers::approvals::decide::{self, Decision};
use crate::extract::{Body, Caller};
use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};
use crate::sign_in::browser::Site;
use crate::sign_in::cookies::Cookie;
use crate::sign_in::session;
use crate::throttle;

/// Shows what was asked for, or decides it.
#[worker::send]
pub(crate) async fn decide(app: App, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answered = async {
        throttle::may_try(&app, &parts.headers)?;
        let mut path = parts.uri.path().rsplit('/');
        let nowhere = || Problem::new(Code::NotFound, "the link is incomplete: copy the whole of it");
        let id: ApprovalId = path.next().and_then(|id| id.parse().ok()).ok_or_else(nowhere)?;
        let organization: OrganizationId = path.next().and_then(|id| id.parse().ok()).ok_or_else(nowhere)?;
        let Some(session) = session_of(&app, &parts)? else { return to_sign_in(&parts) };
        if session.organization != organization {
            return Err(Problem::not_found("approval", id));
        }
        let csrf = session::csrf(&app, session.session)?;
        if parts.method != Method::POST {
            let viewer = Principal::Person(session.member, session.session);
            let asked = question::read(&app, organization, viewer, id).await?;
            let hidden = format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", csrf.text);
            return Ok(question::page(&asked, &[Verdict::Approve, Verdict::Deny], &hidden));
        }
        let body = axum::body::to_bytes(body, question::MOST_BYTES).await;
        let body = body.map_err(|_| Problem::new(Code::PayloadTooLarge, "the reason is too long"))?;
        let shown = question::field(&body, "csrf").unwrap_or_default();
        if csrf.kept(|expected| crate::extract::same(&shown, expected)).is_none() {
            return Err(Problem::new(Code::CsrfTokenRequired, "open the request again, and decide there"));
        }
        let said = match question::field(&body, "verdict").as_deref() {
            Some("approve") => Verdict::Approve,
            Some("deny") => Verdict::Deny,
            _ => return Err(Problem::invalid("say what you decide: approve or deny")),
        };
        let repeat = Repeat::read(&http::HeaderMap::new(), &parts.method, parts.uri.path(), &body)?;
        let (action, verdict) = verdict(said);
        let value = Decision::because(question::reason(&body)?);
        let caller = Caller::signed_in(app, session, &parts)?;
        let _ = decide::decide(caller, action, (id, verdict), Body { value, repeat }).await?;
        Ok(question::done(said))
    };
    answered.await.unwrap_or_else(question::sorry)
}

/// The browser's session. One that has expired is none: signing in gives the
/// next.
pub(in crate::controllers) fn session_of(app: &App, parts: &Parts) -> Result<Option<Session>, Problem> {
    let site = Site::of(&parts.uri).ok_or_else(|| Problem::internal("a request without an address"))?;
    let Some(cookie) = site.jar.read(&parts.headers, Cookie::Session) else { return Ok(None) };
    Ok(session::keys(app)?.verify(&cookie, ::runtime::now_ms()).ok())
}

/// There, and back to here.
pub(in crate::controllers) fn to_sign_in(parts: &Parts) -> Result<Response, Problem> {
    if parts.method == Method::POST {
        return Err(Problem::new(Code::Unauthorized, "you are not signed in any more: open the page again"));
    }
    let here = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let here: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
    let place = format!("/api/v1/auth/sign-in?return_to={here}");
    let mut response = StatusCode::SEE_OTHER.into_response();
    let place = HeaderValue::from_str(&place).map_err(Problem::internal)?;
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}
