use super::*;
use crate::{Calendar, Kind, Limit, Unit, Zone, check, left};

const DAY: i64 = 86_400_000;

fn at(now_ms: i64) -> [Bounds; 7] {
    *Calendar::new(Zone::UTC).at(now_ms)
}

fn one(amount: i64) -> Spend {
    Spend::new(amount, amount * 10, 1)
}

fn credits(meter: &Meter, window: Window, now: i64) -> (i64, i64) {
    let taken = meter.taken(window, &at(now));
    (taken.used.credits.get(), taken.reserved.credits.get())
}

#[test]
fn a_call_is_held_and_then_used_in_every_window() {
    let mut meter = Meter::default();
    meter.reserve(1000, one(50), &at(1000)).unwrap();
    assert!(Window::ALL.iter().all(|&window| credits(&meter, window, 1000) == (0, 50)));
    meter.settle(1000, one(50), one(30), &at(1500));
    assert!(Window::ALL.iter().all(|&window| credits(&meter, window, 1500) == (30, 0)));
    meter.reserve(2000, one(7), &at(2000)).unwrap();
    meter.release(2000, one(7), &at(2500));
    meter.correct(1000, Spend::new(-4, 5, 0), &at(2500));
    assert!(Window::ALL.iter().all(|&window| {
        meter.taken(window, &at(2500)) == Taken { used: Spend::new(26, 305, 1), reserved: Spend::ZERO }
    }));
}

#[test]
fn a_call_counts_where_it_was_accepted() {
    let (late, next) = (DAY - 1, DAY);
    let mut meter = Meter::default();
    meter.reserve(late, one(50), &at(late)).unwrap();
    // Before anything else has come, the new day is already empty.
    assert_eq!(credits(&meter, Window::Day, next), (0, 0));
    assert_eq!(credits(&meter, Window::Month, next), (0, 50));
    meter.reserve(next, one(5), &at(next)).unwrap();
    meter.settle(late, one(50), one(40), &at(next));
    assert_eq!(credits(&meter, Window::Day, next), (0, 5));
    assert_eq!(credits(&meter, Window::Month, next), (40, 5));
    meter.correct(late, one(3), &at(next));
    meter.release(next, one(5), &at(next));
    assert_eq!(credits(&meter, Window::Day, next), (0, 0));
    assert_eq!(credits(&meter, Window::Total, next), (43, 0));
    // Settled with the bounds of its acceptance, it changes nothing either.
    meter.settle(late, one(0), one(1), &at(late));
    assert_eq!(credits(&meter, Window::Day, next), (0, 0));
}

#[test]
fn a_clock_that_is_put_back_makes_nothing_available_twice() {
    let cap = Limit::new(Kind::Cap, Window::Month, Unit::Credits, 100).unwrap();
    let mut meter = Meter::default();
    let (now, before) = (31 * DAY, 31 * DAY - 1);
    meter.reserve(now, one(60), &at(now)).unwrap();
    meter.settle(now, one(60), one(60), &at(now));
    // Back in January, February's use still stands.
    assert_eq!(left(&cap, &meter, &at(before)), 40);
    let accepted = meter.accepted_ms(before);
    assert_eq!(accepted, now);
    meter.reserve(accepted, one(40), &at(before)).unwrap();
    assert_eq!(credits(&meter, Window::Month, before), (60, 40));
    assert!(check(&cap, &meter, &at(before), one(1)).is_err());
    meter.settle(accepted, one(40), one(35), &at(before));
    assert_eq!(credits(&meter, Window::Month, now), (95, 0));
    // March is a new month.
    assert_eq!(meter.accepted_ms(60 * DAY), 60 * DAY);
    assert_eq!(left(&cap, &meter, &at(60 * DAY)), 100);
}

#[test]
fn a_limit_set_in_mid_window_knows_what_was_spent() {
    let mut meter = Meter::default();
    meter.record(DAY, one(70), &at(DAY));
    meter.reserve(2 * DAY, one(20), &at(2 * DAY)).unwrap();
    for (window, expected) in [(Window::Day, 80), (Window::Month, 10), (Window::Total, 10)] {
        let limit = Limit::new(Kind::Cap, window, Unit::Credits, 100).unwrap();
        assert_eq!(left(&limit, &meter, &at(2 * DAY)), expected);
    }
}

#[test]
fn what_cannot_be_counted_is_refused_and_changes_nothing() {
    let mut meter = Meter::default();
    meter.record(0, Spend::new(i64::MAX - 10, 0, 0), &at(0));
    let before = meter.clone();
    for (need, error) in [
        (Spend::new(-1, 0, 0), MeterError::Negative),
        (Spend::new(0, i64::MIN, 0), MeterError::Negative),
        (Spend::new(11, 0, 0), MeterError::TooLarge),
        (Spend::new(i64::MAX, 0, 0), MeterError::TooLarge),
    ] {
        // Also where the shorter windows are new and only the total is full.
        for now in [0, 400 * DAY] {
            assert_eq!(meter.reserve(now, need, &at(now)), Err(error));
            assert_eq!(meter, before);
        }
    }
    meter.reserve(0, Spend::new(10, 0, 0), &at(0)).unwrap();
}

#[test]
fn counters_stop_at_their_ends() {
    let mut meter = Meter::default();
    meter.record(0, one(5), &at(0));
    meter.correct(0, Spend::new(-6, -1, i64::MIN), &at(0));
    assert_eq!(meter.taken(Window::Total, &at(0)).used, Spend::new(0, 49, 0));
    meter.record(0, Spend::new(i64::MAX, 0, 0), &at(0));
    meter.record(0, Spend::new(i64::MAX, 0, 0), &at(0));
    assert_eq!(credits(&meter, Window::Total, 0), (i64::MAX, 0));
    // A call that was never reserved.
    meter.release(0, one(5), &at(0));
    assert_eq!(credits(&meter, Window::Total, 0), (i64::MAX, 0));
}

#[test]
fn another_time_zone_neither_forgets_nor_gives_twice() {
    let new_york = Zone::parse("America/New_York").unwrap();
    let there = |now| *Calendar::new(new_york.clone()).at(now);
    let month = |meter: &Meter, now| meter.taken(Window::Month, &there(now)).used;
    let mut meter = Meter::default();
    meter.record(10 * DAY, one(60), &at(10 * DAY));
    meter.reserve(10 * DAY, one(9), &at(10 * DAY)).unwrap();

    // In mid-month, where New York's began five hours later.
    let mut moved = meter.clone();
    moved.rezone(10 * DAY + 1, &Zone::UTC, &new_york);
    let taken = |used, reserved| Taken { used, reserved };
    assert_eq!(moved.taken(Window::Month, &there(10 * DAY)), taken(one(60), Spend::ZERO));
    moved.reserve(10 * DAY, one(9), &there(10 * DAY)).unwrap();
    assert_eq!(moved.taken(Window::Month, &there(10 * DAY)), taken(one(60), one(9)));
    // And back, also where the month has ended in one of the zones only.
    moved.rezone(31 * DAY + 1, &new_york, &Zone::UTC);
    assert_eq!(moved.taken(Window::Month, &at(31 * DAY + 1)).used, one(60));

    // In the first hours of February it is still January in New York.
    let mut moved = meter.clone();
    moved.record(31 * DAY, one(3), &at(31 * DAY));
    moved.rezone(31 * DAY + 1, &Zone::UTC, &new_york);
    assert_eq!(month(&moved, 31 * DAY + 1), one(3));
    assert_eq!(month(&moved, 32 * DAY), Spend::ZERO);

    // While the clock runs backwards: February is not available twice.
    let mut moved = meter.clone();
    moved.record(40 * DAY, one(3), &at(40 * DAY));
    moved.rezone(20 * DAY, &Zone::UTC, &new_york);
    assert_eq!(moved.taken(Window::Month, &there(32 * DAY)).used, one(3));

    // A month that begins earlier does not begin to count calls of before.
    let mut moved = Meter::default();
    moved.record(31 * DAY - 1, one(5), &at(31 * DAY - 1));
    moved.record(31 * DAY, one(3), &at(31 * DAY));
    let berlin = Zone::parse("Europe/Berlin").unwrap();
    moved.rezone(31 * DAY + 1, &Zone::UTC, &berlin);
    let berlin = Calendar::new(berlin).at(31 * DAY + 1).to_owned();
    moved.correct(31 * DAY - 1, one(-2), &berlin);
    assert_eq!(moved.taken(Window::Month, &berlin).used, one(3));

    // A window that had ended before the move has ended.
    meter.rezone(45 * DAY, &Zone::UTC, &new_york);
    assert_eq!(month(&meter, 45 * DAY), Spend::ZERO);
    assert_eq!(meter.taken(Window::Quarter, &there(45 * DAY)).used, one(60));
}

#[test]
fn stored_form_is_pinned() {
    // Checkpoints in actors reserve it. The windows in the order of Window::ALL,
    // each with its start, millicredits, tokens and requests.
    let now = 1_784_110_653_500; // 2026-07-15T10:17:33.5Z
    let mut meter = Meter::default();
    meter.record(now - 40 * DAY, Spend::new(100, 10, 1), &at(now - 40 * DAY));
    meter.record(now, Spend::new(1234, 56, 1), &at(now));
    meter.reserve(now, one(77), &at(now)).unwrap();
    let stored = "[[1784110620000,1234,56,1],[1784109600000,1234,56,1],[1784073600000,1234,56,1],\
                  [1783900800000,1234,56,1],[1782864000000,1234,56,1],[1782864000000,1234,56,1],\
                  [-9223372036854775808,1334,66,2]]";
    assert_eq!(serde_json::to_string(&meter).unwrap(), stored);
    meter.release(now, one(77), &at(now));
    assert_eq!(serde_json::from_str::<Meter>(stored).unwrap(), meter);
    for damaged in [stored.replace("1334", "-1"), stored.replace(",2]]", "]]"), stored.replace("]]", "],[0,0,0,0]]")] {
        assert!(serde_json::from_str::<Meter>(&damaged).is_err(), "{damaged}");
    }
}
