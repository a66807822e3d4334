//! Credits between people, pools and teams, as one team sees it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use events::{Envelope, MemberProfile, MemberStatus, Message, Passage, Place, PoolDraw, TeamProfile};
use identity::{DepartmentId, MemberId, OrganizationId, Principal, SessionId, TeamId, TransferId};
use journal::Idempotency;
use ledger::{Account, Millicredits};
use storage::NativeStorage;
use team::Team;
use team::protocol::{
    Act, Direction, NewTransfer, Order, OrderError, Reply, Transfer, TransferFilter, TransferStatus, Transferred,
};

const NOW: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;
const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const TEAM: TeamId = TeamId::from_u128(2);
const OTHER_TEAM: TeamId = TeamId::from_u128(3);
const ADA: MemberId = MemberId::from_u128(4);
const ALAN: MemberId = MemberId::from_u128(5);
const GRACE: MemberId = MemberId::from_u128(6);

fn credits(credits: i64) -> Millicredits {
    Millicredits::from_credits(credits).unwrap()
}

/// A transfer's name, made so many minutes after [`NOW`].
fn id(minutes: i64) -> TransferId {
    let time = u128::try_from(NOW + minutes * MINUTE).unwrap();
    TransferId::from_u128(time << 80 | 1)
}

const fn pool() -> Place {
    Place { team: TEAM, member: None }
}

const fn wallet(member: MemberId) -> Place {
    Place { team: TEAM, member: Some(member) }
}

const AWAY: Place = Place { team: OTHER_TEAM, member: Some(GRACE) };

struct Test {
    team: Team<NativeStorage>,
    told: u64,
}

impl Test {
    /// A team with 60 credits in its pool and 40 in Ada's wallet; Alan has none.
    fn new() -> Self {
        let team = Team::open(NativeStorage::in_memory().unwrap(), TEAM).unwrap();
        let mut test = Self { team, told: 0 };
        let profile = TeamProfile {
            version: 1,
            organization: ORGANIZATION,
            department: DepartmentId::from_u128(1),
            team: TEAM,
            name: "Compilers".into(),
            time_zone: "Europe/Berlin".into(),
            settings_version: 1,
            on_demand: None,
            pool_draw: PoolDraw::Automatic,
            pool_rules: None,
            models: None,
            addresses: None,
            organization_addresses: None,
        };
        test.hear(Message::Team(profile));
        test.member(ADA, MemberStatus::Active);
        test.member(ALAN, MemberStatus::Active);
        let (transfer, amount) = (TransferId::from_u128(1), credits(100));
        test.hear(Message::Allot { transfer, amount, who: Principal::System, note: None });
        let (from, to, amount) = (Account::Pool, Account::Wallet(ADA), credits(40));
        let act = Act::Allot { transfer: TransferId::from_u128(2), from, to, amount, note: None };
        test.order(NOW, act).unwrap();
        test
    }

    fn hear(&mut self, message: Message) {
        self.told += 1;
        let id = Envelope::name(ORGANIZATION, self.told);
        self.team.receive(NOW, &Envelope { id, message }).unwrap();
    }

    fn member(&mut self, member: MemberId, status: MemberStatus) {
        let version = self.told + 1;
        let name = "somebody".into();
        self.hear(Message::Member(MemberProfile { version, member, name, status, models: None, keeps_credits: false }));
    }

    fn order(&mut self, now: i64, act: Act) -> Result<Reply, OrderError> {
        let order = Order { who: Principal::Operator, idempotency: None, if_match: None, by: Default::default(), act };
        self.team.order(now, &order)
    }

    fn transferred(&mut self, now: i64, act: Act) -> Result<Transferred, OrderError> {
        match self.order(now, act)? {
            Reply::Transferred(done) => Ok(*done),
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, minutes: i64, from: Place, to: Place, amount: i64) -> Result<Transferred, OrderError> {
        self.transferred(NOW + minutes * MINUTE, Act::Transfer(new(minutes, from, to, amount)))
    }

    fn undo(&mut self, minutes: i64, of: TransferId, amount: Option<i64>) -> Result<Transferred, OrderError> {
        let amount = amount.map(credits);
        self.transferred(NOW + minutes * MINUTE, Act::UndoTransfer { transfer: of, amount })
    }

    /// Pool, Ada's wallet, Alan's wallet, what came from above; in credits.
    fn balances(&self) -> [i64; 4] {
        let accounts = [Account::Pool, Account::Wallet(ADA), Account::Wallet(ALAN), Account::Parent];
        assert_eq!(self.team.journal().books().sum(), 0);
        accounts.map(|account| self.team.journal().balance(account).get() / 1000)
    }

    /// What waits to be delivered.
    fn outbox(&self) -> Vec<(String, Message)> {
        let due = self.team.journal().due(i64::MAX);
        due.into_iter().map(|pending| (pending.target, pending.envelope.message)).collect()
    }
}

fn new(minutes: i64, from: Place, to: Place, amount: i64) -> NewTransfer {
    let note = Some("for the demo".to_owned());
    NewTransfer { id: id(minutes), from, to, amount: credits(amount), note, undo_ms: 5 * MINUTE, sent_today: None }
}

fn passage(to: MemberId) -> Passage {
    Passage {
        transfer: id(0),
        undoes: false,
        from: AWAY,
        to: wallet(to),
        amount: credits(7),
        who: Principal::System,
        note: None,
        time_ms: NOW,
        undo_until_ms: NOW + 5 * MINUTE,
    }
}

#[test]
fn within_the_team_it_is_one_entry() {
    let mut test = Test::new();
    let before = test.team.journal().sequence();
    let done = test.send(0, wallet(ADA), wallet(ALAN), 15).unwrap();
    assert_eq!((done.available, done.transfer.status), (credits(25), TransferStatus::Done));
    assert_eq!(test.balances(), [60, 25, 15, -100]);
    test.send(1, wallet(ALAN), pool(), 5).unwrap();
    test.send(2, pool(), wallet(ADA), 1).unwrap();
    assert_eq!(test.balances(), [64, 26, 10, -100]);
    assert_eq!(test.team.journal().sequence(), before + 3);
    assert!(test.outbox().is_empty());
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let mut test = Test::new();
    test.member(ALAN, MemberStatus::Removed);
    let elsewhere = Place { team: OTHER_TEAM, member: Some(ADA) };
    for (from, to, amount) in [
        (wallet(ADA), wallet(ADA), 1),
        (wallet(ADA), wallet(ALAN), 1),
        (wallet(ADA), wallet(GRACE), 1),
        (wallet(GRACE), wallet(ADA), 1),
        (elsewhere, wallet(ADA), 1),
        (wallet(ADA), pool(), 41),
        (wallet(ADA), pool(), 0),
        (wallet(ADA), pool(), -1),
    ] {
        let refused = test.send(0, from, to, amount);
        assert!(refused.is_err(), "{from:?} {to:?} {amount}: {refused:?}");
    }
    assert_eq!(test.balances(), [60, 40, 0, -100]);
    test.send(0, wallet(ADA), pool(), 1).unwrap();
    let again = test.send(0, wallet(ADA), pool(), 1);
    assert!(matches!(again, Err(OrderError::Conflict { .. })), "a name is for one transfer: {again:?}");
}

#[test]
fn undone_as_far_as_it_is_unspent_and_not_for_ever() {
    let mut test = Test::new();
    test.send(0, wallet(ADA), wallet(ALAN), 20).unwrap();
    // Alan passes most of it on.
    test.send(1, wallet(ALAN), pool(), 15).unwrap();
    let refused = test.undo(2, id(0), None).unwrap_err();
    assert_eq!(refused, OrderError::PartlySpent { undoable: credits(5) });
    let done = test.undo(2, id(0), Some(3)).unwrap();
    assert_eq!((done.amount, done.transfer.undone, done.available), (credits(3), credits(3), credits(2)));
    assert_eq!(test.balances(), [75, 23, 2, -100]);
    let more = test.undo(2, id(0), Some(18)).unwrap_err();
    assert_eq!(more, OrderError::PartlySpent { undoable: credits(2) });
    for amount in [Some(0), Some(-1)] {
        assert!(matches!(test.undo(2, id(0), amount), Err(OrderError::Invalid { .. })), "{amount:?}");
    }
    let late = test.undo(6, id(0), Some(1)).unwrap_err();
    assert_eq!(late, OrderError::TooLate { until_ms: NOW + 5 * MINUTE });
    test.undo(5, id(1), None).unwrap();
    assert!(matches!(test.undo(5, id(1), None), Err(OrderError::Conflict { .. })), "once");
    assert!(matches!(test.undo(5, id(4), None), Err(OrderError::NotFound { .. })));
    assert_eq!(test.balances(), [60, 23, 17, -100]);
}

#[test]
fn what_a_leaver_sent_comes_back_to_the_pool() {
    let mut test = Test::new();
    test.send(0, wallet(ADA), wallet(ALAN), 20).unwrap();
    test.member(ADA, MemberStatus::Removed);
    test.undo(1, id(0), None).unwrap();
    assert_eq!(test.balances(), [100, 0, 0, -100]);

    // And what they had sent to the pool stays there.
    let mut test = Test::new();
    test.send(0, wallet(ADA), pool(), 20).unwrap();
    test.member(ADA, MemberStatus::Removed);
    let done = test.undo(1, id(0), None).unwrap();
    assert_eq!((test.balances(), done.available), ([100, 0, 0, -100], credits(100)));
}

#[test]
fn to_another_team_it_leaves_with_its_message() {
    let mut test = Test::new();
    let done = test.send(0, wallet(ADA), AWAY, 15).unwrap();
    assert_eq!(done.transfer.status, TransferStatus::Sent);
    assert_eq!(test.balances(), [60, 25, 0, -85]);
    let [(target, Message::Transfer(sent))] = &test.outbox()[..] else { panic!("{:?}", test.outbox()) };
    assert_eq!(*target, ORGANIZATION.to_string());
    assert_eq!((sent.transfer, sent.from, sent.to, sent.amount), (id(0), wallet(ADA), AWAY, credits(15)));

    // It can only be undone where the credits are.
    assert!(matches!(test.undo(1, id(0), None), Err(OrderError::Invalid { .. })));
    let back = Passage { undoes: true, from: AWAY, to: wallet(ADA), amount: credits(4), ..sent.clone() };
    test.hear(Message::Transfer(back));
    assert_eq!(test.balances(), [60, 29, 0, -89]);
    assert_eq!(test.team.transfer_by_id(id(0)).unwrap().undone, credits(4));
}

#[test]
fn what_the_other_team_cannot_take_comes_back() {
    let mut test = Test::new();
    test.send(0, wallet(ADA), AWAY, 15).unwrap();
    let Some((_, Message::Transfer(passage))) = test.outbox().pop() else { panic!() };
    let reason = "`mem_…` has left".to_owned();
    test.hear(Message::Refused { passage, reason: reason.clone() });
    assert_eq!(test.balances(), [60, 40, 0, -100]);
    let known = test.team.transfer_by_id(id(0)).unwrap();
    assert_eq!((known.status, known.undone), (TransferStatus::Refused { reason }, credits(15)));
    assert_eq!(test.team.sent_today(NOW, wallet(ADA)).unwrap(), Millicredits::ZERO);
}

#[test]
fn from_another_team_it_arrives_or_goes_back() {
    let mut test = Test::new();
    test.member(ALAN, MemberStatus::Removed);
    test.hear(Message::Transfer(passage(ADA)));
    assert_eq!(test.balances(), [60, 47, 0, -107]);
    assert!(test.outbox().is_empty());
    for nobody in [ALAN, GRACE] {
        test.hear(Message::Transfer(Passage { transfer: id(1), ..passage(nobody) }));
        let Some((target, Message::Refused { passage: back, .. })) = test.outbox().pop() else { panic!() };
        assert_eq!((target, back.to), (ORGANIZATION.to_string(), wallet(nobody)));
        assert_eq!(test.balances(), [60, 47, 0, -107]);
    }
    // And it can be undone here.
    test.undo(3, id(0), None).unwrap();
    assert_eq!(test.balances(), [60, 40, 0, -100]);
    let Some((_, Message::Transfer(back))) = test.outbox().pop() else { panic!() };
    assert_eq!((back.undoes, back.from, back.to, back.amount), (true, wallet(ADA), AWAY, credits(7)));
}

#[test]
fn a_day_is_the_organizations_day() {
    let mut test = Test::new();
    // 1,800,000,000 is 2027-01-15 08:00 UTC; in Berlin the day ends at 23:00 UTC.
    let until_midnight = 15 * 60;
    test.send(0, wallet(ADA), wallet(ALAN), 10).unwrap();
    test.send(until_midnight - 1, wallet(ADA), pool(), 5).unwrap();
    test.send(until_midnight, wallet(ADA), AWAY, 2).unwrap();
    let sent = |minutes: i64| test.team.sent_today(NOW + minutes * MINUTE, wallet(ADA)).unwrap();
    assert_eq!([0, until_midnight - 1, until_midnight].map(sent), [credits(17), credits(17), credits(2)]);
    // What has been sent since policies were asked must be known to them.
    let later = until_midnight + 1;
    let asked = |known| NewTransfer { sent_today: Some(credits(known)), ..new(later, wallet(ADA), pool(), 1) };
    let stale = test.transferred(NOW + later * MINUTE, Act::Transfer(asked(1))).unwrap_err();
    assert_eq!(stale, OrderError::SentMeanwhile { sent_today: credits(2) });
    test.transferred(NOW + later * MINUTE, Act::Transfer(asked(2))).unwrap();
}

#[test]
fn both_see_it_in_their_history() {
    let mut test = Test::new();
    for (minutes, from, to) in [(0, wallet(ADA), wallet(ALAN)), (1, wallet(ALAN), pool()), (2, wallet(ADA), AWAY)] {
        test.send(minutes, from, to, 3).unwrap();
    }
    let all = TransferFilter { member: None, pool: false, direction: None, before: None, limit: 10 };
    let of = |filter: TransferFilter| -> Vec<TransferId> {
        test.team.transfers(&filter).unwrap().iter().map(|transfer: &Transfer| transfer.id).collect()
    };
    assert_eq!(of(all.clone()), [id(2), id(1), id(0)]);
    assert_eq!(of(TransferFilter { member: Some(ADA), ..all.clone() }), [id(2), id(0)]);
    assert_eq!(of(TransferFilter { member: Some(ALAN), ..all.clone() }), [id(1), id(0)]);
    let received = Some(Direction::Received);
    assert_eq!(of(TransferFilter { member: Some(ALAN), direction: received, ..all.clone() }), [id(0)]);
    assert_eq!(of(TransferFilter { pool: true, ..all.clone() }), [id(1)]);
    assert_eq!(of(TransferFilter { before: Some(id(2)), limit: 1, ..all }), [id(1)]);
}

#[test]
fn a_repetition_is_known_and_a_crash_forgets_nothing() {
    let mut test = Test::new();
    let order = Order {
        who: Principal::Operator,
        idempotency: Some(Idempotency { key: "once".into(), fingerprint: "same".into() }),
        if_match: None,
        by: Default::default(),
        act: Act::Transfer(new(0, wallet(ADA), AWAY, 15)),
    };
    let first = test.team.order(NOW, &order).unwrap();
    let mut team = Team::open(test.team.into_store(), TEAM).unwrap();
    assert_eq!(team.order(NOW + MINUTE, &order).unwrap(), first);
    test.team = team;
    assert_eq!(test.balances(), [60, 25, 0, -85]);
    assert_eq!(test.outbox().len(), 1);
}

#[test]
fn notes_go_with_who_wrote_them() {
    let mut test = Test::new();
    // Ada writes to Alan, and to another team; somebody else writes to Ada.
    let who = Principal::Person(ADA, SessionId::from_u128(1));
    for (minutes, to) in [(0, wallet(ALAN)), (1, AWAY)] {
        let act = Act::Transfer(new(minutes, wallet(ADA), to, 5));
        let order = Order { who, idempotency: None, if_match: None, by: Default::default(), act };
        test.team.order(NOW, &order).unwrap();
    }
    test.send(2, wallet(ALAN), wallet(ADA), 1).unwrap();
    let filter = TransferFilter { member: None, pool: false, direction: None, before: None, limit: 10 };
    let notes = |test: &Test| {
        let all = test.team.transfers(&filter).unwrap();
        all.into_iter().map(|transfer| (transfer.who, transfer.note.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(notes(&test), [(Principal::Operator, true), (who, true), (who, true)]);
    let balances = test.balances();
    test.member(ADA, MemberStatus::Removed);
    let gone = test.balances();
    test.hear(Message::Erase { member: ADA });
    assert_eq!(notes(&test), [(Principal::Operator, true), (who, false), (who, false)]);
    assert_eq!((test.balances(), balances[3]), (gone, gone[3]), "money stays");
    // In no entry it ever was.
    let rows = storage::Storage::query(test.team.journal().store(), "SELECT note FROM entries", &[]).unwrap();
    assert!(!format!("{rows:?}").contains("for the demo"), "{rows:?}");
}
