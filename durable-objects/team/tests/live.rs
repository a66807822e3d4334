//! What is told of a team to whom, in examples.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

mod world;

use events::{Cursor, LiveKind, MemberProfile, MemberStatus, Message, Place, Sees, Told};
use identity::{BoostId, MemberId, TransferId};
use team::protocol::{Act, NewBoost, NewTransfer};
use world::{MEMBER, NOW, TEAM, World, credits};

const BOB: MemberId = MemberId::from_u128(9);

fn world() -> World {
    let mut world = World::new();
    world.hear(Message::Member(MemberProfile {
        version: 1,
        member: BOB,
        name: "Bob".into(),
        status: MemberStatus::Active,
        models: None,
        keeps_credits: false,
    }));
    world
}

fn own(member: MemberId) -> Sees {
    Sees { member: Some(member), ..Sees::default() }
}

/// What somebody is told of what has happened.
fn told(world: &World, after: Cursor, sees: &Sees) -> Vec<(LiveKind, String)> {
    let happened = world.team.happened(after).unwrap().unwrap();
    let heard = happened.into_iter().filter(|told| told.is_for(sees));
    heard.map(|Told { event, .. }| (event.kind, event.data.to_string())).collect()
}

fn send(world: &mut World, to: Place, amount: i64) {
    world.order(Act::Transfer(NewTransfer {
        id: TransferId::from_u128(77),
        from: Place { team: TEAM, member: Some(MEMBER) },
        to,
        amount: credits(amount),
        note: Some("between us".into()),
        undo_ms: 1000,
        sent_today: None,
    }));
}

#[test]
fn a_transfer_is_for_both_and_for_nobody_else() {
    let mut world = world();
    let before = world.team.cursor();
    assert_eq!(told(&world, before, &Sees { everything: true, ..own(BOB) }), []);
    send(&mut world, Place { team: TEAM, member: Some(BOB) }, 3);

    let (ada, bob) = (told(&world, before, &own(MEMBER)), told(&world, before, &own(BOB)));
    assert_eq!(ada.len(), 2, "{ada:?}");
    assert_eq!((ada[0].0, &ada[0]), (LiveKind::Transfer, &bob[0]));
    assert!(ada[0].1.contains(&TransferId::from_u128(77).to_string()) && !ada[0].1.contains("between us"), "{ada:?}");
    assert!(ada[1].1.contains(r#""balance":"7""#) && bob[1].1.contains(r#""balance":"3""#), "{ada:?} {bob:?}");
    for sees in [own(MemberId::from_u128(8)), Sees { pool: true, ..own(MemberId::from_u128(8)) }, Sees::default()] {
        assert_eq!(told(&world, before, &sees), [], "{sees:?}");
        assert!(!world.team.has_missed(before, &sees).unwrap());
    }
    assert!(world.team.has_missed(before, &own(BOB)).unwrap());
    let all = told(&world, before, &Sees { everything: true, ..own(BOB) });
    assert_eq!(all.len(), 3, "one transfer and two wallets: {all:?}");
}

#[test]
fn the_pool_is_for_all_and_who_put_something_there_is_not() {
    let mut world = world();
    let before = world.team.cursor();
    send(&mut world, Place { team: TEAM, member: None }, 2);
    let bob = told(&world, before, &Sees { pool: true, ..own(BOB) });
    assert_eq!(bob.len(), 1, "{bob:?}");
    assert!(bob[0].1.contains(r#""account":"pool","balance":"102""#), "{bob:?}");
    assert!(!bob[0].1.contains(&MEMBER.to_string()));
}

#[test]
fn calls_and_boosts_tell_what_is_left() {
    let mut world = world();
    let before = world.team.cursor();
    world.order(Act::Boost(NewBoost {
        id: BoostId::from_u128(5),
        member: MEMBER,
        from: Place { team: TEAM, member: None },
        amount: credits(20),
        ends_ms: Some(NOW + 1000),
        lifts_rate_limits: false,
        reason: None,
    }));
    let heard = told(&world, before, &own(MEMBER));
    assert_eq!(heard.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [LiveKind::Boost, LiveKind::Balance]);
    assert!(heard[1].1.contains(r#""balance":"20""#), "{heard:?}");

    let before = world.team.cursor();
    world.reserve(NOW, 1, 1, 5).unwrap();
    assert_eq!(told(&world, before, &own(MEMBER)), [], "what is reserved has not moved");
    world.settle(NOW, 1, 4);
    let heard = told(&world, before, &own(MEMBER));
    assert!(heard.len() == 1 && heard[0].1.contains(r#""balance":"16""#), "{heard:?}");
    assert_eq!(told(&world, before, &Sees { pool: true, ..own(BOB) }), []);

    let before = world.team.cursor();
    world.team.tick(NOW + 1000).unwrap();
    let heard = told(&world, before, &own(MEMBER));
    assert!(heard[0].1.contains(r#""returned":true"#), "{heard:?}");
}

#[test]
fn too_much_is_not_told_and_neither_is_a_future() {
    let mut world = world();
    let before = world.team.cursor();
    for call in 0..600 {
        world.reserve(NOW, call, 0, 1).unwrap();
        world.settle(NOW, call, 0);
    }
    assert_eq!(world.team.happened(before).unwrap(), None);
    assert!(world.team.has_missed(before, &own(BOB)).unwrap());
    let future = Cursor { entries: world.team.cursor().entries + 1, records: 0 };
    assert!(world.team.has_missed(future, &own(BOB)).unwrap());
    assert!(!world.team.has_missed(world.team.cursor(), &own(BOB)).unwrap());
}
