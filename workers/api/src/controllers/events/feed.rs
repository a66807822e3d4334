//! What one listener hears: of the organization's actor and, mostly, a team's,
//! as one stream.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use ::events::{LiveEvent, LiveKind};
use ::runtime::{Listening, now_ms};
use futures::Stream;
use futures::future::{Either, poll_fn, select};
use identity::TeamId;
use serde_json::Value;
use worker::Delay;

use super::place::Place;

/// A stream that says nothing for so long says that it is still there: proxies
/// give up after a minute, and who has left is noticed.
const STILL_THERE_MS: i64 = 15_000;
/// A stream ends after so long, and whoever comes back is asked anew what they
/// may. What is ended before its time (a session, a role, a policy) ends it
/// before.
const LONGEST_MS: i64 = 5 * 60 * 1000;

/// Who tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The organization's actor.
    Organization,
    /// A team's.
    Team(TeamId),
    /// The listener, by the socket over which they hear; they have nothing to
    /// say, and leave.
    Listener,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Something is told.
    Event {
        /// Where the listener is with it.
        id: Place,
        /// What kind of thing.
        kind: LiveKind,
        /// Ids and amounts.
        data: Value,
    },
    /// Nothing: whoever has left is noticed.
    StillThere,
}

/// One listener's stream.
pub(super) struct Feed {
    sources: Vec<(Source, Listening)>,
    place: Place,
    /// Actors of which nothing was heard yet.
    silent: usize,
    missed: bool,
    hears: Value,
    ends_ms: i64,
}

impl Feed {
    /// A stream of what these tell. `missed`: the listener was somewhere else
    /// before; `hears`: what they are told that they hear.
    pub(super) fn new(sources: Vec<(Source, Listening)>, missed: bool, hears: Value) -> Self {
        let (silent, ends_ms) = (sources.len(), now_ms().saturating_add(LONGEST_MS));
        Self { sources, place: Place::default(), silent, missed, hears, ends_ms }
    }

    /// Ends it when the listener leaves.
    pub(super) fn until(&mut self, listener: Listening) {
        self.sources.push((Source::Listener, listener));
    }

    /// What comes next; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Next> {
        loop {
            let left = self.ends_ms.saturating_sub(now_ms());
            if left <= 0 {
                return None;
            }
            let pause = Delay::from(Duration::from_millis(left.min(STILL_THERE_MS).unsigned_abs()));
            let sources = &mut self.sources;
            let heard = poll_fn(|context| {
                for (source, listening) in sources.iter_mut() {
                    if let Poll::Ready(text) = Pin::new(listening).poll_next(context) {
                        return Poll::Ready((*source, text));
                    }
                }
                Poll::Pending
            });
            match select(heard, pause).await {
                Either::Right(_) if left <= STILL_THERE_MS => return None,
                Either::Right(_) => return Some(Next::StillThere),
                // Whichever ends, all of it does: what is left would be a part.
                Either::Left(((_, None), _)) => return None,
                Either::Left(((source, Some(text)), _)) => {
                    if let Some(next) = self.hear(source, &text) {
                        return Some(next);
                    }
                }
            }
        }
    }

    /// What an actor tells. The first of each is whether the listener has missed
    /// something, which is said once, for all of them.
    fn hear(&mut self, source: Source, text: &str) -> Option<Next> {
        let LiveEvent { kind, cursor, data } = serde_json::from_str(text).ok()?;
        match source {
            Source::Organization => self.place.organization = Some(cursor),
            Source::Team(team) => self.place.team = Some((team, cursor)),
            Source::Listener => return None,
        }
        if kind == LiveKind::StillThere {
            return Some(Next::StillThere);
        }
        let id = self.place;
        if self.silent > 0 && matches!(kind, LiveKind::Ready | LiveKind::Reset) {
            self.silent = self.silent.saturating_sub(1);
            self.missed |= kind == LiveKind::Reset;
            let kind = if self.missed { LiveKind::Reset } else { LiveKind::Ready };
            return (self.silent == 0).then(|| Next::Event { id, kind, data: self.hears.clone() });
        }
        let data = if data.is_null() { self.hears.clone() } else { data };
        Some(Next::Event { id, kind, data })
    }
}
