//! Calling the provider.

use std::time::Duration;

use actors::{Actors, now_ms};
use bytes::Bytes;
use futures::future::{self, Either};
use futures::stream::{self, LocalBoxStream, StreamExt};
use organization::ProviderKind;
use providers::demo;
use providers::openai::{ChatRequest, EmbeddingsRequest, UpstreamError};
use team::protocol::{Command, Progress};
use wasm_bindgen::JsValue;
use worker::{AbortController, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect};

use crate::admit::Admitted;
use crate::body::Endpoint;
use crate::client::Client;
use crate::refuse::Refusal;

/// A call that goes on says so this often, so that its reservation does not
/// expire: a quarter of the team actor's lease of 120 s.
pub(crate) const REPORT_EVERY_MS: i64 = 30_000;

/// Of an error's body so much is read.
const MAX_ERROR: usize = 64 << 10;

/// What became of the attempt to call the provider.
pub(crate) enum Opened {
    /// It answers.
    Answer(Upstream),
    /// It failed before it answered; nothing is paid.
    Refused(Refusal),
    /// The client left before there was an answer; the provider was told.
    ClientLeft,
}

/// A provider's answer that has begun.
pub(crate) struct Upstream {
    pub(crate) content_type: String,
    pub(crate) chunks: LocalBoxStream<'static, Result<Bytes, ()>>,
    pub(crate) opened_ms: i64,
    abort: Option<AbortController>,
}

impl Upstream {
    /// Whether it comes as events. A provider may answer as a whole although
    /// it was asked for a stream.
    pub(crate) fn is_stream(&self) -> bool {
        self.content_type.trim_start().starts_with("text/event-stream")
    }

    /// Hangs up on the provider.
    pub(crate) fn abort(&mut self) {
        if let Some(controller) = self.abort.take() {
            controller.abort();
        }
    }
}

/// Calls the provider and waits until its answer begins.
pub(crate) async fn open(call: &Admitted, client: &mut Client, actors: &Actors) -> Opened {
    match call.provider.kind {
        ProviderKind::Demo => ask_demo(call),
        ProviderKind::Openai => ask(call, client, actors).await,
    }
}

async fn ask(call: &Admitted, client: &mut Client, actors: &Actors) -> Opened {
    let provider = call.provider.name.as_str();
    let Ok(request) = request(call) else {
        return Opened::Refused(Refusal::unreachable(provider));
    };
    let controller = AbortController::default();
    let signal = controller.signal();
    let fetch = Fetch::Request(request);
    let mut answer = Box::pin(fetch.send_with_signal(&signal));
    let started = now_ms();
    let mut response = loop {
        let waited = now_ms().saturating_sub(started);
        let left = call.provider.header_timeout_ms.saturating_sub(waited);
        if left <= 0 {
            controller.abort();
            return Opened::Refused(Refusal::timed_out(provider, call.provider.header_timeout_ms));
        }
        let pause = std::pin::pin!(wait(left.min(REPORT_EVERY_MS)));
        let gone = std::pin::pin!(client.left());
        match future::select(answer.as_mut(), future::select(pause, gone)).await {
            Either::Left((Ok(response), _)) => break response,
            Either::Left((Err(error), _)) => {
                worker::console_warn!("provider {}: {error}", call.provider.id);
                return Opened::Refused(Refusal::unreachable(provider));
            }
            Either::Right((Either::Left(_), _)) => goes_on(call, actors, None).await,
            Either::Right((Either::Right(_), _)) => {
                controller.abort();
                return Opened::ClientLeft;
            }
        }
    };
    drop(answer);
    let status = response.status_code();
    if !(200..300).contains(&status) {
        let retry_after = response.headers().get("retry-after").ok().flatten();
        let body = match response.stream() {
            Ok(stream) => read_error(stream.map(|chunk| chunk.map(Bytes::from).map_err(drop)).boxed_local()).await,
            Err(_) => Vec::new(),
        };
        controller.abort();
        return Opened::Refused(Refusal::upstream(provider, status, retry_after, &UpstreamError::parse(&body)));
    }
    let content_type = response.headers().get("content-type").ok().flatten();
    let Ok(stream) = response.stream() else {
        return Opened::Refused(Refusal::unreachable(provider));
    };
    Opened::Answer(Upstream {
        content_type: content_type.unwrap_or_else(|| "application/json".to_owned()),
        chunks: stream.map(|chunk| chunk.map(Bytes::from).map_err(drop)).boxed_local(),
        opened_ms: now_ms(),
        abort: Some(controller),
    })
}

fn request(call: &Admitted) -> worker::Result<Request> {
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set("accept", if call.stream { "text/event-stream" } else { "application/json" })?;
    headers.set("user-agent", concat!("alfred/", env!("CARGO_PKG_VERSION")))?;
    if let Some(key) = &call.provider_key {
        headers.set("authorization", &format!("Bearer {key}"))?;
    }
    for (name, value) in &call.provider.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        // A provider that redirects could send its key anywhere.
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(JsValue::from(js_sys::Uint8Array::from(call.body.as_slice()))));
    let url = format!("{}{}", call.provider.base_url.trim_end_matches('/'), call.endpoint.path());
    Request::new_with_init(&url, &init)
}

async fn read_error(mut chunks: LocalBoxStream<'static, Result<Bytes, ()>>) -> Vec<u8> {
    let mut body = Vec::new();
    while let Either::Left((Some(Ok(chunk)), _)) = future::select(chunks.next(), std::pin::pin!(wait(5000))).await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ERROR {
            break;
        }
    }
    body
}

/// Tells the team's actor that a call goes on, and what it has cost so far. A
/// report that is lost is made up for by the next.
pub(crate) async fn goes_on(call: &Admitted, actors: &Actors, due: Option<crate::measure::Measured>) {
    let (due, due_tokens) = due.map_or((ledger::Millicredits::ZERO, 0), |measured| {
        (measured.cost, measured.tokens.input.saturating_add(measured.tokens.output))
    });
    let progress = Progress { request: call.request, due, due_tokens };
    let _ = actors.team(call.key.team, &Command::Progress(progress)).await;
}

pub(crate) async fn wait(ms: i64) {
    Delay::from(Duration::from_millis(u64::try_from(ms).unwrap_or(0))).await;
}

/// The built-in provider: the rewritten body is asked of the demo models.
fn ask_demo(call: &Admitted) -> Opened {
    let refused = |message: String| {
        let error = UpstreamError { message, kind: None, param: None, code: None };
        Opened::Refused(Refusal::upstream(&call.provider.name, 400, None, &error))
    };
    let id = format!("chatcmpl-{}", call.request.suffix());
    let created = u64::try_from(now_ms() / 1000).unwrap_or(0);
    let (content_type, frames, delay_ms) = match call.endpoint {
        Endpoint::Embeddings => {
            let Ok(asked) = EmbeddingsRequest::parse(&call.body) else { return refused("not readable".to_owned()) };
            match demo::embeddings(&asked) {
                Ok(body) => ("application/json", vec![body], 0),
                Err(error) => return refused(error.to_string()),
            }
        }
        Endpoint::Chat => {
            let Ok(asked) = ChatRequest::parse(&call.body) else { return refused("not readable".to_owned()) };
            match demo::answer(&asked) {
                Ok(answer) if call.stream => {
                    ("text/event-stream", answer.frames(&id, created).collect(), answer.delay_ms())
                }
                Ok(answer) => ("application/json", vec![answer.body(&id, created)], answer.delay_ms()),
                Err(error) => return refused(error.to_string()),
            }
        }
    };
    let delay_ms = i64::try_from(delay_ms).unwrap_or(0);
    let chunks = stream::iter(frames).then(move |frame| async move {
        if delay_ms > 0 {
            wait(delay_ms).await;
        }
        Ok(Bytes::from(frame))
    });
    Opened::Answer(Upstream {
        content_type: content_type.to_owned(),
        chunks: chunks.boxed_local(),
        opened_ms: now_ms(),
        abort: None,
    })
}
