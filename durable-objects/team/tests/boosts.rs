//! Boosts, in examples: which account pays, and what goes back at the end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

mod world;

use events::{MemberProfile, MemberStatus, Message, Place};
use identity::{BoostId, LimitId, MemberId, Principal};
use ledger::{Account, Kind};
use limits::{Limit, Unit, Window};
use storage::{NativeStorage, Storage};
use team::Team;
use team::protocol::{
    Act, BoostFilter, BoostView, NewBoost, Order, OrderError, Progress, Reply, ReserveError, Subject,
};
use world::{MEMBER, NOW, TEAM, World, credits, request, settle};

const HOUR: i64 = 3_600_000;

fn id(boost: u128) -> BoostId {
    BoostId::from_u128(boost)
}

fn new(boost: u128, amount: i64, hours: Option<i64>) -> NewBoost {
    NewBoost {
        id: id(boost),
        member: MEMBER,
        from: Place { team: TEAM, member: None },
        amount: credits(amount),
        ends_ms: hours.map(|hours| NOW + hours * HOUR),
        lifts_rate_limits: false,
        reason: Some("the release".into()),
    }
}

fn order(world: &mut World, now: i64, act: Act) -> Result<BoostView, OrderError> {
    let order = Order { who: Principal::Operator, idempotency: None, if_match: None, by: Default::default(), act };
    match world.team.order(now, &order)? {
        Reply::Boosted(view) => Ok(*view),
        other => panic!("{other:?}"),
    }
}

fn boost(world: &mut World, new: NewBoost) -> Result<BoostView, OrderError> {
    order(world, NOW, Act::Boost(new))
}

/// In credits.
fn left(world: &World, boost: u128) -> i64 {
    assert_eq!(world.team.journal().books().sum(), 0);
    world.team.journal().balance(Account::Boost(id(boost))).get() / 1000
}

fn open_rows(team: &Team<NativeStorage>) -> i64 {
    let rows = team.journal().store().query("SELECT COUNT(*) FROM boosts WHERE state = 'open'", &[]).unwrap();
    rows[0].int(0).unwrap()
}

#[test]
fn boosts_pay_first_and_the_one_that_ends_first_before_the_others() {
    let mut world = World::new();
    boost(&mut world, new(1, 5, None)).unwrap();
    boost(&mut world, new(2, 5, Some(2))).unwrap();
    boost(&mut world, new(3, 5, Some(1))).unwrap();
    assert_eq!(world.balances(), (10, 85, 0));
    let reserved = world.reserve(NOW, 1, 2, 26).unwrap();
    assert_eq!((reserved.amount, reserved.balance), (credits(28), credits(82)));
    let mut world = world.crash();
    world.settle(NOW, 1, 7);
    assert_eq!([1, 2, 3].map(|boost| left(&world, boost)), [5, 3, 0]);
    world.reserve(NOW, 2, 2, 26).unwrap();
    world.settle(NOW, 2, 28);
    assert_eq!([1, 2, 3].map(|boost| left(&world, boost)), [0, 0, 0]);
    assert_eq!(world.balances(), (0, 75, 35), "then the wallet, then the pool");
}

#[test]
fn at_the_end_what_is_unused_goes_back_exactly_once() {
    let mut world = World::new();
    boost(&mut world, new(1, 20, Some(1))).unwrap();
    world.reserve(NOW + HOUR - 1000, 1, 2, 10).unwrap();
    world.team.tick(NOW + HOUR - 1).unwrap();
    assert_eq!(left(&world, 1), 20, "not a moment early");
    // After its time it pays no new call, even before the alarm has rung.
    assert_eq!(world.reserve(NOW + HOUR, 2, 2, 200).unwrap().amount, credits(90));
    world.team.settle(NOW + HOUR, &settle(2, 0)).unwrap();

    world.team.tick(NOW + HOUR).unwrap();
    assert_eq!((left(&world, 1), world.balances()), (12, (10, 88, 0)), "what a call has reserved stays");
    let view = world.team.boost_by_id(id(1)).unwrap();
    assert_eq!(
        (view.boost.ended_ms, view.boost.returned, view.left.available),
        (Some(NOW + HOUR), credits(8), credits(0))
    );
    let mut world = world.crash();
    world.team.tick(NOW + HOUR + 1).unwrap();
    assert_eq!(left(&world, 1), 12);
    world.settle(NOW + HOUR + 1, 1, 5);
    assert_eq!((left(&world, 1), world.balances()), (0, (10, 95, 5)), "and goes back when the call has ended");
    assert_eq!(world.team.boost_by_id(id(1)).unwrap().boost.returned, credits(15));
    assert_eq!(open_rows(&world.team), 0);
}

#[test]
fn what_a_late_settle_gives_back_follows_the_rest() {
    for late in [30, 3] {
        let mut world = World::new();
        boost(&mut world, new(1, 20, Some(1))).unwrap();
        let now = NOW + HOUR - 1000;
        world.reserve(now, 1, 2, 10).unwrap();
        world.team.progress(now, &Progress { request: request(1), due: credits(9), due_tokens: 9 }).unwrap();
        world.team.tick(now + 120_000).unwrap();
        assert_eq!((left(&world, 1), world.balances()), (0, (10, 91, 9)), "it expired, and the boost ended");
        let mut world = world.crash();
        world.settle(now + HOUR, 1, late);
        let expected = if late == 30 { (0, 80, 30) } else { (10, 97, 3) };
        assert_eq!((left(&world, 1), world.balances()), (0, expected), "{late}");
    }
}

#[test]
fn a_boost_ends_early_by_order_and_with_its_member() {
    let mut world = World::new();
    boost(&mut world, new(1, 20, Some(1))).unwrap();
    boost(&mut world, new(2, 10, None)).unwrap();
    let ended = order(&mut world, NOW + 5, Act::EndBoost { boost: id(1) }).unwrap();
    assert_eq!((ended.boost.ended_ms, ended.boost.returned), (Some(NOW + 5), credits(20)));
    let again = order(&mut world, NOW + 6, Act::EndBoost { boost: id(1) }).unwrap_err();
    assert!(matches!(again, OrderError::Conflict { .. }), "{again:?}");
    let unknown = order(&mut world, NOW + 6, Act::EndBoost { boost: id(9) }).unwrap_err();
    assert!(matches!(unknown, OrderError::NotFound { .. }), "{unknown:?}");
    assert_eq!(world.balances(), (10, 90, 0));
    let own = Place { team: TEAM, member: Some(MEMBER) };
    boost(&mut world, NewBoost { from: own, ..new(4, 5, None) }).unwrap();

    world.reserve(NOW, 1, 2, 4).unwrap();
    let name = "Ada".into();
    let status = MemberStatus::Removed;
    let gone = MemberProfile { version: 2, member: MEMBER, name, status, models: None, keeps_credits: false };
    world.hear(Message::Member(gone));
    assert_eq!((left(&world, 2), world.balances()), (6, (0, 104, 0)));
    let mut world = world.crash();
    world.settle(NOW, 1, 1);
    assert_eq!((left(&world, 2), world.balances()), (0, (0, 109, 1)));
    let removed = boost(&mut world, new(3, 1, None)).unwrap_err();
    assert!(matches!(removed, OrderError::Conflict { .. }), "{removed:?}");
}

#[test]
fn without_an_end_it_ends_when_it_is_spent() {
    let mut world = World::new();
    boost(&mut world, new(1, 20, None)).unwrap();
    world.reserve(NOW, 1, 2, 18).unwrap();
    world.settle(NOW, 1, 19);
    assert_eq!(world.team.boost_by_id(id(1)).unwrap().boost.ended_ms, None);
    world.reserve(NOW, 2, 0, 16).unwrap();
    world.settle(NOW + 7, 2, 16);
    let view = world.team.boost_by_id(id(1)).unwrap();
    assert_eq!((view.boost.ended_ms, view.boost.returned), (Some(NOW + 7), credits(0)));
    assert_eq!(open_rows(&world.team), 0);
    assert_eq!(world.balances(), (0, 75, 35));
}

#[test]
fn its_rate_limits_are_lifted_for_its_time() {
    let mut world = World::new();
    let rate = |amount: i64| Limit::new(limits::Kind::Rate, Window::Minute, Unit::Requests, amount).unwrap();
    for (limit, subject, amount) in [(1, Subject::Member(MEMBER), 1), (2, Subject::Team, 3)] {
        world.order(Act::CreateLimit { limit_id: LimitId::from_u128(limit), subject, limit: rate(amount) });
    }
    world.reserve(NOW, 1, 0, 16).unwrap();
    world.settle(NOW, 1, 1);
    let limited = world.reserve(NOW, 2, 0, 16).unwrap_err();
    assert!(matches!(limited, ReserveError::RateLimited(_)), "{limited:?}");
    boost(&mut world, NewBoost { lifts_rate_limits: true, ..new(1, 1, Some(1)) }).unwrap();
    world.reserve(NOW, 2, 0, 16).unwrap();
    world.settle(NOW, 2, 1);
    world.reserve(NOW, 3, 0, 16).unwrap();
    world.settle(NOW, 3, 1);
    let limited = world.reserve(NOW, 4, 0, 16).unwrap_err();
    assert!(matches!(limited, ReserveError::RateLimited(ref state) if state.subject == Subject::Team), "{limited:?}");
    let endless = boost(&mut world, NewBoost { lifts_rate_limits: true, ..new(2, 1, None) }).unwrap_err();
    assert!(matches!(endless, OrderError::Invalid { .. }), "{endless:?}");
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let mut world = World::new();
    let before = world.balances();
    let stranger = MemberId::from_u128(99);
    for (wrong, says) in [
        (new(1, 0, Some(1)), "above zero"),
        (new(1, 101, Some(1)), "`pool` has 100 credits"),
        (new(1, 1, Some(0)), "in the future"),
        (NewBoost { member: stranger, ..new(1, 1, Some(1)) }, "no member"),
        (NewBoost { from: Place { team: TEAM, member: Some(stranger) }, ..new(1, 1, Some(1)) }, "no member"),
    ] {
        let refused = boost(&mut world, wrong).unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
    boost(&mut world, new(1, 1, Some(1))).unwrap();
    let twice = boost(&mut world, new(1, 1, Some(1))).unwrap_err();
    assert!(matches!(twice, OrderError::Conflict { .. }), "{twice:?}");
    assert_eq!(world.balances(), (before.0, before.1 - 1, before.2));
}

#[test]
fn they_are_listed_newest_first() {
    let mut world = World::new();
    for boost_id in 1..=3 {
        boost(&mut world, new(boost_id, 1, Some(1))).unwrap();
    }
    order(&mut world, NOW, Act::EndBoost { boost: id(2) }).unwrap();
    let list = |ended, before, limit| {
        let filter = BoostFilter { member: Some(MEMBER), ended, before, limit };
        world.team.boosts(&filter).unwrap().iter().map(|view| view.boost.new.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 10), [id(3), id(2), id(1)]);
    assert_eq!(list(None, Some(id(3)), 1), [id(2)]);
    assert_eq!(list(Some(true), None, 10), [id(2)]);
    assert_eq!(list(Some(false), None, 10), [id(3), id(1)]);
    let entries = world.team.journal().page(u64::MAX >> 12, 9).unwrap();
    let kinds: Vec<Kind> = entries.iter().take(2).map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Kind::Return, Kind::Boost]);
}

#[test]
fn what_somebody_wrote_goes_when_they_are_erased() {
    let mut world = World::new();
    let manager = MemberId::from_u128(9);
    let who = Principal::Person(manager, identity::SessionId::from_u128(1));
    for (number, who) in [(1, who), (2, Principal::Operator)] {
        let act = Act::Boost(new(number, 5, None));
        let order = Order { who, idempotency: None, if_match: None, by: Default::default(), act };
        world.team.order(NOW, &order).unwrap();
    }
    let entries = world.team.journal().entries_after(0, 100).unwrap();
    let notes = entries.iter().filter(|entry| entry.kind == Kind::Boost).map(|entry| &entry.note);
    assert_eq!(notes.collect::<Vec<_>>(), [&None, &None], "an entry is for ever");
    world.hear(Message::Erase { member: manager });
    let reasons = |world: &World| [1, 2].map(|boost| world.team.boost_by_id(id(boost)).unwrap().boost.new.reason);
    let expected = [None, Some("the release".to_owned())];
    assert_eq!(reasons(&world), expected, "in memory");
    assert_eq!(reasons(&world.crash()), expected, "in the database");
}
