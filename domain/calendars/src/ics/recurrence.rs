//! Recurrence rules (RFC 5545, 3.3.10) as they are written.

use jiff::civil::Weekday;

use crate::error::shown;
use crate::ics::value::{Stamp, number};

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A weekday, or the n-th of a month or year; from its end if negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByDay {
    pub(crate) ordinal: Option<i16>,
    pub(crate) weekday: Weekday,
}

/// A rule, of those parts that are supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recurrence {
    pub(crate) frequency: Frequency,
    pub(crate) interval: u32,
    pub(crate) count: Option<u32>,
    pub(crate) until: Option<Stamp>,
    pub(crate) by_month: Vec<i8>,
    pub(crate) by_month_day: Vec<i8>,
    pub(crate) by_day: Vec<ByDay>,
    pub(crate) by_set_position: Vec<i16>,
    pub(crate) week_start: Weekday,
}

impl Recurrence {
    /// Reads a rule.
    ///
    /// # Errors
    /// What is wrong with it, or not supported.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut frequency = None;
        let mut rule = Self {
            frequency: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            by_month: Vec::new(),
            by_month_day: Vec::new(),
            by_day: Vec::new(),
            by_set_position: Vec::new(),
            week_start: Weekday::Monday,
        };
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let bad = || format!("`{}` of its recurrence rule cannot be read", shown(part));
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => frequency = Some(Self::frequency(value)?),
                "INTERVAL" => rule.interval = number(value).filter(|&interval| interval > 0).ok_or_else(bad)?,
                // Confluence's way to say that there is none.
                "COUNT" if value == "-1" => {}
                "COUNT" => rule.count = Some(number(value).filter(|&count| count > 0).ok_or_else(bad)?),
                "UNTIL" => rule.until = Some(Stamp::parse(value).ok_or_else(bad)?),
                "BYMONTH" => rule.by_month = list(value, |month| (1..=12).contains(&month)).ok_or_else(bad)?,
                "BYMONTHDAY" => {
                    rule.by_month_day = list(value, |day| (-31..=31).contains(&day) && day != 0).ok_or_else(bad)?;
                }
                "BYDAY" => rule.by_day = members(value, by_day).ok_or_else(bad)?,
                "BYSETPOS" => {
                    let good = |position| (-366..=366).contains(&position) && position != 0;
                    rule.by_set_position = list(value, good).ok_or_else(bad)?;
                }
                "WKST" => rule.week_start = weekday(value).ok_or_else(bad)?,
                _ => return Err(unsupported(name)),
            }
        }
        rule.frequency = frequency.ok_or("its recurrence rule has no `FREQ`")?;
        rule.consistent()
    }

    fn frequency(value: &str) -> Result<Frequency, String> {
        match value.to_ascii_uppercase().as_str() {
            "DAILY" => Ok(Frequency::Daily),
            "WEEKLY" => Ok(Frequency::Weekly),
            "MONTHLY" => Ok(Frequency::Monthly),
            "YEARLY" => Ok(Frequency::Yearly),
            _ => Err(unsupported(&format!("FREQ={value}"))),
        }
    }

    /// Combinations that the specification forbids mean different things to
    /// different programs.
    fn consistent(self) -> Result<Self, String> {
        let ordinals = self.by_day.iter().any(|day| day.ordinal.is_some());
        let within_month = matches!(self.frequency, Frequency::Daily | Frequency::Weekly);
        let limited = !(self.by_day.is_empty() && self.by_month_day.is_empty() && self.by_month.is_empty());
        let wrong = if self.count.is_some() && self.until.is_some() {
            "both `COUNT` and `UNTIL`"
        } else if ordinals && within_month {
            "numbers in `BYDAY` that only months and years have"
        } else if self.frequency == Frequency::Weekly && !self.by_month_day.is_empty() {
            "`BYMONTHDAY`, which weeks do not have"
        } else if !self.by_set_position.is_empty() && !limited {
            "`BYSETPOS` without a set to choose from"
        } else {
            return Ok(self);
        };
        Err(format!("its recurrence rule has {wrong}"))
    }
}

fn unsupported(part: &str) -> String {
    format!("`{}` in a recurrence rule is not supported", shown(part))
}

/// A year has 366 days, counted from both ends.
const MAX_MEMBERS: usize = 732;

/// What stands between commas.
fn members<T>(value: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    if value.split(',').nth(MAX_MEMBERS).is_some() {
        return None;
    }
    value.split(',').map(read).collect()
}

/// Whole numbers with commas between them.
fn list<N: TryFrom<i16>>(value: &str, good: impl Fn(i16) -> bool) -> Option<Vec<N>> {
    members(value, |text| N::try_from(signed(text).filter(|&number| good(number))?).ok())
}

fn signed(text: &str) -> Option<i16> {
    match text.strip_prefix('-') {
        Some(digits) => number::<i16>(digits)?.checked_neg(),
        None => number(text.strip_prefix('+').unwrap_or(text)),
    }
}

/// `MO`, `1MO`, `+2TU`, `-1FR`.
fn by_day(text: &str) -> Option<ByDay> {
    let cut = text.len().checked_sub(2)?;
    let (ordinal, day) = (text.get(..cut)?, text.get(cut..)?);
    let ordinal = match ordinal {
        "" => None,
        ordinal => Some(signed(ordinal).filter(|number| (1..=53).contains(&number.unsigned_abs()))?),
    };
    Some(ByDay { ordinal, weekday: weekday(day)? })
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_part() {
        let rule = Recurrence::parse(
            "freq=yearly;INTERVAL=2;UNTIL=20300101;BYMONTH=1,12;BYMONTHDAY=-1,+3;BYDAY=MO,-1FR,+2TU;BYSETPOS=1,-366;WKST=SU;",
        );
        let day = |ordinal, weekday| ByDay { ordinal, weekday };
        let expected = Recurrence {
            frequency: Frequency::Yearly,
            interval: 2,
            count: None,
            until: Some(Stamp::Date(date(2030, 1, 1))),
            by_month: vec![1, 12],
            by_month_day: vec![-1, 3],
            by_day: vec![day(None, Weekday::Monday), day(Some(-1), Weekday::Friday), day(Some(2), Weekday::Tuesday)],
            by_set_position: vec![1, -366],
            week_start: Weekday::Sunday,
        };
        assert_eq!(rule, Ok(expected));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let bad = |part: &str| format!("`{}` of its recurrence rule cannot be read", shown(part));
        for part in [
            "INTERVAL=0",
            "INTERVAL=-1",
            "INTERVAL=9999999999",
            "COUNT=0",
            "COUNT",
            "UNTIL=2030",
            "BYMONTH=0",
            "BYMONTH=13",
            "BYMONTH=-1",
            "BYMONTH=",
            "BYMONTH=1,,2",
            "BYMONTHDAY=0",
            "BYMONTHDAY=32",
            "BYMONTHDAY=--1",
            "BYDAY=XX",
            "BYDAY=0MO",
            "BYDAY=54MO",
            "BYDAY=1",
            "BYDAY=é",
            "BYSETPOS=0",
            "BYSETPOS=367",
            "WKST=M",
            &format!("BYDAY=MO{}", ",MO".repeat(732)),
        ] {
            assert_eq!(Recurrence::parse(&format!("FREQ=MONTHLY;{part}")), Err(bad(part)));
        }
        for (rule, expected) in [
            ("", "its recurrence rule has no `FREQ`"),
            ("COUNT=1", "its recurrence rule has no `FREQ`"),
            ("FREQ=HOURLY", "`FREQ=HOURLY` in a recurrence rule is not supported"),
            ("FREQ=YEARLY;BYWEEKNO=20", "`BYWEEKNO` in a recurrence rule is not supported"),
            ("RSCALE=CHINESE;FREQ=YEARLY", "`RSCALE` in a recurrence rule is not supported"),
            ("FREQ=DAILY;COUNT=1;UNTIL=20300101", "its recurrence rule has both `COUNT` and `UNTIL`"),
            ("FREQ=WEEKLY;BYDAY=1MO", "its recurrence rule has numbers in `BYDAY` that only months and years have"),
            ("FREQ=WEEKLY;BYMONTHDAY=1", "its recurrence rule has `BYMONTHDAY`, which weeks do not have"),
            ("FREQ=MONTHLY;BYSETPOS=1", "its recurrence rule has `BYSETPOS` without a set to choose from"),
        ] {
            assert_eq!(Recurrence::parse(rule).unwrap_err(), expected, "{rule}");
        }
    }
}
