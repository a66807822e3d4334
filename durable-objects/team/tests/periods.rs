//! Plans in a team, in examples: what a period gives, and what goes back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

mod world;

use events::{Envelope, Gives, Keep, MemberProfile, MemberStatus, Message, Period, PeriodDone};
use identity::{MemberId, PlanId, TransferId};
use ledger::{Account, Millicredits};
use world::{MEMBER, NOW, World, credits};

const PLAN: PlanId = PlanId::from_u128(1);
const DAY: i64 = 24 * 3_600_000;

/// The `number`th period of the plan, of which at most so much is kept.
fn period(number: u128, most: Option<i64>, gives: Gives) -> Period {
    let rule = Keep { most: most.map(credits), warn_before_ms: DAY };
    Period { plan: PLAN, transfer: TransferId::from_u128(100 + number), rule, ends_ms: NOW + 30 * DAY, gives }
}

fn wallets(amount: i64, members: &[MemberId]) -> Gives {
    Gives::Wallets { amount: credits(amount), members: members.to_vec() }
}

fn begin(world: &mut World, period: Period) {
    world.hear(Message::Period(period));
    assert_eq!(world.team.journal().books().sum(), 0);
}

/// What the organization is told of periods, newest last: given, missing, returned.
fn told(world: &World) -> Vec<[Millicredits; 3]> {
    let done = |envelope: Envelope| match envelope.message {
        Message::PeriodDone(PeriodDone { given, missing, returned, .. }) => Some([given, missing, returned]),
        _ => None,
    };
    world.team.journal().due(i64::MAX).into_iter().filter_map(|pending| done(pending.envelope)).collect()
}

fn in_credits(credits: [i64; 3]) -> [Millicredits; 3] {
    credits.map(|credits| Millicredits::from_credits(credits).unwrap())
}

fn warnings(world: &World) -> usize {
    let records = world.team.journal().audit_after(0, 1000).unwrap();
    records.iter().filter(|record| record.action == "credits_expiring").count()
}

#[test]
fn only_what_the_plan_gave_goes_back() {
    let mut world = World::new();
    assert_eq!(world.balances(), (10, 100, 0));
    begin(&mut world, period(1, Some(0), wallets(20, &[MEMBER])));
    assert_eq!(world.balances(), (30, 80, 0), "the 10 of others stay");
    begin(&mut world, period(2, Some(0), wallets(20, &[MEMBER])));
    assert_eq!(world.balances(), (30, 80, 0), "20 go and 20 come");
    // 25 are spent: of the 5 that are left all may be the plan's.
    world.reserve(NOW, 1, 2, 26).unwrap();
    world.settle(NOW, 1, 25);
    let mut world = world.crash();
    begin(&mut world, period(3, Some(0), wallets(20, &[MEMBER])));
    assert_eq!(world.balances(), (20, 65, 25));
    assert_eq!(told(&world), [[20, 0, 0], [20, 0, 20], [20, 0, 5]].map(in_credits));
}

#[test]
fn what_is_reserved_stays_and_so_does_what_the_cap_allows() {
    let mut world = World::new();
    begin(&mut world, period(1, Some(5), wallets(20, &[MEMBER])));
    // A call in flight has 18 of the 30.
    world.reserve(NOW, 1, 2, 16).unwrap();
    begin(&mut world, period(2, Some(5), wallets(20, &[MEMBER])));
    assert_eq!(world.balances(), (43, 67, 0), "of 12 that are free 5 stay, of those reserved nothing goes");
    world.settle(NOW, 1, 0);
    begin(&mut world, period(3, None, wallets(20, &[MEMBER])));
    assert_eq!(world.balances(), (43, 67, 0), "what was reserved was not the plan's any more: 20 of 25 go");
    begin(&mut world, period(4, Some(5), wallets(20, &[MEMBER])));
    assert_eq!(world.balances(), (63, 47, 0), "all that the third gave stays, as it said");
}

#[test]
fn where_the_pool_has_less_all_get_alike() {
    let mut world = World::new();
    let others: Vec<MemberId> = (10..=11).map(MemberId::from_u128).collect();
    for (member, status) in others.iter().zip([MemberStatus::Suspended, MemberStatus::Removed]) {
        let (name, keeps_credits) = ("x".into(), false);
        world.hear(Message::Member(MemberProfile {
            version: 1,
            member: *member,
            name,
            status,
            models: None,
            keeps_credits,
        }));
    }
    let all = [MEMBER, others[0], others[1], MemberId::from_u128(99)];
    begin(&mut world, period(1, None, wallets(60, &all)));
    assert_eq!(world.balances(), (60, 0, 0), "50 for each of the two who are here");
    assert_eq!(told(&world), [in_credits([100, 20, 0])]);
    begin(&mut world, period(2, None, wallets(60, &all)));
    assert_eq!(told(&world)[1], in_credits([0, 120, 0]));
}

#[test]
fn a_pool_gives_back_to_the_department() {
    let mut world = World::new();
    begin(&mut world, period(1, Some(0), Gives::Pool { amount: credits(40) }));
    assert_eq!(world.balances().1, 140);
    begin(&mut world, period(2, Some(0), Gives::Pool { amount: credits(40) }));
    assert_eq!(world.balances().1, 140);
    let due = world.team.journal().due(i64::MAX);
    let returned = due.iter().filter_map(|pending| match pending.envelope.message {
        Message::Return { amount, transfer, .. } => Some((amount, transfer)),
        _ => None,
    });
    assert_eq!(returned.collect::<Vec<_>>(), [(credits(40), TransferId::from_u128(102))]);
    assert_eq!(world.team.journal().balance(Account::Parent), credits(-150));
}

#[test]
fn somebody_is_told_once_before_credits_go_back() {
    let mut world = World::new();
    begin(&mut world, period(1, Some(5), wallets(20, &[MEMBER])));
    assert!(world.team.next_alarm(NOW).is_some_and(|at| at <= NOW + 29 * DAY));
    world.team.tick(NOW + 29 * DAY - 1).unwrap();
    assert_eq!(warnings(&world), 0);
    world.team.tick(NOW + 29 * DAY).unwrap();
    let mut world = world.crash();
    world.team.tick(NOW + 29 * DAY + 1).unwrap();
    assert_eq!(warnings(&world), 1);
    // Nothing will go: nobody is told.
    begin(&mut world, period(2, Some(50), wallets(20, &[MEMBER])));
    world.team.tick(NOW + 29 * DAY).unwrap();
    assert_eq!(warnings(&world), 1);
}

#[test]
fn what_a_plan_gave_stays_when_it_ends_and_follows_a_new_rule_when_it_changes() {
    let mut world = World::new();
    begin(&mut world, period(1, None, wallets(20, &[MEMBER])));
    let rule = Some(Keep { most: Some(credits(1)), warn_before_ms: DAY });
    world.hear(Message::Plan { plan: PLAN, rule });
    let mut world = world.crash();
    world.team.tick(NOW + 29 * DAY).unwrap();
    assert_eq!(warnings(&world), 1);
    world.hear(Message::Plan { plan: PLAN, rule: None });
    begin(&mut world, period(2, Some(0), wallets(1, &[MEMBER])));
    assert_eq!(world.balances(), (31, 79, 0), "what it gave is not its own any more");
}
