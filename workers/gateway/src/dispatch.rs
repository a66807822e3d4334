//! Calling the provider.

use bytes::Bytes;
use futures::future::{self, Either};
use futures::stream::{self, LocalBoxStream, StreamExt};
use organization::ProviderKind;
use providers::demo;
use providers::openai::{ChatRequest, EmbeddingsRequest, UpstreamError};
use runtime::{Actors, now_ms};
use team::protocol::{Command, Progress};
use wasm_bindgen::JsValue;
use web_sys::{AbortController, Headers};

use crate::admit::Admitted;
use crate::body::Endpoint;
use crate::client::Client;
use crate::fetch::{self, Chunks};
use crate::pause::{Pause, wait};
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
    pub(crate) pause: Pause,
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
    let (Ok(headers), Ok(controller)) = (request_headers(call), AbortController::new()) else {
        return Opened::Refused(Refusal::unreachable(provider));
    };
    let url = format!("{}{}", call.provider.base_url.trim_end_matches('/'), call.endpoint.path());
    let signal = controller.signal();
    let mut answer = std::pin::pin!(fetch::post(&url, &headers, &call.body, &signal));
    let mut pause = Pause::default();
    let mut reported_ms = now_ms();
    let latest_ms = reported_ms.saturating_add(call.provider.header_timeout_ms);
    let response = loop {
        let now = now_ms();
        if now >= latest_ms {
            controller.abort();
            return Opened::Refused(Refusal::timed_out(provider, call.provider.header_timeout_ms));
        }
        if now.saturating_sub(reported_ms) >= REPORT_EVERY_MS {
            reported_ms = now;
            goes_on(call, actors, None).await;
        }
        let ring = std::pin::pin!(pause.until(latest_ms.min(reported_ms.saturating_add(REPORT_EVERY_MS))));
        let gone = std::pin::pin!(client.left());
        match future::select(answer.as_mut(), future::select(ring, gone)).await {
            Either::Left((Ok(response), _)) => break response,
            Either::Left((Err(error), _)) => {
                worker::console_warn!("provider {}: {error:?}", call.provider.id);
                return Opened::Refused(Refusal::unreachable(provider));
            }
            Either::Right((Either::Left(_), _)) => {}
            Either::Right((Either::Right(_), _)) => {
                controller.abort();
                return Opened::ClientLeft;
            }
        }
    };
    let header = |name| response.headers().get(name).ok().flatten();
    let status = response.status();
    if !(200..300).contains(&status) {
        let body = read_error(Chunks::of(&response)).await;
        controller.abort();
        let error = UpstreamError::parse(&body);
        return Opened::Refused(Refusal::upstream(provider, status, header("retry-after"), &error));
    }
    Opened::Answer(Upstream {
        content_type: header("content-type").unwrap_or_else(|| "application/json".to_owned()),
        chunks: Chunks::of(&response).boxed_local(),
        opened_ms: now_ms(),
        pause,
        abort: Some(controller),
    })
}

fn request_headers(call: &Admitted) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    headers.set("content-type", "application/json")?;
    headers.set("accept", if call.stream { "text/event-stream" } else { "application/json" })?;
    headers.set("user-agent", concat!("alfred/", env!("CARGO_PKG_VERSION")))?;
    if let Some(key) = &call.provider_key {
        headers.set("authorization", &format!("Bearer {key}"))?;
    }
    for (name, value) in &call.provider.headers {
        headers.set(name, value)?;
    }
    Ok(headers)
}

async fn read_error(mut chunks: Chunks) -> Vec<u8> {
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
        pause: Pause::default(),
        abort: None,
    })
}
