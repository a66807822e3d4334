//! The way to a client that reads a stream.
//!
//! It is the runtime's own pipe. Its writer always hears that the client has
//! left. The maker of a stream of one's own does not: when the connection
//! breaks in the middle of a write, neither that stream's `cancel` nor the
//! request's `abort` comes (seen with the workerd of 2026-04-26, about one time
//! in four).

use js_sys::{Array, Function, Reflect, Uint8Array, global};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStream, TransformStream, WritableStreamDefaultWriter};
use worker::wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::client::Client;

/// Where chunks are written. Dropped, it ends the client's stream.
pub(crate) struct Outlet(WritableStreamDefaultWriter);

/// Opens the way to a client, and answers with the client's end: the answer's
/// body. `client` hears of it when the client leaves.
///
/// # Errors
/// When the runtime has no such pipe.
pub(crate) fn open(client: &Client) -> Result<(Outlet, ReadableStream), JsValue> {
    let class: Function = Reflect::get(&global(), &"IdentityTransformStream".into())?.dyn_into()?;
    let pipe: TransformStream = Reflect::construct(&class, &Array::new())?.unchecked_into();
    let writer = pipe.writable().get_writer()?;
    let (ended, watch) = (JsFuture::from(writer.closed()), client.watch());
    spawn_local(async move {
        let _ = ended.await;
        drop(watch);
    });
    Ok((Outlet(writer), pipe.readable()))
}

impl Outlet {
    /// Writes a chunk and waits until the client takes it. `false` when it has
    /// left.
    pub(crate) async fn write(&self, chunk: &[u8]) -> bool {
        chunk.is_empty() || JsFuture::from(self.0.write_with_chunk(&Uint8Array::from(chunk))).await.is_ok()
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        let closed = JsFuture::from(self.0.close());
        // It fails when the client has left, which is known by then.
        spawn_local(async move {
            let _ = closed.await;
        });
    }
}
