//! Microsoft 365: the automatic replies of a mailbox, by Microsoft Graph
//! (`automaticRepliesSetting` of its mailbox settings).
//!
//! The token needs `MailboxSettings.Read`.

use std::ops::Range;

use jiff::civil::DateTime;
use serde::Deserialize;

use crate::absence::{Absence, BEGUN_MS, OPEN_MS, Read};
use crate::error::{CalendarError, shown};
use crate::json;
use crate::request::{Request, encoded};
use crate::zones;

/// By which an absence of this source is known: there is at most one.
const UID: &str = "automatic_replies";

/// Asks for a user's automatic replies, with an access token.
#[must_use]
pub fn request(user: &str, token: &str) -> Request {
    let user = encoded(user);
    let url = format!("https://graph.microsoft.com/v1.0/users/{user}/mailboxSettings/automaticRepliesSetting");
    Request::new(url, "application/json").bearer(token)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    status: String,
    scheduled_start_date_time: Option<WireTime>,
    scheduled_end_date_time: Option<WireTime>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTime {
    date_time: String,
    time_zone: String,
}

/// The absence, if automatic replies are sent in the window. Those that are
/// sent always have begun at a moment that nobody says ([`BEGUN_MS`]) and have
/// no end ([`OPEN_MS`]). The text of the replies is not read.
///
/// # Errors
/// [`CalendarError`].
pub fn absences(bytes: &[u8], window: &Range<i64>) -> Result<Read, CalendarError> {
    let wire: Wire = json::read(bytes, window)?;
    // The documentation writes them both ways.
    let (from_ms, until_ms) = match wire.status.to_ascii_lowercase().as_str() {
        "disabled" => return Ok(Read::default()),
        "alwaysenabled" => (BEGUN_MS, OPEN_MS),
        "scheduled" => (
            moment("scheduledStartDateTime", wire.scheduled_start_date_time)?,
            moment("scheduledEndDateTime", wire.scheduled_end_date_time)?,
        ),
        _ => return Err(CalendarError::Json(format!("`status` is `{}`", shown(&wire.status)))),
    };
    if until_ms < from_ms {
        return Err(CalendarError::Json("`scheduledEndDateTime` is before `scheduledStartDateTime`".to_owned()));
    }
    let absence = Absence { from_ms, until_ms, uid: UID.to_owned(), who: None, title: None };
    Ok(Read::new(vec![absence], Vec::new(), window))
}

/// A time and the zone in which it is meant, mostly by Windows' name for it.
fn moment(name: &str, wire: Option<WireTime>) -> Result<i64, CalendarError> {
    let WireTime { date_time, time_zone } = wire.ok_or_else(|| CalendarError::Json(format!("`{name}` is missing")))?;
    let zone = zones::named(&time_zone).ok_or_else(|| {
        CalendarError::Json(format!("the time zone `{}` of `{name}` is not known", shown(&time_zone)))
    })?;
    let civil = date_time.parse::<DateTime>().ok();
    civil
        .and_then(|civil| zones::moment(&zone, civil))
        .ok_or_else(|| CalendarError::Json(format!("`{name}` is `{}`, which is no time", shown(&date_time))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const WINDOW: Range<i64> = 0..4_000_000_000_000;

    fn read(document: &Value) -> Result<Vec<(i64, i64)>, String> {
        let read = absences(document.to_string().as_bytes(), &WINDOW).map_err(|error| error.to_string())?;
        assert!(read.skipped.is_empty());
        Ok(read.absences.iter().map(|absence| (absence.from_ms, absence.until_ms)).collect())
    }

    /// As the documentation shows it, at "Get mailboxSettings".
    fn scheduled() -> Value {
        json!({
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Me/mailboxSettings/automaticRepliesSetting",
            "status": "Scheduled",
            "externalAudience": "All",
            "scheduledStartDateTime": {"dateTime": "2016-03-14T07:00:00.0000000", "timeZone": "UTC"},
            "scheduledEndDateTime": {"dateTime": "2016-03-28T07:00:00.0000000", "timeZone": "UTC"},
            "internalReplyMessage": "<html>\n<body>\n<p>I'm at our company's worldwide reunion.<br>\n</p></body>\n</html>\n",
            "externalReplyMessage": ""
        })
    }

    #[test]
    fn asks_for_a_users_replies() {
        let request = request("ada@acme.example", "t0ken");
        let path = "users/ada%40acme.example/mailboxSettings/automaticRepliesSetting";
        assert_eq!(request.url, format!("https://graph.microsoft.com/v1.0/{path}"));
        assert_eq!(request.headers[1], ("authorization".to_owned(), "Bearer t0ken".to_owned()));
    }

    #[test]
    fn a_schedule_has_its_zones() {
        let mut document = scheduled();
        assert_eq!(read(&document), Ok(vec![(1_457_938_800_000, 1_459_148_400_000)]));
        // In between the clocks were set forward in New York and in Berlin.
        document["scheduledStartDateTime"]["timeZone"] = json!("W. Europe Standard Time");
        document["scheduledEndDateTime"]["timeZone"] = json!("America/New_York");
        assert_eq!(read(&document), Ok(vec![(1_457_935_200_000, 1_459_162_800_000)]));
        document["status"] = json!("scheduled");
        let window = 0..1_457_935_200_000;
        assert_eq!(absences(document.to_string().as_bytes(), &window), Ok(Read::default()));
    }

    #[test]
    fn what_is_always_sent_is_open() {
        let mut document = scheduled();
        document["status"] = json!("alwaysEnabled");
        assert_eq!(read(&document), Ok(vec![(BEGUN_MS, OPEN_MS)]));
        document["status"] = json!("disabled");
        assert_eq!(read(&document), Ok(vec![]));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let start = "/scheduledStartDateTime";
        for (pointer, value, expected) in [
            ("/status", json!("sometimes"), "`status` is `sometimes`"),
            (start, json!(null), "`scheduledStartDateTime` is missing"),
            (
                &format!("{start}/timeZone"),
                json!("Customized Time Zone"),
                "the time zone `Customized Time Zone` of `scheduledStartDateTime` is not known",
            ),
            (
                &format!("{start}/dateTime"),
                json!("2016-03-14T07:00:00Z"),
                "`scheduledStartDateTime` is `2016-03-14T07:00:00Z`, which is no time",
            ),
            (
                &format!("{start}/dateTime"),
                json!("2016-03-29T07:00:00"),
                "`scheduledEndDateTime` is before `scheduledStartDateTime`",
            ),
        ] {
            let mut document = scheduled();
            *document.pointer_mut(pointer).unwrap() = value;
            assert_eq!(read(&document), Err(format!("the answer is not the JSON that was expected: {expected}")));
        }
        assert!(read(&json!({"error": {"code": "x"}})).unwrap_err().contains("missing field `status`"));
    }
}
