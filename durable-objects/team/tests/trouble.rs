//! What a failing database, a stranger and absurd numbers cannot do to a team.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use std::cell::Cell;
use std::rc::Rc;

use events::{Envelope, MemberProfile, MemberStatus, Message, PoolDraw, TeamProfile};
use identity::{
    ApiKey, DepartmentId, KeyHash, KeyId, LimitId, MemberId, OrganizationId, Principal, RequestId, TeamId, TransferId,
};
use ledger::{Account, Metered, Millicredits, Outcome};
use limits::{Kind, Limit, Unit, Window};
use storage::{NativeStorage, Row, Storage, StorageError, Value};
use team::Team;
use team::protocol::{Act, NewKey, Order, OrderError, Reserve, ReserveError, Settle, Subject, Tokens};

const NOW: i64 = 1_800_000_000_000;
const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const TEAM: TeamId = TeamId::from_u128(2);
const MEMBER: MemberId = MemberId::from_u128(3);
const KEY: KeyId = KeyId::from_u128(4);

/// A database that reports its next commit as failed although it was not.
#[derive(Clone)]
struct Liar {
    native: Rc<NativeStorage>,
    lies: Rc<Cell<bool>>,
}

impl Storage for Liar {
    fn query(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, StorageError> {
        self.native.query(sql, parameters)
    }

    fn transaction<T, E: From<StorageError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let value = self.native.transaction(body)?;
        if self.lies.take() { Err(StorageError::Sql("the disk is on fire".into()).into()) } else { Ok(value) }
    }

    fn rows_written(&self) -> u64 {
        0
    }
}

fn secret() -> KeyHash {
    ApiKey::parse(&ApiKey::mint(ORGANIZATION, TEAM, 5)).unwrap().hash
}

fn credits(credits: i64) -> Millicredits {
    Millicredits::from_credits(credits).unwrap()
}

fn profile(organization: OrganizationId, team: TeamId) -> TeamProfile {
    TeamProfile {
        version: u64::MAX,
        organization,
        department: DepartmentId::from_u128(1),
        team,
        name: "Compilers".into(),
        time_zone: "UTC".into(),
        settings_version: 1,
        on_demand: None,
        pool_draw: PoolDraw::Automatic,
        pool_rules: None,
        models: None,
        addresses: None,
        organization_addresses: None,
    }
}

fn order(team: &mut Team<Liar>, act: Act) {
    team.order(
        NOW,
        &Order { who: Principal::Operator, idempotency: None, if_match: None, by: Default::default(), act },
    )
    .unwrap();
}

/// A team with 100 credits in its pool, one member and one key.
fn team() -> (Team<Liar>, Liar) {
    let store = Liar { native: Rc::new(NativeStorage::in_memory().unwrap()), lies: Rc::default() };
    let mut team = Team::open(store.clone(), TEAM).unwrap();
    let member = MemberProfile {
        version: 1,
        member: MEMBER,
        name: "Ada".into(),
        status: MemberStatus::Active,
        models: None,
        keeps_credits: false,
    };
    let allot =
        Message::Allot { transfer: TransferId::from_u128(1), amount: credits(100), who: Principal::System, note: None };
    for (number, message) in (1..).zip([Message::Team(profile(ORGANIZATION, TEAM)), Message::Member(member), allot]) {
        team.receive(NOW, &Envelope { id: Envelope::name(ORGANIZATION, number), message }).unwrap();
    }
    let key = NewKey {
        key: KEY,
        member: MEMBER,
        name: "laptop".into(),
        hash: secret(),
        hint: String::new(),
        expires_ms: None,
        models: None,
        addresses: None,
    };
    order(&mut team, Act::CreateKey(key));
    (team, store)
}

/// A call whose input costs a credit at most and whose output costs one a
/// token.
fn call(number: u128, output_tokens: i64) -> Reserve {
    Reserve {
        request: RequestId::from_u128(u128::from(NOW.unsigned_abs()) << 80 | number),
        organization: ORGANIZATION,
        key: secret(),
        address: None,
        model: "demo-small".into(),
        provider: "demo".into(),
        settings_version: 1,
        input: credits(1),
        output_per_million: credits(1_000_000).get(),
        input_tokens: 10,
        output_tokens,
        choices: 1,
        rate_tokens: 10,
        likely: credits(1),
        likely_tokens: 4,
        clamp: true,
        topped_up: false,
        tag: None,
    }
}

#[test]
fn a_commit_that_is_reported_as_failed_is_our_own_failure_and_not_the_end_of_the_call() {
    let (mut team, store) = team();
    store.lies.set(true);
    assert_eq!(team.reserve(NOW, &call(1, 20)), Err(ReserveError::Storage));
    // The shell drops what it has in memory, and the attempt is repeated.
    let mut team = Team::wake(store, TEAM).unwrap().ok().unwrap();
    assert_eq!(team.available(Account::Pool), credits(79), "it was written");
    assert_eq!(team.reserve(NOW, &call(1, 20)).unwrap().amount, credits(21));
    assert_eq!(team.open_reservations().len(), 1);
}

#[test]
fn messages_of_another_organization_or_for_another_team_change_nothing() {
    let (mut team, _) = team();
    let stranger = OrganizationId::from_u128(99);
    let allot =
        Message::Allot { transfer: TransferId::from_u128(2), amount: credits(5), who: Principal::System, note: None };
    for (sender, message) in [
        (stranger, Message::Team(profile(stranger, TEAM))),
        (stranger, Message::Team(profile(ORGANIZATION, TEAM))),
        (ORGANIZATION, Message::Team(profile(stranger, TEAM))),
        (ORGANIZATION, Message::Team(profile(ORGANIZATION, TeamId::from_u128(98)))),
        (stranger, Message::Settings { version: 9 }),
        (stranger, allot),
    ] {
        let refused = team.receive(NOW, &Envelope { id: Envelope::name(sender, 77), message });
        assert!(matches!(refused, Err(OrderError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(team.profile().unwrap().organization, ORGANIZATION);
    assert_eq!(team.available(Account::Pool), credits(100));
}

#[test]
fn absurd_numbers_do_not_blind_limits() {
    let (mut team, _) = team();
    let limit = Limit::new(Kind::Cap, Window::Day, Unit::Credits, credits(30).get()).unwrap();
    order(&mut team, Act::CreateLimit { limit_id: LimitId::from_u128(1), subject: Subject::Team, limit });
    for (number, tokens) in [(1, i64::MAX), (2, i64::MIN)] {
        let absurd = Reserve {
            input_tokens: tokens,
            likely_tokens: tokens,
            rate_tokens: tokens,
            likely: Millicredits::new(tokens),
            ..call(number, 4)
        };
        assert_eq!(team.reserve(NOW, &absurd).unwrap().amount, credits(5));
    }
    let whole = Reserve { clamp: false, ..call(3, 20) };
    let ReserveError::LimitReached(state) = team.reserve(NOW, &whole).unwrap_err() else { panic!() };
    assert_eq!((state.used, state.reserved, state.left), (0, 10_000, 20_000));
    // Posted at what the input likely cost: nothing below zero, at most all.
    team.tick(NOW + 200_000).unwrap();
    assert_eq!(team.journal().balance(Account::Spent), credits(5));
    let spent = team.overview(NOW + 200_000).unwrap().limits.remove(0);
    assert_eq!((spent.used, spent.reserved), (5_000, 0));
}

#[test]
fn where_nothing_was_metered_nothing_is_paid() {
    let (mut team, store) = team();
    team.reserve(NOW, &call(1, 20)).unwrap();
    let release = Settle {
        request: call(1, 20).request,
        outcome: Outcome::UpstreamFailed,
        metered: Metered::Nothing,
        cost: credits(7),
        tokens: Tokens { input: 5, ..Tokens::default() },
        reconcile: false,
        ended_ago_ms: 0,
    };
    assert_eq!(team.settle(NOW, &release).unwrap().cost, credits(0));
    assert_eq!(team.available(Account::Pool), credits(100));
    let usage = |team: &mut Team<Liar>| team.me(NOW, ORGANIZATION, &secret(), None).unwrap().usage;
    let before = usage(&mut team);
    let mut again = Team::wake(store, TEAM).unwrap().ok().unwrap();
    assert_eq!(before, usage(&mut again), "also when the journal is replayed");
}

#[test]
fn a_repetition_at_a_higher_price_gets_the_output_that_is_paid_for() {
    let (mut team, _) = team();
    assert_eq!(team.reserve(NOW, &call(1, 40)).unwrap().amount, credits(41));
    let mut dearer = call(1, 40);
    dearer.output_per_million = credits(2_000_000).get();
    let again = team.reserve(NOW, &dearer).unwrap();
    assert_eq!((again.amount, again.output_tokens, again.limited), (credits(41), 20, true));
    dearer.output_per_million = credits(3_000_000).get();
    let refused = team.reserve(NOW, &dearer).unwrap_err();
    let (left, needed) = (credits(41), credits(49));
    assert!(matches!(refused, ReserveError::InsufficientFunds { left: l, needed: n, .. } if (l, n) == (left, needed)));
}
