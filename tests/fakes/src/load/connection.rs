//! One keep-alive connection of one worker.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::target::Target;
use super::{cost, timing};

/// How a stream ends.
const DONE: &[u8] = b"data: [DONE]";

/// A connection that opens itself when it is needed.
pub(crate) struct Connection<'a> {
    target: &'a Target,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// An answer that came to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) first_byte: Option<Instant>,
    pub(crate) done: bool,
    /// The cost header, and its value if that could be read.
    pub(crate) cost: Option<Option<i64>>,
    /// What the target says about its own time.
    pub(crate) timing: Vec<(String, u32)>,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(target: &'a Target) -> Self {
        Self { target, sender: None }
    }

    /// Sends a request and reads the answer to its end. After an error the
    /// connection is given up.
    pub(crate) async fn call(
        &mut self,
        request: Request<Full<Bytes>>,
        timeout: Duration,
    ) -> Result<Answer, &'static str> {
        let result = tokio::time::timeout(timeout, self.exchange(request)).await.unwrap_or(Err("timeout"));
        if result.is_err() {
            self.sender = None;
        }
        result
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, &'static str> {
        let sender = self.ready().await?;
        let response = sender.send_request(request).await.map_err(|_| "send")?;
        let cost = response.headers().get(cost::HEADER).map(|value| value.to_str().ok().and_then(cost::millicredits));
        let status = response.status();
        let timing = response
            .headers()
            .get(timing::HEADER)
            .and_then(|value| value.to_str().ok())
            .map_or_else(Vec::new, timing::durations);
        let mut body = response.into_body();
        let mut answer = Answer { status, first_byte: None, done: false, cost, timing };
        let mut tail = Vec::with_capacity(2 * DONE.len());
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| "body")?.into_data() else {
                continue;
            };
            answer.first_byte.get_or_insert_with(Instant::now);
            keep_end(&mut tail, &data);
        }
        answer.done = tail.trim_ascii_end().ends_with(DONE);
        Ok(answer)
    }

    async fn ready(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, &'static str> {
        let reusable = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !reusable {
            self.sender = Some(connect(self.target).await.ok_or("connect")?);
        }
        self.sender.as_mut().ok_or("connect")
    }
}

/// The line that ends a stream and up to four line ends after it.
fn keep_end(tail: &mut Vec<u8>, data: &[u8]) {
    let keep = DONE.len() + 4;
    let start = data.len().saturating_sub(keep);
    tail.extend_from_slice(data.get(start..).unwrap_or_default());
    tail.drain(..tail.len().saturating_sub(keep));
}

async fn connect(target: &Target) -> Option<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(target.addr).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}
