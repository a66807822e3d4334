//! Telling whoever listens what happens, over sockets that hibernate.
//!
//! After something was committed it is read from the journal and told, within a
//! fraction of a second: what comes close together is told together. Nothing of
//! it is kept and nothing waits for it: a message is handed to the runtime,
//! which sends it once what it says is durable, and a socket that is slow or
//! gone costs no more than that. Where nobody listens, a command pays a look at
//! one flag.

mod organization;
mod team;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use events::{Cursor, LiveEvent, LiveKind, Told};
use identity::Principal;
use runtime::{LISTENER, LISTENS, decoded, encoded, now_ms};
use serde::de::DeserializeOwned;
use serde_json::Value;
use worker::{Delay, Request, Response, Result, State, WebSocket, WebSocketPair, console_error};

/// What happens within this time is told together: people see no difference,
/// and a team of 500 calls a second tells five times a second what is left.
const TOGETHER_MS: i64 = 200;
/// Of one actor. The runtime allows 32,768; each is a message for whatever
/// everybody sees, so a thousand are some milliseconds.
const MOST: usize = 1000;
/// Of one person or key: ten open pages.
const MOST_OF_ONE: usize = 10;
/// Why a socket is closed by which nobody may listen any more, or not as before.
const BEGIN_AGAIN: (u16, &str) = (4003, "what you may see has changed: begin again");

/// What an actor knows of those who listen to it.
pub(crate) struct Live {
    state: Rc<State>,
    /// Whether anybody may be listening; `None` until somebody has looked.
    heard: Cell<Option<bool>>,
    /// How far was told. Whatever wakes the actor sets it before it does
    /// anything: an actor sleeps when everything is told.
    told: Cell<Option<Cursor>>,
    told_ms: Cell<i64>,
    is_due: Cell<bool>,
}

impl Live {
    pub(crate) fn new(state: &Rc<State>) -> Rc<Self> {
        Rc::new(Self {
            state: Rc::clone(state),
            heard: Cell::new(None),
            told: Cell::new(None),
            told_ms: Cell::new(0),
            is_due: Cell::new(false),
        })
    }

    /// Whether anybody may be listening.
    pub(crate) fn is_heard(&self) -> bool {
        if let Some(heard) = self.heard.get() {
            return heard;
        }
        let heard = !self.state.get_websockets().is_empty();
        self.heard.set(Some(heard));
        heard
    }

    /// Before something is done: what comes after this place is to be told.
    pub(crate) fn before(&self, cursor: impl FnOnce() -> Option<Cursor>) {
        if self.is_heard() && self.told.get().is_none() {
            self.told.set(cursor());
        }
    }

    /// After something was done: has `tell` called soon, if there is something
    /// to tell.
    pub(crate) fn after(self: &Rc<Self>, cursor: Option<Cursor>, tell: impl FnOnce(&Self) + 'static) {
        let is_news = cursor.is_some() && self.told.get() != cursor;
        if !is_news || self.is_due.replace(true) {
            return;
        }
        let now = now_ms();
        let wait = self.told_ms.get().saturating_add(TOGETHER_MS).saturating_sub(now).clamp(0, TOGETHER_MS);
        let live = Rc::clone(self);
        // If this never runs, whatever happens next is told with it.
        self.state.wait_until(async move {
            Delay::from(Duration::from_millis(wait.unsigned_abs())).await;
            live.is_due.set(false);
            live.told_ms.set(now_ms());
            if live.state.get_websockets().is_empty() {
                live.heard.set(Some(false));
                live.told.set(None);
            } else {
                tell(&live);
            }
        });
    }

    /// Where to go on telling, which is then told up to `now`.
    fn go_on(&self, now: Cursor) -> Cursor {
        self.told.replace(Some(now)).unwrap_or(now)
    }

    /// Lets somebody listen: into these circles, with what is to be kept of
    /// them, and what they are told first.
    fn accept(&self, who: Principal, circles: Vec<String>, kept: Option<&str>, first: &LiveEvent) -> Result<Response> {
        let who = who.to_string();
        let own = format!("by:{}", who.split('/').next().unwrap_or_default());
        let (all, theirs) = (self.state.get_websockets(), self.state.get_websockets_with_tag(&own));
        if all.len() >= MOST || theirs.len() >= MOST_OF_ONE {
            // Whoever has left since they were last told something is noticed by this, and makes room.
            let still_there = LiveEvent { kind: LiveKind::StillThere, ..first.clone() };
            let asked = if all.len() >= MOST { all } else { theirs };
            asked.iter().for_each(|socket| send(socket, &still_there));
            return Response::error("too many listen", 429);
        }
        let pair = WebSocketPair::new()?;
        let tags: Vec<&str> = circles.iter().chain([&own]).map(String::as_str).collect();
        self.state.accept_websocket_with_tags(&pair.server, &tags);
        pair.server.send_with_str(serde_json::to_string(first)?)?;
        self.heard.set(Some(true));
        if self.told.get().is_none() {
            self.told.set(Some(first.cursor));
        }
        let response = Response::from_websocket(pair.client)?;
        if let Some(kept) = kept {
            pair.server.serialize_attachment(kept)?;
            response.headers().set(LISTENS, &encoded(kept))?;
        }
        Ok(response)
    }

    /// Tells everybody the same.
    fn tell_all(&self, event: &LiveEvent) {
        self.state.get_websockets().iter().for_each(|socket| send(socket, event));
    }
}

/// Those who listen, by circle, each looked up once.
#[derive(Default)]
struct Circles(BTreeMap<String, Vec<WebSocket>>);

impl Circles {
    fn tell(&mut self, state: &State, told: &Told) {
        for circle in &told.circles {
            let sockets = self.0.entry(circle.clone()).or_insert_with(|| state.get_websockets_with_tag(circle));
            sockets.iter().for_each(|socket| send(socket, &told.event));
        }
    }
}

/// The first that somebody is told: that from here on they hear everything, or
/// that they have missed something.
fn first(cursor: Cursor, missed: bool) -> LiveEvent {
    let kind = if missed { LiveKind::Reset } else { LiveKind::Ready };
    LiveEvent { kind, cursor, data: Value::Null }
}

/// A socket that is gone is none of anybody's business.
fn send(socket: &WebSocket, event: &LiveEvent) {
    if let Ok(text) = serde_json::to_string(event) {
        let _ = socket.send_with_str(text);
    }
}

/// Who wants to listen.
fn listener<T: DeserializeOwned>(request: &Request) -> Result<Option<T>> {
    let text = request.headers().get(LISTENER)?;
    Ok(text.and_then(|text| serde_json::from_str(&decoded(&text)).ok()))
}

fn unreadable() -> Result<Response> {
    Response::error("it cannot be read who listens", 400)
}

fn failed(error: &dyn std::fmt::Display) {
    console_error!("telling who listens: {error}");
}

/// What an actor has in memory, shared with what is told later.
pub(crate) type Shared<T> = Rc<RefCell<Option<T>>>;
