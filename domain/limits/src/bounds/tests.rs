use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

/// Each line: time zone, window, now, and the window's start and end.
fn check(table: &str) {
    let rows = table.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for row in rows {
        let [zone, window, now, start, end] = *row.split_whitespace().collect::<Vec<_>>() else {
            panic!("{row}");
        };
        let window = Window::ALL.into_iter().find(|known| known.to_string() == window).unwrap();
        let bounds = window.bounds(ms(now), &Zone::parse(zone).unwrap());
        let shown = [bounds.start_ms, bounds.end_ms].map(|ms| Timestamp::from_millisecond(ms).unwrap().to_string());
        assert_eq!(shown, [start, end], "{row}");
    }
}

#[test]
fn ordinary_windows() {
    check(
        "
        Europe/Berlin       minute  2026-07-15T10:17:33.5Z   2026-07-15T10:17:00Z 2026-07-15T10:18:00Z
        Europe/Berlin       hour    2026-07-15T10:17:33.5Z   2026-07-15T10:00:00Z 2026-07-15T11:00:00Z
        Europe/Berlin       day     2026-07-15T10:17:33.5Z   2026-07-14T22:00:00Z 2026-07-15T22:00:00Z
        Europe/Berlin       week    2026-07-15T10:17:33.5Z   2026-07-12T22:00:00Z 2026-07-19T22:00:00Z
        Europe/Berlin       month   2026-07-15T10:17:33.5Z   2026-06-30T22:00:00Z 2026-07-31T22:00:00Z
        Europe/Berlin       quarter 2026-07-15T10:17:33.5Z   2026-06-30T22:00:00Z 2026-09-30T22:00:00Z
        ",
    );
    assert_eq!(Window::Total.bounds(0, &Zone::UTC), Bounds::ENDLESS);
}

#[test]
fn edges_of_the_calendar() {
    check(
        "
        # The last millisecond of a year and the first of the next.
        UTC                 month   2026-12-31T23:59:59.999Z 2026-12-01T00:00:00Z 2027-01-01T00:00:00Z
        UTC                 quarter 2026-12-31T23:59:59.999Z 2026-10-01T00:00:00Z 2027-01-01T00:00:00Z
        UTC                 quarter 2027-01-01T00:00:00Z     2027-01-01T00:00:00Z 2027-04-01T00:00:00Z
        UTC                 quarter 2027-06-30T12:00:00Z     2027-04-01T00:00:00Z 2027-07-01T00:00:00Z
        UTC                 quarter 2027-07-01T00:00:00Z     2027-07-01T00:00:00Z 2027-10-01T00:00:00Z
        # A week over the turn of the year, and a Sunday and its Monday.
        UTC                 week    2027-01-01T12:00:00Z     2026-12-28T00:00:00Z 2027-01-04T00:00:00Z
        UTC                 week    2027-01-03T23:59:59.999Z 2026-12-28T00:00:00Z 2027-01-04T00:00:00Z
        UTC                 week    2027-01-04T00:00:00Z     2027-01-04T00:00:00Z 2027-01-11T00:00:00Z
        # Leap years: every fourth, but not 2100.
        UTC                 month   2028-02-29T12:00:00Z     2028-02-01T00:00:00Z 2028-03-01T00:00:00Z
        UTC                 month   2100-02-28T12:00:00Z     2100-02-01T00:00:00Z 2100-03-01T00:00:00Z
        # Before 1970.
        UTC                 minute  1969-12-31T23:59:59.999Z 1969-12-31T23:59:00Z 1970-01-01T00:00:00Z
        UTC                 week    1969-12-31T23:59:59.999Z 1969-12-29T00:00:00Z 1970-01-05T00:00:00Z
        ",
    );
}

#[test]
fn days_in_which_clocks_change() {
    check(
        "
        # 23 and 25 hours.
        Europe/Berlin       day     2026-03-29T12:00:00Z     2026-03-28T23:00:00Z 2026-03-29T22:00:00Z
        Europe/Berlin       day     2026-10-25T12:00:00Z     2026-10-24T22:00:00Z 2026-10-25T23:00:00Z
        Europe/Berlin       week    2026-03-29T12:00:00Z     2026-03-22T23:00:00Z 2026-03-29T22:00:00Z
        Europe/Berlin       month   2026-10-05T12:00:00Z     2026-09-30T22:00:00Z 2026-10-31T23:00:00Z
        Europe/Berlin       quarter 2026-02-05T12:00:00Z     2025-12-31T23:00:00Z 2026-03-31T22:00:00Z
        America/New_York    day     2026-03-08T12:00:00Z     2026-03-08T05:00:00Z 2026-03-09T04:00:00Z
        America/New_York    day     2026-11-01T12:00:00Z     2026-11-01T04:00:00Z 2026-11-02T05:00:00Z
        # By rule, long after the last change in the database.
        America/New_York    month   2326-03-20T12:00:00Z     2326-03-01T05:00:00Z 2326-04-01T04:00:00Z
        # No change, half an hour off.
        Asia/Kolkata        day     2026-07-15T18:29:59.999Z 2026-07-14T18:30:00Z 2026-07-15T18:30:00Z
        Asia/Kolkata        day     2026-07-15T18:30:00Z     2026-07-15T18:30:00Z 2026-07-16T18:30:00Z
        # 24½ and 23½ hours.
        Australia/Lord_Howe day     2026-04-04T20:00:00Z     2026-04-04T13:00:00Z 2026-04-05T13:30:00Z
        Australia/Lord_Howe day     2026-10-03T20:00:00Z     2026-10-03T13:30:00Z 2026-10-04T13:00:00Z
        # No midnight: clocks went from 24:00 to 1:00.
        America/Sao_Paulo   day     2018-11-04T12:00:00Z     2018-11-04T03:00:00Z 2018-11-05T02:00:00Z
        America/Sao_Paulo   day     2018-11-04T02:59:59.999Z 2018-11-03T03:00:00Z 2018-11-04T03:00:00Z
        America/Sao_Paulo   month   2018-11-04T12:00:00Z     2018-11-01T03:00:00Z 2018-12-01T02:00:00Z
        # From 24:00 back to 23:00.
        America/Sao_Paulo   day     2018-02-18T02:30:00Z     2018-02-17T02:00:00Z 2018-02-18T03:00:00Z
        America/Sao_Paulo   day     2018-02-18T03:00:00Z     2018-02-18T03:00:00Z 2018-02-19T03:00:00Z
        # Clocks change at midnight: forward on a Friday, back on a Thursday.
        Africa/Cairo        day     2026-04-24T12:00:00Z     2026-04-23T22:00:00Z 2026-04-24T21:00:00Z
        Africa/Cairo        day     2026-10-29T21:30:00Z     2026-10-28T21:00:00Z 2026-10-29T22:00:00Z
        # Midnight twice, from 1:00 back to 0:00: the first one counts.
        America/Havana      day     2024-11-03T05:30:00Z     2024-11-03T04:00:00Z 2024-11-04T05:00:00Z
        # Midnight twice, from 0:01 back to 23:01 the day before: the new day
        # began at the first, and what follows still belongs to it.
        America/St_Johns    day     2010-11-07T02:30:30Z     2010-11-07T02:30:00Z 2010-11-08T03:30:00Z
        America/St_Johns    day     2010-11-07T02:45:00Z     2010-11-07T02:30:00Z 2010-11-08T03:30:00Z
        America/St_Johns    day     2010-11-07T02:29:59.999Z 2010-11-06T02:30:00Z 2010-11-07T02:30:00Z
        # Midnight in the middle of a gap: from 23:30 to 0:30.
        America/Toronto     day     1919-03-31T12:00:00Z     1919-03-31T04:30:00Z 1919-04-01T04:00:00Z
        America/Toronto     day     1919-03-31T04:29:59.999Z 1919-03-30T05:00:00Z 1919-03-31T04:30:00Z
        # A day that never was: Friday the 30th.
        Pacific/Apia        day     2011-12-30T09:59:59.999Z 2011-12-29T10:00:00Z 2011-12-30T10:00:00Z
        Pacific/Apia        day     2011-12-30T10:00:00Z     2011-12-30T10:00:00Z 2011-12-31T10:00:00Z
        Pacific/Apia        week    2011-12-30T10:00:00Z     2011-12-26T10:00:00Z 2012-01-01T10:00:00Z
        ",
    );
}

#[test]
fn hours_and_minutes_in_which_clocks_change() {
    check(
        "
        # Local hours where the offset is not whole hours.
        Asia/Kolkata        hour    2026-07-15T10:17:00Z     2026-07-15T09:30:00Z 2026-07-15T10:30:00Z
        Asia/Kathmandu      hour    2026-07-15T10:17:00Z     2026-07-15T10:15:00Z 2026-07-15T11:15:00Z
        # Seconds, before time zones.
        Europe/Berlin       minute  1880-01-01T00:00:00Z     1879-12-31T23:59:32Z 1880-01-01T00:00:32Z
        # Berlin's 2:00 to 3:00 comes twice, each a window.
        Europe/Berlin       hour    2026-10-25T00:30:00Z     2026-10-25T00:00:00Z 2026-10-25T01:00:00Z
        Europe/Berlin       hour    2026-10-25T01:30:00Z     2026-10-25T01:00:00Z 2026-10-25T02:00:00Z
        Europe/Berlin       minute  2026-10-25T00:59:30Z     2026-10-25T00:59:00Z 2026-10-25T01:00:00Z
        # Lord Howe goes from 2:00 back to 1:30: half an hour for itself.
        Australia/Lord_Howe hour    2026-04-04T14:59:59Z     2026-04-04T14:00:00Z 2026-04-04T15:00:00Z
        Australia/Lord_Howe hour    2026-04-04T15:00:00Z     2026-04-04T15:00:00Z 2026-04-04T15:30:00Z
        Australia/Lord_Howe hour    2026-04-04T15:30:00Z     2026-04-04T15:30:00Z 2026-04-04T16:30:00Z
        # And from 2:00 to 2:30.
        Australia/Lord_Howe hour    2026-10-03T15:00:00Z     2026-10-03T14:30:00Z 2026-10-03T15:30:00Z
        Australia/Lord_Howe hour    2026-10-03T15:30:00Z     2026-10-03T15:30:00Z 2026-10-03T16:00:00Z
        # St. John's goes from 0:01 back to 23:01: a cut after one minute.
        America/St_Johns    hour    2010-11-07T02:30:59Z     2010-11-07T02:30:00Z 2010-11-07T02:31:00Z
        America/St_Johns    hour    2010-11-07T02:31:00Z     2010-11-07T02:31:00Z 2010-11-07T03:30:00Z
        ",
    );
}

#[test]
fn beyond_the_calendar() {
    let zone = Zone::parse("America/New_York").unwrap();
    for window in Window::ALL {
        for now in [i64::MIN, FIRST_MS - 1, FIRST_MS, 0, LAST_MS - 1, LAST_MS, i64::MAX] {
            let bounds = window.bounds(now, &zone);
            assert!(bounds.contains(now), "{window} {now} {bounds:?}");
            assert!(window == Window::Total || bounds != Bounds::ENDLESS, "{window} {now}");
        }
    }
    assert_eq!(FIRST_MS, ms("0001-01-01T00:00:00Z"));
    assert_eq!(LAST_MS, ms("9000-01-01T00:00:00Z"));
}

/// Zones with every kind of oddity, and moments near a change of the clocks.
fn moment() -> impl Strategy<Value = (Zone, i64)> {
    let zones = "UTC Europe/Berlin America/New_York Asia/Kolkata Australia/Lord_Howe \
                 America/Sao_Paulo Africa/Cairo America/Havana America/St_Johns America/Toronto \
                 Pacific/Apia Asia/Kathmandu Africa/Casablanca Europe/Dublin Pacific/Kiritimati \
                 Asia/Manila America/Juneau Asia/Gaza Africa/Monrovia Antarctica/Troll \
                 America/Scoresbysund Pacific/Kwajalein";
    let zone = proptest::sample::select(zones.split(' ').collect::<Vec<_>>());
    let anywhere = prop_oneof![FIRST_MS - 1000..LAST_MS + 1000, -5_400_000_000_000i64..4_000_000_000_000, any::<i64>()];
    // How far from the next change of the clocks, if it is to be near one.
    let near = proptest::option::of(-200_000_000i64..200_000_000);
    (zone, anywhere, near, 0u32..28).prop_map(|(zone, anywhere, near, shift)| {
        let time_zone = jiff::tz::TimeZone::get(zone).unwrap();
        let change = Timestamp::from_millisecond(anywhere)
            .ok()
            .and_then(|from| time_zone.following(from).next().map(|change| change.timestamp().as_millisecond()));
        let now = match (near, change) {
            (Some(near), Some(change)) => change + (near >> shift),
            _ => anywhere,
        };
        (Zone::parse(zone).unwrap(), now)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn windows_tile((zone, now) in moment()) {
        for window in Window::ALL {
            let bounds = window.bounds(now, &zone);
            prop_assert!(bounds.contains(now), "{} {:?}", window, bounds);
            if bounds.end_ms != i64::MAX {
                prop_assert_eq!(window.bounds(bounds.end_ms - 1, &zone), bounds);
                prop_assert_eq!(window.bounds(bounds.end_ms, &zone).start_ms, bounds.end_ms);
            }
            if bounds.start_ms != i64::MIN {
                prop_assert_eq!(window.bounds(bounds.start_ms, &zone), bounds);
                prop_assert_eq!(window.bounds(bounds.start_ms - 1, &zone).end_ms, bounds.start_ms);
            }
        }
    }

    /// What a calendar that looks at the time once a minute relies on.
    #[test]
    fn a_minute_lies_in_one_window_of_every_kind((zone, now) in moment()) {
        let minute = Window::Minute.bounds(now, &zone);
        for window in Window::ALL {
            let bounds = window.bounds(now, &zone);
            prop_assert!(bounds.start_ms <= minute.start_ms && minute.end_ms <= bounds.end_ms, "{}", window);
        }
    }

    #[test]
    fn clock_windows_are_never_too_long((zone, now) in moment()) {
        if !(FIRST_MS..LAST_MS).contains(&now) {
            return Ok(());
        }
        for (window, length) in [(Window::Minute, MINUTE_MS), (Window::Hour, HOUR_MS)] {
            let bounds = window.bounds(now, &zone);
            prop_assert!(bounds.end_ms - bounds.start_ms <= length);
        }
    }

    /// A window starts when the date on the wall first says so.
    #[test]
    fn windows_start_on_their_first_day((zone, now) in moment()) {
        if !(FIRST_MS + 1_000_000_000_000..LAST_MS).contains(&now) {
            return Ok(());
        }
        for window in [Window::Day, Window::Week, Window::Month, Window::Quarter] {
            let bounds = window.bounds(now, &zone);
            let (before, first) = (zone.date(bounds.start_ms - 1).unwrap(), zone.date(bounds.start_ms).unwrap());
            prop_assert!(before < first);
            prop_assert!(first_day(window, before).unwrap() < first_day(window, first).unwrap());
        }
    }
}
