//! Watches a streamed answer on its way to the client.
//!
//! Frames are found across chunk boundaries and passed on byte-identical, as
//! slices of what came in. Only three kinds are changed, and those by cutting
//! bytes out of them or adding some:
//!
//! - a *usage frame* (a usage object and no choices) is handed to the caller
//!   as [`Piece::Usage`], which drops it or sends it on with the cost;
//! - `"usage":null`, which OpenAI puts on every frame once it is asked for
//!   usage, is cut out when the client did not ask;
//! - so is a usage object on a frame that has choices too: in that case only
//!   Alfred asked for it. It is remembered. When the client did ask, such a
//!   frame passes as it is, without the cost.
//!
//! What it keeps is bounded: one incomplete frame up to [`MAX_FRAME`], and
//! the counts of at most 129 choices. It never fails: what it cannot read it
//! passes on and counts by its bytes.

mod boundary;
mod edit;
mod frame;

use std::ops::Range;

use bytes::Bytes;

use self::boundary::Boundary;
use self::frame::{Found, Reader};
use super::error::UpstreamError;
use super::seen::Seen;
use super::usage::{ReportedUsage, UsageError};
pub use edit::UsageFrame;

/// The largest frame that is read. Text frames are some 300 bytes, frames
/// with sound or a whole tool call some 100 KiB; an isolate has 128 MiB for
/// everything.
pub const MAX_FRAME: usize = 1 << 20;

/// What becomes of a part of the stream, in the stream's order.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Send this to the client.
    Forward(Bytes),
    /// The usage frame. Drop it when the client did not ask for usage;
    /// otherwise send it, with the cost if that is known.
    Usage(UsageFrame),
}

/// The meter of one streamed answer.
#[derive(Debug)]
pub struct Stream {
    boundary: Boundary,
    /// The start of a frame whose end has not come.
    tail: Vec<u8>,
    /// Within a frame that is larger than [`MAX_FRAME`].
    oversize: bool,
    reader: Reader,
}

impl Stream {
    /// A meter for an answer to a client that did, or did not, ask for usage.
    #[must_use]
    pub fn new(client_asked_usage: bool) -> Self {
        Self {
            boundary: Boundary::default(),
            tail: Vec::new(),
            oversize: false,
            reader: Reader::new(client_asked_usage),
        }
    }

    /// Takes the next bytes from upstream and says what to send on.
    pub fn push(&mut self, chunk: &Bytes) -> Vec<Piece> {
        let mut out = Pieces::new(chunk);
        let mut from = 0;
        loop {
            let rest = chunk.slice(from..);
            let Some(length) = self.boundary.next(&rest) else {
                self.keep(&rest, from, &mut out);
                return out.finish();
            };
            let end = from + length;
            if self.tail.is_empty() {
                self.frame(&rest.slice(..length), Some(from..end), &mut out);
            } else {
                let mut whole = std::mem::take(&mut self.tail);
                whole.extend_from_slice(rest.get(..length).unwrap_or_default());
                self.frame(&Bytes::from(whole), None, &mut out);
            }
            from = end;
        }
    }

    /// The stream has ended, or broke: what was left of it.
    pub fn finish(&mut self) -> Vec<Piece> {
        let tail = Bytes::from(std::mem::take(&mut self.tail));
        let mut out = Pieces::new(&tail);
        if !tail.is_empty() {
            self.frame(&tail, Some(0..tail.len()), &mut out);
        }
        self.boundary = Boundary::default();
        self.oversize = false;
        out.finish()
    }

    /// The provider's own count: the last one that could be read, since some
    /// providers send a running count with each frame. In that case it is
    /// final only when [`is_done`](Self::is_done).
    ///
    /// # Errors
    /// [`UsageError`] when there was none, or none that could be read.
    pub fn usage(&self) -> Result<ReportedUsage, UsageError> {
        self.reader.usage
    }

    /// What was seen so far.
    #[must_use]
    pub const fn seen(&self) -> &Seen {
        &self.reader.seen
    }

    /// An estimate of the output tokens so far: see [`Seen::output_tokens`].
    #[must_use]
    pub fn seen_output_tokens(&self) -> u64 {
        self.reader.seen.output_tokens()
    }

    /// Whether `[DONE]` came.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.reader.done
    }

    /// The error that came in the middle of the stream.
    #[must_use]
    pub const fn error(&self) -> Option<&UpstreamError> {
        self.reader.error.as_ref()
    }

    /// The tier that serves the call, where the provider says so.
    #[must_use]
    pub fn service_tier(&self) -> Option<&str> {
        self.reader.service_tier.as_deref()
    }

    /// `place` is where the frame is in the chunk, unless it began earlier.
    fn frame(&mut self, frame: &Bytes, place: Option<Range<usize>>, out: &mut Pieces<'_>) {
        let found = if std::mem::take(&mut self.oversize) || frame.len() > MAX_FRAME {
            self.reader.seen.unreadable(frame.len());
            Found::Unchanged
        } else {
            self.reader.read(frame)
        };
        match (found, place) {
            (Found::Unchanged, Some(place)) => out.as_it_is(place),
            (Found::Unchanged, None) => out.push(Piece::Forward(frame.clone())),
            (Found::Changed(bytes), _) => out.push(Piece::Forward(bytes)),
            (Found::Usage(usage), _) => out.push(Piece::Usage(usage)),
        }
    }

    /// Keeps the start of a frame until the rest comes.
    fn keep(&mut self, rest: &Bytes, from: usize, out: &mut Pieces<'_>) {
        if self.oversize {
            self.reader.seen.unreadable(rest.len());
            out.as_it_is(from..from + rest.len());
            return;
        }
        self.tail.extend_from_slice(rest);
        if self.tail.len() > MAX_FRAME {
            let start = std::mem::take(&mut self.tail);
            self.oversize = true;
            self.reader.seen.unreadable(start.len());
            out.push(Piece::Forward(Bytes::from(start)));
        }
    }
}

/// Pieces in the making: neighbouring frames that stay as they are become
/// one slice of the chunk.
struct Pieces<'c> {
    chunk: &'c Bytes,
    run: Range<usize>,
    pieces: Vec<Piece>,
}

impl<'c> Pieces<'c> {
    const fn new(chunk: &'c Bytes) -> Self {
        Self { chunk, run: 0..0, pieces: Vec::new() }
    }

    /// Each place begins where the one before it ended, unless a piece was
    /// pushed in between.
    fn as_it_is(&mut self, place: Range<usize>) {
        if self.run.is_empty() {
            self.run = place;
        } else {
            self.run.end = place.end;
        }
    }

    fn push(&mut self, piece: Piece) {
        self.flush();
        self.pieces.push(piece);
    }

    fn flush(&mut self) {
        let run = std::mem::replace(&mut self.run, 0..0);
        if !run.is_empty() {
            self.pieces.push(Piece::Forward(self.chunk.slice(run)));
        }
    }

    fn finish(mut self) -> Vec<Piece> {
        self.flush();
        self.pieces
    }
}

#[cfg(test)]
mod tests;
