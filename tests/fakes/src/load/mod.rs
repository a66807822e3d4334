//! The load generator: closed loop or at a fixed rate, against this machine
//! only, bounded in time and calls.

mod connection;
mod cost;
mod report;
mod schedule;
mod target;
mod timing;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request};
use tokio::task::JoinSet;
use tokio::time::Instant;

use connection::Connection;
pub use report::{Latency, Report};
use report::{Tally, micros};
use schedule::{Schedule, Turn};
use target::Target;

/// No run takes longer.
pub const MAX_DURATION: Duration = Duration::from_secs(600);
/// Three values of four bytes are kept for each: 120 MB.
pub const MAX_CALLS: u64 = 10_000_000;
/// Each is a socket here and one in the target.
pub const MAX_CONCURRENCY: usize = 4096;
/// Above it the machine measures itself.
pub const MAX_RATE: u32 = 100_000;

/// After a failed call a worker waits, so that a target that is down is not
/// asked in a circle.
const BACKOFF: Duration = Duration::from_millis(10);

/// What load to make.
#[derive(Debug, Clone)]
pub struct Options {
    /// An `http://` URL of this machine.
    pub url: String,
    /// The method, in capitals.
    pub method: String,
    /// The body of every call.
    pub body: Bytes,
    /// Headers of every call; `content-type` is JSON unless given.
    pub headers: Vec<(String, String)>,
    /// API keys, used in turn; without any there is no `authorization`.
    pub keys: Vec<String>,
    /// Connections; also the most calls at a time.
    pub concurrency: usize,
    /// When to stop.
    pub duration: Duration,
    /// After how many measured calls to stop.
    pub calls: u64,
    /// So many calls before them are not measured.
    pub warmup: u64,
    /// Calls a second; without it each connection calls again at once.
    pub rate: Option<u32>,
    /// Whether the answers are streams, to be checked for their end.
    pub stream: bool,
    /// When to give up on a call.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8787/v1/chat/completions".to_owned(),
            method: "POST".to_owned(),
            body: Bytes::new(),
            headers: Vec::new(),
            keys: Vec::new(),
            concurrency: 1,
            duration: Duration::from_secs(10),
            calls: MAX_CALLS,
            warmup: 0,
            rate: None,
            stream: false,
            timeout: Duration::from_secs(60),
        }
    }
}

/// Everything that all calls have in common.
#[derive(Debug)]
struct Job {
    target: Target,
    method: Method,
    headers: HeaderMap,
    keys: Vec<HeaderValue>,
    body: Bytes,
    warmup: u64,
    stream: bool,
    timeout: Duration,
}

/// Makes the load and reports what came of it.
///
/// # Errors
/// When the options are out of bounds or the target is not this machine.
pub async fn run(options: Options) -> anyhow::Result<Report> {
    check(&options)?;
    let job = Arc::new(Job::new(&options)?);
    let total = options.calls.saturating_add(options.warmup).min(MAX_CALLS);
    let schedule = Schedule::start(options.duration, total, options.rate);
    let mut workers = JoinSet::new();
    for _ in 0..options.concurrency {
        workers.spawn(work(Arc::clone(&job), Arc::clone(&schedule)));
    }
    let mut tally = Tally::default();
    let mut first: Option<Instant> = None;
    while let Some(joined) = workers.join_next().await {
        let (theirs, begun) = joined.context("a worker failed")?;
        first = [first, begun].into_iter().flatten().min();
        tally.merge(theirs);
    }
    let time = first.map_or(Duration::ZERO, |first| first.elapsed());
    let mut report = tally.finish(time, options.rate.is_some(), options.stream);
    report.unsent = schedule.unsent();
    Ok(report)
}

fn check(options: &Options) -> anyhow::Result<()> {
    ensure!(options.duration <= MAX_DURATION, "a run takes at most {} s", MAX_DURATION.as_secs());
    ensure!(options.timeout <= MAX_DURATION, "a timeout is at most {} s", MAX_DURATION.as_secs());
    ensure!(options.calls <= MAX_CALLS, "a run makes at most {MAX_CALLS} calls");
    ensure!((1..=MAX_CONCURRENCY).contains(&options.concurrency), "concurrency is between 1 and {MAX_CONCURRENCY}");
    ensure!(
        options.rate.is_none_or(|rate| (1..=MAX_RATE).contains(&rate)),
        "a rate is between 1 and {MAX_RATE} calls a second"
    );
    Ok(())
}

impl Job {
    fn new(options: &Options) -> anyhow::Result<Self> {
        let target = Target::parse(&options.url)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, target.host.parse()?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &options.headers {
            let name: HeaderName = name.parse().with_context(|| format!("`{name}` is not a header's name"))?;
            headers.insert(name, value.parse().context("a header's value has odd characters")?);
        }
        let bearer = |key: &String| HeaderValue::from_str(&format!("Bearer {key}"));
        Ok(Self {
            target,
            method: options.method.parse().context("not a method")?,
            headers,
            keys: options.keys.iter().map(bearer).collect::<Result<_, _>>().context("a key has odd characters")?,
            body: options.body.clone(),
            warmup: options.warmup,
            stream: options.stream,
            timeout: options.timeout,
        })
    }

    fn request(&self, turn: Turn) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.path.clone();
        *request.headers_mut() = self.headers.clone();
        let keys = u64::try_from(self.keys.len()).unwrap_or(u64::MAX).max(1);
        let place = usize::try_from(turn.number % keys).unwrap_or(0);
        if let Some(key) = self.keys.get(place) {
            request.headers_mut().insert(header::AUTHORIZATION, key.clone());
        }
        request
    }
}

/// One connection's calls, and when its first measured one began.
async fn work(job: Arc<Job>, schedule: Arc<Schedule>) -> (Tally, Option<Instant>) {
    let mut connection = Connection::new(&job.target);
    let mut tally = Tally::default();
    let mut begun = None;
    while let Some(turn) = schedule.next().await {
        let sent = Instant::now();
        let result = connection.call(job.request(turn), job.timeout).await;
        let failed = result.is_err();
        if turn.number >= job.warmup {
            begun.get_or_insert(sent);
            count(&mut tally, &job, turn, sent, result);
        }
        if failed {
            tokio::time::sleep(BACKOFF).await;
        }
    }
    (tally, begun)
}

fn count(tally: &mut Tally, job: &Job, turn: Turn, sent: Instant, result: Result<connection::Answer, &'static str>) {
    let end = Instant::now();
    let answer = match result {
        Ok(answer) => answer,
        Err(kind) => return tally.error(kind),
    };
    tally.report.requests += 1;
    *tally.report.statuses.entry(answer.status.as_u16()).or_default() += 1;
    tally.latency.push(micros(end - turn.due.unwrap_or(sent)));
    if turn.due.is_some() {
        tally.service.push(micros(end - sent));
    }
    if job.stream {
        tally.report.unfinished_streams += u64::from(answer.status.as_u16() == 200 && !answer.done);
        if let Some(first) = answer.first_byte {
            tally.first_byte.push(micros(first - turn.due.unwrap_or(sent)));
        }
    }
    if let Some(cost) = answer.cost {
        tally.cost(cost);
    }
    for (name, time) in answer.timing {
        tally.timing.entry(name).or_default().push(time);
    }
}
