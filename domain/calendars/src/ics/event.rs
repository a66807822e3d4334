//! Events (RFC 5545, 3.6.1): what is needed of one.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

use crate::error::shown;
use crate::ics::clock::{Clock, Clocks};
use crate::ics::component::Lines;
use crate::ics::expand::{Budget, plus};
use crate::ics::line::{self, Line};
use crate::ics::recurrence::Recurrence;
use crate::ics::rule::{Events, Pattern, Rule, Whose, plain};
use crate::ics::value::{Duration, Stamp};

/// By what the times of a series are read.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// That of `DTSTART`.
    pub(crate) clock: Clock,
    /// Whether it consists of whole days.
    pub(crate) all_day: bool,
}

/// When an event is, the first time.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) frame: Frame,
    /// What the clock shows when it begins.
    pub(crate) begin: DateTime,
    pub(crate) from_ms: i64,
    pub(crate) until_ms: i64,
    pub(crate) length: Length,
}

/// How long each occurrence lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Length {
    /// By the clock on the wall, from `DTSTART` to `DTEND`. The specification
    /// (3.8.5.3) wants the same exact duration each time, so that what ends at
    /// six ends at five or seven in the night that the clocks are set. Programs
    /// show six, and it is what people mean.
    Wall(SignedDuration),
    /// `DURATION`.
    Stated(Duration),
}

/// An occurrence, as other properties name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Date(Date),
    Moment(i64),
}

/// An event of a calendar.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) lines: &'a Lines,
    /// Whether the rule makes an absence of it.
    pub(crate) counts: bool,
    pub(crate) cancelled: bool,
    /// Which version of the event it is: the largest counts.
    pub(crate) version: (i64, String),
}

impl<'a> Event<'a> {
    pub(crate) fn new(lines: &'a Lines, rule: &Rule, patterns: &[Pattern]) -> Self {
        let is = |name: &str, value: &str| {
            lines.first(name).is_some_and(|line| line.value.trim().eq_ignore_ascii_case(value))
        };
        let sequence = lines.first("SEQUENCE").and_then(|line| line.value.trim().parse().ok()).unwrap_or(-1);
        let stamp = lines.first("DTSTAMP").map(|line| line.value.clone()).unwrap_or_default();
        let busy = "X-MICROSOFT-CDO-BUSYSTATUS";
        let free = is("TRANSP", "TRANSPARENT") || is(busy, "FREE");
        let counts = match rule.events {
            Events::All => true,
            Events::Marked => is(busy, "OOF") || (rule.free || !free) && is_marked(lines, patterns),
        };
        Self { lines, counts, cancelled: is("STATUS", "CANCELLED"), version: (sequence, stamp) }
    }

    /// When it is, the first time.
    pub(crate) fn times(&self, clocks: &mut Clocks, budget: &mut Budget) -> Result<Times, String> {
        let line = self.lines.first("DTSTART").ok_or_else(|| self.without("DTSTART"))?;
        let stamp = stamp(line, &line.value)?;
        let own = clocks.own.clone();
        let clock = clock(line, stamp, &own, clocks, budget)?;
        let begin = stamp.civil();
        let from_ms = clock.moment(begin).ok_or_else(|| bad(line))?;
        let all_day = matches!(stamp, Stamp::Date(_));
        let (until_ms, length) = match (self.lines.first("DTEND"), self.lines.first("DURATION")) {
            (Some(line), _) => {
                let stamp = self::stamp(line, &line.value)?;
                // Some programs write the day itself where the next is meant.
                let same = all_day && stamp == Stamp::Date(begin.date());
                let stamp = if same { plus(begin.date(), 1).map_or(stamp, Stamp::Date) } else { stamp };
                let until_ms = moment(line, stamp, &clock, clocks, budget)?;
                // On the same clock it ends at what is written, even if that is
                // not shown on the first day.
                let same = clock.moment(stamp.civil()) == Some(until_ms);
                let end = if same { Some(stamp.civil()) } else { clock.civil(until_ms) };
                (until_ms, Length::Wall(end.ok_or_else(|| bad(line))?.duration_since(begin)))
            }
            (None, Some(line)) => {
                let length = Length::Stated(Duration::parse(line.value.trim()).ok_or_else(|| bad(line))?);
                (length.end(begin, &clock).ok_or_else(|| bad(line))?, length)
            }
            (None, None) => {
                // A day, or nothing.
                let length = Length::Stated(Duration { days: all_day.into(), seconds: 0 });
                (length.end(begin, &clock).ok_or_else(|| bad(line))?, length)
            }
        };
        if until_ms < from_ms {
            return Err(format!("line {}: it ends before it begins", self.lines.number));
        }
        Ok(Times { frame: Frame { clock, all_day }, begin, from_ms, until_ms, length })
    }

    /// Of which occurrence it takes the place.
    pub(crate) fn replaces(&self, frame: &Frame, clocks: &mut Clocks, budget: &mut Budget) -> Result<Name, String> {
        let line = self.lines.first("RECURRENCE-ID").ok_or_else(|| self.without("RECURRENCE-ID"))?;
        if line.parameter("RANGE").is_some() {
            return Err(format!("line {}: changes of an occurrence and all after it are not supported", line.number));
        }
        name(line, &line.value, frame, clocks, budget)
    }

    /// The rules by which it recurs.
    pub(crate) fn rules(&self) -> Result<Vec<Recurrence>, String> {
        if let Some(line) = self.lines.first("EXRULE") {
            return Err(format!("line {}: `EXRULE` is not supported", line.number));
        }
        let read = |line: &Line| {
            Recurrence::parse(line.value.trim()).map_err(|reason| format!("line {}: {reason}", line.number))
        };
        // Some programs write an empty one where there is none.
        self.lines.all("RRULE").filter(|line| !line.value.trim().is_empty()).map(read).collect()
    }

    /// Whether it recurs by itself.
    pub(crate) fn recurs(&self) -> bool {
        ["RRULE", "RDATE", "EXDATE"].iter().any(|name| self.lines.first(name).is_some())
    }

    /// The source's name for it. One that has none, against the specification,
    /// is known by begin and title.
    pub(crate) fn uid(&self) -> String {
        self.lines.text("UID").unwrap_or_else(|| {
            let begin = self.lines.first("DTSTART").map(|line| line.value.as_str());
            shown(&format!("{} {}", begin.unwrap_or_default(), self.title().unwrap_or_default()))
        })
    }

    pub(crate) fn title(&self) -> Option<String> {
        self.lines.text("SUMMARY").map(|title| shown(&title))
    }

    /// Who is away, by the rule.
    pub(crate) fn people(&self, whose: Whose) -> Result<Vec<Option<String>>, String> {
        let Some(property) = whose.property() else { return Ok(vec![None]) };
        let attends = |line: &&Line| {
            let is = |name, value: &str| line.parameter(name).is_some_and(|own| own.eq_ignore_ascii_case(value));
            !is("PARTSTAT", "DECLINED") && !is("CUTYPE", "ROOM") && !is("CUTYPE", "RESOURCE")
        };
        let people: Vec<_> = self.lines.all(property).filter(attends).filter_map(address).map(Some).collect();
        if people.is_empty() { Err(format!("{} with an e-mail address", self.without(property))) } else { Ok(people) }
    }

    pub(crate) fn without(&self, name: &str) -> String {
        format!("line {}: the event has no `{name}`", self.lines.number)
    }
}

impl Length {
    /// When an occurrence that begins then ends.
    pub(crate) fn end(self, begin: DateTime, clock: &Clock) -> Option<i64> {
        match self {
            Self::Wall(length) => clock.moment(begin.checked_add(length).ok()?),
            Self::Stated(Duration { days, seconds }) => {
                let end = clock.moment(plus(begin.date(), days)?.to_datetime(begin.time()))?;
                end.checked_add(seconds.checked_mul(1000)?)
            }
        }
    }

    /// How many days before a moment something begins that ends after it, at
    /// most.
    pub(crate) fn days(self) -> i64 {
        let (days, seconds) = match self {
            Self::Wall(length) => (0, length.as_secs()),
            Self::Stated(Duration { days, seconds }) => (days, seconds),
        };
        // Twice a day more: clocks may be set, and zones differ.
        seconds.div_euclid(86_400).saturating_add(days).saturating_add(2)
    }
}

/// The times that a property lists, each with its text. Some programs write
/// empty ones where there is none.
pub(crate) fn listed<'a>(lines: &'a Lines, name: &str) -> impl Iterator<Item = (&'a Line, &'a str)> {
    let texts = |line: &'a Line| line.value.split(',').map(move |text| (line, text));
    lines.all(name).flat_map(texts).filter(|(_, text)| !text.trim().is_empty())
}

/// Reads a time of an event.
pub(crate) fn stamp(line: &Line, text: &str) -> Result<Stamp, String> {
    Stamp::parse(text.trim()).ok_or_else(|| format!("line {}: `{}` is no date and no time", line.number, shown(text)))
}

/// When that is. What names no zone goes by `own`.
pub(crate) fn moment(
    line: &Line,
    stamp: Stamp,
    own: &Clock,
    clocks: &mut Clocks,
    budget: &mut Budget,
) -> Result<i64, String> {
    clock(line, stamp, own, clocks, budget)?.moment(stamp.civil()).ok_or_else(|| bad(line))
}

/// Which occurrence of the series that is. Programs mix dates and times here;
/// of a series of whole days, and in a date, only the day counts.
pub(crate) fn name(
    line: &Line,
    text: &str,
    frame: &Frame,
    clocks: &mut Clocks,
    budget: &mut Budget,
) -> Result<Name, String> {
    match stamp(line, text)? {
        stamp if frame.all_day => Ok(Name::Date(stamp.date())),
        Stamp::Date(date) => Ok(Name::Date(date)),
        stamp => moment(line, stamp, &frame.clock, clocks, budget).map(Name::Moment),
    }
}

fn clock(line: &Line, stamp: Stamp, own: &Clock, clocks: &mut Clocks, budget: &mut Budget) -> Result<Clock, String> {
    match (stamp, line.parameter("TZID")) {
        (Stamp::Time { utc: true, .. }, _) => Ok(Clock::Known(jiff::tz::TimeZone::UTC)),
        (Stamp::Time { .. }, Some(tzid)) => clocks.get(tzid, budget),
        (Stamp::Time { .. }, None) | (Stamp::Date(_), _) => Ok(own.clone()),
    }
}

pub(crate) fn bad(line: &Line) -> String {
    format!("line {}: `{}` cannot be read", line.number, shown(&line.value))
}

fn is_marked(lines: &Lines, patterns: &[Pattern]) -> bool {
    let title = lines.all("SUMMARY").map(|line| line::text(&line.value));
    let categories = lines.all("CATEGORIES").flat_map(|line| line::texts(&line.value));
    title.chain(categories).any(|text| {
        let text = plain(&text);
        patterns.iter().any(|pattern| pattern.is_in(&text))
    })
}

/// An e-mail address of a `mailto:`.
fn address(line: &Line) -> Option<String> {
    let value = line.value.trim();
    let address = match value.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => value.get(7..)?,
        _ => value,
    };
    let address = shown(address.trim());
    address.contains('@').then_some(address)
}
