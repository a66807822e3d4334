//! Google Calendar: out-of-office events of one calendar (API v3,
//! `events.list`).
//!
//! The token needs the scope `calendar.events.readonly`. The first question is
//! about a window; later ones ask what has changed in it ([`Position`]). As
//! that window stays the same, begin again at [`Position::default`] every few
//! weeks, and when the status says that the position is gone.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use limits::Zone;
use serde::{Deserialize, Serialize};

use crate::absence::{self, Absence, Read, Skipped};
use crate::error::{CalendarError, shown};
use crate::json::{self, Point};
use crate::request::{Request, encoded};
use crate::zones;

/// Tokens in use have some 100 bytes. A longer one is not kept.
const MAX_TOKEN: usize = 4_000;

/// Up to where a calendar has been read. To be kept until the next question;
/// the default is the begin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// What has changed since then is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sync: Option<String>,
    /// Which page of the answer is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

/// What to ask next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The next page, now.
    Page(Position),
    /// What has changed, some time later.
    Later(Position),
}

/// One page of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The absences that are new or have changed: one replaces what is known
    /// under the same `uid`. On the pages of a first question all there are.
    pub read: Read,
    /// The `uid`s of what is no absence in the window, or is no longer.
    pub removed: Vec<String>,
    /// What to ask next.
    pub next: Next,
}

/// Asks for a page, with an access token; about the same window as at the begin
/// of the position.
///
/// # Errors
/// [`CalendarError::Window`].
pub fn request(
    calendar_id: &str,
    token: &str,
    window: &Range<i64>,
    position: &Position,
) -> Result<Request, CalendarError> {
    absence::check(window)?;
    let time = |at_ms| {
        let at = Timestamp::from_millisecond(at_ms);
        at.map(|at| at.to_string()).map_err(|_| CalendarError::Window { from_ms: window.start, until_ms: window.end })
    };
    let mut query = vec![
        ("eventTypes", "outOfOffice".to_owned()),
        ("singleEvents", "true".to_owned()),
        ("maxResults", "250".to_owned()),
        ("fields", "timeZone,nextPageToken,nextSyncToken,items(id,status,eventType,summary,start,end)".to_owned()),
    ];
    // Whoever asks for changes may not name the window again.
    match &position.sync {
        Some(sync) => query.push(("syncToken", sync.clone())),
        None => query.extend([("timeMin", time(window.start)?), ("timeMax", time(window.end)?)]),
    }
    query.extend(position.page.iter().map(|page| ("pageToken", page.clone())));
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let (calendar_id, query) = (encoded(calendar_id), query.join("&"));
    let url = format!("https://www.googleapis.com/calendar/v3/calendars/{calendar_id}/events?{query}");
    Ok(Request::new(url, "application/json").bearer(token))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    items: Vec<Item>,
    time_zone: Option<String>,
    next_page_token: Option<String>,
    next_sync_token: Option<String>,
}

/// Of one that was deleted there is no more than its id and status.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    status: Option<String>,
    event_type: Option<String>,
    summary: Option<String>,
    start: Option<Time>,
    end: Option<Time>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Time {
    date: Option<String>,
    date_time: Option<String>,
    time_zone: Option<String>,
}

/// Reads a page that was asked for at a position. Whole days are those of the
/// calendar's own zone, otherwise of `zone`.
///
/// # Errors
/// [`CalendarError`].
pub fn absences(bytes: &[u8], window: &Range<i64>, zone: &Zone, position: &Position) -> Result<Page, CalendarError> {
    let wire: Wire = json::read(bytes, window)?;
    json::few(&wire.items)?;
    let zone = wire.time_zone.as_deref().and_then(zones::named).unwrap_or_else(|| zones::of(zone));
    let (mut absences, mut removed, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for item in wire.items {
        let uid = shown(&item.id);
        // The type is asked for, but should that ever not be heeded, nobody
        // shall be away for their meetings.
        let is_away = item.event_type.as_deref() == Some("outOfOffice");
        if !is_away || item.status.as_deref() == Some("cancelled") {
            removed.push(uid);
            continue;
        }
        match times(&item, &zone) {
            Ok((from_ms, until_ms)) => {
                let title = item.summary.as_deref().map(shown);
                let absence = Absence { from_ms, until_ms, uid, who: None, title };
                if absence.touches(window) {
                    absences.push(absence);
                } else {
                    removed.push(absence.uid);
                }
            }
            Err(reason) => skipped.push(Skipped { uid, reason }),
        }
    }
    let kept = |token: Option<String>| token.filter(|token| !token.is_empty() && token.len() <= MAX_TOKEN);
    let next = match (kept(wire.next_page_token), kept(wire.next_sync_token)) {
        (Some(page), _) => Next::Page(Position { sync: position.sync.clone(), page: Some(page) }),
        (None, sync) => Next::Later(Position { sync, page: None }),
    };
    Ok(Page { read: Read::new(absences, skipped, window), removed, next })
}

fn times(item: &Item, zone: &TimeZone) -> Result<(i64, i64), String> {
    let moment = |name: &str, time: &Option<Time>| {
        let time = time.as_ref().ok_or(format!("it has no `{name}`"))?;
        let text = time.date_time.as_ref().or(time.date.as_ref()).ok_or(format!("its `{name}` is empty"))?;
        let own = time.time_zone.as_deref().and_then(zones::named);
        let point = Point::parse(text).and_then(|point| point.moment(own.as_ref().unwrap_or(zone)));
        point.ok_or_else(|| format!("its `{name}` is `{}`, which is no date and no time", shown(text)))
    };
    let (from_ms, until_ms) = (moment("start", &item.start)?, moment("end", &item.end)?);
    if from_ms <= until_ms { Ok((from_ms, until_ms)) } else { Err("it ends before it begins".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// 2025-06-30 in UTC, and 30 days more.
    const BEGIN: i64 = 1_751_241_600_000;
    const HOUR: i64 = 3_600_000;
    const WINDOW: Range<i64> = BEGIN..BEGIN + 30 * 24 * HOUR;

    fn read(document: &Value, position: &Position) -> Page {
        absences(document.to_string().as_bytes(), &WINDOW, &Zone::UTC, position).unwrap()
    }

    fn at(sync: Option<&str>, page: Option<&str>) -> Position {
        Position { sync: sync.map(str::to_owned), page: page.map(str::to_owned) }
    }

    #[test]
    fn asks_first_for_a_window_and_then_for_changes() {
        let head = "https://www.googleapis.com/calendar/v3/calendars/ada%40acme.example/events?\
                    eventTypes=outOfOffice&singleEvents=true&maxResults=250&\
                    fields=timeZone%2CnextPageToken%2CnextSyncToken%2C\
                    items%28id%2Cstatus%2CeventType%2Csummary%2Cstart%2Cend%29";
        let window = "&timeMin=2025-06-30T00%3A00%3A00Z&timeMax=2025-07-30T00%3A00%3A00Z";
        for (position, tail) in [
            (at(None, None), window.to_owned()),
            (at(None, Some("p=1")), format!("{window}&pageToken=p%3D1")),
            (at(Some("s"), None), "&syncToken=s".to_owned()),
            (at(Some("s"), Some("p")), "&syncToken=s&pageToken=p".to_owned()),
        ] {
            let request = request("ada@acme.example", "t0ken", &WINDOW, &position).unwrap();
            assert_eq!(request.url, format!("{head}{tail}"));
            assert_eq!(request.headers[1], ("authorization".to_owned(), "Bearer t0ken".to_owned()));
        }
    }

    #[test]
    fn absences_and_what_is_none() {
        let page = read(
            &json!({
                "kind": "calendar#events",
                "timeZone": "Europe/Berlin",
                "nextSyncToken": "s2",
                "items": [
                    {"id": "timed", "status": "confirmed", "eventType": "outOfOffice", "summary": "Out of office",
                        "start": {"dateTime": "2025-07-01T09:00:00+02:00", "timeZone": "Europe/Berlin"},
                        "end": {"dateTime": "2025-07-01T17:00:00+02:00", "timeZone": "Europe/Berlin"}},
                    {"id": "days", "eventType": "outOfOffice", "start": {"date": "2025-07-02"}, "end": {"date": "2025-07-03"}},
                    {"id": "local", "eventType": "outOfOffice",
                        "start": {"dateTime": "2025-07-04T09:00:00", "timeZone": "America/New_York"},
                        "end": {"dateTime": "2025-07-04T10:00:00", "timeZone": "America/New_York"}},
                    {"id": "gone", "status": "cancelled"},
                    {"id": "meeting", "eventType": "default",
                        "start": {"dateTime": "2025-07-01T09:00:00Z"}, "end": {"dateTime": "2025-07-01T10:00:00Z"}},
                    {"id": "moved", "eventType": "outOfOffice", "start": {"date": "2026-07-02"}, "end": {"date": "2026-07-03"}},
                    {"id": "endless", "eventType": "outOfOffice", "start": {"date": "2025-07-02"}},
                    {"id": "odd", "eventType": "outOfOffice", "start": {"date": "soon"}, "end": {"date": "2025-07-03"}},
                    {"id": "back", "eventType": "outOfOffice", "start": {"date": "2025-07-02"}, "end": {"date": "2025-07-01"}},
                ],
            }),
            &Position::default(),
        );
        let shown: Vec<_> = page.read.absences.iter().map(|it| (it.uid.as_str(), it.from_ms, it.until_ms)).collect();
        assert_eq!(
            shown,
            [
                ("timed", BEGIN + 31 * HOUR, BEGIN + 39 * HOUR),
                ("days", BEGIN + 46 * HOUR, BEGIN + 70 * HOUR),
                ("local", BEGIN + (4 * 24 + 13) * HOUR, BEGIN + (4 * 24 + 14) * HOUR),
            ]
        );
        assert_eq!(page.read.absences[0].title.as_deref(), Some("Out of office"));
        assert_eq!(page.removed, ["gone", "meeting", "moved"]);
        let reasons: Vec<_> = page.read.skipped.iter().map(|it| (it.uid.as_str(), it.reason.as_str())).collect();
        assert_eq!(
            reasons,
            [
                ("endless", "it has no `end`"),
                ("odd", "its `start` is `soon`, which is no date and no time"),
                ("back", "it ends before it begins"),
            ]
        );
    }

    #[test]
    fn pages_lead_to_the_next_position() {
        for (answer, asked, expected) in [
            (json!({"nextPageToken": "p"}), at(None, None), Next::Page(at(None, Some("p")))),
            (json!({"nextPageToken": "q"}), at(Some("s"), Some("p")), Next::Page(at(Some("s"), Some("q")))),
            (json!({"nextSyncToken": "t"}), at(Some("s"), Some("q")), Next::Later(at(Some("t"), None))),
            (json!({"items": []}), at(Some("s"), None), Next::Later(Position::default())),
            (json!({"nextSyncToken": "t".repeat(4_001)}), at(None, None), Next::Later(Position::default())),
        ] {
            assert_eq!(read(&answer, &asked).next, expected, "{answer}");
        }
        assert!(matches!(absences(b"[]x", &WINDOW, &Zone::UTC, &at(None, None)), Err(CalendarError::Json(_))));
    }

    #[test]
    fn stored_form_is_pinned() {
        let json = r#"{"sync":"s","page":"p"}"#;
        assert_eq!(serde_json::to_string(&at(Some("s"), Some("p"))).unwrap(), json);
        assert_eq!(serde_json::from_str::<Position>(json).unwrap(), at(Some("s"), Some("p")));
        assert_eq!(serde_json::from_str::<Position>("{}").unwrap(), Position::default());
    }
}
