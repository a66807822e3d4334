//! The fake provider: a server that speaks OpenAI's protocol, misbehaves as
//! it is told, and keeps its own books.

mod body;
mod books;
mod control;
mod embeddings;
mod outline;
mod plan;
mod records;
mod refuse;
mod request;
mod route;
mod script;
mod state;
mod stream;
mod usage;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub use plan::{Answer, Fault, Frames, Lie, MODEL_PREFIX, MODES, Plan, Reporting};
pub use records::{Call, Outcome, Recorded, Totals};
use state::Provider;

/// How a provider is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// On 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The usual plan.
    pub plan: Plan,
    /// If given, calls with any other key are refused with 401.
    pub api_key: Option<String>,
    /// What `GET /v1/models` lists.
    pub models: Vec<String>,
    /// How many calls that are over are listed.
    pub keep_calls: usize,
    /// How many requests are kept with headers and body.
    pub keep_requests: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            plan: Plan::default(),
            api_key: None,
            models: ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"].map(str::to_owned).into(),
            keep_calls: 10_000,
            keep_requests: 64,
        }
    }
}

/// A provider at work. Dropped, it stops at once with all its connections.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    provider: Arc<Provider>,
    task: JoinHandle<()>,
}

impl Running {
    /// What an OpenAI client takes as its base URL, less the `/v1`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What all calls since the last reset come to.
    #[must_use]
    pub fn usage(&self) -> Totals {
        self.provider.books.totals()
    }

    /// The newest calls that are over, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.provider.books.calls()
    }

    /// The newest requests as they arrived, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.provider.books.requests()
    }

    /// Sets the plan for calls that bring none of their own; with `times`
    /// for so many calls only.
    pub fn set_plan(&self, plan: Plan, times: Option<u64>) {
        self.provider.mode.set(plan, times);
    }

    /// Forgets all calls, and goes back to the plan of the start.
    pub fn reset(&self) {
        self.provider.reset();
    }

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

/// Starts a provider on the current tokio runtime.
///
/// # Errors
/// When the port cannot be had.
pub async fn spawn(options: Options) -> anyhow::Result<Running> {
    let port = options.port;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("cannot listen on 127.0.0.1:{port}"))?;
    let addr = listener.local_addr()?;
    let provider = Arc::new(Provider::new(options));
    let task = tokio::spawn(accept(listener, Arc::clone(&provider)));
    Ok(Running { addr, provider, task })
}

async fn accept(listener: TcpListener, provider: Arc<Provider>) {
    // The set is dropped with the task, and its connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&provider)));
                }
                // Out of file descriptors, or the client has left already.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, provider: Arc<Provider>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| route::serve(Arc::clone(&provider), request));
    // An error is a client that left or a cut on purpose: both are in the
    // books already.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
