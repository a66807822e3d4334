//! From a request to its response.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response};

use super::outline::Outline;
use super::plan::{Fault, Plan};
use super::records::Outcome;
use super::request::Question;
use super::script::{Cut, Script, Step};
use super::state::Provider;
use super::usage::Kind;
use super::{body, control, embeddings, refuse, stream};

/// More than any model takes.
const MAX_BODY: usize = 32 << 20;

/// Answers one request. An error closes the connection.
pub(crate) async fn serve(provider: Arc<Provider>, request: Request<Incoming>) -> Result<Response<Script>, Cut> {
    let (head, incoming) = request.into_parts();
    let Ok(collected) = Limited::new(incoming, MAX_BODY).collect().await else {
        return Ok(refuse::because(413, "the body is too large or broke off"));
    };
    let bytes = collected.to_bytes();
    let path = head.uri.path();
    if let Some(door) = path.strip_prefix(control::PREFIX) {
        return Ok(control::answer(&provider, &head.method, door, &bytes));
    }
    match (&head.method, path) {
        (&Method::POST, "/v1/chat/completions") => call(&provider, Kind::Chat, path, head.headers, bytes).await,
        (&Method::POST, "/v1/embeddings") => call(&provider, Kind::Embeddings, path, head.headers, bytes).await,
        (&Method::GET, "/v1/models") => Ok(models(&provider)),
        _ => Ok(refuse::because(404, "unknown URL")),
    }
}

async fn call(
    provider: &Provider,
    kind: Kind,
    path: &str,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response<Script>, Cut> {
    let authorized = provider
        .authorization
        .as_ref()
        .is_none_or(|expected| headers.get(header::AUTHORIZATION).is_some_and(|given| given == expected.as_str()));
    let number = provider.books.record(path, headers, bytes.clone());
    let parsed = serde_json::from_slice::<Question>(&bytes);
    let (question, plan) = match parsed {
        _ if !authorized => (Question::default(), Ok(Arc::new(refusal(401)))),
        Ok(question) => {
            let plan = choose(provider, &question);
            (question, plan)
        }
        Err(error) => (Question::default(), Err((400, format!("the body is not a request: {error}")))),
    };
    let stream = question.stream() && kind == Kind::Chat;
    let plan = match plan {
        Ok(plan) => plan,
        Err((status, message)) => {
            provider.books.refuse(number, &question.model, stream, status);
            return Ok(refuse::because(status, &message));
        }
    };
    let delay = Duration::from_millis(plan.delay_headers_ms);
    if matches!(plan.fault, Fault::Status | Fault::Html) {
        provider.books.refuse(number, &question.model, stream, plan.status);
        pause(delay).await;
        return Ok(refuse::planned(&plan));
    }
    let input = match kind {
        Kind::Chat => question.chat_tokens(),
        Kind::Embeddings => question.embedding_tokens(),
    };
    let mut call = provider.books.open(number, &question.model, stream, input);
    match plan.fault {
        Fault::CutHeaders => {
            pause(delay).await;
            call.end(Outcome::Cut);
            return Err(Cut);
        }
        // Until the client leaves, which drops the call.
        Fault::HangHeaders => std::future::pending().await,
        _ => pause(delay).await,
    }
    call.answered(200);
    let (steps, length) = steps(kind, stream, &question, &plan, number);
    let mut response = Response::new(Script::of_call(call, steps, length));
    let headers = response.headers_mut();
    let content_type = if stream { "text/event-stream; charset=utf-8" } else { "application/json" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(&format!("fake-{number}")) {
        headers.insert("x-request-id", id);
    }
    Ok(response)
}

/// The plan in the metadata, or that of the model, or the server's.
fn choose(provider: &Provider, question: &Question) -> Result<Arc<Plan>, (u16, String)> {
    if let Some(text) = question.plan() {
        return Plan::parse(text).map(Arc::new).map_err(|error| (400, format!("`metadata.fake`: {error:#}")));
    }
    match Plan::of_model(&question.model) {
        Ok(Some(plan)) => Ok(Arc::new(plan)),
        Ok(None) => Ok(provider.mode.take()),
        Err(error) => Err((404, format!("`{}`: {error:#}", question.model))),
    }
}

fn refusal(status: u16) -> Plan {
    Plan { fault: Fault::Status, status, ..Plan::default() }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn steps(kind: Kind, stream: bool, question: &Question, plan: &Plan, number: u64) -> (Vec<Step>, Option<u64>) {
    match kind {
        Kind::Embeddings => embeddings::answer(question, plan, embeddings::usage(question, plan)),
        Kind::Chat => {
            let outline = Outline::new(question, plan, number);
            if stream { (stream::chat(&outline), None) } else { body::chat(&outline) }
        }
    }
}

fn models(provider: &Provider) -> Response<Script> {
    let data: Vec<_> = provider
        .models
        .iter()
        .map(|id| serde_json::json!({"id": id, "object": "model", "created": super::outline::CREATED, "owned_by": "fake"}))
        .collect();
    let list = serde_json::json!({"object": "list", "data": data});
    refuse::with(200, "application/json", list.to_string())
}
