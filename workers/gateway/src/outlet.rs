//! The way to a client that reads a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::channel::mpsc::{Receiver, Sender, channel};
use futures::{SinkExt, Stream, StreamExt};
use worker::Error;

use crate::client::{Client, Watch};

/// Chunks that wait for a slow client before the provider is read no further.
const BUFFERED: usize = 16;

/// Where chunks are written.
pub(crate) struct Outlet(Sender<Bytes>);

/// The client's end: the answer's body.
pub(crate) struct Body {
    chunks: Receiver<Bytes>,
    _watch: Watch,
}

/// Opens the way to a client; when the other end is dropped it has left.
pub(crate) fn open(client: &Client) -> (Outlet, Body) {
    let (sender, chunks) = channel(BUFFERED);
    (Outlet(sender), Body { chunks, _watch: client.watch() })
}

impl Outlet {
    /// Writes a chunk, waiting for a slow client. `false` when it has left.
    pub(crate) async fn write(&mut self, chunk: Bytes) -> bool {
        chunk.is_empty() || self.0.send(chunk).await.is_ok()
    }
}

impl Stream for Body {
    type Item = Result<Vec<u8>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.poll_next_unpin(context).map(|chunk| chunk.map(|chunk| Ok(chunk.into())))
    }
}
