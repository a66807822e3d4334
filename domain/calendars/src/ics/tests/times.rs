//! When events are: what programs write that the specification does not
//! foresee, and where it is read otherwise than by the library of reference.

use super::*;

#[test]
fn what_programs_write_is_understood() {
    let one = ["2024-06-03T09:00/2024-06-03T17:00"];
    let day = ["2024-06-02T22:00/2024-06-03T22:00"];
    for (lines, expected) in [
        // Without `VALUE=DATE`, and with a last day instead of an end.
        ("DTSTART:20240603\nDTEND:20240604", &day[..]),
        ("DTSTART;VALUE=DATE:20240603\nDTEND;VALUE=DATE:20240603", &day),
        ("DTSTART:20240603\nDTEND:20240603\nRRULE:\nRDATE:\nEXDATE:,", &day),
        // Confluence's counts.
        ("DTSTART:20240603\nRRULE:FREQ=WEEKLY;UNTIL=20240604;COUNT=-1", &day),
        // Lower case, blanks, another order.
        ("dtend: 20240603T170000z \ndtstart: 20240603t090000z ", &one),
        ("DTSTART:20240603T090000Z\nDTEND:20240603T170000Z\nRRULE:FREQ=WEEKLY; COUNT=1;", &one),
        // The other properties go by the zone of the begin.
        ("DTSTART;TZID=America/New_York:20240603T050000\nDTEND:20240603T130000", &one),
        // What has an end has no duration.
        ("DTSTART:20240603T090000Z\nDTEND:20240603T170000Z\nDURATION:PT1H", &one),
        // Nothing, or the last day is left out.
        ("DTSTART:20240603T090000Z", &[]),
        ("DTSTART:20240603T090000Z\nDTEND:20240603T090000Z", &[]),
    ] {
        assert_eq!(times(&event(&format!("UID:u\n{lines}"))), expected, "{lines}");
    }
}

#[test]
fn dates_and_times_may_be_mixed() {
    let timed = "UID:u\nDTSTART:20240603T090000Z\nDTEND:20240603T170000Z\nRRULE:FREQ=DAILY;";
    let days = "UID:u\nDTSTART;VALUE=DATE:20240603\nRRULE:FREQ=DAILY;";
    for (lines, expected) in [
        // The day of `UNTIL` is part of it.
        (format!("{timed}UNTIL=20240604"), &["3T09", "4T09"][..]),
        (format!("{timed}UNTIL=20240604T090000"), &["3T09", "4T09"]),
        (format!("{timed}UNTIL=20240604T085959Z"), &["3T09"]),
        (format!("{days}UNTIL=20240604T000000Z"), &["2T22", "3T22"]),
        (format!("{days}UNTIL=20240604T215959Z"), &["2T22", "3T22"]),
        (format!("{days}UNTIL=20240604T000000"), &["2T22", "3T22"]),
        (format!("{days}COUNT=3\nEXDATE:20240604T000000Z"), &["2T22", "4T22"]),
        (format!("{days}COUNT=1\nRDATE:20240605T120000Z"), &["2T22", "4T22"]),
        (format!("{timed}COUNT=1\nRDATE;VALUE=DATE:20240605"), &["3T09", "5T09"]),
    ] {
        let begins: Vec<_> = times(&event(&lines)).iter().map(|time| time[9..13].to_owned()).collect();
        assert_eq!(begins, expected, "{lines}");
    }
}

#[test]
fn the_last_day_is_the_one_that_is_written() {
    let days = "X-WR-TIMEZONE:America/New_York\n";
    let days = format!("{days}{}", event("UID:u\nDTSTART:20240603\nRRULE:FREQ=DAILY;UNTIL=20240604T000000Z"));
    assert_eq!(times(&days), ["2024-06-03T04:00/2024-06-04T04:00", "2024-06-04T04:00/2024-06-05T04:00"]);
    // In Tokyo it is the fourth already.
    let lines =
        "UID:u\nDTSTART;TZID=Asia/Tokyo:20240603T073000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20240603T230000Z";
    assert_eq!(times(&event(lines)), ["2024-06-02T22:30/2024-06-02T23:30", "2024-06-03T22:30/2024-06-03T23:30"]);
}

#[test]
fn an_end_that_is_stated_counts() {
    // The second half past two of that night.
    let end = "UID:u\nDTSTART;TZID=Europe/Berlin:20241027T010000\nDTEND:20241027T013000Z\nRRULE:FREQ=WEEKLY;COUNT=2";
    assert_eq!(times(&event(end)), ["2024-10-26T23:00/2024-10-27T01:30", "2024-11-03T00:00/2024-11-03T01:30"]);
    let period = "UID:u\nDTSTART:20240603T090000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2\n\
                  RDATE:20240610T090000Z\nRDATE;VALUE=PERIOD:20240610T090000Z/PT9H";
    assert_eq!(times(&event(period)), ["2024-06-03T09:00/2024-06-03T10:00", "2024-06-10T09:00/2024-06-10T18:00"]);
}

/// Here the library reckons by the clock on the wall.
#[test]
fn hours_of_a_duration_are_exact() {
    let lines = "UID:u\nDTSTART;TZID=Europe/Berlin:20240330T220000\nDURATION:PT8H\nRRULE:FREQ=WEEKLY;COUNT=2";
    assert_eq!(times(&event(lines)), ["2024-03-30T21:00/2024-03-31T05:00", "2024-04-06T20:00/2024-04-07T04:00"]);
}

/// Here the library takes only days from the begin of the series on: "a set of
/// recurrence instances starts at the beginning of the interval" (3.3.10).
#[test]
fn positions_in_a_week_are_those_in_the_whole_week() {
    let lines = "UID:u\nDTSTART;VALUE=DATE:20240605\nRRULE:FREQ=WEEKLY;BYDAY=MO,TH,FR;BYSETPOS=2;COUNT=2";
    let begins: Vec<_> = times(&event(lines)).iter().map(|time| time[..10].to_owned()).collect();
    // The begin, and Thursdays.
    assert_eq!(begins, ["2024-06-04", "2024-06-05", "2024-06-12"]);
}

/// Here the library takes only what is both.
#[test]
fn weekdays_with_and_without_numbers_may_be_mixed() {
    let lines = "UID:u\nDTSTART;VALUE=DATE:20240603\nRRULE:FREQ=MONTHLY;BYDAY=MO,-1FR;UNTIL=20240630";
    let begins: Vec<_> = times(&event(lines)).iter().map(|time| time[8..10].to_owned()).collect();
    assert_eq!(begins, ["02", "09", "16", "23", "27"]);
}

const SOMEWHERE: &str = "BEGIN:VTIMEZONE\nTZID:Somewhere\n\
    BEGIN:STANDARD\nDTSTART:20201025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\n\
    BEGIN:DAYLIGHT\nDTSTART:20210328T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
    RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nEND:VTIMEZONE";

fn somewhere(begin: &str, end: &str, more: &str) -> Vec<String> {
    let lines = format!("UID:u\nDTSTART;TZID=Somewhere:{begin}\nDTEND;TZID=Somewhere:{end}\n{more}SUMMARY:x");
    times(&format!("{}\n{SOMEWHERE}", event(&lines)))
}

/// In a gap the library reads by the clock of after; the specification wants
/// that of before (3.3.5).
#[test]
fn a_zone_that_the_calendar_defines() {
    for (begin, end, expected) in [
        ("20240101T100000", "20240101T110000", "2024-01-01T09:00/2024-01-01T10:00"),
        ("20240701T100000", "20240701T110000", "2024-07-01T08:00/2024-07-01T09:00"),
        ("20240331T015959", "20240331T030000", "2024-03-31T00:59:59Z/2024-03-31T01:00"),
        ("20240331T023000", "20240331T033000", "2024-03-31T01:30/2024-03-31T01:30"),
        ("20240331T023000", "20240331T043000", "2024-03-31T01:30/2024-03-31T02:30"),
        // Between two and three each moment comes twice; the first counts.
        ("20241027T015959", "20241027T023000", "2024-10-26T23:59:59Z/2024-10-27T00:30"),
        ("20241027T023000", "20241027T030000", "2024-10-27T00:30/2024-10-27T02:00"),
    ] {
        let times = somewhere(begin, end, "");
        let is_empty = expected.split_once('/').is_some_and(|(begin, end)| begin == end);
        assert_eq!(times, if is_empty { vec![] } else { vec![expected.to_owned()] }, "{begin}");
    }
    // Before the first change, by the offset before it; a week later there is none.
    let rule = "RRULE:FREQ=WEEKLY;COUNT=3\n";
    let series = somewhere("20241024T100000", "20241024T180000", rule);
    assert_eq!(
        series,
        ["2024-10-24T08:00/2024-10-24T16:00", "2024-10-31T09:00/2024-10-31T17:00", "2024-11-07T09:00/2024-11-07T17:00"]
    );
    // At the very moment when it is set, the clock shows what it is set to: an
    // hour later it is three.
    let added = "RDATE:20241027T010000Z\nEXDATE:20240701T080000Z\n";
    assert_eq!(somewhere("20240701T100000", "20240701T110000", added), ["2024-10-27T01:00/2024-10-27T02:00"]);
    let moved = "RDATE:20241031T090000Z\nEXDATE:20241024T080000Z\n";
    assert_eq!(somewhere("20241024T100000", "20241024T180000", moved), ["2024-10-31T09:00/2024-10-31T17:00"]);
}

#[test]
fn a_zone_whose_changes_end() {
    for (until, expected) in [
        ("20240331T010000Z", "2024-07-01T08:00/2024-07-01T09:00"),
        ("20240331T005959Z", "2024-07-01T09:00/2024-07-01T10:00"),
        ("20240331", "2024-07-01T08:00/2024-07-01T09:00"),
        ("20240330", "2024-07-01T09:00/2024-07-01T10:00"),
    ] {
        let zone = SOMEWHERE.replace("BYMONTH=3;", &format!("BYMONTH=3;UNTIL={until};"));
        let lines = event("UID:u\nDTSTART;TZID=Somewhere:20240701T100000\nDURATION:PT1H");
        assert_eq!(times(&format!("{zone}\n{lines}")), [expected], "{until}");
    }
}

#[test]
fn zones_by_other_names() {
    let lines = |tzid| event(&format!("UID:u\nDTSTART;TZID={tzid}:20240701T100000\nDURATION:PT1H"));
    let expected = ["2024-07-01T14:00/2024-07-01T15:00"];
    for tzid in ["America/New_York", "\"Eastern Standard Time\"", "/citadel.org/20190914_1/America/New_York"] {
        assert_eq!(times(&lines(tzid)), expected, "{tzid}");
    }
    let zone = "BEGIN:VTIMEZONE\nTZID:Home\nX-LIC-LOCATION:America/New_York\nEND:VTIMEZONE";
    assert_eq!(times(&format!("{zone}\n{}", lines("Home"))), expected);
    // The database knows better than a calendar.
    let wrong = SOMEWHERE.replace("Somewhere", "America/New_York");
    assert_eq!(times(&format!("{wrong}\n{}", lines("America/New_York"))), expected);
}

#[test]
fn days_are_those_of_the_calendars_zone() {
    let day = event("UID:u\nDTSTART;VALUE=DATE:20240701");
    let zone = |name: &str| times(&format!("X-WR-TIMEZONE:{name}\n{day}"));
    assert_eq!(zone("Asia/Tokyo"), ["2024-06-30T15:00/2024-07-01T15:00"]);
    assert_eq!(zone("Tokyo Standard Time"), ["2024-06-30T15:00/2024-07-01T15:00"]);
    // Otherwise of whom is asked about.
    assert_eq!(zone("Nowhere"), ["2024-06-30T22:00/2024-07-01T22:00"]);
    // Each calendar of a document has its own.
    let first = document(&format!("X-WR-TIMEZONE:Asia/Tokyo\n{day}"));
    let second = document(&format!("{}\nX-WR-TIMEZONE:UTC", event("UID:v\nDTSTART:20240801")));
    let read = absences(format!("{first}{second}").as_bytes(), &WINDOW, &berlin(), &all()).unwrap();
    let begins: Vec<_> = read.absences.iter().map(|absence| absence.from_ms / 3_600_000 % 24).collect();
    assert_eq!(begins, [15, 0]);
}
