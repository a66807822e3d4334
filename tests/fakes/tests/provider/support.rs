//! A small client: one connection for each request, and a timeout on all.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use fakes::provider::{Options, Plan, Running, spawn};
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Long enough on a busy machine, short enough to wait for a hang.
const PATIENCE: Duration = Duration::from_millis(400);

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should.
    Whole,
    /// The socket closed before the headers.
    NoHeaders,
    /// The socket closed in the body.
    Broken,
    /// Nothing came any more, in headers or body.
    Silence,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 without headers.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// As much of the body as came.
    pub(crate) body: Vec<u8>,
    /// Pieces in which it came.
    pub(crate) pieces: usize,
    /// How it ended.
    pub(crate) end: End,
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, `null` if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The JSON of each `data:` line of a stream that is JSON.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
        data.filter_map(|data| serde_json::from_str(data).ok()).collect()
    }

    /// The words of a stream's first choice.
    pub(crate) fn words(&self) -> String {
        let events = self.events();
        events.iter().filter_map(|event| event.pointer("/choices/0/delta/content")?.as_str()).collect()
    }

    /// The usages that are not null, in order.
    pub(crate) fn usages(&self) -> Vec<Value> {
        self.events()
            .into_iter()
            .map(|event| event.get("usage").cloned().unwrap_or_default())
            .filter(Value::is_object)
            .collect()
    }
}

/// A provider with a plan.
pub(crate) async fn provider(plan: &str) -> anyhow::Result<Running> {
    spawn(Options { plan: Plan::parse(plan)?, ..Options::default() }).await
}

/// A chat with this model and plan; `more` is merged into it.
pub(crate) fn chat(plan: Value, more: Value) -> Value {
    let mut chat = json!({
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "hello"}],
        "metadata": {"fake": plan.to_string()},
    });
    if let (Some(chat), Value::Object(more)) = (chat.as_object_mut(), more) {
        chat.extend(more);
    }
    chat
}

/// A chat as a stream that reports usage.
pub(crate) fn stream(plan: Value) -> Value {
    chat(plan, json!({"stream": true, "stream_options": {"include_usage": true}}))
}

/// Posts JSON to a path.
pub(crate) async fn post(addr: SocketAddr, path: &str, body: &Value) -> anyhow::Result<Answer> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("host", addr.to_string())
        .header("authorization", "Bearer sk-upstream")
        .body(Full::from(body.to_string()))?;
    send(addr, request).await
}

/// Posts a chat.
pub(crate) async fn ask(running: &Running, body: &Value) -> anyhow::Result<Answer> {
    post(running.addr, "/v1/chat/completions", body).await
}

/// Gets a path.
pub(crate) async fn get(addr: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    let request = Request::builder().uri(path).header("host", addr.to_string()).body(Full::default())?;
    send(addr, request).await
}

async fn send(addr: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
    let mut answer = Answer { status: 0, headers: HeaderMap::new(), body: Vec::new(), pieces: 0, end: End::Whole };
    let io = TokioIo::new(TcpStream::connect(addr).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    // Dropped with this function, and the socket with it: the client leaves.
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(connection);
    let response = match tokio::time::timeout(PATIENCE, sender.send_request(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            return Ok(Answer { end: End::NoHeaders, ..answer });
        }
        Err(_) => {
            return Ok(Answer { end: End::Silence, ..answer });
        }
    };
    answer.status = response.status().as_u16();
    answer.headers = response.headers().clone();
    let mut body = response.into_body();
    loop {
        match tokio::time::timeout(PATIENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                answer.pieces += 1;
                answer.body.extend(frame.into_data().unwrap_or_default());
            }
            Ok(Some(Err(_))) => {
                return Ok(Answer { end: End::Broken, ..answer });
            }
            Ok(None) => return Ok(answer),
            Err(_) => {
                return Ok(Answer { end: End::Silence, ..answer });
            }
        }
    }
}

/// Waits until no call is open: the provider notices a moment later that its
/// client has left.
pub(crate) async fn settled(running: &Running) -> anyhow::Result<()> {
    for _ in 0..200 {
        if running.usage().open == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    anyhow::bail!("calls are still open")
}
