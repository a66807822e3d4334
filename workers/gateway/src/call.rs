//! One call from its key to its settlement.

use futures::channel::oneshot;
use identity::RequestId;
use ledger::{Millicredits, Outcome};
use providers::openai::UsageError;
use runtime::{Actors, now_ms};
use worker::{Context, Env, Request, Response};

use crate::admit::{Admitted, admit};
use crate::body::{self, Endpoint};
use crate::client::Client;
use crate::dispatch::{self, Opened};
use crate::headers::{self, Timing};
use crate::measure::measure;
use crate::refuse::Refusal;
use crate::{authenticate, courier, relay, settle};

/// Runs a call; answers as soon as there is something to answer.
pub(crate) async fn run(
    endpoint: Endpoint,
    id: RequestId,
    mut request: Request,
    (env, context): (&Env, &Context),
    actors: Actors,
) -> Result<Response, Refusal> {
    let received_ms = now_ms();
    let admitted = accept(endpoint, id, &mut request, (env, context, &actors)).await?;
    let timing = Timing { received_ms, admitted_ms: now_ms() };
    let client = Client::of(&request);
    let (answer, answered) = oneshot::channel();
    // Lives on when the client leaves, so that every call is settled.
    context.wait_until(serve(admitted, client, timing, answer, actors));
    answered.await.unwrap_or_else(|_| Err(Refusal::internal()))
}

async fn accept(
    endpoint: Endpoint,
    id: RequestId,
    request: &mut Request,
    (env, context, actors): (&Env, &Context, &Actors),
) -> Result<Admitted, Refusal> {
    let key = authenticate::key(id, request.headers(), env, actors).await?;
    let body = body::read(request).await?;
    let site = request.url().ok().map(|url| url.origin().ascii_serialization());
    admit((endpoint, id, key), (request.headers(), site.as_deref()), &body, (env, context, actors)).await
}

/// Calls the provider, answers the client and settles.
async fn serve(
    admitted: Admitted,
    mut client: Client,
    timing: Timing,
    answer: oneshot::Sender<Result<Response, Refusal>>,
    actors: Actors,
) {
    let end = match dispatch::open(&admitted, &mut client, &actors).await {
        Opened::Refused(mut refusal) => {
            headers::refused(&mut refusal, &admitted, Millicredits::ZERO);
            let _ = answer.send(Err(refusal));
            settle::released(&admitted)
        }
        Opened::ClientLeft => {
            // The provider was asked and nothing of its answer was seen.
            let tariff = &admitted.priced.tariff;
            let measured = measure(tariff, &admitted.expected, Err(UsageError::Missing), 0, false);
            settle::measured(&admitted, Outcome::ClientLeft, measured)
        }
        Opened::Answer(upstream) if admitted.stream && upstream.is_stream() => {
            relay::stream(&admitted, upstream, client, timing, answer, &actors).await
        }
        Opened::Answer(upstream) => relay::whole(&admitted, upstream, client, timing, answer, &actors).await,
    };
    courier::settle(&actors, admitted.key.team, end).await;
}
