//! A response body that plays a script: send, pause, hang, cut.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::books::{OpenCall, Progress};
use super::records::Outcome;

/// The provider closes the socket on purpose.
#[derive(Debug)]
pub(crate) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Hand these bytes over.
    Send(Bytes, Progress),
    /// Wait; what was handed over before is flushed to the socket.
    Pause(Duration),
    /// Nothing more, ever.
    Hang,
    /// Close the socket.
    Cut,
}

/// The body.
pub(crate) struct Script {
    steps: VecDeque<Step>,
    /// The length to announce.
    length: Option<u64>,
    call: Option<OpenCall>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Script {
    /// A body that belongs to no call.
    pub(crate) fn plain(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let length = Some(bytes.len().try_into().unwrap_or(u64::MAX));
        Self { steps: [Step::Send(bytes, Progress::default())].into(), length, call: None, sleep: None }
    }

    /// A body whose progress goes into the call's books.
    pub(crate) fn of_call(call: OpenCall, steps: Vec<Step>, length: Option<u64>) -> Self {
        Self { steps: steps.into(), length, call: Some(call), sleep: None }
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(mut call) = self.call.take() {
            call.end(outcome);
        }
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            match self.steps.pop_front() {
                Some(Step::Send(bytes, progress)) => {
                    if let Some(call) = &mut self.call {
                        call.sent(&progress);
                    }
                    // The client may leave as soon as it has everything, so
                    // the call is over with its last piece.
                    if self.steps.is_empty() {
                        self.end(Outcome::Done);
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Step::Pause(time)) => self.sleep = Some(Box::pin(tokio::time::sleep(time))),
                Some(Step::Hang) => {
                    self.steps.push_front(Step::Hang);
                    return Poll::Pending;
                }
                Some(Step::Cut) => {
                    self.end(Outcome::Cut);
                    return Poll::Ready(Some(Err(Cut)));
                }
                None => {
                    self.end(Outcome::Done);
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
