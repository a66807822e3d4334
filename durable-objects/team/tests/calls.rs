//! A call's life in the team's actor, in examples: what is reserved, what is
//! paid, and what a repetition, a crash and the clock change about it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

mod world;

use events::{MemberProfile, MemberStatus, Message, TeamProfile};
use identity::{ApiKey, LimitId, Networks, OrganizationId, Principal, TransferId};
use journal::Tag;
use ledger::{Account, Kind, Metered, Outcome};
use limits::{Limit, Unit, Window};
use team::protocol::{Act, Order, OrderError, Progress, Reply, ReserveError, Settle, Subject};
use world::{KEY, MEMBER, NOW, ORGANIZATION, TEAM, World, credits, profile, request, settle};

#[test]
fn the_wallet_pays_before_the_pool_and_only_what_the_call_cost() {
    let mut world = World::new();
    let reserved = world.reserve(NOW, 1, 2, 20).unwrap();
    assert_eq!((reserved.amount, reserved.balance, reserved.limited), (credits(22), credits(88), false));
    assert_eq!(world.balances(), (10, 100, 0), "a reservation moves nothing");
    assert_eq!(world.settle(NOW, 1, 12).cost, credits(12));
    assert_eq!(world.balances(), (0, 98, 12));
    // The same settle again, with another cost even, is answered with the first.
    let again = world.settle(NOW, 1, 22);
    assert_eq!((again.cost, again.changed), (credits(12), false));
    assert_eq!(world.balances(), (0, 98, 12));
}

#[test]
fn a_call_that_cannot_be_paid_in_full_gets_less_output_or_is_refused() {
    let mut world = World::new();
    let reserved = world.reserve(NOW, 1, 50, 1000).unwrap();
    assert_eq!((reserved.output_tokens, reserved.limited, reserved.balance), (60, true, credits(0)));
    let refused = world.reserve(NOW, 2, 0, 1).unwrap_err();
    assert!(matches!(refused, ReserveError::InsufficientFunds { left, .. } if left == credits(0)));
    world.settle(NOW, 1, 90);
    // 20 left: enough for the input of 10, not for 16 tokens beside it.
    assert!(world.reserve(NOW, 3, 10, 1000).is_err());
    let mut whole = world.call(4, 1, 1000);
    whole.clamp = false;
    assert!(
        matches!(world.team.reserve(NOW, &whole), Err(ReserveError::InsufficientFunds { needed, .. }) if needed == credits(1001))
    );
    assert_eq!(world.reserve(NOW, 5, 4, 1000).unwrap().output_tokens, 16);
}

#[test]
fn one_id_is_one_reservation() {
    let mut world = World::new();
    let first = world.reserve(NOW, 1, 2, 20).unwrap();
    assert_eq!(world.reserve(NOW, 1, 2, 20).unwrap(), first);
    assert_eq!(world.team.open_reservations().len(), 1);
    world.settle(NOW, 1, 2);
    assert_eq!(world.reserve(NOW, 1, 2, 20), Err(ReserveError::AlreadyEnded));
}

#[test]
fn nothing_is_paid_for_a_call_that_failed() {
    let mut world = World::new();
    world.reserve(NOW, 1, 2, 20).unwrap();
    let release = Settle { metered: Metered::Nothing, outcome: Outcome::UpstreamFailed, ..settle(1, 0) };
    assert_eq!(world.team.settle(NOW, &release).unwrap().cost, credits(0));
    assert_eq!((world.balances(), world.team.available(Account::Pool)), ((10, 100, 0), credits(100)));
    let last = world.team.journal().page(u64::MAX >> 12, 1).unwrap().remove(0);
    assert_eq!((last.kind, last.amount), (Kind::Release, credits(0)), "its end is in the journal all the same");
}

#[test]
fn what_nobody_settles_expires_at_what_was_last_reported_and_a_late_settle_corrects_it() {
    for (late, wallet, pool, spent) in [(30, 0, 80, 30), (5, 5, 100, 5), (20, 0, 90, 20)] {
        let mut world = World::new();
        world.reserve(NOW, 1, 2, 40).unwrap();
        let progress = Progress { request: request(1), due: credits(20), due_tokens: 9 };
        world.team.progress(NOW + 100_000, &progress).unwrap();
        world.team.tick(NOW + 219_000).unwrap();
        assert_eq!(world.team.open_reservations().len(), 1, "the report has prolonged it");
        let mut world = world.crash();
        world.team.tick(NOW + 220_000).unwrap();
        assert_eq!(world.balances(), (0, 90, 20));
        let mut world = world.crash();
        assert!(world.settle(NOW + 300_000, 1, late).changed);
        assert_eq!(world.balances(), (wallet, pool, spent));
        assert!(!world.settle(NOW + 300_001, 1, 1).changed, "once");
    }
}

#[test]
fn a_provider_that_ignores_its_limit_makes_no_wallet_negative() {
    let mut world = World::new();
    world.reserve(NOW, 1, 2, 20).unwrap();
    assert_eq!(world.settle(NOW, 1, 150).cost, credits(150));
    assert_eq!(world.balances(), (0, 0, 150));
    assert_eq!(world.team.journal().balance(Account::Overrun), credits(-40));
    let entries = world.team.journal().page(u64::MAX >> 12, 3).unwrap();
    assert!(entries.iter().any(|entry| entry.call.as_ref().is_some_and(|call| call.reconcile)), "and is marked");
}

#[test]
fn limits_count_what_is_in_flight_and_what_was_spent_before_they_were_set() {
    let mut world = World::new();
    world.reserve(NOW, 1, 0, 20).unwrap();
    world.settle(NOW, 1, 15);
    let limit = Limit::new(limits::Kind::Cap, Window::Day, Unit::Credits, credits(40).get()).unwrap();
    world.order(Act::CreateLimit { limit_id: LimitId::from_u128(1), subject: Subject::Key(KEY), limit });
    assert_eq!(world.reserve(NOW, 2, 0, 1000).unwrap().output_tokens, 25, "40 less the 15 from before");
    let ReserveError::LimitReached(state) = world.reserve(NOW, 3, 0, 20).unwrap_err() else { panic!() };
    assert_eq!((state.used, state.reserved, state.left), (15_000, 25_000, 0));
    let mut world = world.crash();
    assert!(matches!(world.reserve(NOW, 3, 0, 20), Err(ReserveError::LimitReached(_))));
    // The next day in Berlin is another window, and the old call stays in its own.
    let tomorrow = NOW + 24 * 3_600_000;
    assert_eq!(world.reserve(tomorrow, 4, 0, 40).unwrap().output_tokens, 40);
    world.settle(tomorrow, 2, 25);
    assert!(matches!(world.reserve(tomorrow, 5, 0, 1), Err(ReserveError::LimitReached(_))));
}

#[test]
fn keys_members_and_settings_bite_on_the_next_call() {
    let mut world = World::new();
    world.hear(Message::Settings { version: 7 });
    assert_eq!(world.reserve(NOW, 1, 1, 1), Err(ReserveError::StaleSettings { version: 7 }));
    let mut call = world.call(1, 1, 1);
    call.settings_version = 7;
    assert!(world.team.reserve(NOW, &call).is_ok());
    call.request = request(2);
    call.organization = OrganizationId::from_u128(99);
    assert_eq!(world.team.reserve(NOW, &call), Err(ReserveError::UnknownKey), "another organization's");
    call.organization = ORGANIZATION;
    let suspended = MemberProfile {
        version: 2,
        member: MEMBER,
        name: "Ada".into(),
        status: MemberStatus::Suspended,
        models: None,
        keeps_credits: false,
    };
    world.hear(Message::Member(suspended.clone()));
    assert_eq!(world.team.reserve(NOW, &call), Err(ReserveError::MemberSuspended));
    let active =
        MemberProfile { version: 3, status: MemberStatus::Active, models: Some(vec!["gpt-*".into()]), ..suspended };
    world.hear(Message::Member(active));
    assert!(matches!(world.team.reserve(NOW, &call), Err(ReserveError::ModelNotAllowed { by: Subject::Member(_) })));
    world.order(Act::RevokeKey { key: KEY });
    assert_eq!(world.team.reserve(NOW, &call), Err(ReserveError::KeyRevoked));
}

#[test]
fn a_call_must_come_from_where_the_organization_and_the_team_allow() {
    let mut world = World::new();
    let list = |network: &str| Some(Networks::parse(&[network]).unwrap());
    let mut version = 10;
    for (organization, team, address, allowed) in [
        (None, None, None, true),
        (list("203.0.113.0/24"), None, Some("203.0.113.9"), true),
        (list("203.0.113.0/24"), None, Some("::ffff:203.0.113.9"), true),
        (list("203.0.113.0/24"), None, Some("198.51.100.7"), false),
        (list("203.0.113.0/24"), None, None, false),
        (list("203.0.113.0/24"), list("203.0.113.9"), Some("203.0.113.9"), true),
        (list("203.0.113.0/24"), list("203.0.113.9"), Some("203.0.113.8"), false),
        (list("2001:db8::/32"), list("203.0.113.9"), Some("203.0.113.9"), false),
        (None, list("203.0.113.9"), Some("203.0.113.8"), false),
    ] {
        version += 1;
        let told = TeamProfile { addresses: team, organization_addresses: organization, ..profile(version) };
        world.hear(Message::Team(told));
        let mut call = world.call(version.into(), 1, 1);
        call.address = address.map(|address| address.parse().unwrap());
        let (reserved, me) =
            (world.team.reserve(NOW, &call), world.team.me(NOW, ORGANIZATION, &call.key, call.address));
        let refused = (!allowed).then_some(ReserveError::AddressNotAllowed);
        assert_eq!((reserved.err(), me.err()), (refused.clone(), refused), "{address:?}");
    }
}

#[test]
fn lacking_funds_are_named_before_a_limit_that_starts_anew() {
    let mut world = World::new();
    let limit = Limit::new(limits::Kind::Cap, Window::Day, Unit::Credits, credits(5).get()).unwrap();
    world.order(Act::CreateLimit { limit_id: LimitId::from_u128(1), subject: Subject::Team, limit });
    assert!(matches!(world.reserve(NOW, 1, 50, 20), Err(ReserveError::LimitReached(_))));
    assert!(matches!(world.reserve(NOW, 1, 200, 20), Err(ReserveError::InsufficientFunds { .. })));
}

#[test]
fn a_call_whose_end_was_forgotten_is_not_accepted_again() {
    let mut world = World::new();
    world.reserve(NOW, 1, 2, 20).unwrap();
    world.settle(NOW, 1, 12);
    let later = NOW + 76 * 60_000;
    world.team.tick(later).unwrap();
    assert_eq!(world.team.reservation(request(1)), Ok(None));
    assert_eq!(world.reserve(later, 1, 2, 20), Err(ReserveError::AlreadyEnded));
    // Nor after a crash, when the clock has gone back.
    assert_eq!(world.crash().reserve(NOW, 1, 2, 20), Err(ReserveError::AlreadyEnded));
}

#[test]
fn a_call_lasts_until_its_answer_ends_however_late_that_is_told() {
    let mut world = World::new();
    world.reserve(NOW, 1, 2, 20).unwrap();
    world.team.settle(NOW + 500, &Settle { ended_ago_ms: 100, ..settle(1, 12) }).unwrap();
    let entries = world.team.journal().page(u64::MAX >> 12, 1).unwrap();
    // The second entry is the pool's share; the first has the call.
    let call = world.team.journal().entries_after(entries[0].sequence - 2, 1).unwrap()[0].call.clone().unwrap();
    assert_eq!(call.duration_ms, 400);
}

#[test]
fn orders_are_on_record_and_go_to_the_queue_and_calls_are_not() {
    let mut world = World::new();
    let actions = |world: &World| {
        let trail = world.team.journal().audit_after(0, 100).unwrap();
        audit::verify(&TEAM.to_string(), None, Some(world.team.journal().audit_head()), &trail).unwrap();
        trail.into_iter().map(|record| record.action).collect::<Vec<_>>()
    };
    assert_eq!(actions(&world), ["create_key", "allot"]);
    let sent = |world: &mut World| {
        let (entries, records) = (world.team.journal().sequence(), world.team.journal().audit_head().sequence);
        world.team.journal_mut().set_published(entries).unwrap();
        world.team.journal_mut().set_audit_published(records).unwrap();
        world.team.published(NOW);
        assert_eq!(world.team.next_alarm(NOW), None);
        (entries, records)
    };
    sent(&mut world);
    // An order without an entry has a record to send.
    world.order(Act::RevokeKey { key: KEY });
    assert_eq!(actions(&world), ["create_key", "allot", "revoke_key"]);
    assert!(world.team.next_alarm(NOW).is_some_and(|at| at <= NOW + 4000));
    let (entries, records) = sent(&mut world);
    world.team.heal(entries, None).unwrap();
    world.team.heal(entries, Some(records)).unwrap();
    assert_eq!(world.team.next_alarm(NOW), None, "D1 has everything");
    world.team.heal(entries, Some(1)).unwrap();
    assert_eq!((world.team.journal().unpublished_len(), world.team.next_alarm(NOW)), (2, Some(0)));

    let mut world = World::new();
    let before = world.team.journal().audit_head();
    world.reserve(NOW, 1, 1, 1).unwrap();
    assert_eq!(world.team.journal().audit_head(), before, "a call writes no record");
}

#[test]
fn a_limit_is_changed_as_it_was_read() {
    let mut world = World::new();
    let limit = |amount| Limit::new(limits::Kind::Cap, Window::Day, Unit::Requests, amount).unwrap();
    let limit_id = LimitId::from_u128(1);
    let Reply::Limit(first) = world.order(Act::CreateLimit { limit_id, subject: Subject::Team, limit: limit(5) })
    else {
        panic!()
    };
    let mut meant_for = |tag: Tag, act: Act| {
        let (idempotency, if_match) = (None, Some(vec![tag]));
        world.team.order(NOW, &Order { who: Principal::Operator, idempotency, if_match, by: Default::default(), act })
    };
    let change = |amount| Act::ChangeLimit { limit_id, limit: limit(amount) };
    let Ok(Reply::Limit(second)) = meant_for(first.tag(), change(6)) else { panic!() };
    for act in [change(7), Act::RemoveLimit { limit_id }] {
        assert_eq!(meant_for(first.tag(), act), Err(OrderError::Stale { tag: second.tag() }));
    }
    assert_eq!(meant_for(second.tag(), Act::RemoveLimit { limit_id }), Ok(Reply::Done));
    assert!(matches!(meant_for(second.tag(), Act::RemoveLimit { limit_id }), Err(OrderError::NotFound { .. })));
}

#[test]
fn who_is_removed_leaves_keys_and_credits_behind() {
    let mut world = World::new();
    let order =
        |act| Order { who: Principal::Operator, idempotency: None, if_match: None, by: Default::default(), act };
    let give = |transfer| Act::Allot {
        transfer: TransferId::from_u128(transfer),
        from: Account::Pool,
        to: Account::Wallet(MEMBER),
        amount: credits(10),
        note: None,
    };
    // Two calls are under way: four credits of the wallet each.
    for call in [1, 2] {
        world.reserve(NOW, call, 1, 3).unwrap();
    }
    let removed = MemberProfile {
        version: 2,
        member: MEMBER,
        name: "Ada".into(),
        status: MemberStatus::Removed,
        models: None,
        keeps_credits: false,
    };
    world.hear(Message::Member(removed.clone()));
    assert_eq!(world.balances(), (8, 102, 0), "what is reserved stays");
    assert_eq!(world.reserve(NOW, 3, 1, 1), Err(ReserveError::KeyRevoked));
    let refused = world.team.order(NOW, &order(give(3)));
    assert!(matches!(refused, Err(OrderError::Conflict { .. })), "{refused:?}");
    // What the calls did not use follows; what comes back later, too.
    world.settle(NOW, 1, 1);
    assert_eq!(world.balances(), (4, 105, 1));
    world.team.expire(NOW + 3_600_000).unwrap();
    assert_eq!(world.balances(), (0, 108, 2));
    assert!(world.team.settle(NOW + 3_600_000, &settle(2, 0)).unwrap().changed);
    assert_eq!(world.balances(), (0, 109, 1));

    // Who comes back needs another key, and has what they are given then.
    world.hear(Message::Member(MemberProfile { version: 3, status: MemberStatus::Active, ..removed.clone() }));
    assert_eq!(world.reserve(NOW, 4, 1, 1), Err(ReserveError::KeyRevoked));
    world.order(give(4));
    world.hear(Message::Member(MemberProfile { version: 4, keeps_credits: true, ..removed }));
    assert_eq!(world.balances(), (10, 99, 1), "the organization wants it to stay");
}

#[test]
fn who_was_erased_leaves_credits_and_an_id() {
    let mut world = World::new();
    world.reserve(NOW, 1, 1, 3).unwrap();
    world.settle(NOW, 1, 1);
    let by = audit::Attribution {
        address: Some("203.0.113.9".into()),
        salt: Some(audit::Salt::from_u128(1)),
        ..Default::default()
    };
    let idempotency = Some(journal::Idempotency { key: "k".into(), fingerprint: "f".into() });
    let hash = ApiKey::parse(&ApiKey::mint(ORGANIZATION, TEAM, 6)).unwrap().hash;
    let rotate = Act::RotateKey { key: KEY, hash, hint: "sk-alf-…".into(), grace_ms: 0 };
    let order = Order { who: Principal::Operator, idempotency, if_match: None, by, act: rotate };
    world.team.order(NOW, &order).unwrap();
    let gone = MemberProfile {
        version: 2,
        member: MEMBER,
        name: "Erased 00000001".into(),
        status: MemberStatus::Removed,
        models: None,
        keeps_credits: false,
    };
    world.hear(Message::Member(gone));
    let balances = world.balances();
    world.hear(Message::Erase { member: MEMBER });
    assert_eq!(world.balances(), balances, "money stays");
    let records = world.team.trail(0, 100).unwrap().records;
    audit::verify(&TEAM.to_string(), None, Some(world.team.journal().audit_head()), &records).unwrap();
    let erasing = records.iter().filter(|record| record.erases.is_some()).count();
    assert_eq!(erasing, 2, "of the member and of their key, once");
    let store = world.team.into_store();
    for table in ["records", "audit", "commands", "entries"] {
        let rows = storage::Storage::query(&store, &format!("SELECT * FROM {table}"), &[]).unwrap();
        let text = format!("{rows:?}");
        for personal in ["Ada", "laptop", "203.0.113.9"] {
            assert!(!text.contains(personal), "{personal} is in {table}");
        }
    }
}
