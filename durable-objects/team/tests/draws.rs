//! How much of the pool one member's calls may draw.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

mod world;

use events::{MemberProfile, MemberStatus, Message, OnDemand, TeamProfile};
use identity::MemberId;
use ledger::Account;
use limits::{PoolRules, Window};
use team::protocol::ReserveError;
use world::{NOW, World, credits, profile};

const DAY: i64 = 24 * 3600 * 1000;

/// 10 credits in the wallet, 100 in the pool, and three members.
fn world(window: Window, each: Option<i64>, floor: i64) -> World {
    let mut world = World::new();
    let rules = PoolRules { window, each: each.map(credits), floor: credits(floor) };
    world.hear(Message::Team(TeamProfile { pool_rules: Some(rules), ..profile(2) }));
    for id in [8, 9] {
        let (member, name) = (MemberId::from_u128(id), "Grace".to_owned());
        let (status, models) = (MemberStatus::Active, None);
        world.hear(Message::Member(MemberProfile { version: 1, member, name, status, models, keeps_credits: false }));
    }
    world
}

/// What a call that wants everything is told there is.
fn left(world: &mut World, now: i64) -> i64 {
    match world.reserve(now, 99, 1_000_000, 16) {
        Err(ReserveError::InsufficientFunds { left, .. }) => left.get() / 1000,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_draws_so_much_in_a_window() {
    let mut world = world(Window::Day, Some(30), 0);
    assert_eq!(left(&mut world, NOW), 40);
    // In flight it counts in full, and ended as it was.
    world.reserve(NOW, 1, 0, 35).unwrap();
    assert_eq!(left(&mut world, NOW), 5);
    world.settle(NOW, 1, 20);
    assert_eq!((left(&mut world, NOW), world.balances()), (20, (0, 90, 20)));
    world.reserve(NOW, 2, 4, 1000).unwrap();
    world.settle(NOW, 2, 20);
    assert_eq!((left(&mut world, NOW), world.balances()), (0, (0, 70, 40)));
    assert_eq!(left(&mut world, NOW + DAY), 30, "the next day");
}

#[test]
fn the_refusal_says_when_to_draw_anew() {
    let mut world = world(Window::Month, Some(30), 0);
    let Err(ReserveError::InsufficientFunds { draws, pool, .. }) = world.reserve(NOW, 1, 1_000, 16) else { panic!() };
    let draws = draws.unwrap();
    assert!(pool && draws.resets_ms.is_some_and(|at| at > NOW));
    assert_eq!((draws.drawn, draws.left), (credits(0), credits(30)));
    world.hear(Message::Team(profile(3)));
    let Err(ReserveError::InsufficientFunds { draws, .. }) = world.reserve(NOW, 1, 1_000, 16) else { panic!() };
    assert_eq!(draws, None, "there is no more than that");
}

#[test]
fn nobody_draws_more_of_the_floor_than_an_even_share() {
    let mut world = world(Window::Month, None, 60);
    // 10 of the own, 40 above the floor, and a third of it.
    assert_eq!(left(&mut world, NOW), 70);
    world.reserve(NOW, 1, 0, 70).unwrap();
    world.settle(NOW, 1, 70);
    assert_eq!((left(&mut world, NOW), world.balances().1), (0, 40));
}

#[test]
fn what_was_drawn_is_known_after_a_crash() {
    let mut world = world(Window::Month, Some(30), 0);
    world.reserve(NOW, 1, 0, 25).unwrap();
    world.settle(NOW, 1, 25);
    world.reserve(NOW, 2, 0, 5).unwrap();
    assert_eq!(left(&mut world, NOW), 10);
    let mut world = world.crash();
    assert_eq!(left(&mut world, NOW), 10);
    // From what is written now and then, too.
    for call in 100..400 {
        world.reserve(NOW, call, 1, 0).unwrap();
        world.settle(NOW, call, 0);
    }
    world.team.tick(NOW).unwrap();
    let mut world = world.crash();
    assert_eq!(left(&mut world, NOW), 10);
}

#[test]
fn an_expired_call_that_is_corrected_counts_as_it_was() {
    let mut world = world(Window::Month, Some(30), 0);
    world.reserve(NOW, 1, 0, 40).unwrap();
    let due = team::protocol::Progress { request: world::request(1), due: credits(40), due_tokens: 9 };
    world.team.progress(NOW, &due).unwrap();
    world.team.tick(NOW + 3_600_000).unwrap();
    assert_eq!(left(&mut world, NOW + 3_600_000), 0);
    world.settle(NOW + 3_600_000, 1, 15);
    assert_eq!((left(&mut world, NOW + 3_600_000), world.balances()), (25, (0, 95, 15)));
    let mut world = world.crash();
    assert_eq!(left(&mut world, NOW + 3_600_000), 25);
}

#[test]
fn what_a_provider_took_beyond_is_paid_all_the_same() {
    let mut world = world(Window::Month, Some(30), 0);
    world.reserve(NOW, 1, 0, 40).unwrap();
    world.settle(NOW, 1, 60);
    assert_eq!(world.balances(), (0, 50, 60));
    assert_eq!(world.team.journal().balance(Account::Overrun), credits(0));
    assert_eq!(left(&mut world, NOW), 0);
}

#[test]
fn the_department_is_asked_for_what_can_be_drawn() {
    let mut world = world(Window::Month, Some(120), 50);
    let order = OnDemand { chunk: credits(10), low_water: credits(0), monthly_cap: None };
    let rules = world.team.profile().unwrap().pool_rules;
    world.hear(Message::Team(TeamProfile { on_demand: Some(order), pool_rules: rules, ..profile(3) }));
    // 10 and 50 and 16 of a floor of 50: a call of 90 lacks 14.
    let Err(ReserveError::NeedsTopUp(top_up)) = world.reserve(NOW, 1, 74, 16) else { panic!() };
    assert_eq!(top_up.amount, credits(20));
    // Nobody draws so much, however much there is.
    assert!(matches!(world.reserve(NOW, 2, 120, 16), Err(ReserveError::InsufficientFunds { .. })));
}
