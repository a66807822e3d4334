//! Whether the client is still there.

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use worker::Request;

/// Resolves when the client has left. Two things tell: the request's signal,
/// and the end of the answer's stream before its last chunk.
pub(crate) struct Client {
    left: UnboundedReceiver<()>,
    tell: UnboundedSender<()>,
    _listener: Option<Closure<dyn FnMut()>>,
}

/// Tells that the client has left when it is dropped.
pub(crate) struct Watch(UnboundedSender<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.unbounded_send(());
    }
}

impl Client {
    pub(crate) fn of(request: &Request) -> Self {
        let (tell, left) = unbounded();
        let sender = tell.clone();
        let listener = Closure::<dyn FnMut()>::new(move || {
            let _ = sender.unbounded_send(());
        });
        let signal = request.inner().signal();
        if signal.aborted() {
            let _ = tell.unbounded_send(());
        }
        let listening = signal.add_event_listener_with_callback("abort", listener.as_ref().unchecked_ref());
        Self { left, tell, _listener: listening.is_ok().then_some(listener) }
    }

    /// Something to keep as long as the client can be written to.
    pub(crate) fn watch(&self) -> Watch {
        Watch(self.tell.clone())
    }

    /// Waits until the client has left.
    pub(crate) async fn left(&mut self) {
        let _ = self.left.next().await;
    }
}
