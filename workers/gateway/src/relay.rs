//! The provider's answer on its way to the client, watched for usage.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::channel::oneshot;
use futures::future::{self, Either};
use ledger::{Millicredits, Outcome};
use providers::openai::{Completion, EmbeddingsResponse, Piece, Stream, UpstreamError, UsageError, error};
use runtime::{Actors, now_ms};
use serde::de::IgnoredAny;
use serde_json::Value;
use team::protocol::Settle;
use worker::Response;

use crate::admit::Admitted;
use crate::body::Endpoint;
use crate::client::Client;
use crate::dispatch::{self, REPORT_EVERY_MS, Upstream};
use crate::headers::{self, Timing};
use crate::measure::{Measured, measure};
use crate::outlet::{self, Outlet};
use crate::refuse::Refusal;
use crate::settle;

/// The largest whole answer: an isolate has 128 MB for all of its calls.
const MAX_ANSWER: usize = 32 << 20;

type Answer = oneshot::Sender<Result<Response, Refusal>>;

/// What comes next of a provider's answer.
enum Next {
    Chunk(Bytes),
    End,
    /// It broke off, or was silent for too long.
    Broke,
    ClientLeft,
}

/// Waits for the next chunk and meanwhile keeps the reservation alive.
async fn next(
    call: &Admitted,
    upstream: &mut Upstream,
    client: &mut Client,
    actors: &Actors,
    so_far: impl Fn() -> Measured,
    reported_ms: &mut i64,
) -> Next {
    let latest_ms = now_ms().saturating_add(call.provider.idle_timeout_ms);
    loop {
        let now = now_ms();
        if now.saturating_sub(*reported_ms) >= REPORT_EVERY_MS {
            *reported_ms = now;
            dispatch::goes_on(call, actors, Some(so_far())).await;
        }
        if now >= latest_ms {
            return Next::Broke;
        }
        let Upstream { chunks, pause, .. } = upstream;
        let ring = std::pin::pin!(pause.until(latest_ms.min(reported_ms.saturating_add(REPORT_EVERY_MS))));
        let gone = std::pin::pin!(client.left());
        match future::select(chunks.next(), future::select(ring, gone)).await {
            Either::Left((Some(Ok(chunk)), _)) => return Next::Chunk(chunk),
            Either::Left((Some(Err(())), _)) => return Next::Broke,
            Either::Left((None, _)) => return Next::End,
            Either::Right((Either::Left(_), _)) => {}
            Either::Right((Either::Right(_), _)) => return Next::ClientLeft,
        }
    }
}

/// Relays an answer that comes as a whole.
pub(crate) async fn whole(
    call: &Admitted,
    mut upstream: Upstream,
    mut client: Client,
    timing: Timing,
    answer: Answer,
    actors: &Actors,
) -> Settle {
    let mut body = BytesMut::new();
    let mut reported_ms = now_ms();
    let nothing = || judge(call, Err(UsageError::Missing), 0, false);
    let outcome = loop {
        match next(call, &mut upstream, &mut client, actors, nothing, &mut reported_ms).await {
            Next::Chunk(chunk) if body.len().saturating_add(chunk.len()) <= MAX_ANSWER => {
                body.extend_from_slice(&chunk)
            }
            Next::Chunk(_) | Next::Broke => break Outcome::UpstreamBroke,
            Next::End => break Outcome::Completed,
            Next::ClientLeft => break Outcome::ClientLeft,
        }
    };
    let complete = outcome == Outcome::Completed;
    if !complete {
        upstream.abort();
    }
    if complete && serde_json::from_slice::<IgnoredAny>(&body).is_err() {
        // A page of some proxy in between, for example.
        let mut refusal = Refusal::unreadable(&call.provider.name);
        headers::refused(&mut refusal, call, Millicredits::ZERO);
        let _ = answer.send(Err(refusal));
        return settle::released(call);
    }
    let (usage, seen) = match call.endpoint {
        Endpoint::Chat => {
            let completion = Completion::parse(&body);
            (completion.usage, completion.seen.output_tokens())
        }
        Endpoint::Embeddings => (EmbeddingsResponse::parse(&body).usage, 0),
    };
    if complete && usage.is_err() && seen == 0 && is_error(&body) {
        let mut refusal = Refusal::upstream(&call.provider.name, 200, None, &UpstreamError::parse(&body));
        headers::refused(&mut refusal, call, Millicredits::ZERO);
        let _ = answer.send(Err(refusal));
        return settle::released(call);
    }
    let measured = judge(call, usage, seen, complete);
    let response = if complete {
        headers::answer(call, &upstream.content_type, timing, upstream.opened_ms, Some(measured.cost))
            .map(|builder| builder.fixed(body.into()))
            .map_err(|_| Refusal::internal())
    } else {
        let mut refusal = Refusal::broke_off(&call.provider.name);
        headers::refused(&mut refusal, call, measured.cost);
        Err(refusal)
    };
    let _ = answer.send(response);
    settle::measured(call, outcome, measured)
}

/// Relays an answer that comes as a stream of events.
pub(crate) async fn stream(
    call: &Admitted,
    mut upstream: Upstream,
    mut client: Client,
    timing: Timing,
    answer: Answer,
    actors: &Actors,
) -> Settle {
    let Ok((mut outlet, body)) = outlet::open(&client) else {
        let _ = answer.send(Err(Refusal::internal()));
        return settle::released(call);
    };
    let response = headers::answer(call, &upstream.content_type, timing, upstream.opened_ms, None)
        .map(|builder| builder.stream(body))
        .map_err(|_| Refusal::internal());
    let _ = answer.send(response);

    let mut meter = Stream::new(call.include_usage);
    let mut reported_ms = now_ms();
    let outcome = loop {
        let so_far = || judge(call, meter.usage(), meter.seen_output_tokens(), meter.is_done());
        match next(call, &mut upstream, &mut client, actors, so_far, &mut reported_ms).await {
            Next::Chunk(chunk) => {
                let pieces = meter.push(&chunk);
                if !write(call, &meter, (&mut outlet, &mut client), pieces).await {
                    break Outcome::ClientLeft;
                }
            }
            Next::End => {
                let pieces = meter.finish();
                // The runtime ends a stream that was cut as if it were whole:
                // whether it is, only its content says.
                let whole = meter.is_done() || meter.seen().finished() || meter.usage().is_ok();
                if whole || meter.error().is_some() {
                    let _ = write(call, &meter, (&mut outlet, &mut client), pieces).await;
                }
                break if whole && meter.error().is_none() { Outcome::Completed } else { Outcome::UpstreamBroke };
            }
            Next::Broke => {
                // Half a frame counts, but is of no use to the client.
                meter.finish();
                break Outcome::UpstreamBroke;
            }
            Next::ClientLeft => break Outcome::ClientLeft,
        }
    };
    if outcome != Outcome::Completed {
        upstream.abort();
    }
    if outcome == Outcome::UpstreamBroke && meter.error().is_none() {
        let _ = send(&mut outlet, &mut client, broke_off(call)).await;
    }
    let complete = outcome == Outcome::Completed;
    settle::measured(call, outcome, judge(call, meter.usage(), meter.seen_output_tokens(), complete))
}

/// Writes what the meter let through, in as few chunks as it came. `false`
/// when the client has left.
async fn write(
    call: &Admitted,
    meter: &Stream,
    (outlet, client): (&mut Outlet, &mut Client),
    pieces: Vec<Piece>,
) -> bool {
    for piece in pieces {
        let bytes = match piece {
            Piece::Forward(bytes) => bytes,
            Piece::Usage(frame) if call.include_usage => {
                let cost = judge(call, frame.usage(), meter.seen_output_tokens(), true).cost;
                frame.with_cost(&cost.to_string())
            }
            Piece::Usage(_) => continue,
        };
        if !send(outlet, client, bytes).await {
            return false;
        }
    }
    true
}

/// Writes a chunk; a client that reads slowly is waited for, one that has left
/// is not.
async fn send(outlet: &mut Outlet, client: &mut Client, chunk: Bytes) -> bool {
    let (write, gone) = (std::pin::pin!(outlet.write(&chunk)), std::pin::pin!(client.left()));
    match future::select(write, gone).await {
        Either::Left((written, _)) => written,
        Either::Right(_) => false,
    }
}

fn judge(
    call: &Admitted,
    usage: Result<providers::openai::ReportedUsage, UsageError>,
    seen_output: u64,
    complete: bool,
) -> Measured {
    measure(&call.priced.tariff, &call.expected, usage, seen_output, complete)
}

/// Whether a body is an error although its status says success, as some
/// routers answer.
fn is_error(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|body| !body.get("error").is_none_or(Value::is_null))
}

/// What a client reads when its stream cannot go on; OpenAI's clients raise it
/// as an error. An empty line first, in case a frame of several chunks was
/// left unfinished.
fn broke_off(call: &Admitted) -> Bytes {
    let refusal = Refusal::broke_off(&call.provider.name);
    let body = error::body(&refusal.message, refusal.kind, None, Some(&refusal.code));
    Bytes::from([b"\n\ndata: ".as_slice(), &body, b"\n\n"].concat())
}
