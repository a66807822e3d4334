//! What cannot be read.

use super::*;

#[test]
fn a_document_that_is_no_calendar() {
    for (text, expected) in [
        ("", "begins with ``"),
        ("\r\n \r\n", "begins with ``"),
        ("<!DOCTYPE html>\n<html>", "begins with `<!DOCTYPE html>`"),
        ("{\"error\": \"not found\"}", "begins with `{\"error\": \"not found\"}`"),
        ("BEGIN:VCARD\nEND:VCARD\n", "begins with `BEGIN:VCARD`"),
        ("END:VCALENDAR", "begins with `END:VCALENDAR`"),
        ("UID:1", "begins with `UID:1`"),
        ("\u{0}\u{1}binary", "begins with `binary`"),
    ] {
        let error = absences(text.as_bytes(), &WINDOW, &berlin(), &all()).unwrap_err();
        assert!(matches!(error, CalendarError::NotACalendar { .. }), "{text}: {error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_damaged_document_is_refused_with_the_line() {
    for (body, line, expected) in [
        ("BEGIN:VEVENT\nUID:u", 4, "`VCALENDAR` ends here and is not what began last: the file is damaged"),
        ("END:VEVENT", 2, "`VEVENT` ends here and is not what began last: the file is damaged"),
        ("BEGIN:VEVENT\r\n\r\n \n\nEND:VTODO", 6, "`VTODO` ends here and is not what began last: the file is damaged"),
    ] {
        assert_eq!(read(body, &all()), Err(CalendarError::Line { line, reason: expected.to_owned() }), "{body}");
    }
    for (text, line, expected) in [
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\n", 3, "the file ends inside of `VEVENT`: it was cut off"),
        ("BEGIN:VCALENDAR\nVERSION:2.0", 2, "the file ends inside of `VCALENDAR`: it was cut off"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\nUID:1", 3, "`UID:1` stands outside of the calendar"),
        (
            "BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT",
            3,
            "`BEGIN:VEVENT` stands outside of the calendar",
        ),
        ("BEGIN:VCALENDAR\nBEGIN;X:VEVENT", 2, "`BEGIN;X:VEVENT` is no line of an iCalendar: a parameter has no value"),
    ] {
        let error = absences(text.as_bytes(), &WINDOW, &berlin(), &all()).unwrap_err();
        assert_eq!(error, CalendarError::Line { line, reason: expected.to_owned() }, "{text}");
        assert_eq!(error.to_string(), format!("line {line}: {expected}"));
    }
}

#[test]
fn an_event_that_cannot_be_read_is_skipped_with_the_reason() {
    for (lines, expected) in [
        ("UID:u", "line 2: the event has no `DTSTART`"),
        ("UID:u\nDTSTART:tomorrow", "line 4: `tomorrow` is no date and no time"),
        ("UID:u\nDTSTART:20240230", "line 4: `20240230` is no date and no time"),
        ("UID:u\nDTSTART:20240601T090000Z\nDTEND:20240601T0900", "line 5: `20240601T0900` is no date and no time"),
        ("UID:u\nDTSTART:20240601T090000Z\nDURATION:an hour", "line 5: `an hour` cannot be read"),
        ("UID:u\nDTSTART:20240601T090000Z\nDURATION:-PT1H", "line 5: `-PT1H` cannot be read"),
        ("UID:u\nDTSTART:20240601T090000Z\nDTEND:20240601T080000Z", "line 2: it ends before it begins"),
        ("UID:u\nDTSTART:99991201\nDURATION:P9W", "line 5: `P9W` cannot be read"),
        (
            "UID:u\nDTSTART;TZID=Nowhere:20240601T090000",
            "`Nowhere` is no time zone of the IANA database, and the calendar does not define it",
        ),
        ("UID:u\nDTSTART:20240601\nEXRULE:FREQ=DAILY", "line 5: `EXRULE` is not supported"),
        ("UID:u\nDTSTART:20240601\nEXDATE:20240602,x", "line 5: `x` is no date and no time"),
        ("UID:u\nDTSTART:20240601\nRDATE:20240602,;", "line 5: `;` is no date and no time"),
        ("UID:u\nDTSTART:20240601T090000Z\nRDATE:20240602T090000Z/x", "line 5: `x` is no date and no time"),
        (
            "UID:u\nDTSTART:20240601T090000Z\nRDATE:20240602T090000Z/20240602T080000Z",
            "line 5: a period ends before it begins",
        ),
        (
            "UID:u\nDTSTART:20240601\nRRULE:FREQ=DAILY;BYEASTER=1",
            "line 5: `BYEASTER` in a recurrence rule is not supported",
        ),
        (
            "UID:u\nDTSTART:20240601\nRECURRENCE-ID;RANGE=THISANDFUTURE:20240601",
            "line 5: changes of an occurrence and all after it are not supported",
        ),
        (
            "UID:u\nDTSTART;VALUE=\"DATE:20240601",
            "line 4: `DTSTART;VALUE=\"DATE:20240601` is no line of an iCalendar: a quote or the value is missing",
        ),
        (
            "UID:u\nDTSTART:20240601\nRDATE:20240602\n,20240603",
            "line 6: `,20240603` is no line of an iCalendar: expected `NAME:value`",
        ),
    ] {
        assert_eq!(reason(lines), expected, "{lines}");
    }
}

/// One part that cannot be read may be about any occurrence.
#[test]
fn with_an_event_all_its_occurrences_are_skipped() {
    let series = event("UID:u\nDTSTART:20240603T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3");
    let change = event("UID:u\nRECURRENCE-ID:20240604T090000Z\nDTSTART:?\nDURATION:PT1H");
    let other = event("UID:v\nDTSTART:20240603T090000Z\nDURATION:PT1H");
    let read = read(&format!("{series}\n{change}\n{other}"), &all()).unwrap();
    let uids: Vec<_> = read.absences.iter().map(|absence| absence.uid.as_str()).collect();
    assert_eq!(uids, ["v"]);
    assert_eq!(
        (read.skipped[0].uid.as_str(), read.skipped[0].reason.as_str()),
        ("u", "line 11: `?` is no date and no time")
    );
}

#[test]
fn lines_that_do_not_matter_may_be_broken() {
    let lines = "UID:u\nDTSTART:20240603T090000Z\nDESCRIPTION:Dear all\\,\nI am\nout: of office\n\nORGANIZER;CN=Danie\n\
                 l Latham:mailto:d@acme.example\nX-A;B:c\nDURATION:PT1H";
    assert_eq!(times(&event(lines)), ["2024-06-03T09:00/2024-06-03T10:00"]);
    let alarm = "BEGIN:VALARM\nTRIGGER:-PT5M\nDURATION:PT9H\nDTSTART:x\nBEGIN:X\nUID:y\nEND:X\nEND:VALARM";
    let nested = event(&format!("UID:u\n{alarm}\nDTSTART:20240603T090000Z\nDURATION:PT1H"));
    let task = "BEGIN:VTODO\nUID:t\nDTSTART:20240603T090000Z\nDUE:20240604T090000Z\nEND:VTODO";
    assert_eq!(times(&format!("{task}\n{nested}")), ["2024-06-03T09:00/2024-06-03T10:00"]);
    let marked = format!("\u{feff}{}", document(&event("UID:u\nDTSTART:20240603")));
    assert_eq!(absences(marked.as_bytes(), &WINDOW, &berlin(), &all()).unwrap().absences.len(), 1);
    // Latin-1.
    let latin = document(&event("UID:u\nSUMMARY:F*r\nDTSTART:20240603")).into_bytes();
    let latin: Vec<u8> = latin.into_iter().map(|byte| if byte == b'*' { 0xfc } else { byte }).collect();
    let read = absences(&latin, &WINDOW, &berlin(), &all()).unwrap();
    assert_eq!(read.absences[0].title.as_deref(), Some("F\u{fffd}r"));
}

#[test]
fn an_event_without_a_name_is_known_by_begin_and_title() {
    let first = event("DTSTART:20240603\nSUMMARY:Off");
    let second = event("DTSTART:20240604\nSUMMARY:Off");
    let read = read(&format!("{first}\n{second}\n{first}"), &all()).unwrap();
    let uids: Vec<_> = read.absences.iter().map(|absence| absence.uid.as_str()).collect();
    assert_eq!(uids, ["20240603 Off", "20240604 Off"]);
}

#[test]
fn a_zone_that_cannot_be_read_is_named_with_the_line() {
    let read = |zone: &str| {
        let event = event("UID:u\nDTSTART;TZID=Z:20240603T090000\nDURATION:PT1H");
        let read = read(&format!("BEGIN:VTIMEZONE\nTZID:Z\n{zone}\nEND:VTIMEZONE\n{event}"), &all()).unwrap();
        read.skipped.into_iter().map(|skipped| skipped.reason).collect::<String>()
    };
    let part = |lines: &str| format!("BEGIN:STANDARD\n{lines}\nEND:STANDARD");
    let good = "DTSTART:20200101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200";
    assert_eq!(read(&part(good)), "");
    for (zone, expected) in [
        ("X:y".to_owned(), "it says nothing"),
        (part("TZOFFSETFROM:+0100\nTZOFFSETTO:+0200"), "line 4: `DTSTART` is missing"),
        (part("DTSTART:20200101T000000\nTZOFFSETTO:+0200"), "line 4: `TZOFFSETFROM` is missing"),
        (part(&good.replace("+0200", "CET")), "line 7: `TZOFFSETTO` cannot be read"),
        (part(&good.replace("20200101T", "2020-01-01T")), "line 5: `DTSTART` cannot be read"),
        (part(&format!("{good}\nRRULE:FREQ=HOURLY")), "line 8: `FREQ=HOURLY` in a recurrence rule is not supported"),
        (part(&format!("{good}\nRDATE:x")), "line 8: `RDATE` cannot be read"),
        (
            part(&format!("{good}\nRDATE;X:x")),
            "line 8: `RDATE;X:x` is no line of an iCalendar: a parameter has no value",
        ),
    ] {
        assert_eq!(read(&zone), format!("the time zone `Z` cannot be read: {expected}"), "{zone}");
    }
}
