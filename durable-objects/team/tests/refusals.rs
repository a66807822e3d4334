//! What a team's audit trail has of calls that were refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

mod world;

use audit::{Outcome, Record, Salt};
use identity::{ApiKey, Principal};
use serde_json::json;
use team::protocol::{Refused, Reserve};
use world::{KEY, MEMBER, NOW, ORGANIZATION, TEAM, World};

impl World {
    /// As the shell does: what is refused is recorded.
    fn attempt(&mut self, now: i64, call: &Reserve) {
        let error = self.team.reserve(now, call).unwrap_err();
        let refused = Refused::of(call, &error).unwrap();
        self.team.refuse(now, &refused, Salt::from_u128(7)).unwrap();
    }

    fn refusals(&self) -> Vec<Record> {
        let all = self.team.journal().audit_after(0, 1000).unwrap();
        all.into_iter().filter(|record| record.action == "use_model").collect()
    }

    /// How many calls each record counts.
    fn times(&self) -> Vec<u64> {
        let times =
            |record: &Record| record.detail.as_ref().unwrap().after.as_ref().unwrap()["times"].as_u64().unwrap();
        self.refusals().iter().map(times).collect()
    }
}

#[test]
fn who_was_refused_what_and_why() {
    let mut world = World::new();
    let call = Reserve { address: Some("203.0.113.9".parse().unwrap()), ..world.call(1, 1000, 0) };
    world.attempt(NOW, &call);
    let [record] = world.refusals().try_into().unwrap();
    assert_eq!((record.outcome, record.code.as_deref()), (Outcome::Failed, Some("insufficient_quota")));
    assert_eq!(record.who, Some(Principal::Member(MEMBER, KEY)));
    assert_eq!(record.request, Some(call.request.to_string()));
    let detail = record.detail.unwrap();
    assert_eq!(detail.address.as_deref(), Some("203.0.113.9"));
    assert_eq!(detail.after, Some(json!({"model": "demo-small", "times": 1})));
    assert_eq!(detail.note.as_deref(), Some("the credits do not suffice"));
}

#[test]
fn what_goes_on_is_one_more_record_a_minute() {
    let mut world = World::new();
    for seconds in 0..60_i64 {
        let call = world.call(seconds.unsigned_abs().into(), 1000, 0);
        world.attempt(NOW + seconds * 1000, &call);
        world.team.tick(NOW + seconds * 1000).unwrap();
    }
    assert_eq!(world.times(), [1], "the rest is counted");
    world.team.tick(NOW + 60_000).unwrap();
    assert_eq!(world.times(), [1, 59]);
}

#[test]
fn when_it_is_quiet_what_was_counted_is_recorded() {
    let mut world = World::new();
    let call = world.call(1, 1000, 0);
    for at in [0, 1000, 2000] {
        world.attempt(NOW + at, &call);
    }
    assert!(world.team.next_alarm(NOW).unwrap() <= NOW + 7000, "an actor that is idle is forgotten");
    world.team.tick(NOW + 6999).unwrap();
    assert_eq!(world.times(), [1]);
    world.team.tick(NOW + 7000).unwrap();
    assert_eq!(world.times(), [1, 2]);
    // What comes then is counted again, and no record follows where nothing did.
    world.attempt(NOW + 8000, &call);
    for at in [13_000, 20_000, 80_000] {
        world.team.tick(NOW + at).unwrap();
    }
    assert_eq!(world.times(), [1, 2, 1]);
    world.attempt(NOW + 500_000, &call);
    assert_eq!(world.times(), [1, 2, 1, 1], "after a while it is the first again");
}

#[test]
fn an_alarm_that_is_late_loses_nothing() {
    let mut world = World::new();
    let call = world.call(1, 1000, 0);
    for at in [0, 1, 2, 90_000] {
        world.attempt(NOW + at, &call);
    }
    assert_eq!(world.times(), [1, 2, 1]);
}

#[test]
fn other_reasons_and_other_keys_are_apart_and_unknown_keys_are_not() {
    let mut world = World::new();
    let stranger = |number| {
        let key = ApiKey::parse(&ApiKey::mint(ORGANIZATION, TEAM, number)).unwrap().hash;
        Reserve { key, ..World::new().call(number, 1, 0) }
    };
    for number in 10..20 {
        world.attempt(NOW, &stranger(number));
    }
    let poor = world.call(1, 1000, 0);
    world.attempt(NOW, &poor);
    let records = world.refusals();
    assert_eq!(world.times(), [1, 1], "ten keys that nobody knows are one stranger");
    assert_eq!((records[0].who, records[0].outcome), (None, Outcome::Denied));
    assert_eq!(records[0].code.as_deref(), Some("invalid_api_key"));
    world.team.tick(NOW + 60_000).unwrap();
    assert_eq!(world.times(), [1, 1, 9]);
}

#[test]
fn what_another_try_mends_is_no_refusal() {
    let mut world = World::new();
    let call = Reserve { settings_version: 0, ..world.call(1, 1, 0) };
    let error = world.team.reserve(NOW, &call).unwrap_err();
    assert_eq!(Refused::of(&call, &error), None);
}

#[test]
fn a_crash_forgets_the_count_and_not_the_refusal() {
    let mut world = World::new();
    let call = world.call(1, 1000, 0);
    world.attempt(NOW, &call);
    world.attempt(NOW, &call);
    let mut world = world.crash();
    assert_eq!(world.times(), [1]);
    world.attempt(NOW + 1, &call);
    assert_eq!(world.times(), [1, 1]);
}
