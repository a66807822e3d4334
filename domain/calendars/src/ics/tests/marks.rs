//! Which events are absences, and whose.

use super::*;
use crate::ics::Whose;

const TIMES: &str = "UID:u\nDTSTART:20240601T090000Z\nDTEND:20240601T170000Z";

fn counts(lines: &str, rule: &Rule) -> bool {
    let read = read(&event(&format!("{TIMES}\n{lines}")), rule).unwrap();
    assert_eq!(read.skipped, [], "{lines}");
    !read.absences.is_empty()
}

#[test]
fn marks() {
    for (lines, expected) in [
        ("SUMMARY:Lunch", false),
        ("", false),
        ("SUMMARY:OOO today", true),
        ("SUMMARY;LANGUAGE=de:Sommerurlaub\\, endlich", true),
        ("summary:Vacation", true),
        ("SUMMARY:Away\nX-MICROSOFT-CDO-BUSYSTATUS:OOF", true),
        ("SUMMARY:Away\nX-MICROSOFT-CDO-BUSYSTATUS:oof\nTRANSP:TRANSPARENT", true),
        ("SUMMARY:Away\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY", false),
        ("SUMMARY:Grace\nCATEGORIES:Work,Out of office", true),
        ("SUMMARY:Grace\nCATEGORIES:Work\nCATEGORIES:Vacation", true),
        ("SUMMARY:Grace\nCATEGORIES:Work", false),
        ("DESCRIPTION:vacation\nSUMMARY:Planning", false),
        // Somebody else's, or a note.
        ("SUMMARY:Vacation of Grace\nTRANSP:TRANSPARENT", false),
        ("SUMMARY:Vacation of Grace\nX-MICROSOFT-CDO-BUSYSTATUS:FREE", false),
        ("SUMMARY:Vacation\nTRANSP:OPAQUE", true),
        ("SUMMARY:Vacation\nSTATUS:TENTATIVE", true),
        ("SUMMARY:Vacation\nSTATUS:CANCELLED", false),
    ] {
        assert_eq!(counts(lines, &Rule::default()), expected, "{lines}");
        assert_eq!(counts(lines, &all()), !lines.contains("CANCELLED"), "{lines}");
    }
    let free = Rule { free: true, ..Rule::default() };
    assert!(counts("SUMMARY:Vacation\nTRANSP:TRANSPARENT", &free));
    let words = Rule { words: vec!["lunch".to_owned()], ..Rule::default() };
    assert!(counts("SUMMARY:Lunch", &words));
    assert!(!counts("SUMMARY:Vacation", &words));
}

#[test]
fn what_google_and_outlook_publish() {
    let google: &[u8] = include_bytes!("../../../tests/data/like-google.ics");
    let outlook: &[u8] = include_bytes!("../../../tests/data/like-outlook.ics");
    let away = |document: &[u8], rule: &Rule| {
        let read = absences(document, &WINDOW, &berlin(), rule).unwrap();
        assert_eq!(read.skipped, []);
        let mut titles: Vec<_> = read.absences.into_iter().map(|absence| absence.title.unwrap()).collect();
        titles.sort();
        titles.dedup();
        titles
    };
    assert_eq!(away(google, &Rule::default()), ["OOO 🌴", "Out of office"]);
    // Google shows whole days as free unless told otherwise.
    let free = Rule { free: true, ..Rule::default() };
    assert_eq!(away(google, &free), ["OOO 🌴", "Out of office", "Vacation"]);
    assert_eq!(away(outlook, &Rule::default()), ["Away", "Doctor", "School run", "Sommerurlaub"]);
    let no_words = Rule { words: vec![], ..Rule::default() };
    assert_eq!(away(outlook, &no_words), ["Away", "Doctor", "School run"]);
}

#[test]
fn an_occurrence_may_become_or_cease_to_be_an_absence() {
    let series = |title: &str, change: &str| {
        let series = event(&format!("{TIMES}\nRRULE:FREQ=WEEKLY;COUNT=3\nSUMMARY:{title}"));
        let change = event(&format!(
            "UID:u\nRECURRENCE-ID:20240608T090000Z\nDTSTART:20240609T090000Z\nDTEND:20240609T170000Z\nSUMMARY:{change}"
        ));
        let read = read(&format!("{series}\n{change}"), &Rule::default()).unwrap();
        assert_eq!(read.skipped, []);
        read.absences.iter().map(|it| it.from_ms / 86_400_000 - 19_875).collect::<Vec<_>>()
    };
    assert_eq!(series("OOO", "OOO"), [0, 8, 14]);
    assert_eq!(series("OOO", "Lunch"), [0, 14]);
    assert_eq!(series("Lunch", "OOO"), [8]);
    assert_eq!(series("Lunch", "Lunch"), [0; 0]);
}

#[test]
fn what_is_no_absence_need_not_be_readable() {
    for lines in ["RRULE:FREQ=HOURLY", "DTSTART:soon", "RRULE:FREQ=WEEKLY;COUNT=0"] {
        let read = read(&event(&format!("{lines}\n{TIMES}\nSUMMARY:Lunch")), &Rule::default()).unwrap();
        assert_eq!(read, Read::default());
    }
    // Whatever that line was, it may have been the title.
    let read = read(&event(&format!("{TIMES}\nSUMMARY\nOOO")), &Rule::default()).unwrap();
    assert_eq!(read.skipped[0].reason, "line 6: `SUMMARY` is no line of an iCalendar: expected `NAME:value`");
}

#[test]
fn who_is_away() {
    let lines = "SUMMARY:Away\nORGANIZER;CN=\"Grace: boss\":MAILTO:grace@acme.example\n\
                 ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@acme.example\nATTENDEE:mailto: Alan@acme.example\n\
                 ATTENDEE;PARTSTAT=DECLINED:mailto:no@acme.example\nATTENDEE;CUTYPE=ROOM:mailto:room@acme.example\n\
                 ATTENDEE:urn:uuid:1\nATTENDEE;CUTYPE=resource:mailto:beamer@acme.example";
    let who = |whose, lines: &str| {
        let read = read(&event(&format!("{TIMES}\n{lines}")), &Rule { whose, ..all() }).unwrap();
        let reasons: Vec<_> = read.skipped.into_iter().map(|skipped| skipped.reason).collect();
        (read.absences.into_iter().map(|absence| absence.who).collect::<Vec<_>>(), reasons)
    };
    let person = |name: &str| Some(format!("{name}@acme.example"));
    assert_eq!(who(Whose::Owner, lines), (vec![None], vec![]));
    assert_eq!(who(Whose::Organizer, lines), (vec![person("grace")], vec![]));
    assert_eq!(who(Whose::Attendees, lines), (vec![person("Alan"), person("ada")], vec![]));
    for (whose, name) in [(Whose::Organizer, "ORGANIZER"), (Whose::Attendees, "ATTENDEE")] {
        let reason = format!("line 2: the event has no `{name}` with an e-mail address");
        assert_eq!(who(whose, "SUMMARY:Away"), (vec![], vec![reason]));
    }
}
