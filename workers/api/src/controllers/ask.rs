//! `/ask?amount=…`: where an error about missing credits leads. A request that is
//! filled in, for whoever is signed in; who is not signs in first.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use ledger::Millicredits;
use openid::session::Session;
use url::form_urlencoded;

use super::chat::question::{self, field};
use super::chat::signed_in::{session_of, to_sign_in};
use crate::app::{App, random};
use crate::controllers::approvals::request::{NewApproval, request_approval};
use crate::extract::{Body, Caller};
use crate::idempotency::{self, Repeat};
use crate::problem::{Code, Problem};
use crate::sign_in::page::{self, escape};
use crate::sign_in::session;
use crate::throttle;

/// The route; not in the OpenAPI document, for it is a page.
pub(crate) fn router() -> Router {
    Router::new().route("/ask", get(ask).post(ask))
}

/// Shows a request, or makes it.
#[worker::send]
async fn ask(app: App, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answered = async {
        throttle::may_try(&app, &parts.headers)?;
        let Some(session) = session_of(&app, &parts)? else { return to_sign_in(&parts) };
        let csrf = session::csrf(&app, session.session)?;
        if parts.method != Method::POST {
            return form(&parts, &csrf.text);
        }
        let body = axum::body::to_bytes(body, question::MOST_BYTES).await;
        let body = body.map_err(|_| Problem::new(Code::PayloadTooLarge, "the reason is too long"))?;
        let shown = field(&body, "csrf").unwrap_or_default();
        if csrf.kept(|expected| crate::extract::same(&shown, expected)).is_none() {
            return Err(Problem::new(Code::CsrfTokenRequired, "open the page again, and ask there"));
        }
        made(app, (session, &parts), &body).await
    };
    answered.await.unwrap_or_else(sorry)
}

/// The form, with what the address says.
fn form(parts: &Parts, csrf: &str) -> Result<Response, Problem> {
    let asked = parts.uri.query().unwrap_or_default().as_bytes();
    let value = |name| escape(&field(asked, name).unwrap_or_default());
    let once = random()?;
    let body = format!(
        "<h1>Ask for credits</h1><p>They come from your team's pool. Whoever may decide about it is told.</p>\
         <form method=\"post\" action=\"/ask\"><input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\
         <input type=\"hidden\" name=\"once\" value=\"{once:032x}\"><label for=\"amount\">Credits</label>\
         <input id=\"amount\" name=\"amount\" inputmode=\"decimal\" required value=\"{}\">\
         <label for=\"reason\">Why, for whoever decides</label>\
         <input id=\"reason\" name=\"reason\" maxlength=\"500\" autocomplete=\"off\" value=\"{}\">\
         <button>Ask</button></form>",
        value("amount"),
        value("reason"),
    );
    Ok(page::asking("Ask for credits", &body))
}

/// Asks, once for each form: sent twice, the second one changes nothing.
async fn made(app: App, (session, parts): (Session, &Parts), body: &[u8]) -> Result<Response, Problem> {
    let invalid = |error: &dyn std::fmt::Display| Problem::invalid(format!("the credits: {error}"));
    let amount: Millicredits =
        field(body, "amount").unwrap_or_default().parse().map_err(|error: ledger::AmountError| invalid(&error))?;
    if amount.is_zero() || amount.is_negative() {
        return Err(invalid(&"more than zero"));
    }
    let mut headers = HeaderMap::new();
    if let Some(once) = field(body, "once").and_then(|once| HeaderValue::from_str(&format!("ask-{once}")).ok()) {
        headers.insert(idempotency::HEADER, once);
    }
    let sent: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let said: String = sent.iter().filter(|(name, _)| name != "csrf").map(|(_, value)| format!("{value}\n")).collect();
    let repeat = Repeat::read(&headers, &parts.method, parts.uri.path(), said.as_bytes())?;
    let value = NewApproval::own(amount, question::reason(body)?);
    let _ = request_approval(Caller::signed_in(app, session, parts)?, Body { value, repeat }).await?;
    let body = format!("<h1>You have asked for {amount} credits</h1><p>You are told when it is decided.</p>");
    Ok(page::page(StatusCode::OK, "Asked", &body))
}

/// Why nothing was asked for.
fn sorry(problem: Problem) -> Response {
    let body = format!("<h1>Nothing was asked for</h1><p>{}</p>", escape(problem.detail()));
    let plain = problem.into_response();
    let mut response = page::page(plain.status(), "Not asked", &body);
    if let Some(after) = plain.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, after.clone());
    }
    response
}
