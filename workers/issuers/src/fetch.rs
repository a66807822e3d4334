//! Requests to issuers: bounded in time and size, and never redirected.

use futures::StreamExt;
use worker::{AbortSignal, Fetch, Headers, Method, Request, RequestInit, RequestRedirect};

use crate::Fault;

/// An issuer that takes longer is not there: somebody waits for it.
const PATIENCE_MS: u32 = 10_000;
/// More than any document or answer has.
const MOST_BYTES: usize = 1024 * 1024;

/// What is sent.
#[derive(Debug, Default, Clone, Copy)]
pub struct Call<'a> {
    /// The header `authorization`.
    pub authorization: Option<&'a str>,
    /// What is posted, and as what; a GET without it.
    pub body: Option<(&'a str, &'a str)>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Asks an address.
///
/// # Errors
/// [`Fault::Unreachable`]. An answer with an error is an answer.
pub async fn send(url: &str, call: Call<'_>) -> Result<Answer, Fault> {
    attempt(url, call).await.map_err(|error| {
        let why: String = error.to_string().chars().take(200).collect();
        Fault::Unreachable { url: url.to_owned(), why }
    })
}

async fn attempt(url: &str, call: Call<'_>) -> worker::Result<Answer> {
    let headers = Headers::new();
    headers.set("accept", "application/json")?;
    // Some providers refuse requests without one.
    headers.set("user-agent", "alfred")?;
    if let Some(authorization) = call.authorization {
        headers.set("authorization", authorization)?;
    }
    let mut init = RequestInit::new();
    // A redirect could lead anywhere, and carry a secret there.
    init.with_method(Method::Get).with_redirect(RequestRedirect::Manual);
    if let Some((body, kind)) = call.body {
        headers.set("content-type", kind)?;
        init.with_method(Method::Post).with_body(Some(body.into()));
    }
    init.with_headers(headers);
    let request = Request::new_with_init(url, &init)?;
    let signal: AbortSignal = worker::web_sys::AbortSignal::timeout_with_u32(PATIENCE_MS).into();
    let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
    let mut body = Vec::new();
    let mut chunks = response.stream()?;
    while let Some(chunk) = chunks.next().await {
        body.extend(chunk?);
        if body.len() > MOST_BYTES {
            return Err(format!("the answer has more than {MOST_BYTES} bytes").into());
        }
    }
    Ok(Answer { status: response.status_code(), body })
}
