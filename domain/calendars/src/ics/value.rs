//! Dates, times and durations (RFC 5545, 3.3).

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

/// A DATE or a DATE-TIME, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    Date(Date),
    Time {
        civil: DateTime,
        /// Whether it ends with `Z`.
        utc: bool,
    },
}

impl Stamp {
    /// Reads it. Whether it is a date is seen by its form, since some programs
    /// leave out `VALUE=DATE`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Some((date, time)) = text.split_once(['T', 't']) else { return Some(Self::Date(date(text)?)) };
        let (time, utc) = time.strip_suffix(['Z', 'z']).map_or((time, false), |time| (time, true));
        if time.len() != 6 {
            return None;
        }
        let [hour, minute, second] = [0..2, 2..4, 4..6].map(|range| number::<i8>(time.get(range)?));
        // A leap second (3.3.12) is the second before to all other clocks.
        let time = Time::new(hour?, minute?, second?.min(if second? == 60 { 59 } else { 127 }), 0).ok()?;
        Some(Self::Time { civil: self::date(date)?.to_datetime(time), utc })
    }

    /// The date that is written there.
    pub(crate) fn date(self) -> Date {
        match self {
            Self::Date(date) => date,
            Self::Time { civil, .. } => civil.date(),
        }
    }

    /// The time that is written there; a date's is its midnight.
    pub(crate) fn civil(self) -> DateTime {
        match self {
            Self::Date(date) => date.to_datetime(Time::midnight()),
            Self::Time { civil, .. } => civil,
        }
    }
}

fn date(text: &str) -> Option<Date> {
    if text.len() != 8 {
        return None;
    }
    Date::new(number(text.get(0..4)?)?, number(text.get(4..6)?)?, number(text.get(6..8)?)?).ok()
}

/// A number of digits only: the standard library's would take a sign.
pub(crate) fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// How long something lasts (3.3.6): days by the calendar, the rest by the
/// clock that nobody sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Duration {
    pub(crate) days: i64,
    pub(crate) seconds: i64,
}

impl Duration {
    /// Reads `P1W`, `P15DT5H0M20S` and the like. Negative ones are none here.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        let [weeks, days] = parts(date, ['W', 'D'])?;
        let [hours, minutes, seconds] = time.map_or(Some([None; 3]), |time| parts(time, ['H', 'M', 'S']))?;
        let given = [weeks, days, hours, minutes, seconds];
        // `P` and `P1DT` say too little.
        if given.iter().all(Option::is_none) || (time.is_some() && given.iter().skip(2).all(Option::is_none)) {
            return None;
        }
        let [weeks, days, hours, minutes, seconds] = given.map(Option::unwrap_or_default);
        let days = weeks.checked_mul(7)?.checked_add(days)?;
        let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
        Some(Self { days, seconds: minutes.checked_mul(60)?.checked_add(seconds)? })
    }
}

/// Numbers, each before its letter, in the letters' order.
fn parts<const N: usize>(text: &str, letters: [char; N]) -> Option<[Option<i64>; N]> {
    let mut rest = text;
    let mut parts = [None; N];
    for (part, letter) in parts.iter_mut().zip(letters) {
        if let Some((digits, after)) = rest.split_once(letter) {
            // Nobody is away for 100 million days, or seconds.
            *part = Some(number::<i64>(digits).filter(|_| (1..=8).contains(&digits.len()))?);
            rest = after;
        }
    }
    rest.is_empty().then_some(parts)
}

/// Reads `+0100` and `-023000` (3.3.14).
pub(crate) fn offset(text: &str) -> Option<SignedDuration> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits = text.get(1..)?;
    let [hours, minutes] = [0..2, 2..4].map(|range| number::<i64>(digits.get(range)?));
    let seconds = match digits.len() {
        4 => 0,
        6 => number::<i64>(digits.get(4..6)?)?,
        _ => return None,
    };
    let (hours, minutes) = (hours?, minutes?);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    Some(SignedDuration::from_secs(minutes.checked_mul(60)?.checked_add(seconds)?.checked_mul(sign)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, datetime};

    #[test]
    fn dates_and_times() {
        let time = |civil, utc| Some(Stamp::Time { civil, utc });
        for (text, expected) in [
            ("20240229", Some(Stamp::Date(date(2024, 2, 29)))),
            ("20240229T235960Z", time(datetime(2024, 2, 29, 23, 59, 59, 0), true)),
            ("19980118T230000", time(datetime(1998, 1, 18, 23, 0, 0, 0), false)),
            ("20230229", None),
            ("2024022", None),
            ("2024-02-29", None),
            ("20240229T", None),
            ("20240229T2359", None),
            ("20240229T240000", None),
            ("20240229T235961", None),
            ("20240229T+1+1+1", None),
            ("+2024022", None),
            ("20240229T120000+0100", None),
            ("2024é229", None),
            ("", None),
        ] {
            assert_eq!(Stamp::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("P15DT5H0M20S", Some((15, 18_020))),
            ("P7W", Some((49, 0))),
            ("+P1D", Some((1, 0))),
            ("PT90M", Some((0, 5_400))),
            ("PT1H30S", Some((0, 3_630))),
            ("-P1D", None),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("P1H", None),
            ("PT1D", None),
            ("PT1S1M", None),
            ("PTH", None),
            ("P-1D", None),
            ("P999999999D", None),
            ("1D", None),
        ] {
            assert_eq!(Duration::parse(text).map(|it| (it.days, it.seconds)), expected, "{text}");
        }
    }

    #[test]
    fn offsets() {
        for (text, expected) in [
            ("+0100", Some(3_600)),
            ("-0330", Some(-12_600)),
            ("-002501", Some(-1_501)),
            ("0100", None),
            ("+01", None),
            ("+2400", None),
            ("+01:00", None),
            ("+é00", None),
            ("", None),
        ] {
            assert_eq!(offset(text).map(|it| it.as_secs()), expected, "{text}");
        }
    }
}
