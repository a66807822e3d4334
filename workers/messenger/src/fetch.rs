//! One request to a provider.

use channels::{Answer, Headers as Seen, Outgoing};
use futures::StreamExt;
use worker::{AbortSignal, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Result};

/// A provider that takes longer is not there.
const PATIENCE_MS: u32 = 10_000;
/// More than any answer has that is looked at.
const MOST_BYTES: usize = 64 * 1024;

/// What a provider answered.
#[derive(Debug)]
pub struct Answered {
    status: u16,
    retry_after: Option<String>,
    body: Vec<u8>,
}

impl Answered {
    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Reads it.
    pub fn read<R>(&self, read: impl FnOnce(&Answer<'_>) -> R) -> R {
        let headers: Vec<(&str, &str)> = self.retry_after.iter().map(|value| ("retry-after", value.as_str())).collect();
        read(&Answer { status: self.status, headers: Seen(&headers), body: &self.body })
    }
}

/// Sends a request.
///
/// # Errors
/// When there was no answer: whether it arrived, nobody knows.
pub async fn send(outgoing: &Outgoing) -> Result<Answered> {
    let headers = Headers::new();
    headers.set("user-agent", "alfred")?;
    for (name, value) in &outgoing.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    // A redirect could lead anywhere, and carry a secret there.
    init.with_method(Method::from(outgoing.method.as_str().to_owned())).with_redirect(RequestRedirect::Manual);
    if !outgoing.body.is_empty() {
        let body = worker::js_sys::Uint8Array::from(outgoing.body.as_slice());
        init.with_body(Some(body.into()));
    }
    init.with_headers(headers);
    let request = Request::new_with_init(&outgoing.url, &init)?;
    let signal: AbortSignal = worker::web_sys::AbortSignal::timeout_with_u32(PATIENCE_MS).into();
    let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
    let retry_after = response.headers().get("retry-after")?;
    let mut body = Vec::new();
    let mut chunks = response.stream()?;
    while let Some(chunk) = chunks.next().await {
        body.extend(chunk?);
        if body.len() > MOST_BYTES {
            body.truncate(MOST_BYTES);
            break;
        }
    }
    Ok(Answered { status: response.status_code(), retry_after, body })
}
