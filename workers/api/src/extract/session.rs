//! Sessions: by a token in the header, or by a browser's cookie.

use ::runtime::now_ms;
use http::{HeaderMap, Method, header};
use openid::session::{Session, SessionError};

use super::caller::same;
use crate::app::App;
use crate::problem::{Code, Problem};
use crate::sign_in::browser::{Browser, Site};
use crate::sign_in::cookies::Cookie;
use crate::sign_in::session;

/// What pages send along with whatever changes something.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// The session that a browser or script shows, if it shows one.
pub(crate) fn signed_in(browser: &Browser) -> Result<Option<Session>, Problem> {
    match bearer(&browser.headers) {
        Some(token) => read(&browser.app, token),
        None => by_cookie(&browser.app, &browser.headers, &browser.method, &browser.site),
    }
}

/// A session token's session; `None` when it is another kind of token.
pub(super) fn read(app: &App, token: &str) -> Result<Option<Session>, Problem> {
    match session::keys(app)?.verify(token, now_ms()) {
        Ok(session) => Ok(Some(session)),
        Err(SessionError::Malformed) => Ok(None),
        Err(error) => Err(Problem::new(Code::Unauthorized, error)),
    }
}

/// The token in a request's header, of a session or of a workload; `None` for
/// keys, which begin otherwise.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).filter(|text| text.starts_with("eyJ") && text.matches('.').count() == 2)
}

/// The session of a browser's cookie. Browsers send cookies with whatever any
/// page has them send: what changes something must come from ours.
pub(super) fn by_cookie(
    app: &App,
    headers: &HeaderMap,
    method: &Method,
    site: &Site,
) -> Result<Option<Session>, Problem> {
    let Some(cookie) = site.jar.read(headers, Cookie::Session) else { return Ok(None) };
    let session = match session::keys(app)?.verify(&cookie, now_ms()) {
        Ok(session) => session,
        Err(SessionError::Expired) => {
            let detail = "the session token has expired: `POST /api/v1/auth/refresh` gives the next";
            return Err(Problem::new(Code::Unauthorized, detail));
        }
        Err(error) => return Err(Problem::new(Code::Unauthorized, error)),
    };
    if method.is_safe() {
        return Ok(Some(session));
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_ours = text(header::ORIGIN.as_str()).is_none_or(|origin| origin == site.origin);
    let expected = session::csrf(app, session.session)?;
    if is_ours && text(CSRF_HEADER).is_some_and(|shown| expected.kept(|expected| same(shown, expected)).is_some()) {
        return Ok(Some(session));
    }
    let detail = format!(
        "with a cookie, whatever changes something needs the header `{CSRF_HEADER}`, which `GET /api/v1/session` \
         says, and must come from this site"
    );
    Err(Problem::new(Code::CsrfTokenRequired, detail))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
