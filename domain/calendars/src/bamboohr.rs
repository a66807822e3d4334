//! BambooHR: who is out, of all employees (`time_off/whos_out`).
//!
//! The key is that of a user who may see everybody's time off. Holidays of the
//! company, which the answer lists, too, are left out: it does not say for
//! whom they are.

use std::ops::Range;

use jiff::Timestamp;
use limits::Zone;
use serde::Deserialize;

use crate::absence::{self, Absence, Read, Skipped};
use crate::error::{CalendarError, shown};
use crate::json::{self, Point};
use crate::request::{Request, encoded};
use crate::zones;

/// Asks who is out in the window, with an API key. Days are those of `zone`.
///
/// # Errors
/// [`CalendarError::Window`].
pub fn request(company: &str, key: &str, window: &Range<i64>, zone: &Zone) -> Result<Request, CalendarError> {
    absence::check(window)?;
    let zone = zones::of(zone);
    let day = |at_ms| {
        let at = Timestamp::from_millisecond(at_ms)
            .map_err(|_| CalendarError::Window { from_ms: window.start, until_ms: window.end })?;
        Ok(zone.to_datetime(at).date())
    };
    // Both days are part of what is asked. Without `filter` the answer has only
    // those whom the key's user has chosen to see in their own calendar.
    let (start, end) = (day(window.start)?, day(window.end.saturating_sub(1))?);
    let company = encoded(company);
    let url = format!(
        "https://api.bamboohr.com/api/gateway.php/{company}/v1/time_off/whos_out/?start={start}&end={end}&filter=off"
    );
    Ok(Request::new(url, "application/json").basic(key, "x"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: Id,
    #[serde(rename = "type")]
    kind: String,
    employee_id: Option<Id>,
    name: Option<String>,
    start: String,
    end: String,
}

/// A number, or one in quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

impl Id {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => shown(&text),
        }
    }
}

/// The absences of employees: `who` is the employee's id there, `title` their
/// name. Days are those of `zone`, and both the first and the last are whole.
///
/// # Errors
/// [`CalendarError`].
pub fn absences(bytes: &[u8], window: &Range<i64>, zone: &Zone) -> Result<Read, CalendarError> {
    let items: Vec<Item> = json::read(bytes, window)?;
    json::few(&items)?;
    let zone = zones::of(zone);
    let (mut absences, mut skipped) = (Vec::new(), Vec::new());
    for item in items.into_iter().filter(|item| item.kind == "timeOff") {
        let Item { id, employee_id, name, start, end, .. } = item;
        let uid = id.into_text();
        let day = |text: &str| Point::parse(text).filter(|point| matches!(point, Point::Date(_)));
        let from_ms = day(&start).and_then(|day| day.moment(&zone));
        let until_ms = day(&end).and_then(|day| day.end(&zone));
        match (from_ms, until_ms, employee_id) {
            (Some(from_ms), Some(until_ms), Some(who)) if from_ms < until_ms => {
                let title = name.map(|name| shown(&name));
                absences.push(Absence { from_ms, until_ms, uid, who: Some(who.into_text()), title });
            }
            (_, _, None) => skipped.push(Skipped { uid, reason: "it has no `employeeId`".to_owned() }),
            _ => {
                let reason = format!("`{}` to `{}` are not a first and a last day", shown(&start), shown(&end));
                skipped.push(Skipped { uid, reason });
            }
        }
    }
    Ok(Read::new(absences, skipped, window))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the documentation shows it, at "Get a list of who's out".
    const DOCUMENT: &str = r#"[
        {"id":1234,"type":"timeOff","employeeId":11,"name":"Charlotte Abbott","start":"2022-01-10","end":"2022-01-12"},
        {"id":7,"type":"holiday","name":"New Year's Day","start":"2022-01-01","end":"2022-01-01"}
    ]"#;
    const DAY: i64 = 86_400_000;
    const TENTH: i64 = 1_641_772_800_000;

    #[test]
    fn asks_by_days_of_the_zone() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        for (zone, start, end) in [(Zone::UTC, "2022-01-10", "2022-01-11"), (berlin, "2022-01-10", "2022-01-12")] {
            let request = request("acme", "k3y", &(TENTH..TENTH + 2 * DAY), &zone).unwrap();
            let url = "https://api.bamboohr.com/api/gateway.php/acme/v1/time_off/whos_out/";
            assert_eq!(request.url, format!("{url}?start={start}&end={end}&filter=off"));
            let headers = [("accept", "application/json"), ("authorization", "Basic azN5Ong=")];
            assert_eq!(request.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        assert!(request("acme", "k", &(5..5), &Zone::UTC).is_err());
    }

    #[test]
    fn whole_days_of_employees() {
        let read = absences(DOCUMENT.as_bytes(), &(0..2 * TENTH), &Zone::UTC).unwrap();
        let absence = Absence {
            from_ms: TENTH,
            until_ms: TENTH + 3 * DAY,
            uid: "1234".to_owned(),
            who: Some("11".to_owned()),
            title: Some("Charlotte Abbott".to_owned()),
        };
        assert_eq!(read, Read { absences: vec![absence], skipped: vec![] });
        let tokyo = Zone::parse("Asia/Tokyo").unwrap();
        let read = absences(DOCUMENT.as_bytes(), &(0..2 * TENTH), &tokyo).unwrap();
        assert_eq!(read.absences[0].from_ms, TENTH - 9 * 3_600_000);
        assert_eq!(absences(b"[]", &(0..1), &Zone::UTC), Ok(Read::default()));
    }

    #[test]
    fn what_cannot_be_read_is_skipped_with_the_reason() {
        for (from, to, reason) in [
            ("\"employeeId\":11,", "", "it has no `employeeId`"),
            ("\"2022-01-10\"", "\"10.1.2022\"", "`10.1.2022` to `2022-01-12` are not a first and a last day"),
            ("\"2022-01-12\"", "\"2022-01-09\"", "`2022-01-10` to `2022-01-09` are not a first and a last day"),
        ] {
            let document = DOCUMENT.replace(from, to);
            let read = absences(document.as_bytes(), &(0..2 * TENTH), &Zone::UTC).unwrap();
            let skipped = Skipped { uid: "1234".to_owned(), reason: reason.to_owned() };
            assert_eq!(read, Read { absences: vec![], skipped: vec![skipped] });
        }
        let many = format!("[{}]", vec![DOCUMENT.trim_matches(['[', ']', '\n', ' ']); 5_001].join(","));
        let error = absences(many.as_bytes(), &(0..1), &Zone::UTC).unwrap_err();
        assert_eq!(error, CalendarError::TooMany { what: "entries", most: 10_000 });
        assert!(matches!(absences(b"{}", &(0..1), &Zone::UTC), Err(CalendarError::Json(_))));
    }
}
