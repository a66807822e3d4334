//! Time zones by the names that calendars use.

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use limits::Zone;

/// Names that Windows uses, and those of the IANA database: see
/// `data/README.md`.
const WINDOWS: &str = include_str!("../data/windows-zones.txt");

/// The zone that the caller names.
pub(crate) fn of(zone: &Zone) -> TimeZone {
    iana(zone.name()).unwrap_or(TimeZone::UTC)
}

/// The zone of that name: the IANA database's, or Windows'.
pub(crate) fn named(name: &str) -> Option<TimeZone> {
    let name = name.trim();
    // Microsoft Graph has this one beside Windows' names.
    let name = name.strip_prefix("tzone://Microsoft/").unwrap_or(name);
    iana(name).or_else(|| iana(windows(name)?)).or_else(|| global(name))
}

/// When clocks of that zone show that time. Where they are set forward over
/// it, it is counted as before; where they show it twice, the first counts
/// (RFC 5545, 3.3.5).
pub(crate) fn moment(zone: &TimeZone, civil: DateTime) -> Option<i64> {
    Some(zone.to_ambiguous_timestamp(civil).compatible().ok()?.as_millisecond())
}

fn iana(name: &str) -> Option<TimeZone> {
    // `Etc/Unknown` is one, and has no name.
    TimeZoneDatabase::bundled().get(name).ok().filter(|zone| zone.iana_name().is_some())
}

fn windows(name: &str) -> Option<&'static str> {
    let rows = WINDOWS.lines().filter_map(|row| row.split_once('\t'));
    rows.into_iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name)).map(|(_, iana)| iana)
}

/// A name that is unique in the world begins with a slash (RFC 5545, 3.2.19),
/// and those in use end with the database's:
/// `/freeassociation.sourceforge.net/Europe/Berlin`.
fn global(name: &str) -> Option<TimeZone> {
    let mut rest = name.strip_prefix('/')?;
    loop {
        if let Some(zone) = iana(rest) {
            return Some(zone);
        }
        rest = rest.split_once('/')?.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_windows_is_a_zone() {
        let rows: Vec<_> = WINDOWS.lines().collect();
        assert_eq!(rows.len(), 139);
        assert!(rows.is_sorted());
        for row in rows {
            let (windows, name) = row.split_once('\t').unwrap();
            // The one name that both have.
            let name = if windows == "UTC" { windows } else { name };
            assert_eq!(named(windows).unwrap().iana_name(), Some(name), "{windows}");
        }
    }

    #[test]
    fn names_in_use() {
        for (text, expected) in [
            ("Europe/Berlin", Some("Europe/Berlin")),
            ("europe/berlin", Some("Europe/Berlin")),
            (" UTC ", Some("UTC")),
            ("W. Europe Standard Time", Some("Europe/Berlin")),
            ("eastern standard time", Some("America/New_York")),
            ("tzone://Microsoft/Utc", Some("UTC")),
            ("/freeassociation.sourceforge.net/Tzfile/Europe/Vienna", Some("Europe/Vienna")),
            ("/mozilla.org/20070129_1/America/Argentina/Ushuaia", Some("America/Argentina/Ushuaia")),
            ("/Europe/Stockholm", Some("Europe/Stockholm")),
            ("x/Europe/Berlin", None),
            ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", None),
            ("Customized Time Zone", None),
            ("tzone://Microsoft/Custom", None),
            ("Local", None),
            ("Etc/Unknown", None),
            ("../UTC", None),
            ("/", None),
            ("", None),
        ] {
            let found = named(text);
            assert_eq!(found.as_ref().and_then(TimeZone::iana_name), expected, "{text}");
            assert_eq!(found.is_some(), expected.is_some(), "{text}");
        }
    }
}
