//! Calendars and their components (RFC 5545, 3.4 and 3.6), as lines of those
//! properties that matter.

use crate::error::{CalendarError, shown};
use crate::ics::line::{self, Line};

/// 20 years of 20 entries a week. Long calendars in use have 5,000.
const MAX_EVENTS: usize = 20_000;
/// An event in use has ten; a hundred exceptions are much.
const MAX_LINES_OF_ONE: usize = 2_000;
/// An alarm in an event in a calendar makes three.
const MAX_DEPTH: usize = 10;
/// Outlook defines one or two.
const MAX_ZONES: usize = 100;

/// One VCALENDAR.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    /// `X-WR-TIMEZONE`: in which zone its owner reads it.
    pub(crate) zone: Option<String>,
    pub(crate) zones: Vec<ZoneLines>,
    pub(crate) events: Vec<Lines>,
}

/// A VTIMEZONE.
#[derive(Debug, Default)]
pub(crate) struct ZoneLines {
    /// `TZID` and `X-LIC-LOCATION`.
    pub(crate) own: Lines,
    /// STANDARD and DAYLIGHT.
    pub(crate) observances: Vec<Lines>,
}

/// What a component says of itself.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Where it begins.
    pub(crate) number: usize,
    lines: Vec<Line>,
    /// The first line that cannot be read and may matter.
    pub(crate) broken: Option<String>,
    /// Whether the line before does not matter.
    passed: bool,
}

impl Lines {
    /// All lines of that property.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.name == name)
    }

    /// The property, which may stand there once; if more often, the first
    /// counts.
    pub(crate) fn first(&self, name: &str) -> Option<&Line> {
        self.all(name).next()
    }

    /// The text of a property.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.first(name).map(|line| line::text(&line.value).trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Takes a line, if its property is wanted.
    fn take(&mut self, number: usize, bytes: &[u8], wanted: &[&str]) {
        // Some programs break long names and descriptions without folding them:
        // what is no line then is the rest of the one before.
        if let Some(name) = line::name(bytes) {
            self.passed = !wanted.iter().any(|wanted| name.eq_ignore_ascii_case(wanted.as_bytes()));
        }
        if self.passed {
            return;
        }
        let broken = match line::read(number, bytes) {
            Ok(line) if self.lines.len() < MAX_LINES_OF_ONE => {
                self.lines.push(line);
                return;
            }
            Ok(_) => format!("it has more than {MAX_LINES_OF_ONE} lines"),
            Err(reason) => format!("line {number}: {reason}"),
        };
        self.broken.get_or_insert(broken);
    }
}

/// Where in a document a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Calendar,
    Event,
    Zone,
    Observance,
    /// Alarms, tasks and the like: nothing there is about absences, though a
    /// VALARM has a DURATION, too.
    Elsewhere,
}

impl Place {
    fn of(open: &[String]) -> Self {
        let open: Vec<&str> = open.iter().map(String::as_str).collect();
        match open[..] {
            [] => Self::Outside,
            ["VCALENDAR"] => Self::Calendar,
            ["VCALENDAR", "VEVENT"] => Self::Event,
            ["VCALENDAR", "VTIMEZONE"] => Self::Zone,
            ["VCALENDAR", "VTIMEZONE", "STANDARD" | "DAYLIGHT"] => Self::Observance,
            _ => Self::Elsewhere,
        }
    }
}

/// Lists of people are long; `ORGANIZER` and `ATTENDEE` are read where the
/// rule asks for them.
const EVENT: [&str; 16] = [
    "UID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "EXRULE",
    "RECURRENCE-ID",
    "SEQUENCE",
    "DTSTAMP",
    "STATUS",
    "TRANSP",
    "SUMMARY",
    "CATEGORIES",
    "X-MICROSOFT-CDO-BUSYSTATUS",
];
const ZONE: [&str; 2] = ["TZID", "X-LIC-LOCATION"];
const OBSERVANCE: [&str; 5] = ["DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"];
const ZONE_OF_CALENDAR: &[u8] = b"X-WR-TIMEZONE";

/// A document on its way.
struct Reader {
    /// What is read of events.
    wanted: Vec<&'static str>,
    calendars: Vec<Calendar>,
    open: Vec<String>,
    events: usize,
}

/// Reads the calendars of a document; mostly it is one. Of events also
/// `people`, a property that lists some.
///
/// # Errors
/// [`CalendarError`], of the document as a whole.
pub(crate) fn read(bytes: &[u8], people: Option<&'static str>) -> Result<Vec<Calendar>, CalendarError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let wanted = EVENT.into_iter().chain(people).collect();
    let mut reader = Reader { wanted, calendars: Vec::new(), open: Vec::new(), events: 0 };
    let mut place = Place::Outside;
    let mut last = 0;
    for (number, line) in line::unfolded(bytes) {
        last = number;
        let name = line::name(&line).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"BEGIN") {
            reader.open.push(component(number, &line)?);
            place = Place::of(&reader.open);
            reader.begin(place, number, &line)?;
        } else if name.eq_ignore_ascii_case(b"END") && !reader.calendars.is_empty() {
            reader.end(number, &component(number, &line)?)?;
            place = Place::of(&reader.open);
        } else {
            reader.take(place, number, &line)?;
        }
    }
    match (reader.open.last(), reader.calendars.is_empty()) {
        (Some(component), _) => Err(bad(last, format!("the file ends inside of `{component}`: it was cut off"))),
        (None, true) => Err(not_a_calendar(b"")),
        (None, false) => Ok(reader.calendars),
    }
}

impl Reader {
    /// Makes room for the component that begins.
    fn begin(&mut self, place: Place, number: usize, line: &[u8]) -> Result<(), CalendarError> {
        if place == Place::Calendar {
            self.calendars.push(Calendar::default());
            return Ok(());
        }
        if self.open.len() > MAX_DEPTH {
            return Err(bad(number, format!("components lie in each other more than {MAX_DEPTH} deep")));
        }
        let [.., calendar] = &mut self.calendars[..] else { return Err(not_a_calendar(line)) };
        let lines = Lines { number, ..Lines::default() };
        match place {
            Place::Event if self.events >= MAX_EVENTS => {
                return Err(CalendarError::TooMany { what: "events", most: MAX_EVENTS });
            }
            Place::Event => {
                self.events = self.events.saturating_add(1);
                calendar.events.push(lines);
            }
            Place::Zone if calendar.zones.len() >= MAX_ZONES => {
                return Err(CalendarError::TooMany { what: "time zones", most: MAX_ZONES });
            }
            Place::Zone => calendar.zones.push(ZoneLines { own: lines, observances: Vec::new() }),
            Place::Observance => {
                let Some(zone) = calendar.zones.last_mut() else { return Ok(()) };
                if zone.observances.len() < MAX_LINES_OF_ONE {
                    zone.observances.push(lines);
                } else {
                    zone.own.broken.get_or_insert(format!("it has more than {MAX_LINES_OF_ONE} changes"));
                }
            }
            // A component of nothing that is a calendar.
            Place::Elsewhere if self.open.first().is_none_or(|first| first != "VCALENDAR") => {
                return Err(outside(number, line));
            }
            Place::Outside | Place::Calendar | Place::Elsewhere => {}
        }
        Ok(())
    }

    fn end(&mut self, number: usize, component: &str) -> Result<(), CalendarError> {
        match self.open.pop() {
            Some(begun) if begun == component => Ok(()),
            _ => Err(bad(number, format!("`{component}` ends here and is not what began last: the file is damaged"))),
        }
    }

    /// Takes a line of the component that began last.
    fn take(&mut self, place: Place, number: usize, line: &[u8]) -> Result<(), CalendarError> {
        let [.., calendar] = &mut self.calendars[..] else { return Err(not_a_calendar(line)) };
        match place {
            Place::Outside => return Err(outside(number, line)),
            Place::Calendar => {
                if line::name(line).is_some_and(|name| name.eq_ignore_ascii_case(ZONE_OF_CALENDAR)) {
                    calendar.zone = line::read(number, line).ok().map(|line| line.value);
                }
            }
            Place::Event => {
                if let Some(event) = calendar.events.last_mut() {
                    event.take(number, line, &self.wanted);
                }
            }
            Place::Zone => {
                if let Some(zone) = calendar.zones.last_mut() {
                    zone.own.take(number, line, &ZONE);
                }
            }
            Place::Observance => {
                if let Some(lines) = calendar.zones.last_mut().and_then(|zone| zone.observances.last_mut()) {
                    lines.take(number, line, &OBSERVANCE);
                }
            }
            Place::Elsewhere => {}
        }
        Ok(())
    }
}

fn component(number: usize, line: &[u8]) -> Result<String, CalendarError> {
    let line = line::read(number, line).map_err(|reason| bad(number, reason))?;
    Ok(shown(line.value.trim()).to_ascii_uppercase())
}

fn bad(line: usize, reason: String) -> CalendarError {
    CalendarError::Line { line, reason }
}

fn outside(number: usize, line: &[u8]) -> CalendarError {
    bad(number, format!("`{}` stands outside of the calendar", shown(&String::from_utf8_lossy(line))))
}

fn not_a_calendar(line: &[u8]) -> CalendarError {
    let text = String::from_utf8_lossy(line);
    CalendarError::NotACalendar { found: shown(&text).chars().take(40).collect() }
}
