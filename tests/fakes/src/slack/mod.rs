//! The fake Slack: the few methods of its Web API that Alfred calls, as strict
//! as Slack is about them, and what it sends when somebody presses a button or
//! types a command, signed as Slack signs.
//!
//! | method | checks |
//! |---|---|
//! | `users.lookupByEmail`, `users.info` | GET, bearer token, parameter in the query |
//! | `conversations.open` | POST, bearer token, JSON |
//! | `chat.postMessage`, `chat.update` | the same, and the limits of Block Kit |
//! | `/response` | what is sent to a `response_url` |
//!
//! | door | |
//! |---|---|
//! | `POST /__control/people` | who there is: `{"U1": "ada@acme.example"}` |
//! | `GET /__control/messages` | what was posted, as it is now, with how often it was changed |
//! | `GET /__control/responses` | what was sent to a `response_url` |
//! | `GET /__control/calls` | how often each method was called |
//! | `POST /__control/fail` | `{"method", "status", "times"}`: the next calls fail |
//! | `POST /__control/press` | headers and body of a press of `{"user", "ts", "action"}` |
//! | `POST /__control/type` | headers and body of `/alfred` with `{"user", "text"}` |
//!
//! Presses and commands take `team`, `secret`, `age` (seconds), `trigger` and,
//! for a press, `value` and `reason`, for what is not as it should be.

mod blocks;
mod sign;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How a Slack is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// On 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The bot's token; any other is refused.
    pub token: String,
    /// By which requests are signed.
    pub signing_secret: String,
    /// The workspace's id.
    pub team: String,
}

#[derive(Debug, Default)]
struct Books {
    people: BTreeMap<String, String>,
    messages: Vec<Value>,
    responses: Vec<Value>,
    calls: BTreeMap<String, u64>,
    failing: Option<(String, u16, u64)>,
    numbers: u64,
}

struct Slack {
    options: Options,
    addr: SocketAddr,
    books: Mutex<Books>,
}

/// A Slack at work; dropped, it stops.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Running {
    /// Works until it is dropped or the listener fails.
    pub async fn wait(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts one on the current tokio runtime.
///
/// # Errors
/// When the port cannot be had.
pub async fn spawn(options: Options) -> anyhow::Result<Running> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.context("cannot listen")?;
    let addr = listener.local_addr()?;
    let slack = Arc::new(Slack { options, addr, books: Mutex::default() });
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let slack = Arc::clone(&slack);
            tokio::spawn(async move {
                let service = service_fn(move |request| serve(Arc::clone(&slack), request));
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(Running { addr, task })
}

async fn serve(slack: Arc<Slack>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let mut books = slack.books.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, answer) = match path.strip_prefix("/__control/") {
        Some(door) => slack.door(&mut books, door, &body),
        None => {
            let method = path.trim_start_matches("/api/").trim_start_matches('/').to_owned();
            *books.calls.entry(method.clone()).or_default() += 1;
            match books.failing.take() {
                Some((failing, status, times)) if failing == method && times > 0 => {
                    books.failing = Some((failing, status, times - 1));
                    (status, json!({"ok": false, "error": "internal_error"}))
                }
                other => {
                    books.failing = other;
                    (
                        200,
                        slack
                            .call(&mut books, &method, &parts, &body)
                            .unwrap_or_else(|error| json!({"ok": false, "error": error})),
                    )
                }
            }
        }
    };
    let response = Response::builder().status(status).header("content-type", "application/json; charset=utf-8");
    Ok(response.body(Full::new(answer.to_string().into())).unwrap_or_default())
}

impl Slack {
    fn door(&self, books: &mut Books, door: &str, body: &[u8]) -> (u16, Value) {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| asked.get(name).and_then(Value::as_str).map(str::to_owned);
        match door {
            "people" => {
                books.people = serde_json::from_value(asked).unwrap_or_default();
                (200, json!({}))
            }
            "messages" => (200, json!(books.messages)),
            "responses" => (200, json!(books.responses)),
            "calls" => (200, json!(books.calls)),
            "fail" => {
                let number = |name: &str| asked.get(name).and_then(Value::as_u64);
                let status = number("status").and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
                books.failing = text("method").map(|method| (method, status, number("times").unwrap_or(1)));
                (200, json!({}))
            }
            "press" | "type" => {
                books.numbers += 1;
                let trigger = text("trigger").unwrap_or_else(|| format!("{}.1.x", books.numbers));
                let made = if door == "press" {
                    sign::press(
                        &self.options,
                        &books.messages,
                        &asked,
                        &trigger,
                        &format!("http://{}/response", self.addr),
                    )
                } else {
                    Some(sign::typed(&self.options, &asked, &trigger))
                };
                made.map_or_else(|| (404, json!({"error": "no such message or button"})), |made| (200, made))
            }
            _ => (404, json!({"error": "there is no such door"})),
        }
    }

    fn call(
        &self,
        books: &mut Books,
        method: &str,
        parts: &hyper::http::request::Parts,
        body: &[u8],
    ) -> Result<Value, String> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if method == "response" {
            books.responses.push(serde_json::from_slice(body).map_err(|_| "invalid_json")?);
            return Ok(json!({"ok": true}));
        }
        if header("authorization") != format!("Bearer {}", self.options.token) {
            return Err("invalid_auth".to_owned());
        }
        if method.starts_with("users.") {
            if parts.method != Method::GET {
                return Err("invalid_form_data".to_owned());
            }
            return self.person(books, method, parts.uri.query().unwrap_or_default());
        }
        if parts.method != Method::POST || !header("content-type").starts_with("application/json") {
            return Err("invalid_post_type".to_owned());
        }
        let sent: Value = serde_json::from_slice(body).map_err(|_| "invalid_json")?;
        let text = |name: &str| sent.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(format!("no_{name}"));
        match method {
            "conversations.open" => {
                let user = text("users")?;
                if !books.people.contains_key(&user) {
                    return Err("user_not_found".to_owned());
                }
                Ok(json!({"ok": true, "channel": {"id": format!("D{user}")}}))
            }
            "chat.postMessage" => {
                blocks::check(&sent)?;
                books.numbers += 1;
                let (channel, ts) = (text("channel")?, format!("1700000000.{:06}", books.numbers));
                books.messages.push(json!({"channel": channel, "ts": ts, "message": sent, "changed": 0}));
                Ok(json!({"ok": true, "channel": channel, "ts": ts}))
            }
            "chat.update" => {
                blocks::check(&sent)?;
                let (channel, ts) = (text("channel")?, text("ts")?);
                let mut messages = books.messages.iter_mut();
                let is =
                    |one: &&mut Value| one.get("channel") == Some(&json!(channel)) && one.get("ts") == Some(&json!(ts));
                let known = messages.find(is).ok_or("message_not_found")?;
                let changed = known.get("changed").and_then(Value::as_u64).unwrap_or_default() + 1;
                *known = json!({"channel": channel, "ts": ts, "message": sent, "changed": changed});
                Ok(json!({"ok": true, "channel": channel, "ts": ts}))
            }
            _ => Err("unknown_method".to_owned()),
        }
    }

    fn person(&self, books: &Books, method: &str, query: &str) -> Result<Value, String> {
        let value = query.split_once('=').map(|(_, value)| value.replace("%40", "@")).unwrap_or_default();
        let is =
            |(id, email): &(&String, &String)| if method == "users.info" { **id == value } else { **email == value };
        let missing = if method == "users.info" { "user_not_found" } else { "users_not_found" };
        let (id, email) = books.people.iter().find(is).ok_or(missing)?;
        let user = json!({"id": id, "team_id": self.options.team, "deleted": false, "is_bot": false, "profile": {"email": email}});
        Ok(json!({"ok": true, "user": user}))
    }
}
