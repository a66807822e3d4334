//! Requests to calendars: bounded in time and size, and never redirected.

use calendars::{Request, TokenRequest, Validators};
use futures::StreamExt;
use worker::{AbortSignal, Env, Fetch, Headers, Method, RequestInit, RequestRedirect, Response, Result};

/// A calendar that takes longer is not there.
const PATIENCE_MS: u32 = 20_000;

const NOT_MODIFIED: u16 = 304;

/// Where services are, unless the deployment says otherwise: tests have their
/// own.
const SERVICES: [(&str, &str); 5] = [
    ("GOOGLE_CALENDAR_API", "https://www.googleapis.com"),
    ("GOOGLE_OAUTH", "https://oauth2.googleapis.com"),
    ("GRAPH_API", "https://graph.microsoft.com"),
    ("MICROSOFT_LOGIN", "https://login.microsoftonline.com"),
    ("BAMBOOHR_API", "https://api.bamboohr.com"),
];

/// What came.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) validators: Validators,
}

/// Asks. An error is for people.
pub(super) async fn get(env: &Env, request: &Request) -> std::result::Result<(u16, Answer), String> {
    let headers: Vec<(&str, &str)> = request.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let sent = send(&placed(env, &request.url), &headers, None).await;
    let (response, body) = sent.map_err(|error| unreachable(&error))?;
    let validators = Validators::of(|name| response.headers().get(name).ok().flatten());
    Ok((response.status_code(), Answer { body, validators }))
}

/// Posts a form for an access token.
pub(super) async fn post(env: &Env, request: &TokenRequest) -> std::result::Result<(u16, Vec<u8>), String> {
    let headers = [("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded")];
    let sent = send(&placed(env, &request.url), &headers, Some(&request.form)).await;
    let (response, body) = sent.map_err(|error| unreachable(&error))?;
    Ok((response.status_code(), body))
}

/// The address may be a secret, and stands in no error.
fn unreachable(error: &worker::Error) -> String {
    worker::console_error!("a calendar could not be reached: {error}");
    "the source could not be reached, or its answer is too large: it is asked again later".to_owned()
}

/// Where a service is, in this deployment.
fn placed(env: &Env, url: &str) -> String {
    for (variable, usual) in SERVICES {
        let own = env.var(variable).ok().map(|text| text.to_string()).filter(|text| !text.is_empty());
        if let (Some(own), Some(rest)) = (own, url.strip_prefix(usual)) {
            return own + rest;
        }
    }
    url.to_owned()
}

async fn send(url: &str, headers: &[(&str, &str)], form: Option<&str>) -> Result<(Response, Vec<u8>)> {
    let sent = Headers::new();
    sent.set("user-agent", "alfred")?;
    for (name, value) in headers {
        sent.set(name, value)?;
    }
    let mut init = RequestInit::new();
    // A redirect could lead anywhere, and carry a secret there.
    init.with_method(Method::Get).with_redirect(RequestRedirect::Manual);
    if let Some(form) = form {
        init.with_method(Method::Post).with_body(Some(form.into()));
    }
    init.with_headers(sent);
    let request = worker::Request::new_with_init(url, &init)?;
    let signal: AbortSignal = worker::web_sys::AbortSignal::timeout_with_u32(PATIENCE_MS).into();
    let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
    let mut body = Vec::new();
    if response.status_code() == NOT_MODIFIED {
        // It has none, and there is nothing to be read from.
        return Ok((response, body));
    }
    let mut chunks = response.stream()?;
    while let Some(chunk) = chunks.next().await {
        body.extend(chunk?);
        if body.len() > calendars::ics::MAX_BYTES {
            return Err(format!("the answer has more than {} bytes", calendars::ics::MAX_BYTES).into());
        }
    }
    Ok((response, body))
}
