//! The way to a client that hears a stream for minutes. It is the runtime's own
//! pipe, whose writer always hears that the client has left; the maker of a
//! stream of one's own does not.

use std::sync::Arc;

use js_sys::{Array, Function, Reflect, Uint8Array, global};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStream, TransformStream, WritableStreamDefaultWriter};
use worker::send::SendWrapper;
use worker::wasm_bindgen_futures::{JsFuture, spawn_local};

/// Where text is written. Dropped, it ends the client's stream.
pub struct Pipe {
    writer: WritableStreamDefaultWriter,
}

/// The client's end: an answer's body, which only the runtime may touch. It
/// travels with the answer, as an extension.
#[derive(Clone)]
pub struct Outflow(Arc<SendWrapper<ReadableStream>>);

impl Outflow {
    /// The stream itself.
    #[must_use]
    pub fn stream(&self) -> ReadableStream {
        self.0.0.clone()
    }
}

impl Pipe {
    /// Opens the way to a client.
    ///
    /// # Errors
    /// When the runtime has no such pipe.
    pub fn open() -> Result<(Self, Outflow), JsValue> {
        let class: Function = Reflect::get(&global(), &"IdentityTransformStream".into())?.dyn_into()?;
        let pipe: TransformStream = Reflect::construct(&class, &Array::new())?.unchecked_into();
        Ok((Self { writer: pipe.writable().get_writer()? }, Outflow(Arc::new(SendWrapper(pipe.readable())))))
    }

    /// Writes a text, and waits until the client has taken it. `false` when it
    /// has left.
    pub async fn write(&self, text: &str) -> bool {
        JsFuture::from(self.writer.write_with_chunk(&Uint8Array::from(text.as_bytes()))).await.is_ok()
    }

    /// Waits until the client has left.
    pub async fn left(&self) {
        let _ = JsFuture::from(self.writer.closed()).await;
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let closed = JsFuture::from(self.writer.close());
        // It fails when the client has left, which is known by then.
        spawn_local(async move {
            let _ = closed.await;
        });
    }
}
