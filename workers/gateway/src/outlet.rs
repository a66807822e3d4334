//! The way to a client that reads a stream.
//!
//! It is the runtime's own pipe. Its writer always hears that the client has
//! left. The maker of a stream of one's own does not: when the connection
//! breaks in the middle of a write, neither that stream's `cancel` nor the
//! request's `abort` comes (seen with the workerd of 2026-04-26, about one time
//! in four).

use js_sys::{Array, Function, Reflect, Uint8Array, global};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStream, TransformStream, WritableStreamDefaultWriter};
use worker::wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::client::Client;

/// So much may be on its way to the client before it is waited for: a few
/// dozen chunks of a usual stream, each of which would cost as much to wait for
/// as to write.
const WINDOW: usize = 8 << 10;

thread_local! {
    /// A write that failed is heard of by what waits for the stream's end.
    static UNHEARD: Closure<dyn FnMut(JsValue)> = Closure::new(drop);
}

/// Where chunks are written. Dropped, it ends the client's stream.
pub(crate) struct Outlet {
    writer: WritableStreamDefaultWriter,
    on_its_way: usize,
}

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
    Ok((Outlet { writer, on_its_way: 0 }, pipe.readable()))
}

impl Outlet {
    /// Writes a chunk, and when much is on its way waits until the client has
    /// taken it. `false` when it has left.
    pub(crate) async fn write(&mut self, chunk: &[u8]) -> bool {
        if chunk.is_empty() {
            return true;
        }
        let written = self.writer.write_with_chunk(&Uint8Array::from(chunk));
        self.on_its_way = self.on_its_way.saturating_add(chunk.len());
        if self.on_its_way < WINDOW {
            UNHEARD.with(|unheard| drop(written.catch(unheard)));
            return true;
        }
        // Chunks are taken in order: with this one, all are.
        self.on_its_way = 0;
        JsFuture::from(written).await.is_ok()
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        let closed = JsFuture::from(self.writer.close());
        // It fails when the client has left, which is known by then.
        spawn_local(async move {
            let _ = closed.await;
        });
    }
}
