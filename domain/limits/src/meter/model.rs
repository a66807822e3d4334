//! The meter beside a naive model that keeps every call, while the clock jumps.

use proptest::prelude::*;

use super::*;
use crate::{Calendar, Kind, Limit, Unit, Zone, check};

const DAY: i64 = 86_400_000;

fn one(amount: i64) -> Spend {
    Spend::new(amount, amount * 10, 1)
}

/// What happens to a meter. Calls are named by their place in the list of all
/// calls so far.
#[derive(Debug, Clone)]
enum Act {
    Clock(i64),
    Hold(i64),
    Settle(usize, i64),
    Release(usize),
    Correct(usize, i64),
    Record(i64),
}

/// A call as the naive model knows it.
#[derive(Debug, Clone, Copy)]
struct Call {
    accepted: i64,
    reserved: Option<Spend>,
    used: Spend,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        // Milliseconds to months; a fifth of the jumps go back.
        3 => (0i64..4 * 31 * DAY, 0u32..32).prop_map(|(step, shift)| Act::Clock(step >> shift)),
        1 => (0i64..2 * 31 * DAY, 0u32..32).prop_map(|(step, shift)| Act::Clock(-(step >> shift))),
        6 => (0i64..60).prop_map(Act::Hold),
        4 => (any::<usize>(), 0i64..60).prop_map(|(call, actual)| Act::Settle(call, actual)),
        2 => any::<usize>().prop_map(Act::Release),
        1 => (any::<usize>(), 0i64..=100).prop_map(|(call, percent)| Act::Correct(call, percent)),
        1 => (0i64..60).prop_map(Act::Record),
    ]
}

/// The meter, the model, and the journal from which a meter can be rebuilt.
struct World {
    calendar: Calendar,
    now: i64,
    /// The latest moment of which the meter was told.
    latest: i64,
    meter: Meter,
    calls: Vec<Call>,
    journal: Vec<(i64, Spend)>,
    checkpoint: String,
}

impl World {
    fn new() -> Self {
        Self {
            calendar: Calendar::new(Zone::parse("Europe/Berlin").unwrap()),
            now: 1_774_740_000_000, // the night in which clocks go forward
            latest: 0,
            meter: Meter::default(),
            calls: Vec::new(),
            journal: Vec::new(),
            checkpoint: serde_json::to_string(&Meter::default()).unwrap(),
        }
    }

    fn bounds(&mut self, at: i64) -> [Bounds; 7] {
        *self.calendar.at(at)
    }

    /// The bounds of which the meter is about to be told.
    fn told(&mut self, at: i64) -> [Bounds; 7] {
        self.latest = self.latest.max(at);
        self.bounds(at)
    }

    /// The bounds with which the end of a call is told: those of any moment
    /// from its acceptance on.
    fn told_later(&mut self, call: Call, name: usize) -> [Bounds; 7] {
        let now = self.meter.accepted_ms(self.now);
        self.told(if name.is_multiple_of(2) { now } else { call.accepted })
    }

    fn find(&self, name: usize, open: bool) -> Option<(usize, Call)> {
        let calls = self.calls.iter().copied().enumerate();
        let matching: Vec<_> = calls.filter(|(_, call)| call.reserved.is_some() == open).collect();
        (!matching.is_empty()).then(|| matching[name % matching.len()])
    }

    fn fits(&mut self, accepted: i64, need: Spend, limits: &[Limit]) -> bool {
        let bounds = self.bounds(accepted);
        limits.iter().all(|limit| check(limit, &self.meter, &bounds, need).is_ok())
    }

    /// Does it to the meter and to the model. What is taken fits under every
    /// limit, and a call settles at no more than what it reserved.
    fn act(&mut self, act: &Act, limits: &[Limit]) {
        let accepted = self.meter.accepted_ms(self.now);
        match *act {
            Act::Clock(step) => self.now += step,
            Act::Hold(need) if self.fits(accepted, one(need), limits) => {
                let (reserved, bounds) = (one(need), self.told(accepted));
                self.meter.reserve(accepted, reserved, &bounds).unwrap();
                self.calls.push(Call { accepted, reserved: Some(reserved), used: Spend::ZERO });
            }
            Act::Record(actual) if self.fits(accepted, one(actual), limits) => {
                let (used, bounds) = (one(actual), self.told(accepted));
                self.meter.record(accepted, used, &bounds);
                self.calls.push(Call { accepted, reserved: None, used });
                self.journal.push((accepted, used));
            }
            Act::Hold(_) | Act::Record(_) => {}
            Act::Settle(name, actual) => {
                let Some((place, call)) = self.find(name, true) else {
                    return;
                };
                let reserved = call.reserved.unwrap();
                let used = one(actual.min(reserved.credits.get()));
                let bounds = self.told_later(call, name);
                self.meter.settle(call.accepted, reserved, used, &bounds);
                self.calls[place] = Call { reserved: None, used, ..call };
                self.journal.push((call.accepted, used));
            }
            Act::Release(name) => {
                let Some((place, call)) = self.find(name, true) else {
                    return;
                };
                let bounds = self.told_later(call, name);
                self.meter.release(call.accepted, call.reserved.unwrap(), &bounds);
                self.calls.remove(place);
            }
            Act::Correct(name, percent) => {
                let Some((place, call)) = self.find(name, false) else {
                    return;
                };
                // Only down, because what goes up may exceed a cap.
                let credits = call.used.credits.get() * percent / 100;
                let delta = Spend::new(-credits, -10 * credits, 0);
                let bounds = self.told_later(call, name);
                self.meter.correct(call.accepted, delta, &bounds);
                self.calls[place].used = call.used.checked_add(delta).unwrap();
                self.journal.push((call.accepted, delta));
            }
        }
    }

    /// What calls have taken that were accepted within these bounds.
    fn taken(&self, bounds: Bounds) -> Taken {
        let calls = self.calls.iter().filter(|call| bounds.contains(call.accepted));
        calls.fold(Taken::default(), |taken, call| Taken {
            used: taken.used.checked_add(call.used).unwrap(),
            reserved: taken.reserved.checked_add(call.reserved.unwrap_or_default()).unwrap(),
        })
    }

    /// The meter from the last checkpoint, the journal since, and the calls
    /// that are open.
    fn restored(&mut self) -> Meter {
        let mut meter: Meter = serde_json::from_str(&self.checkpoint).unwrap();
        for (accepted, actual) in self.journal.clone() {
            meter.record(accepted, actual, &self.bounds(accepted));
        }
        for call in self.calls.clone() {
            if let Some(reserved) = call.reserved {
                meter.reserve(call.accepted, reserved, &self.bounds(call.accepted)).unwrap();
            }
        }
        meter
    }
}

fn limits() -> Vec<Limit> {
    [
        (Window::Minute, Unit::Requests, 3),
        (Window::Hour, Unit::Tokens, 1500),
        (Window::Day, Unit::Credits, 200),
        (Window::Week, Unit::Requests, 12),
        (Window::Month, Unit::Credits, 400),
        (Window::Quarter, Unit::Tokens, 9000),
        (Window::Total, Unit::Credits, 1500),
    ]
    .map(|(window, unit, amount)| Limit::new(Kind::Cap, window, unit, amount).unwrap())
    .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn says_what_the_naive_model_says(acts in proptest::collection::vec(act(), 1..120)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act, &[]);
            let bounds = world.bounds(world.now);
            // The window of the moment, or the latest when the clock is behind.
            let current = world.bounds(world.now.max(world.latest));
            for window in Window::ALL {
                let expected = world.taken(*window.of(&current));
                prop_assert_eq!(world.meter.taken(window, &bounds), expected, "{} {:?}", window, act);
            }
        }
    }

    #[test]
    fn a_cap_that_is_checked_is_never_exceeded(acts in proptest::collection::vec(act(), 1..200)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act, &limits());
        }
        // In every window in which there was a call, by what the calls say.
        for limit in limits() {
            for call in &world.calls {
                let bounds = limit.window().bounds(call.accepted, world.calendar.zone());
                let Taken { used, reserved } = world.taken(bounds);
                let sum = used.get(limit.unit()) + reserved.get(limit.unit());
                prop_assert!(sum <= limit.amount(), "{}: {}", limit, sum);
            }
        }
    }

    #[test]
    fn what_is_restored_is_what_was_live(
        acts in proptest::collection::vec((act(), prop::bool::weighted(0.1)), 1..120),
    ) {
        let mut world = World::new();
        for (act, checkpoint) in &acts {
            world.act(act, &limits());
            if *checkpoint {
                world.checkpoint = serde_json::to_string(&world.meter).unwrap();
                world.journal.clear();
            }
            let restored = world.restored();
            // As seen from now on; the live meter may have begun a window of
            // which nothing is left to see.
            let bounds = world.bounds(world.meter.accepted_ms(world.now));
            for window in Window::ALL {
                prop_assert_eq!(restored.taken(window, &bounds), world.meter.taken(window, &bounds), "{} {:?}", window, act);
            }
        }
    }
}
