//! The runtime's `fetch`, without the worker crate's requests and answers
//! around it: those read a body through a stream of their own, which costs
//! more than the hop itself.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{
    AbortSignal, Headers, ReadableStream, ReadableStreamDefaultReader, RequestInit, RequestRedirect, Response,
};
use worker::wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = fetch)]
    fn fetch(url: &str, init: &RequestInit) -> Result<Promise, JsValue>;

    /// What a reader's `read` answers.
    type Read;

    #[wasm_bindgen(method, getter)]
    fn done(this: &Read) -> bool;

    #[wasm_bindgen(method, getter)]
    fn value(this: &Read) -> Uint8Array;
}

/// Posts a body and waits until the answer begins.
///
/// # Errors
/// What the runtime throws when nobody answers.
pub(crate) async fn post(url: &str, headers: &Headers, body: &[u8], signal: &AbortSignal) -> Result<Response, JsValue> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(headers);
    init.set_body(&Uint8Array::from(body));
    init.set_signal(Some(signal));
    // A provider that redirects could send its key anywhere.
    init.set_redirect(RequestRedirect::Manual);
    JsFuture::from(fetch(url, &init)?).await.map(JsCast::unchecked_into)
}

/// A body, chunk by chunk. An error is the last thing that comes.
pub(crate) struct Chunks {
    reader: Option<ReadableStreamDefaultReader>,
    reading: Option<JsFuture>,
}

impl Chunks {
    /// The body of an answer; one without is empty.
    pub(crate) fn of(response: &Response) -> Self {
        let reader = response.body().map(|body: ReadableStream| body.get_reader().unchecked_into());
        Self { reader, reading: None }
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, ()>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reader, reading } = &mut *self;
        let Some(open) = reader else { return Poll::Ready(None) };
        let read = reading.get_or_insert_with(|| JsFuture::from(open.read()));
        let Poll::Ready(read) = Pin::new(read).poll(context) else { return Poll::Pending };
        *reading = None;
        let next = match read.map(JsCast::unchecked_into::<Read>) {
            Ok(read) if read.done() => None,
            Ok(read) => Some(Ok(Bytes::from(read.value().to_vec()))),
            Err(_) => Some(Err(())),
        };
        if !matches!(next, Some(Ok(_))) {
            *reader = None;
        }
        Poll::Ready(next)
    }
}
