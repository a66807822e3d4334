//! Times as people write and read them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A time of the API in a zone, to the second; anything else as it is.
pub(crate) fn at(text: &str, zone: &TimeZone) -> String {
    let Ok(time) = text.parse::<Timestamp>() else { return text.to_owned() };
    let suffix = if *zone == TimeZone::UTC { "Z" } else { "" };
    format!("{}{suffix}", time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S"))
}

/// What was typed as a time: RFC 3339, or a day, which begins at midnight in the zone.
pub(crate) fn moment(text: &str, zone: &TimeZone) -> Result<String, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.to_string());
    }
    let wrong = || format!("`{text}` is no time: write a day like 2026-11-22 or a time like 2026-11-22T13:45:00Z");
    let day: Date = Some(text).filter(|text| text.len() == 10).and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
    let midnight = day.to_zoned(zone.clone()).map_err(|_| wrong())?;
    Ok(midnight.timestamp().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(at("2026-11-22T13:45:00.250Z", &TimeZone::UTC), "2026-11-22 13:45:00Z");
        assert_eq!(at("2026-11-22T13:45:00.250Z", &berlin), "2026-11-22 14:45:00");
        assert_eq!(at("yesterday", &berlin), "yesterday");
        assert_eq!(moment("2026-11-22", &berlin).unwrap(), "2026-11-21T23:00:00Z");
        assert_eq!(moment("2026-11-22T14:45:00+01:00", &berlin).unwrap(), "2026-11-22T13:45:00Z");
        for text in ["", "yesterday", "2026-13-01", "2026-11-22T13:45"] {
            assert!(moment(text, &berlin).is_err(), "{text}");
        }
    }
}
