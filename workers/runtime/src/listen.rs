//! Listening to an actor: a socket that it tells over what happens, and that
//! costs it nothing while nothing does (it hibernates).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures::Stream;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{MessageEvent, WebSocket};
use worker::{Headers, ObjectNamespace, Request, RequestInit};

use crate::ActorError;

/// In which header the actor is told who listens: JSON, URI-encoded, since
/// headers have no other letters.
pub const LISTENER: &str = "x-alfred-listener";
/// In which header it says what they hear, in the same form.
pub const LISTENS: &str = "x-alfred-listens";

/// Messages that wait for a slow reader: a few hundred bytes each. With more
/// the stream ends, and whoever comes back is told that they have missed some.
const MOST_WAITING: usize = 256;

/// Why nobody can listen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// Too many do already, or too many of one person's or key's.
    #[error("too many listen")]
    Full,
    /// The actor does not let them, and says why in its own words.
    #[error("not let in: {0}")]
    Refused(String),
    /// The actor gave no answer.
    #[error(transparent)]
    Actor(#[from] ActorError),
}

/// Somebody listens to an actor, until this is dropped. A stream of what the
/// actor tells; it ends when the actor ends it, or nobody reads.
pub struct Listening {
    socket: WebSocket,
    inbox: Rc<RefCell<Inbox>>,
    on_message: Closure<dyn FnMut(MessageEvent)>,
    on_end: Closure<dyn FnMut()>,
}

#[derive(Default)]
struct Inbox {
    waiting: VecDeque<String>,
    is_over: bool,
    reader: Option<Waker>,
}

impl Inbox {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// Asks an actor to be told what happens. Answers also what it says they hear.
pub(crate) async fn listen(
    actors: &ObjectNamespace,
    name: &str,
    listener: &str,
) -> Result<(Listening, String), ListenError> {
    let failed = |error: &dyn std::fmt::Display| ActorError::Unavailable(error.to_string());
    let headers = Headers::new();
    headers.set("upgrade", "websocket").map_err(|error| failed(&error))?;
    headers.set(LISTENER, &encoded(listener)).map_err(|error| failed(&error))?;
    let request = Request::new_with_init("http://actor/", RequestInit::new().with_headers(headers));
    let request = request.map_err(|error| failed(&error))?;
    let stub = actors.get_by_name(name).map_err(|error| failed(&error))?;
    let mut response = stub.fetch_with_request(request).await.map_err(|error| failed(&error))?;
    match response.status_code() {
        101 => {}
        429 => return Err(ListenError::Full),
        403 => return Err(ListenError::Refused(response.text().await.map_err(|error| failed(&error))?)),
        status => return Err(failed(&format_args!("{status}")).into()),
    }
    let listens = response.headers().get(LISTENS).ok().flatten().unwrap_or_default();
    let socket = response.websocket().ok_or_else(|| failed(&"no socket"))?;
    let listening = Listening::begin(&socket).map_err(|error| failed(&error))?;
    Ok((listening, decoded(&listens)))
}

impl Listening {
    /// Hears what comes over a socket, which nobody has accepted yet.
    ///
    /// # Errors
    /// When the runtime does not let it.
    pub fn begin(accepted: &worker::WebSocket) -> worker::Result<Self> {
        let socket: WebSocket = accepted.as_ref().clone();
        let inbox = Rc::new(RefCell::new(Inbox::default()));
        let (heard, full) = (Rc::clone(&inbox), socket.clone());
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            let mut inbox = heard.borrow_mut();
            match message.data().as_string() {
                Some(text) if inbox.waiting.len() < MOST_WAITING => inbox.waiting.push_back(text),
                _ => {
                    inbox.is_over = true;
                    let _ = full.close_with_code(1013);
                }
            }
            inbox.wake();
        });
        let ended = Rc::clone(&inbox);
        let on_end = Closure::<dyn FnMut()>::new(move || {
            let mut inbox = ended.borrow_mut();
            inbox.is_over = true;
            inbox.wake();
        });
        let listening = Self { socket, inbox, on_message, on_end };
        listening.attend(true)?;
        accepted.accept()?;
        Ok(listening)
    }

    fn attend(&self, on: bool) -> worker::Result<()> {
        let end = self.on_end.as_ref().unchecked_ref();
        let listeners = [("message", self.on_message.as_ref().unchecked_ref()), ("close", end), ("error", end)];
        for (name, listener) in listeners {
            match on {
                true => self.socket.add_event_listener_with_callback(name, listener)?,
                false => self.socket.remove_event_listener_with_callback(name, listener)?,
            }
        }
        Ok(())
    }
}

impl Stream for Listening {
    type Item = String;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<String>> {
        let mut inbox = self.inbox.borrow_mut();
        match inbox.waiting.pop_front() {
            Some(text) => Poll::Ready(Some(text)),
            None if inbox.is_over => Poll::Ready(None),
            None => {
                inbox.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Nothing may call what is dropped here.
        let _ = self.attend(false);
        let _ = self.socket.close_with_code(1000);
    }
}

/// As it can stand in a header.
#[must_use]
pub fn encoded(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// As it was; empty where it cannot be read.
#[must_use]
pub fn decoded(text: &str) -> String {
    js_sys::decode_uri_component(text).map(Into::into).unwrap_or_default()
}
