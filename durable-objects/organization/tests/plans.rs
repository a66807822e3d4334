//! Plans, in examples: who gets what for which period, and each once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

mod world;

use std::collections::BTreeMap;

use events::{Envelope, Gives, MemberProfile, MemberStatus, Message, Period, PeriodDone};
use identity::{MemberId, PlanId};
use ledger::{Account, Kind};
use limits::{Cycle, Every, Zone};
use organization::protocol::{Act, NewPlan, OrderError, Plan, Recipients, Reply};
use organization::{General, Organization};
use storage::NativeStorage;
use world::{DEPARTMENT, NOW, ORGANIZATION, TEAM, balance, credits, order, organization};

const DAY: i64 = 24 * 3_600_000;
const MONTH: Cycle = Cycle { every: Every::Month, first_month: 1 };
const EVERY_DAY: Cycle = Cycle { every: Every::Day, first_month: 1 };

fn to_department() -> Recipients {
    Recipients::Department { department: DEPARTMENT }
}

fn new(number: u128, to: Recipients, amount: i64, cycle: Cycle) -> NewPlan {
    NewPlan {
        id: PlanId::from_u128(number),
        name: format!("plan {number}"),
        to,
        amount: credits(amount),
        cycle,
        begins_now: false,
        ends_ms: None,
        most_kept: None,
        warn_days: 3,
        enabled: true,
    }
}

fn plan(organization: &Organization<NativeStorage>, number: u128) -> Plan {
    let all = organization.plans().unwrap();
    all.into_iter().find(|plan| plan.new.id == PlanId::from_u128(number)).unwrap()
}

/// When the month after `months` months of NOW's begins, in UTC.
fn month(months: usize) -> i64 {
    let mut day = MONTH.at(NOW, &Zone::UTC).unwrap();
    for _ in 0..months {
        day = MONTH.after(day).unwrap();
    }
    day.begins_ms(&Zone::UTC).unwrap()
}

fn crash(organization: Organization<NativeStorage>) -> Organization<NativeStorage> {
    Organization::wake(organization.into_store(), ORGANIZATION).unwrap().ok().unwrap()
}

fn department(organization: &Organization<NativeStorage>) -> i64 {
    assert_eq!(organization.journal().books().sum(), 0);
    balance(organization, Account::Department(DEPARTMENT))
}

/// What teams are told of periods.
fn periods(organization: &Organization<NativeStorage>) -> Vec<Period> {
    let due = organization.journal().due(i64::MAX);
    let period = |envelope: Envelope| match envelope.message {
        Message::Period(period) => Some(period),
        _ => None,
    };
    due.into_iter().filter_map(|pending| period(pending.envelope)).collect()
}

#[test]
fn each_period_once_also_those_that_nobody_saw_begin() {
    let mut world = organization();
    order(&mut world, Act::CreatePlan(new(1, to_department(), 10, MONTH))).unwrap();
    assert_eq!(world.next_alarm().unwrap().min(month(1)), world.next_alarm().unwrap());
    world.tick(month(1) - 1).unwrap();
    assert_eq!(department(&world), 300, "not a moment early");
    for _ in 0..3 {
        world.tick(month(1)).unwrap();
        world = crash(world);
        assert_eq!(department(&world), 310, "however often the alarm rings");
    }
    world.tick(month(4) + 5).unwrap();
    assert_eq!(department(&world), 340, "the second and the third are made up for");
    world.tick(month(2)).unwrap();
    assert_eq!(department(&world), 340, "also where the clock is put back");
    let known = plan(&world, 1);
    let run = known.last.unwrap();
    assert_eq!((run.given, run.missing, run.returned), (credits(10), credits(0), credits(0)));
    assert_eq!(run.period.begins_ms(&Zone::UTC), Some(month(4)));
    assert_eq!(known.next.unwrap().begins_ms(&Zone::UTC), Some(month(5)));
    let entries = world.journal().entries_after(0, 100).unwrap();
    let names: std::collections::BTreeSet<_> = entries
        .iter()
        .filter(|entry| entry.kind == Kind::Allot && entry.note.is_some())
        .map(|entry| entry.reference.clone())
        .collect();
    assert_eq!(names.len(), 4, "each has a name of its own");
}

#[test]
fn in_another_time_zone_it_is_the_same_period() {
    let mut world = organization();
    order(&mut world, Act::CreatePlan(new(1, to_department(), 10, MONTH))).unwrap();
    world.tick(month(1)).unwrap();
    let general = General { time_zone: "America/Los_Angeles".into(), ..General::default() };
    order(&mut world, Act::PutGeneral(general)).unwrap();
    world.tick(month(1) + 8 * 3_600_000).unwrap();
    assert_eq!(department(&world), 310, "the month begins there, and was given for");
    world.tick(month(2)).unwrap();
    assert_eq!(department(&world), 310);
    world.tick(month(2) + 8 * 3_600_000).unwrap();
    assert_eq!(department(&world), 320);
}

#[test]
fn from_above_to_below_and_what_there_is_to_all_alike() {
    let mut world = organization();
    let members: Vec<MemberId> = (1..=4).map(MemberId::from_u128).collect();
    for (at, member) in members.iter().enumerate() {
        let status = if at == 3 { MemberStatus::Removed } else { MemberStatus::Active };
        let member = MemberProfile {
            version: 0,
            member: *member,
            name: format!("member {at}"),
            status,
            models: None,
            keeps_credits: false,
        };
        order(&mut world, Act::CreateMember { team: TEAM, member, email: None }).unwrap();
    }
    // Made in the wrong order, and due at one moment.
    for (number, to, amount) in [
        (1, Recipients::Members { department: None, team: None }, 7),
        (2, Recipients::Teams { department: Some(DEPARTMENT) }, 1200),
        (3, Recipients::Departments, 600),
    ] {
        order(&mut world, Act::CreatePlan(new(number, to, amount, MONTH))).unwrap();
    }
    world.tick(month(1)).unwrap();
    assert_eq!(department(&world), 0, "300 and 600, for a team that should have 1200");
    assert_eq!(balance(&world, Account::Team(TEAM)), 900);
    let short = plan(&world, 2).last.unwrap();
    assert_eq!((short.given, short.missing), (credits(900), credits(300)));
    let told = periods(&world);
    assert_eq!(told[0].gives, Gives::Pool { amount: credits(900) });
    let wallets = Gives::Wallets { amount: credits(7), members: members[..3].to_vec() };
    assert_eq!(told[1].gives, wallets, "who has left gets nothing");
    assert_eq!((told[1].ends_ms, told[1].rule.warn_before_ms), (month(2), 3 * DAY));
}

#[test]
fn what_a_team_says_is_noted_once() {
    let mut world = organization();
    order(&mut world, Act::CreatePlan(new(1, Recipients::Members { department: None, team: Some(TEAM) }, 5, MONTH)))
        .unwrap();
    world.tick(month(1)).unwrap();
    let transfer = plan(&world, 1).last.unwrap().transfer;
    let done = PeriodDone {
        plan: PlanId::from_u128(1),
        transfer,
        team: TEAM,
        given: credits(4),
        missing: credits(1),
        returned: credits(2),
    };
    for number in [1, 1, 2] {
        let stale = PeriodDone { transfer: identity::TransferId::from_u128(5), ..done.clone() };
        let message = Message::PeriodDone(if number == 2 { stale } else { done.clone() });
        world.receive(NOW, &Envelope { id: Envelope::name(TEAM, number), message }).unwrap();
    }
    let foreign = Envelope { id: "team_x/1".into(), message: Message::PeriodDone(done) };
    assert!(world.receive(NOW, &foreign).is_err());
    let run = plan(&crash(world), 1).last.unwrap();
    assert_eq!((run.given, run.missing, run.returned), (credits(4), credits(1), credits(2)));
}

#[test]
fn what_a_department_does_not_spend_goes_back_and_what_others_gave_it_stays() {
    let mut world = organization();
    let kept = |most| NewPlan { most_kept: Some(credits(most)), ..new(1, to_department(), 100, MONTH) };
    order(&mut world, Act::CreatePlan(kept(30))).unwrap();
    world.tick(month(1)).unwrap();
    assert_eq!((department(&world), balance(&world, Account::Treasury)), (400, 600), "nothing of its own yet");
    world.tick(month(2)).unwrap();
    assert_eq!((department(&world), balance(&world, Account::Treasury)), (430, 570), "30 stay, 70 go, 100 come");
    assert_eq!(plan(&world, 1).last.unwrap().returned, credits(70));
    // 380 are spent: what the plan gave is at most what is there.
    order(&mut world, world::allot(Account::Department(DEPARTMENT), Account::Team(TEAM), 380)).unwrap();
    world.tick(month(3)).unwrap();
    assert_eq!(department(&world), 130, "30 of the 50 stay");
    order(&mut world, Act::ChangePlan(kept(0))).unwrap();
    let mut world = crash(world);
    world.tick(month(4)).unwrap();
    assert_eq!(department(&world), 100);
}

#[test]
fn a_plan_that_is_changed_gives_for_no_period_twice() {
    let mut world = organization();
    let begin = NewPlan { begins_now: true, ..new(1, to_department(), 10, MONTH) };
    order(&mut world, Act::CreatePlan(begin.clone())).unwrap();
    world.tick(NOW).unwrap();
    assert_eq!(department(&world), 310, "the period that has begun");
    order(&mut world, Act::ChangePlan(NewPlan { amount: credits(20), ..begin.clone() })).unwrap();
    world.tick(NOW).unwrap();
    assert_eq!(department(&world), 310);
    order(&mut world, Act::ChangePlan(NewPlan { cycle: EVERY_DAY, ..begin.clone() })).unwrap();
    world.tick(NOW).unwrap();
    assert_eq!(department(&world), 310, "a day that has begun is not given for");
    world.tick(NOW + DAY).unwrap();
    assert_eq!(department(&world), 320);
    let paused = NewPlan { enabled: false, cycle: EVERY_DAY, ..begin.clone() };
    order(&mut world, Act::ChangePlan(paused.clone())).unwrap();
    world.tick(NOW + 5 * DAY).unwrap();
    assert_eq!(department(&world), 320, "paused");
    let act = Act::ChangePlan(NewPlan { enabled: true, ..paused });
    let resume = organization::protocol::Order {
        who: identity::Principal::Operator,
        idempotency: None,
        if_match: None,
        by: Default::default(),
        act,
    };
    world.order(NOW + 5 * DAY, &resume).unwrap();
    world.tick(NOW + 5 * DAY).unwrap();
    assert_eq!(department(&world), 320, "what began meanwhile is left out");
    world.tick(NOW + 6 * DAY).unwrap();
    assert_eq!(department(&world), 330);
    order(&mut world, Act::RemovePlan { id: PlanId::from_u128(1) }).unwrap();
    assert_eq!(crash(world).plans().unwrap(), []);
}

#[test]
fn an_end_ends_it() {
    let mut world = organization();
    let ends_ms = Some(NOW + 3 * DAY);
    order(&mut world, Act::CreatePlan(NewPlan { ends_ms, ..new(1, to_department(), 10, EVERY_DAY) })).unwrap();
    world.tick(NOW + 30 * DAY).unwrap();
    assert_eq!(department(&world), 330);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = organization();
    order(&mut world, Act::CreatePlan(new(1, to_department(), 10, MONTH))).unwrap();
    let nobody = Recipients::Member { member: MemberId::from_u128(99) };
    let kept = NewPlan { most_kept: Some(credits(-1)), ..new(2, to_department(), 1, MONTH) };
    let month = Cycle { every: Every::Year, first_month: 13 };
    let past = NewPlan { ends_ms: Some(NOW), ..new(2, to_department(), 1, MONTH) };
    let named = NewPlan { name: "plan 1".into(), ..new(2, to_department(), 1, MONTH) };
    let refused =
        [new(2, to_department(), 0, MONTH), new(2, nobody, 1, MONTH), kept, new(2, to_department(), 1, month), past];
    for act in refused.into_iter().chain([named, new(1, to_department(), 1, MONTH)]).map(Act::CreatePlan) {
        let error = order(&mut world, act.clone()).unwrap_err();
        assert!(!matches!(error, OrderError::Storage), "{act:?}");
    }
    let other = Act::ChangePlan(new(1, Recipients::Departments, 10, MONTH));
    assert!(matches!(order(&mut world, other), Err(OrderError::Invalid { .. })));
    assert!(matches!(
        order(&mut world, Act::RemovePlan { id: PlanId::from_u128(7) }),
        Err(OrderError::NotFound { .. })
    ));
    let plans: BTreeMap<_, _> = world.plans().unwrap().into_iter().map(|plan| (plan.new.id, plan)).collect();
    assert_eq!(plans.len(), 1);
    let Reply::Done = order(&mut world, Act::RemovePlan { id: PlanId::from_u128(1) }).unwrap() else { panic!() };
}
