//! Absences, in examples: what is lent, to whom, and what comes back when.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

mod world;

use events::{Gives, Keep, MemberProfile, MemberStatus, Message, Period, Place, PoolDraw};
use identity::{AbsenceId, CalendarId, MemberId, PlanId, Principal, TransferId};
use ledger::{Account, Kind};
use storage::Storage;
use team::protocol::{
    Absence, AbsenceFilter, AbsenceView, Act, AwayTime, CalendarAbsences, Lends, NewAbsence, NewTransfer, Order,
    OrderError, Reply, ReserveError, Share, Terms,
};
use world::{MEMBER, NOW, TEAM, World, credits, profile, settle};

const HOUR: i64 = 3_600_000;
const GRACE: MemberId = MemberId::from_u128(30);
const EDITH: MemberId = MemberId::from_u128(31);
const CALENDAR: CalendarId = CalendarId::from_u128(7);

/// Ada, who calls, with 10 in her wallet; Grace, who goes away, with 40; Edith
/// with nothing; and 60 in the pool.
fn world() -> World {
    let mut world = World::new();
    world.hear(Message::Member(member(GRACE, 1, MemberStatus::Active, false)));
    world.hear(Message::Member(member(EDITH, 1, MemberStatus::Active, false)));
    give(&mut world, 3, Account::Wallet(GRACE), 40);
    world
}

fn member(member: MemberId, version: u64, status: MemberStatus, keeps_credits: bool) -> MemberProfile {
    MemberProfile { version, member, name: "Somebody".into(), status, models: None, keeps_credits }
}

fn give(world: &mut World, transfer: u128, to: Account, amount: i64) {
    let (transfer, amount) = (TransferId::from_u128(transfer), credits(amount));
    world.order(Act::Allot { transfer, from: Account::Pool, to, amount, note: None });
}

fn order(world: &mut World, now: i64, act: Act) -> Result<Reply, OrderError> {
    let order = Order { who: Principal::Operator, idempotency: None, if_match: None, by: Default::default(), act };
    world.team.order(now, &order)
}

fn id(absence: u128) -> AbsenceId {
    AbsenceId::from_u128(absence)
}

/// From so many hours after now until others.
fn terms(from: i64, until: Option<i64>, share: Share, to: Option<MemberId>) -> Terms {
    let until_ms = until.map(|hours| NOW + hours * HOUR);
    Terms { from_ms: NOW + from * HOUR, until_ms, lends: Lends { share, to }, reason: Some("the Alps".into()) }
}

fn away(world: &mut World, now: i64, absence: u128, terms: Terms) -> Result<AbsenceView, OrderError> {
    let new = NewAbsence { id: id(absence), member: GRACE, terms };
    view(order(world, now, Act::Absence(new)))
}

fn change(world: &mut World, now: i64, absence: u128, terms: Terms) -> AbsenceView {
    view(order(world, now, Act::ChangeAbsence { absence: id(absence), terms })).unwrap()
}

fn back(world: &mut World, now: i64, absence: u128) -> Result<AbsenceView, OrderError> {
    view(order(world, now, Act::EndAbsence { absence: id(absence) }))
}

fn view(reply: Result<Reply, OrderError>) -> Result<AbsenceView, OrderError> {
    match reply? {
        Reply::Absence(view) => Ok(*view),
        other => panic!("{other:?}"),
    }
}

/// What Grace has in her wallet and lends, in credits.
fn grace(world: &World) -> (i64, i64) {
    assert_eq!(world.team.journal().books().sum(), 0);
    let balance = |account| world.team.journal().balance(account).get() / 1000;
    (balance(Account::Wallet(GRACE)), balance(Account::Lent(GRACE)))
}

/// The alarm rings, twice, and then has nothing more to do at that time.
fn tick(world: &mut World, now: i64) {
    world.team.tick(now).unwrap();
    let sequence = world.team.journal().sequence();
    world.team.tick(now).unwrap();
    assert_eq!(world.team.journal().sequence(), sequence, "a second alarm finds nothing to do");
}

/// What of the absence was lent and came back, in credits.
fn counted(world: &World, absence: u128) -> (i64, i64) {
    let Absence { lent, returned, .. } = world.team.absence_by_id(NOW, id(absence)).unwrap().absence;
    (lent.get() / 1000, returned.get() / 1000)
}

#[test]
fn what_is_idle_pays_for_others_last_and_what_is_left_comes_back() {
    let mut world = world();
    away(&mut world, NOW, 1, terms(1, Some(10), Share::All, None)).unwrap();
    assert_eq!(grace(&world), (40, 0), "she is still there");
    assert!(world.team.next_alarm(NOW).unwrap() <= NOW + HOUR);
    tick(&mut world, NOW + HOUR - 1);
    assert_eq!(grace(&world), (40, 0), "not a moment early");
    tick(&mut world, NOW + HOUR);
    assert_eq!(grace(&world), (0, 40));

    let mut world = world.crash();
    let reserved = world.reserve(NOW + HOUR, 1, 5, 200).unwrap();
    assert_eq!(reserved.amount, credits(110), "wallet, pool and what is lent");
    world.settle(NOW + HOUR, 1, 85);
    assert_eq!((world.balances(), grace(&world)), ((0, 0, 85), (0, 25)), "hers is taken last");
    assert_eq!(counted(&world, 1), (40, 0));

    tick(&mut world, NOW + 10 * HOUR);
    assert_eq!((grace(&world), counted(&world, 1)), ((25, 0), (40, 25)));
    let again = world.reserve(NOW + 10 * HOUR, 2, 5, 200);
    assert!(again.is_err(), "what is hers again pays for nobody else: {again:?}");
}

#[test]
fn before_the_alarm_rings_time_has_passed_already() {
    let mut world = world();
    away(&mut world, NOW, 1, terms(0, Some(2), Share::All, None)).unwrap();
    assert_eq!(grace(&world), (0, 40), "an absence that has begun lends at once");
    assert_eq!(world.reserve(NOW + 2 * HOUR, 1, 5, 200).unwrap().amount, credits(70));
}

#[test]
fn a_share_is_part_of_what_is_idle() {
    for (share, lent) in [
        (Share::Nothing, 0),
        (Share::All, 40),
        (Share::Percent { percent: 50 }, 20),
        (Share::Percent { percent: 1 }, 0),
        (Share::Above { floor: credits(15) }, 25),
        (Share::Above { floor: credits(50) }, 0),
    ] {
        let mut world = world();
        let view = away(&mut world, NOW, 1, terms(0, None, share, None)).unwrap();
        assert_eq!(grace(&world).1, lent, "{share:?}");
        assert_eq!(view.left.available.get() / 1000, lent, "{share:?}");
        assert_eq!(view, world.team.absence_by_id(NOW, id(1)).unwrap());
    }
}

#[test]
fn what_comes_meanwhile_is_shared_likewise_beyond_what_is_kept() {
    for (share, after) in [
        (Share::All, (0, 60)),
        (Share::Percent { percent: 50 }, (30, 30)),
        (Share::Above { floor: credits(15) }, (15, 45)),
        (Share::Above { floor: credits(50) }, (50, 10)),
        (Share::Nothing, (60, 0)),
    ] {
        let mut world = world();
        away(&mut world, NOW, 1, terms(0, None, share, None)).unwrap();
        give(&mut world, 4, Account::Wallet(GRACE), 20);
        tick(&mut world, NOW);
        assert_eq!(grace(&world), after, "{share:?}");
        let mut world = world.crash();
        tick(&mut world, NOW);
        assert_eq!(grace(&world), after, "{share:?}");
    }
}

#[test]
fn absences_can_be_laid_over_each_other() {
    let mut world = world();
    away(&mut world, NOW, 1, terms(0, Some(10), Share::Percent { percent: 50 }, None)).unwrap();
    assert_eq!(grace(&world), (20, 20));
    away(&mut world, NOW, 2, terms(2, Some(20), Share::All, Some(MEMBER))).unwrap();
    assert_eq!(grace(&world), (20, 20));
    tick(&mut world, NOW + 2 * HOUR);
    assert_eq!(grace(&world), (0, 40), "the one that was made last says what is lent");
    assert_eq!((counted(&world, 1), counted(&world, 2)), ((20, 0), (20, 0)));
    // Cut to before now: the other one holds.
    change(&mut world, NOW + 3 * HOUR, 2, terms(5, Some(20), Share::All, Some(MEMBER)));
    assert_eq!(grace(&world), (20, 20));
    tick(&mut world, NOW + 5 * HOUR);
    assert_eq!(grace(&world), (0, 40));
    // Called off.
    back(&mut world, NOW + 6 * HOUR, 2).unwrap();
    assert_eq!(grace(&world), (20, 20));
    // Prolonged.
    change(&mut world, NOW + 6 * HOUR, 1, terms(0, None, Share::Above { floor: credits(39) }, None));
    assert_eq!(grace(&world), (39, 1));
    tick(&mut world, NOW + 100 * HOUR);
    assert_eq!(grace(&world), (39, 1));
    back(&mut world, NOW + 101 * HOUR, 1).unwrap();
    assert_eq!(grace(&world), (40, 0));
    let twice = back(&mut world, NOW + 101 * HOUR, 1).unwrap_err();
    assert!(matches!(twice, OrderError::Conflict { .. }), "{twice:?}");
}

#[test]
fn what_calls_have_reserved_comes_back_when_they_end() {
    let mut world = world();
    away(&mut world, NOW, 1, terms(0, None, Share::All, Some(MEMBER))).unwrap();
    world.reserve(NOW, 1, 5, 45).unwrap();
    assert_eq!(world.balances().0, 10);
    let view = back(&mut world, NOW, 1).unwrap();
    assert_eq!((view.is_now, grace(&world)), (false, (0, 40)), "all of it is reserved");
    let mut world = world.crash();
    tick(&mut world, NOW + 1);
    world.settle(NOW + 1, 1, 30);
    assert_eq!((grace(&world), world.balances()), ((20, 0), (0, 60, 30)));
    assert_eq!(counted(&world, 1), (40, 20));
}

#[test]
fn whoever_is_away_again_lends_what_was_reserved_the_first_time() {
    let mut world = world();
    away(&mut world, NOW, 1, terms(0, None, Share::All, Some(MEMBER))).unwrap();
    world.reserve(NOW, 1, 5, 45).unwrap();
    back(&mut world, NOW, 1).unwrap();
    away(&mut world, NOW, 2, terms(0, Some(1), Share::Percent { percent: 50 }, None)).unwrap();
    world.settle(NOW, 1, 10);
    tick(&mut world, NOW);
    assert_eq!(grace(&world), (0, 40));
    tick(&mut world, NOW + HOUR);
    assert_eq!(grace(&world), (40, 0));
}

#[test]
fn a_late_settle_gives_back_to_whoever_lent() {
    let mut world = world();
    away(&mut world, NOW, 1, terms(0, None, Share::All, Some(MEMBER))).unwrap();
    world.reserve(NOW, 1, 20, 30).unwrap();
    let due = team::protocol::Progress { request: world::request(1), due: credits(30), due_tokens: 9 };
    world.team.progress(NOW, &due).unwrap();
    world.team.tick(NOW + HOUR).unwrap();
    assert_eq!(grace(&world), (0, 20), "expired at what was last reported");
    back(&mut world, NOW + HOUR, 1).unwrap();
    world.team.settle(NOW + HOUR, &settle(1, 12)).unwrap();
    tick(&mut world, NOW + HOUR);
    assert_eq!((grace(&world), world.balances().0), ((38, 0), 0));
}

#[test]
fn a_delegate_is_the_only_one_and_needs_no_pool() {
    let mut world = world();
    let asked = events::TeamProfile { pool_draw: PoolDraw::Off, ..profile(2) };
    world.hear(Message::Team(asked));
    away(&mut world, NOW, 1, terms(0, None, Share::All, Some(EDITH))).unwrap();
    let has = |world: &mut World| match world.reserve(NOW, 1, 1000, 16) {
        Err(ReserveError::InsufficientFunds { left, .. }) => left.get() / 1000,
        other => panic!("{other:?}"),
    };
    assert_eq!(has(&mut world), 10);
    change(&mut world, NOW, 1, terms(0, None, Share::All, Some(MEMBER)));
    assert_eq!(has(&mut world), 50);
    change(&mut world, NOW, 1, terms(0, None, Share::All, None));
    assert_eq!(has(&mut world), 10, "who may not draw from the pool");
}

#[test]
fn whoever_is_away_still_pays_with_what_they_have_lent() {
    let mut world = world();
    let new = NewAbsence { id: id(1), member: MEMBER, terms: terms(0, None, Share::All, Some(EDITH)) };
    view(order(&mut world, NOW, Act::Absence(new))).unwrap();
    assert_eq!(world.balances().0, 0);
    assert_eq!(world.reserve(NOW, 1, 5, 200).unwrap().amount, credits(70));
    world.settle(NOW, 1, 10);
    assert_eq!(world.balances(), (0, 60, 10), "her own first");
}

#[test]
fn what_a_leaver_lent_goes_where_the_rest_goes() {
    for (keeps, pool) in [(false, 90), (true, 50)] {
        let mut world = world();
        away(&mut world, NOW, 1, terms(0, None, Share::Percent { percent: 50 }, Some(MEMBER))).unwrap();
        world.reserve(NOW, 1, 5, 25).unwrap();
        world.hear(Message::Member(member(GRACE, 2, MemberStatus::Removed, keeps)));
        let mut world = world.crash();
        world.settle(NOW, 1, 20);
        tick(&mut world, NOW);
        assert_eq!(grace(&world), (if keeps { 30 } else { 0 }, 0));
        assert_eq!(counted(&world, 1), (20, 10), "{keeps}");
        assert_eq!(world.balances().1, pool.max(60), "{keeps}");
        world.hear(Message::Member(member(GRACE, 3, MemberStatus::Active, keeps)));
        tick(&mut world, NOW);
        assert_eq!((grace(&world).1, known(&world)), (0, vec![]), "who comes again is there");
        world.hear(Message::Member(member(GRACE, 4, MemberStatus::Removed, keeps)));
        let late = away(&mut world, NOW, 2, terms(0, None, Share::All, None)).unwrap_err();
        assert!(matches!(late, OrderError::Conflict { .. }), "{late:?}");
    }
}

#[test]
fn what_a_plan_gave_goes_back_at_its_end_although_it_is_lent() {
    let mut world = world();
    let period = |number: u128, amount: i64| {
        Message::Period(Period {
            plan: PlanId::from_u128(1),
            transfer: TransferId::from_u128(100 + number),
            ends_ms: NOW + HOUR,
            rule: Keep { most: Some(credits(0)), warn_before_ms: 0 },
            gives: Gives::Wallets { amount: credits(amount), members: vec![GRACE] },
        })
    };
    world.hear(period(1, 20));
    away(&mut world, NOW, 1, terms(0, None, Share::Percent { percent: 50 }, None)).unwrap();
    assert_eq!((grace(&world), world.balances().1), ((30, 30), 40));
    let going = world.team.expiring(PlanId::from_u128(1), Account::Wallet(GRACE)).unwrap();
    assert_eq!(going.amount, credits(20));
    // She spent 25 of what she kept: 5 of the plan's 20 are lent.
    give_back(&mut world, 25);
    world.hear(period(2, 10));
    tick(&mut world, NOW);
    assert_eq!(grace(&world), (12, 12), "5 + 30 - 20 + 10, in halves");
}

fn give_back(world: &mut World, amount: i64) {
    let (transfer, amount) = (TransferId::from_u128(50), credits(amount));
    world.order(Act::Allot { transfer, from: Account::Wallet(GRACE), to: Account::Pool, amount, note: None });
}

#[test]
fn what_was_sent_to_somebody_away_can_be_taken_back() {
    let mut world = world();
    away(&mut world, NOW, 1, terms(0, None, Share::All, Some(EDITH))).unwrap();
    let (from, to) = (Place { team: TEAM, member: Some(MEMBER) }, Place { team: TEAM, member: Some(GRACE) });
    let transfer = TransferId::from_u128(9);
    let new = NewTransfer { id: transfer, from, to, amount: credits(8), note: None, undo_ms: HOUR, sent_today: None };
    world.order(Act::Transfer(new));
    tick(&mut world, NOW);
    assert_eq!((world.balances().0, grace(&world)), (2, (0, 48)));
    world.order(Act::UndoTransfer { transfer, amount: None });
    tick(&mut world, NOW);
    assert_eq!((world.balances().0, grace(&world)), (10, (0, 40)));
    let mut world = world.crash();
    tick(&mut world, NOW);
    assert_eq!(grace(&world), (0, 40));
}

fn time(number: u128, from: Option<i64>, until: Option<i64>) -> AwayTime {
    let at = |hours| NOW + hours * HOUR;
    AwayTime { id: id(number), from_ms: from.map(at), until_ms: until.map(at) }
}

fn say(world: &mut World, now: i64, times: &[AwayTime]) {
    let lends = Lends { share: Share::All, to: None };
    let said = CalendarAbsences { calendar: CALENDAR, member: GRACE, times: times.to_vec(), lends };
    assert_eq!(order(world, now, Act::CalendarAbsences(said)).unwrap(), Reply::Done);
}

/// Those that are not over: from, until, in hours from now.
fn known(world: &World) -> Vec<(i64, Option<i64>)> {
    let filter = AbsenceFilter { member: Some(GRACE), over: Some(false), before: None, limit: 10 };
    let hours = |at: i64| (at - NOW) / HOUR;
    let views = world.team.absences(NOW, &filter).unwrap();
    views.iter().map(|view| &view.absence.new.terms).map(|t| (hours(t.from_ms), t.until_ms.map(hours))).rev().collect()
}

#[test]
fn a_calendar_is_believed_anew_each_time() {
    let mut world = world();
    say(&mut world, NOW, &[time(1, Some(1), Some(5)), time(2, Some(10), Some(20))]);
    assert_eq!(known(&world), [(1, Some(5)), (10, Some(20))]);
    let sequence = world.team.journal().audit_head().sequence;
    say(&mut world, NOW, &[time(3, Some(1), Some(5)), time(4, Some(10), Some(20))]);
    assert_eq!(world.team.journal().audit_head().sequence, sequence, "what is known already leaves nothing");
    // One is moved and prolonged, the other called off, a third is new.
    tick(&mut world, NOW + HOUR);
    assert_eq!(grace(&world), (0, 40));
    say(&mut world, NOW + 2 * HOUR, &[time(5, Some(0), Some(8)), time(6, Some(30), None)]);
    assert_eq!((known(&world), grace(&world)), (vec![(0, Some(8)), (30, None)], (0, 40)));
    say(&mut world, NOW + 3 * HOUR, &[time(7, None, Some(7))]);
    assert_eq!(known(&world), [(0, Some(7))], "one that has begun keeps its begin");
    say(&mut world, NOW + 4 * HOUR, &[]);
    assert_eq!((known(&world), grace(&world)), (vec![], (40, 0)));
}

#[test]
fn whoever_came_back_early_is_not_sent_away_again() {
    let mut world = world();
    let week = [time(1, Some(0), Some(50))];
    say(&mut world, NOW, &week);
    assert_eq!(grace(&world), (0, 40));
    back(&mut world, NOW + HOUR, 1).unwrap();
    let mut world = world.crash();
    say(&mut world, NOW + 2 * HOUR, &week);
    say(&mut world, NOW + 2 * HOUR, &[time(2, Some(0), Some(60))]);
    tick(&mut world, NOW + 3 * HOUR);
    assert_eq!((known(&world), grace(&world)), (vec![], (40, 0)));
    say(&mut world, NOW + 4 * HOUR, &[time(3, Some(0), Some(50)), time(4, Some(55), Some(56))]);
    assert_eq!(known(&world), [(55, Some(56))], "but another absence is one");
    tick(&mut world, NOW + 57 * HOUR);
    let rows = world.team.journal().store().query("SELECT id FROM absences WHERE state = 'open'", &[]).unwrap();
    assert_eq!(rows.len(), 0, "nothing is remembered for ever");
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let mut world = world();
    let invalid = |error: OrderError| assert!(matches!(error, OrderError::Invalid { .. }), "{error:?}");
    invalid(away(&mut world, NOW, 1, terms(-5, Some(0), Share::All, None)).unwrap_err());
    invalid(away(&mut world, NOW, 1, terms(5, Some(5), Share::All, None)).unwrap_err());
    invalid(away(&mut world, NOW, 1, terms(0, None, Share::Percent { percent: 0 }, None)).unwrap_err());
    invalid(away(&mut world, NOW, 1, terms(0, None, Share::Percent { percent: 101 }, None)).unwrap_err());
    invalid(away(&mut world, NOW, 1, terms(0, None, Share::Above { floor: credits(-1) }, None)).unwrap_err());
    invalid(away(&mut world, NOW, 1, terms(0, None, Share::All, Some(GRACE))).unwrap_err());
    let stranger = away(&mut world, NOW, 1, terms(0, None, Share::All, Some(MemberId::from_u128(99)))).unwrap_err();
    assert!(matches!(stranger, OrderError::NotFound { .. }), "{stranger:?}");
    assert_eq!((known(&world), grace(&world)), (vec![], (40, 0)));
    for absence in 1..=100 {
        away(&mut world, NOW, absence, terms(5, None, Share::All, None)).unwrap();
    }
    let many = away(&mut world, NOW, 101, terms(5, None, Share::All, None)).unwrap_err();
    assert!(matches!(many, OrderError::Conflict { .. }), "{many:?}");
}

#[test]
fn each_begin_and_end_is_told_once_and_moves_by_one_entry() {
    let mut world = world();
    away(&mut world, NOW, 1, terms(1, Some(2), Share::All, None)).unwrap();
    for now in [1, 1, 2, 2].map(|hours| NOW + hours * HOUR) {
        tick(&mut world, now);
    }
    let records = world.team.trail(0, 1000).unwrap().records;
    let told: Vec<_> = records
        .iter()
        .filter(|record| record.action.starts_with("absence_"))
        .map(|record| (record.action.as_str(), record.resource.clone().unwrap(), record.reference.clone().unwrap()))
        .collect();
    let (member, absence) = (GRACE.to_string(), id(1).to_string());
    assert_eq!(told, [("absence_began", member.clone(), absence.clone()), ("absence_ended", member, absence.clone())]);
    let entries = world.team.journal().entries_after(0, 100).unwrap();
    let kinds: Vec<_> = entries.iter().filter(|entry| entry.reference == absence).map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Kind::Lend, Kind::Return]);
}

#[test]
fn who_is_erased_leaves_no_words() {
    let mut world = world();
    away(&mut world, NOW, 1, terms(0, None, Share::All, None)).unwrap();
    world.hear(Message::Member(member(GRACE, 2, MemberStatus::Removed, false)));
    world.hear(Message::Erase { member: GRACE });
    let rows = world.team.journal().store().query("SELECT data FROM absences", &[]).unwrap();
    assert!(!rows[0].text(0).unwrap().contains("Alps"), "{}", rows[0].text(0).unwrap());
    assert_eq!(world.team.absence_by_id(NOW, id(1)).unwrap().absence.new.terms.reason, None);
}
