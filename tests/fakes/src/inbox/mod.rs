//! A fake of the places that take messages: Resend, Postmark, a Workflows
//! webhook of Teams, a program with a Standard Webhook, and Telegram. Each is as strict
//! as what it stands for, by that one's documentation and none of Alfred's
//! code, and what it does not know it refuses.
//!
//! | path | |
//! |---|---|
//! | `POST /resend/emails` | [`mail`] |
//! | `POST /postmark/email` | [`mail`] |
//! | `POST /teams/…` | [`hooks`] |
//! | `POST /hook/…` | [`hooks`] |
//! | `POST /telegram/bot<token>/…` | [`telegram`] |
//!
//! | door | |
//! |---|---|
//! | `GET /__control/letters` | what was taken: `{"desk", "path", "key", "message", "again"}`, where `again` counts repetitions and changes |
//! | `GET /__control/refused` | what was refused: `{"desk", "status", "answer"}` |
//! | `GET /__control/said` | what was answered to whoever pressed a button |
//! | `POST /__control/update` | headers and body of what Telegram sends: see [`telegram`] |
//! | `POST /__control/fail` | `{"desk", "status", "times"}`: the next requests there fail |

mod hooks;
mod mail;
mod telegram;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How one is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// On 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Resend's key, and Postmark's server token.
    pub token: String,
    /// The domain from which mail may come.
    pub domain: String,
    /// The webhook's secret, `whsec_…`.
    pub secret: String,
    /// The secret token that Telegram was given with `setWebhook`.
    pub telegram_secret: String,
}

/// What was sent somewhere.
struct Sent<'a> {
    parts: &'a Parts,
    path: &'a str,
    body: &'a [u8],
}

impl Sent<'_> {
    fn header(&self, name: &str) -> &str {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn json(&self) -> Option<Value> {
        self.header("content-type").starts_with("application/json").then(|| serde_json::from_slice(self.body).ok())?
    }
}

/// What is answered: a status and a body.
type Answer = (u16, Value);

/// What was taken.
#[derive(Debug)]
struct Letter {
    desk: String,
    path: String,
    /// By which a repetition is known, where one is.
    key: Option<String>,
    message: Value,
    answer: Answer,
    again: u64,
}

#[derive(Debug, Default)]
struct Books {
    letters: Vec<Letter>,
    refused: Vec<Value>,
    failing: BTreeMap<String, (u16, u64)>,
    /// Who has written to Telegram's bot: others it cannot write to.
    chats: BTreeSet<i64>,
    queries: BTreeSet<String>,
    said: Vec<String>,
    numbers: u64,
}

/// One at work; dropped, it stops.
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
    let inbox = Arc::new((options, Mutex::new(Books::default())));
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let inbox = Arc::clone(&inbox);
            tokio::spawn(async move {
                let service = service_fn(move |request| serve(Arc::clone(&inbox), request));
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(Running { addr, task })
}

async fn serve(
    inbox: Arc<(Options, Mutex<Books>)>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let mut books = inbox.1.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, answer) = match path.strip_prefix("/__control/") {
        Some("update") => telegram::update(&mut books, &inbox.0, &serde_json::from_slice(&body).unwrap_or_default()),
        Some(door) => books.door(door, &body),
        None => {
            let (desk, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((&path, ""));
            books.take(&inbox.0, desk, &Sent { parts: &parts, path: rest, body: &body })
        }
    };
    let text = if answer.is_null() { String::new() } else { answer.to_string() };
    let response = Response::builder().status(status).header("content-type", "application/json; charset=utf-8");
    Ok(response.body(Full::new(text.into())).unwrap_or_default())
}

impl Books {
    fn door(&mut self, door: &str, body: &[u8]) -> Answer {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        match door {
            "letters" => {
                let shown = |letter: &Letter| {
                    let Letter { desk, path, key, message, again, .. } = letter;
                    json!({"desk": desk, "path": path, "key": key, "message": message, "again": again})
                };
                (200, self.letters.iter().map(shown).collect())
            }
            "refused" => (200, json!(self.refused)),
            "said" => (200, json!(self.said)),
            "fail" => {
                let number = |name: &str| asked.get(name).and_then(Value::as_u64);
                let status = number("status").and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
                let desk = asked.get("desk").and_then(Value::as_str).unwrap_or_default().to_owned();
                self.failing.insert(desk, (status, number("times").unwrap_or(1)));
                (200, json!({}))
            }
            _ => (404, json!({"error": "there is no such door"})),
        }
    }

    fn take(&mut self, options: &Options, desk: &str, sent: &Sent<'_>) -> Answer {
        let came = match self.failing.get_mut(desk) {
            Some((status, times)) if *times > 0 => {
                *times -= 1;
                Err((*status, json!({"message": "as it was told", "Message": "as it was told", "ErrorCode": 1})))
            }
            _ if sent.parts.method != Method::POST => Err((405, json!({"message": "POST only"}))),
            _ => match desk {
                "resend" => mail::resend(self, options, sent),
                "postmark" => mail::postmark(options, sent),
                "teams" => hooks::teams(sent),
                "telegram" => telegram::call(self, options, sent),
                "hook" => hooks::program(self, options, sent),
                _ => Err((404, json!({"message": "there is nothing here"}))),
            },
        };
        match came {
            Ok(letter) => {
                let answer = letter.answer.clone();
                self.letters.push(letter);
                answer
            }
            // The same once more: it is known, and nothing else happens.
            Err((200, answer)) => (200, answer),
            Err((status, answer)) => {
                self.refused.push(json!({"desk": desk, "status": status, "answer": answer}));
                (status, answer)
            }
        }
    }

    /// What was taken under that key.
    fn known(&mut self, desk: &str, key: &str) -> Option<&mut Letter> {
        self.letters.iter_mut().find(|letter| letter.desk == desk && letter.key.as_deref() == Some(key))
    }
}
