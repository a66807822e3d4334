//! What happens, told while it does.

mod feed;
mod place;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ::events::{Cursor, Listener, Sees};
use ::runtime::{ListenError, Pipe};
use axum::Extension;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use futures::future::{Either, select};
use http::request::Parts;
use http::{StatusCode, header};
use identity::TeamId;
use organization::protocol::{AdmitError, Listens};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use worker::{Context, Delay, WebSocket, WebSocketPair};

use self::feed::{Feed, Next, Source};
use self::place::Place;
use crate::extract::{Caller, Query};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::sign_in::browser::Site;

/// How a stream begins: after so many milliseconds whoever was cut off comes
/// back.
const BEGINNING: &str = "retry: 1000\n\n";
/// A comment, which nobody hears.
const STILL_THERE: &str = ": still there\n\n";
/// Who takes nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is written to somebody who has left fails the second time, and each
/// attempt has the actor tell all of them something: so many make room.
const TRIES: u32 = 3;
/// In which that is noticed.
const SHORTLY: Duration = Duration::from_millis(300);
/// When there may be room again, in seconds.
const LATER: u32 = 10;
/// What a socket is closed with at the end of its time: come back.
const GOING_AWAY: u16 = 1001;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// All of this team. Left out: what is your own, or the organization's own accounts.
    #[param(value_type = Option<schema::TeamId>)]
    team_id: Option<TeamId>,
    /// The `id` of the last event that was heard, where the header `Last-Event-ID` cannot be sent.
    #[param(max_length = 200)]
    last_event_id: Option<String>,
}

/// By what somebody wants to hear it.
pub(crate) struct Wish {
    context: Arc<Context>,
    is_socket: bool,
    last_event_id: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Wish {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let is_socket = text("upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
        // A browser sends cookies with a socket that any page opens, and lets that page read.
        let site = Site::of(&parts.uri);
        let foreign = |origin: &str| site.as_ref().is_none_or(|site| site.origin != origin);
        let by_cookie = !parts.headers.contains_key(header::AUTHORIZATION);
        if is_socket && by_cookie && text("origin").is_some_and(foreign) {
            return Err(Problem::new(Code::Forbidden, "another site's page cannot listen here"));
        }
        let context = parts.extensions.get::<Arc<Context>>().cloned();
        let context = context.ok_or_else(|| Problem::internal("a request without a context"))?;
        Ok(Self { context, is_socket, last_event_id: text("last-event-id").map(str::to_owned) })
    }
}

/// Hear what happens, while it does.
///
/// A stream of server-sent events or, with `Upgrade: websocket`, of messages `{"id", "event", "data"}`. Each within a
/// second, and only what you may see:
///
/// | event | data | who hears it |
/// |---|---|---|
/// | `ready` | `team_id`, `team` (`all` or `own`), `organization`, `approvals`: what is heard | everybody, first |
/// | `reset` | the same | whoever has missed something: read again |
/// | `balance` | `account` (`wallet`, `boost`, `pool`, `department`, `treasury`), its ids, `balance` | whose it is; the pool's its team |
/// | `transfer` | `transfer_id`, `from`, `to` (`null`: in another team), `amount`, `undone` | both ends |
/// | `boost` | `boost_id`, `member_id`, `amount`, `returned` | whose it is |
/// | `approval` | `approval_id`, `state`, `outcome`, `may_decide` | who asked, may decide, or oversees it |
///
/// Who manages a team hears all of it; who sees the whole organization also what its departments and treasury have, and
/// any team by `team_id`. A stream ends after five minutes, and as soon as your session, roles or the policies are no
/// more what they were: come back with the last `id`. One person or key can have ten.
#[utoipa::path(get, path = "/api/v1/events", tag = "Credits", params(EventsQuery),
    responses((status = 200, description = "What happens, as it does", content((String = "text/event-stream")))))]
#[worker::send]
pub(crate) async fn watch_events(
    caller: Caller,
    wish: Wish,
    Query(asked): Query<EventsQuery>,
) -> Result<Response, Problem> {
    let before = wish.last_event_id.or(asked.last_event_id).map(|text| text.parse::<Place>());
    let mut feed = listen(&caller, asked.team_id, before).await;
    for _ in 0..TRIES {
        if !matches!(feed, Err(Refused::Full)) {
            break;
        }
        Delay::from(SHORTLY).await;
        feed = listen(&caller, asked.team_id, before).await;
    }
    let mut feed = feed?;
    if wish.is_socket {
        let WebSocketPair { client, server } = WebSocketPair::new().map_err(Problem::internal)?;
        feed.until(::runtime::Listening::begin(&server).map_err(Problem::internal)?);
        wish.context.wait_until(tell(feed, server));
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.extensions_mut().insert(client);
        return Ok(response);
    }
    let (pipe, outflow) = Pipe::open().map_err(|error| Problem::internal(format_args!("{error:?}")))?;
    // It goes on for as long as somebody hears it, and hears of their leaving.
    wish.context.wait_until(pour(feed, pipe));
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Extension(outflow)).into_response())
}

/// Why somebody does not listen.
enum Refused {
    /// Too many do already.
    Full,
    Otherwise(Problem),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Otherwise(problem)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => full(),
            Refused::Otherwise(problem) => problem,
        }
    }
}

/// Begins to listen: to the organization's actor, which says to what, and to
/// the team's.
async fn listen(
    caller: &Caller,
    team: Option<TeamId>,
    before: Option<Result<Place, place::PlaceError>>,
) -> Result<Feed, Refused> {
    let actors = caller.app().actors()?;
    let at = before.and_then(Result::ok).unwrap_or_default();
    let (organization, asked) = caller.listens(team, at.organization)?;
    let refused = |error| match error {
        ListenError::Full => Refused::Full,
        ListenError::Actor(error) => Refused::Otherwise(error.into()),
        ListenError::Refused(text) => Refused::Otherwise(match serde_json::from_str::<AdmitError>(&text) {
            Ok(error) => caller.refusal(organization, error),
            Err(error) => Problem::internal(error),
        }),
    };
    let (own, listens) = actors.listen_to_organization(organization, &asked).await.map_err(refused)?;
    caller.app().know(listens.allowance);
    let mut sources = vec![(Source::Organization, own)];
    let mut after: Option<Cursor> = None;
    if let Some(team) = listens.team {
        after = at.team.filter(|(before, _)| *before == team).map(|(_, cursor)| cursor);
        let listener = Listener { who: listens.who, sees: listens.sees, after };
        sources.push((Source::Team(team), actors.listen_to_team(team, &listener).await.map_err(refused)?));
    }
    // Whoever comes back from elsewhere has missed what was here.
    let was_here = at.organization.is_some() && after.is_some() == listens.team.is_some();
    Ok(Feed::new(sources, before.is_some() && !was_here, hears(&listens)))
}

fn full() -> Problem {
    let detail = "too many listen: one person or key can have ten streams, and a team or organization a thousand; \
                  close one, or come again later";
    Problem::new(Code::RateLimited, detail).after_seconds(LATER)
}

/// What somebody is told that they hear.
fn hears(listens: &Listens) -> serde_json::Value {
    let Sees { everything, .. } = listens.sees;
    json!({
        "team_id": listens.team,
        "team": listens.team.map(|_| if everything { "all" } else { "own" }),
        "organization": listens.everything,
        "approvals": listens.approvals,
    })
}

/// Tells it as server-sent events, until the end or until nobody hears it.
async fn pour(mut feed: Feed, pipe: Pipe) {
    let mut text = BEGINNING.to_owned();
    let mut left = pin!(pipe.left());
    loop {
        let is_taken = matches!(select(pin!(pipe.write(&text)), Delay::from(PATIENCE)).await, Either::Left((true, _)));
        if !is_taken {
            return;
        }
        text = match select(pin!(feed.next()), left.as_mut()).await {
            Either::Left((Some(next), _)) => line(&next),
            _ => return,
        };
    }
}

/// Tells it over a socket, to the end.
async fn tell(mut feed: Feed, server: WebSocket) {
    while let Some(next) = feed.next().await {
        let message = match next {
            Next::Event { id, kind, data } => json!({ "id": id.to_string(), "event": kind, "data": data }),
            Next::StillThere => json!({ "event": "still_there" }),
        };
        if server.send_with_str(message.to_string()).is_err() {
            break;
        }
    }
    let _ = server.close(Some(GOING_AWAY), Some("come back with the last id"));
}

/// An event as HTML's server-sent events have it.
fn line(next: &Next) -> String {
    match next {
        Next::Event { id, kind, data } => format!("id: {id}\nevent: {}\ndata: {data}\n\n", kind.as_str()),
        Next::StillThere => STILL_THERE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::events::LiveKind;

    #[test]
    fn events_are_lines() {
        let place = Place { organization: Some(Cursor { entries: 1, records: 2 }), team: None };
        let data = json!({ "note": "a\nb" });
        let event = Next::Event { id: place, kind: LiveKind::Balance, data };
        assert_eq!(line(&event), "id: 1-2\nevent: balance\ndata: {\"note\":\"a\\nb\"}\n\n");
        assert!(line(&Next::StillThere).starts_with(':'));
    }

    #[test]
    fn too_many_are_told_when_to_come_again() {
        let response = full().into_response();
        assert_eq!(
            (response.status(), &response.headers()["retry-after"]),
            (StatusCode::TOO_MANY_REQUESTS, &"10".parse().unwrap())
        );
    }
}
