//! What is too much.

use super::*;
use crate::ics::MAX_BYTES;

fn refusal(body: &str) -> String {
    read(body, &all()).unwrap_err().to_string()
}

#[test]
fn of_a_document() {
    let long = vec![b'A'; MAX_BYTES + 1];
    assert_eq!(absences(&long, &WINDOW, &berlin(), &all()), Err(CalendarError::TooLarge { most: MAX_BYTES }));
    let error = absences(document("").as_bytes(), &(5..5), &berlin(), &all());
    assert_eq!(error, Err(CalendarError::Window { from_ms: 5, until_ms: 5 }));
    let events = vec!["BEGIN:VEVENT\nEND:VEVENT"; 20_001].join("\n");
    assert!(refusal(&events).starts_with("the document has more than 20000 events:"));
    let zones = vec!["BEGIN:VTIMEZONE\nEND:VTIMEZONE"; 101].join("\n");
    assert!(refusal(&zones).starts_with("the document has more than 100 time zones:"));
    let deep = format!("{}{}", "BEGIN:X\n".repeat(10), "END:X\n".repeat(10));
    assert_eq!(refusal(deep.trim()), "line 11: components lie in each other more than 10 deep");
}

#[test]
fn of_an_event() {
    let day = "UID:u\nDTSTART:20200101";
    assert_eq!(reason(&format!("{day}{}", "\nRDATE:20240101".repeat(2_000))), "it has more than 2000 lines");
    assert_eq!(times(&event(&format!("{day}\nRRULE:FREQ=DAILY;UNTIL=20240101"))).len(), 1);
    // 731 days of two years; with a window of three they are too many.
    let daily = document(&event(&format!("{day}\nRRULE:FREQ=DAILY")));
    let year = 365 * 86_400_000;
    for (years, expected) in [(2, 0), (3, 1)] {
        let window = WINDOW.start..WINDOW.start + years * year;
        let read = absences(daily.as_bytes(), &window, &berlin(), &all()).unwrap();
        assert_eq!(read.skipped.len(), expected);
        if let [skipped] = &read.skipped[..] {
            assert_eq!(skipped.reason, "it recurs more than 1000 times in the window");
        }
    }
    let long = event(&format!("{day}\nSUMMARY:{}", "x".repeat(1_000)));
    let long = long.replace("DTSTART:2020", "DTSTART:2024");
    assert_eq!(read(&long, &all()).unwrap().absences[0].title.as_ref().unwrap().len(), 200);
}

/// Rules that find nothing for thousands of years, again and again.
#[test]
fn of_reckoning() {
    let slow = |index| {
        event(&format!("UID:{index:04}\nDTSTART:19000101\nRRULE:FREQ=DAILY;COUNT=999999999;BYMONTH=2;BYMONTHDAY=30"))
    };
    let events: Vec<_> = (0..30).map(slow).collect();
    let read = read(&events.join("\n"), &all()).unwrap();
    // 46,000 days until the window is over, and two steps for each.
    let too_long = "the recurrence rules up to here take too long to reckon";
    assert_eq!((read.skipped.len(), read.skipped[0].uid.as_str()), (25, "0005"));
    assert!(read.skipped.iter().all(|skipped| skipped.reason == too_long));
}

/// What began long ago need not be counted day by day.
#[test]
fn what_is_over_costs_nothing() {
    let old = |index| event(&format!("UID:{index}\nDTSTART:19000101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"));
    let events: Vec<_> = (0..300).map(old).collect();
    assert_eq!(times(&events.join("\n")), [""; 0]);
}

#[test]
fn of_absences() {
    let people: String = (0..300).map(|index| format!("\nATTENDEE:mailto:{index}@acme.example")).collect();
    let lines = format!("DTSTART:20240101\nRRULE:FREQ=WEEKLY{people}");
    let rule = Rule { whose: crate::ics::Whose::Attendees, ..all() };
    let one = read(&event(&format!("UID:u\n{lines}")), &rule).unwrap();
    assert_eq!(one.skipped[0].reason, "it stands for more than 20000 absences");
    let lines = lines.replace("FREQ=WEEKLY", "FREQ=MONTHLY");
    let many: Vec<_> = (0..3).map(|index| event(&format!("UID:{index}\n{lines}"))).collect();
    let error = read(&many.join("\n"), &rule).unwrap_err();
    assert_eq!(error, CalendarError::TooMany { what: "absences in the window", most: 20_000 });
}
