//! Calendars, and what another implementation makes of them: see
//! `data/README.md`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail a test, as tests may")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use calendars::ics::{self, Events, Rule};
use jiff::Timestamp;
use limits::Zone;
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    from: String,
    until: String,
    zone: Zone,
    /// Begins and ends, by uid and title.
    absences: BTreeMap<String, BTreeSet<String>>,
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
    files.sort();
    files
}

#[test]
fn recurrence_is_what_another_implementation_says() {
    assert!(files().len() >= 20, "the data is missing");
    for file in files() {
        let expected: Expected = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let calendar = fs::read(file.with_extension("ics")).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let window = at(&expected.from)..at(&expected.until);
        let rule = Rule { events: Events::All, ..Rule::default() };
        let read = ics::absences(&calendar, &window, &expected.zone, &rule).unwrap();
        assert_eq!(read.skipped, [], "{}", file.display());
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for absence in read.absences {
            let at = |ms| Timestamp::from_millisecond(ms).unwrap();
            let title = absence.title.unwrap();
            let times = format!("{}/{}", at(absence.from_ms), at(absence.until_ms));
            found.entry(format!("{} | {title}", absence.uid)).or_default().insert(times);
        }
        let names: BTreeSet<_> = found.keys().chain(expected.absences.keys()).collect();
        for name in names {
            assert_eq!(found.get(name), expected.absences.get(name), "{name} in {}", file.display());
        }
    }
}

/// Those examples of the specification that are not supported.
#[test]
fn what_is_not_supported_is_reported() {
    let calendar = include_bytes!("data/rfc5545-unsupported.ics");
    let rule = Rule { events: Events::All, ..Rule::default() };
    let window = 852_076_800_000..946_684_800_000;
    let read = ics::absences(calendar, &window, &Zone::UTC, &rule).unwrap();
    assert_eq!(read.absences, []);
    let reasons: Vec<_> = read.skipped.iter().map(|it| format!("{}: {}", it.uid, it.reason)).collect();
    let reason = |uid, line, part| format!("{uid}: line {line}: `{part}` in a recurrence rule is not supported");
    assert_eq!(
        reasons,
        [
            reason("1st-100th-200th-day", 33, "BYYEARDAY"),
            reason("every-15-minutes", 17, "FREQ=MINUTELY"),
            reason("every-20-minutes-by-daily", 25, "BYHOUR"),
            reason("every-3-hours", 9, "FREQ=HOURLY"),
            reason("monday-of-week-20", 41, "BYWEEKNO"),
        ]
    );
}
