//! The provider's own books: what was asked, what was sent, what was said
//! about it, and how it ended. Tests hold Alfred's ledger against them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::HeaderMap;

use super::records::{Call, Outcome, Recorded, Totals};
use super::usage::Usage;

/// What a call is known by while it is open, and its line when it is over.
#[derive(Debug, Clone)]
struct Line {
    number: u64,
    model: String,
    stream: bool,
    status: u16,
    input: u64,
    output: u64,
    chunks: u32,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct State {
    /// Counts resets: a call that was open then belongs to no book any more.
    epoch: u64,
    last_number: u64,
    totals: Totals,
    calls: VecDeque<(Line, Outcome)>,
    requests: VecDeque<Recorded>,
}

/// The books. Bounded: only the newest calls and requests are kept, the
/// totals cover all.
#[derive(Debug)]
pub(crate) struct Books {
    state: Mutex<State>,
    keep_calls: usize,
    keep_requests: usize,
}

impl Books {
    pub(crate) fn new(keep_calls: usize, keep_requests: usize) -> Self {
        Self { state: Mutex::default(), keep_calls, keep_requests }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing between lock and unlock leaves the books half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn totals(&self) -> Totals {
        self.state().totals.clone()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state().calls.iter().map(|(line, outcome)| line.to_call(*outcome)).collect()
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.state().requests.iter().cloned().collect()
    }

    pub(crate) fn reset(&self) {
        let mut state = self.state();
        *state = State { epoch: state.epoch + 1, last_number: state.last_number, ..State::default() };
    }

    /// Writes a request down and gives it its number.
    pub(crate) fn record(&self, path: &str, headers: HeaderMap, body: Bytes) -> u64 {
        let mut state = self.state();
        state.last_number += 1;
        let number = state.last_number;
        push(&mut state.requests, Recorded { number, path: path.to_owned(), headers, body }, self.keep_requests);
        number
    }

    /// Opens a call that is accepted.
    pub(crate) fn open(self: &Arc<Self>, number: u64, model: &str, stream: bool, input: u64) -> OpenCall {
        let mut state = self.state();
        state.totals.calls += 1;
        state.totals.open += 1;
        let line = Line::new(number, model, stream, input);
        OpenCall { epoch: state.epoch, books: Arc::clone(self), line, over: false }
    }

    /// Writes down a call that is refused.
    pub(crate) fn refuse(&self, number: u64, model: &str, stream: bool, status: u16) {
        let line = Line { status, ..Line::new(number, model, stream, 0) };
        let mut state = self.state();
        state.totals.refused += 1;
        push(&mut state.calls, (line, Outcome::Refused), self.keep_calls);
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T, keep: usize) {
    queue.push_back(item);
    if queue.len() > keep {
        queue.pop_front();
    }
}

impl Line {
    fn new(number: u64, model: &str, stream: bool, input: u64) -> Self {
        Self { number, model: model.to_owned(), stream, status: 0, input, output: 0, chunks: 0, usage: None }
    }

    fn to_call(&self, outcome: Outcome) -> Call {
        Call {
            number: self.number,
            model: self.model.clone(),
            stream: self.stream,
            outcome,
            status: self.status,
            input_tokens: self.input,
            output_tokens: self.output,
            chunks: self.chunks,
            reported: self.usage.and_then(|usage| serde_json::from_str(&usage.to_json()).ok()),
        }
    }

    fn post(&self, outcome: Outcome, totals: &mut Totals) {
        match outcome {
            Outcome::Done => totals.done += 1,
            Outcome::Cut => totals.cut += 1,
            Outcome::Aborted => totals.aborted += 1,
            Outcome::Refused => {}
        }
        totals.open = totals.open.saturating_sub(1);
        totals.produced_input_tokens = totals.produced_input_tokens.saturating_add(self.input);
        totals.produced_output_tokens = totals.produced_output_tokens.saturating_add(self.output);
        let Some(usage) = self.usage else {
            totals.unreported += 1;
            return;
        };
        let Some((input, output)) = usage.readable() else {
            totals.unreadable += 1;
            return;
        };
        totals.input_tokens = totals.input_tokens.saturating_add(input);
        totals.output_tokens = totals.output_tokens.saturating_add(output);
        totals.cached_tokens = totals.cached_tokens.saturating_add(usage.cached);
        totals.reasoning_tokens = totals.reasoning_tokens.saturating_add(usage.reasoning);
    }
}

/// A call that was accepted. Dropped before it is over, the client has left.
#[derive(Debug)]
pub(crate) struct OpenCall {
    books: Arc<Books>,
    epoch: u64,
    line: Line,
    over: bool,
}

impl OpenCall {
    pub(crate) fn answered(&mut self, status: u16) {
        self.line.status = status;
    }

    /// Something was handed to the socket.
    pub(crate) fn sent(&mut self, progress: &Progress) {
        self.line.chunks += progress.chunks;
        self.line.output += progress.tokens;
        self.line.usage = progress.usage.or(self.line.usage);
    }

    pub(crate) fn end(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let mut state = self.books.state();
        if state.epoch == self.epoch {
            self.line.post(outcome, &mut state.totals);
            push(&mut state.calls, (self.line.clone(), outcome), self.books.keep_calls);
        }
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.end(Outcome::Aborted);
    }
}

/// What a piece of an answer carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) chunks: u32,
    pub(crate) tokens: u64,
    pub(crate) usage: Option<Usage>,
}

impl Progress {
    pub(crate) fn and(self, later: Self) -> Self {
        Self {
            chunks: self.chunks + later.chunks,
            tokens: self.tokens + later.tokens,
            usage: later.usage.or(self.usage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_open_at_a_reset_is_in_no_book() {
        let books = Arc::new(Books::new(10, 10));
        let old = books.open(1, "m", false, 7);
        assert_eq!(books.totals().open, 1);
        books.reset();
        drop(old);
        assert_eq!(books.totals(), Totals::default());
        assert!(books.calls().is_empty());
    }

    #[test]
    fn lists_are_bounded_and_totals_are_not() {
        let books = Arc::new(Books::new(2, 2));
        for number in 1..=5 {
            books.record("/", HeaderMap::new(), Bytes::new());
            books.open(number, "m", false, 1).end(Outcome::Done);
        }
        assert_eq!(books.totals().done, 5);
        assert_eq!(books.calls().iter().map(|call| call.number).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(books.requests().len(), 2);
    }
}
