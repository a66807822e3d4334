//! Prices that begin at a date, or hold at certain hours.

use crate::file::PriceEntry;

const MS_PER_MINUTE: i64 = 60_000;
const MS_PER_DAY: i64 = 86_400_000;

/// The price in force: the last one that is, and the first if none is.
pub(crate) fn in_force(prices: &[PriceEntry], now_ms: i64) -> Option<&PriceEntry> {
    prices.iter().rev().find(|price| is_in_force(price, now_ms)).or_else(|| prices.first())
}

/// The moment from which another price may be in force; `None` for never.
pub(crate) fn changes_at(prices: &[PriceEntry], now_ms: i64) -> Option<i64> {
    prices.iter().flat_map(|price| boundaries(price, now_ms)).flatten().filter(|moment| *moment > now_ms).min()
}

fn is_in_force(price: &PriceEntry, now_ms: i64) -> bool {
    let begun = price.from_ms.is_none_or(|from_ms| now_ms >= from_ms);
    let minute = now_ms.rem_euclid(MS_PER_DAY).div_euclid(MS_PER_MINUTE);
    let within = price.daily_minutes.is_none_or(|(start, end)| {
        let (start, end) = (i64::from(start), i64::from(end));
        if end < start { minute >= start || minute < end } else { (start..end).contains(&minute) }
    });
    begun && within
}

/// When a price begins, and when its hours of today and tomorrow do and end.
fn boundaries(price: &PriceEntry, now_ms: i64) -> [Option<i64>; 5] {
    let midnight = now_ms.saturating_sub(now_ms.rem_euclid(MS_PER_DAY));
    let at = |day: i64, minute: Option<u16>| {
        let minutes = MS_PER_MINUTE.saturating_mul(i64::from(minute?));
        Some(midnight.saturating_add(MS_PER_DAY.saturating_mul(day)).saturating_add(minutes))
    };
    let start = price.daily_minutes.map(|(start, _)| start);
    let end = price.daily_minutes.map(|(_, end)| end);
    [price.from_ms, at(0, start), at(0, end), at(1, start), at(1, end)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rates, Usd};

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    fn entry(name: i64, from_ms: Option<i64>, daily_minutes: Option<(u16, u16)>) -> PriceEntry {
        let rates = Rates { input: Usd::from_nanos(name).unwrap(), ..Rates::default() };
        PriceEntry { from_ms, daily_minutes, rates, ..PriceEntry::default() }
    }

    #[test]
    fn the_last_in_force_counts() {
        let dated = [entry(1, None, None), entry(2, Some(10 * DAY), None), entry(3, Some(20 * DAY), None)];
        let hours = [entry(1, None, None), entry(2, None, Some((60, 240))), entry(3, None, Some((1380, 30)))];
        let late = [entry(1, Some(5 * DAY), None), entry(2, Some(6 * DAY), None)];
        for (prices, now_ms, expected, until) in [
            (&dated[..], 0, 1, Some(10 * DAY)),
            (&dated, 10 * DAY - 1, 1, Some(10 * DAY)),
            (&dated, 10 * DAY, 2, Some(20 * DAY)),
            (&dated, 20 * DAY, 3, None),
            (&hours, 100 * DAY, 3, Some(100 * DAY + HOUR / 2)),
            (&hours, 100 * DAY + HOUR / 2, 1, Some(100 * DAY + HOUR)),
            (&hours, 100 * DAY + HOUR, 2, Some(100 * DAY + 4 * HOUR)),
            (&hours, 100 * DAY + 4 * HOUR, 1, Some(100 * DAY + 23 * HOUR)),
            (&hours, 100 * DAY + 23 * HOUR, 3, Some(101 * DAY + HOUR / 2)),
            // Before 1970 the clock works too.
            (&hours, -DAY + HOUR, 2, Some(-DAY + 4 * HOUR)),
            // None in force yet: the first one counts.
            (&late, 0, 1, Some(5 * DAY)),
        ] {
            assert_eq!(in_force(prices, now_ms).unwrap().rates.input.nanos(), expected, "at {now_ms}");
            assert_eq!(changes_at(prices, now_ms), until, "at {now_ms}");
        }
        assert_eq!(in_force(&[], 0), None);
    }

    #[test]
    fn ends_of_time() {
        let hours = [entry(1, None, Some((60, 240)))];
        for now_ms in [i64::MIN, i64::MAX] {
            let _ = (in_force(&hours, now_ms), changes_at(&hours, now_ms));
        }
    }
}
