//! Whatever comes, nothing panics, and what is answered is in order.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may fail a test, as tests may")]

use std::ops::Range;

use calendars::google::{self, Position};
use calendars::ics::{self, Events, Rule};
use calendars::mapped::{self, Mapping};
use calendars::{Read, bamboohr, graph, merged};
use limits::Zone;
use proptest::prelude::*;
use proptest::sample::select;

fn in_order(read: &Read, window: &Range<i64>) {
    for absence in &read.absences {
        assert!(absence.from_ms < absence.until_ms, "{absence:?}");
        assert!(absence.from_ms < window.end && window.start < absence.until_ms, "{absence:?}");
    }
    assert!(read.absences.is_sorted());
    assert!(read.absences.windows(2).all(|pair| pair[0] != pair[1]), "twice");
    let away = merged(&read.absences);
    assert!(away.windows(2).all(|pair| pair[0].who < pair[1].who || pair[0].until_ms < pair[1].from_ms), "{away:?}");
}

fn all() -> Rule {
    Rule { events: Events::All, ..Rule::default() }
}

fn zone() -> impl Strategy<Value = Zone> {
    let names = vec!["UTC", "Europe/Berlin", "Pacific/Apia", "Australia/Lord_Howe", "America/St_Johns"];
    select(names).prop_map(|name| Zone::parse(name).unwrap())
}

/// Windows of all lengths, anywhere in the calendar, also empty and beyond it.
fn window() -> impl Strategy<Value = Range<i64>> {
    let edges = vec![-377_705_023_201_000, -62_135_596_800_000, 253_402_207_000_000, i64::MIN, i64::MAX];
    let begin = prop_oneof![4 => 1_500_000_000_000..1_900_000_000_000i64, 1 => select(edges), 1 => any::<i64>()];
    let length = prop_oneof![4 => 1..100_000_000_000i64, 1 => Just(315_000_000_000_000), 1 => any::<i64>()];
    (begin, length).prop_map(|(begin, length)| begin..begin.saturating_add(length))
}

const NAMES: &[&str] = &[
    "UID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "RECURRENCE-ID",
    "SEQUENCE",
    "STATUS",
    "SUMMARY",
    "TRANSP",
    "BEGIN",
    "END",
    "TZID",
    "TZOFFSETFROM",
    "TZOFFSETTO",
    "X-WR-TIMEZONE",
    "X-Y",
    "",
];
const PARAMETERS: &[&str] =
    &["", ";VALUE=DATE", ";TZID=Europe/Berlin", ";TZID=Own", ";TZID=\"x", ";RANGE=THISANDFUTURE", ";", ";X"];
const VALUES: &[&str] = &[
    "u",
    "v",
    "20240331",
    "20240331T023000",
    "20241027T023000Z",
    "00010101",
    "99991231T235959Z",
    "99991231",
    "P1D",
    "P99999999W",
    "PT99999999H",
    "PT8H",
    "-P1D",
    "20240101T000000Z/P1D",
    "20240101/20240201",
    "20240101,20240102,x",
    "FREQ=DAILY",
    "FREQ=WEEKLY;BYDAY=MO,SU;WKST=SU",
    "FREQ=MONTHLY;BYDAY=-1FR;COUNT=999999999",
    "FREQ=YEARLY",
    "FREQ=MONTHLY;BYMONTHDAY=-31,31;BYSETPOS=-1",
    "FREQ=YEARLY;BYDAY=-53MO;INTERVAL=4294967295",
    "FREQ=DAILY;INTERVAL=4294967295",
    "FREQ=MONTHLY;INTERVAL=4294967295;COUNT=4294967295",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=WEEKLY;UNTIL=99991231",
    "FREQ=DAILY;UNTIL=00010101T000000Z",
    "VEVENT",
    "VCALENDAR",
    "VTIMEZONE",
    "STANDARD",
    "Own",
    "+0100",
    "-2359",
    "CANCELLED",
    "9223372036854775807",
    "é",
    "",
];

fn line() -> impl Strategy<Value = String> {
    let known = (select(NAMES), select(PARAMETERS), select(VALUES));
    prop_oneof![
        9 => known.prop_map(|(name, parameter, value)| format!("{name}{parameter}:{value}")),
        1 => "[ -~\\t]{0,20}",
        1 => any::<String>(),
    ]
}

/// Lines within events and a zone, so that most is read to the end.
fn document() -> impl Strategy<Value = String> {
    let lines = |most| proptest::collection::vec(line(), 0..most).prop_map(|lines| lines.join("\n"));
    let zone = (lines(4), lines(4)).prop_map(|(zone, observance)| {
        let observance = format!("DTSTART:20200101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:-0100\n{observance}");
        format!("BEGIN:VTIMEZONE\nTZID:Own\n{zone}\nBEGIN:STANDARD\n{observance}\nEND:STANDARD\nEND:VTIMEZONE\n")
    });
    let event = lines(9).prop_map(|lines| format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n"));
    (zone, proptest::collection::vec(event, 0..6))
        .prop_map(|(zone, events)| format!("BEGIN:VCALENDAR\n{zone}{}END:VCALENDAR\n", events.concat()))
}

/// Events of good parts only.
fn series() -> impl Strategy<Value = String> {
    let rules: Vec<_> = VALUES.iter().copied().filter(|value| value.starts_with("FREQ")).collect();
    let times = ["20240331T023000", "20241027T023000Z", "20160229", "00010101", "99991230", "20240101T000000"];
    let time = move || (select(&PARAMETERS[..4]), select(times.to_vec()));
    let event = (
        time(),
        select(vec!["P1D", "PT8H", "P7W", "P99999999D"]),
        proptest::option::of(select(rules)),
        time(),
        any::<bool>(),
    );
    let event = event.prop_map(|((parameter, begin), length, rule, (other, at), changes)| {
        let rule = rule.map(|rule| format!("RRULE:{rule}\n")).unwrap_or_default();
        let change = if changes { format!("RECURRENCE-ID{other}:{at}\n") } else { format!("EXDATE{other}:{at}\n") };
        format!("BEGIN:VEVENT\nUID:u\nDTSTART{parameter}:{begin}\nDURATION:{length}\n{rule}{change}END:VEVENT\n")
    });
    proptest::collection::vec(event, 1..4)
        .prop_map(|events| format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", events.concat()))
}

const JSON: &[&str] = &[
    r#"[{"id":1,"type":"timeOff","employeeId":2,"name":"x","start":"2024-01-10","end":"2024-01-12"}]"#,
    r#"{"items":[{"id":"a","eventType":"outOfOffice","start":{"date":"2024-01-10"},"end":{"date":"2024-01-12"}}],"timeZone":"x"}"#,
    r#"{"status":"scheduled","scheduledStartDateTime":{"dateTime":"2024-01-10T00:00:00","timeZone":"UTC"},"scheduledEndDateTime":{"dateTime":"9999-12-31T23:59:59","timeZone":"UTC"}}"#,
    r#"{"items":[{"id":1,"start":1704067200,"end":null},{"id":2,"start":-99999999999,"end":99999999999}]}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn calendars_of_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300), window in window(), zone in zone()) {
        if let Ok(read) = ics::absences(&bytes, &window, &zone, &all()) {
            in_order(&read, &window);
        }
        let within = [b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", &bytes[..], b"\nEND:VEVENT\nEND:VCALENDAR"].concat();
        if let Ok(read) = ics::absences(&within, &window, &zone, &all()) {
            in_order(&read, &window);
        }
    }

    #[test]
    fn calendars_of_any_lines(document in document(), window in window(), zone in zone()) {
        if let Ok(read) = ics::absences(document.as_bytes(), &window, &zone, &all()) {
            in_order(&read, &window);
        }
    }

    #[test]
    fn calendars_of_any_series(document in series(), window in window(), zone in zone()) {
        if let Ok(read) = ics::absences(document.as_bytes(), &window, &zone, &all()) {
            in_order(&read, &window);
        }
    }

    #[test]
    fn answers_in_json(base in select(JSON), at in any::<proptest::sample::Index>(), new in "[ -~]{0,3}", window in window(), zone in zone()) {
        let mut text = base.to_owned();
        let at = at.index(text.len());
        text.replace_range(at..at + 1, &new);
        let mapping = r#"{"items":"/items","uid":"/id","from":"/start","until":"/end"}"#;
        let mapping: Mapping = serde_json::from_str(mapping).unwrap();
        for text in [base, &text] {
            let bytes = text.as_bytes();
            let google = google::absences(bytes, &window, &zone, &Position::default()).map(|page| page.read);
            let others = [graph::absences(bytes, &window), bamboohr::absences(bytes, &window, &zone)];
            let mapped = mapped::absences(bytes, &window, &zone, &mapping);
            for read in others.into_iter().chain([google, mapped]).flatten() {
                in_order(&read, &window);
            }
        }
        let _ = google::request(&text, "t", &window, &Position::default());
        let _ = bamboohr::request(&text, "k", &window, &zone);
    }
}
