//! What happens beside orders and leaves only a record: somebody signs in, or
//! is not let in, or has details erased.

use audit::{Detail, Draft, Erasure, Outcome, Salt};
use identity::{KeyId, MemberId, Principal};
use serde_json::json;

use crate::actors::Name;
use crate::world::World;

/// Lets one such thing happen to some actor.
pub(crate) fn note(world: &World) {
    let teams = world.teams.keys().copied().map(Name::Team);
    let names: Vec<_> = teams.chain(world.organizations.keys().copied().map(Name::Organization)).collect();
    let Some(name) = world.pick(&names) else { return };
    let draft = draft(world, name);
    let what = match &draft.erases {
        None => "audit: something noted",
        Some(Erasure::Subject(_)) => "audit: details of a subject erased",
        Some(Erasure::Records(_)) => "audit: details of records erased",
    };
    let done = match name {
        Name::Team(id) => world.teams.get(&id).and_then(|host| host.note(world, &draft)),
        Name::Organization(id) => world.organizations.get(&id).and_then(|host| host.note(world, &draft)),
    };
    if done.is_some_and(|done| done.is_ok()) {
        world.count(what);
    }
}

/// Of three people, so that erasures find something.
fn somebody(world: &World) -> MemberId {
    MemberId::from_u128(u128::from(world.between(1, 3).unsigned_abs()))
}

fn draft(world: &World, name: Name) -> Draft {
    let who = Principal::Member(somebody(world), KeyId::from_u128(1));
    let detail = world.percent(90).then(|| Detail {
        address: Some("192.0.2.1".to_owned()),
        after: Some(json!("x".repeat(if world.percent(10) { 12_000 } else { 20 }))),
        ..Detail::new(Salt::from_u128(world.id()))
    });
    let resource = world.percent(30).then(|| somebody(world).to_string());
    let draft = Draft { detail, resource, ..Draft::done("sign_in", who) };
    match world.between(0, 9) {
        0 => {
            let subject = Erasure::Subject(somebody(world).to_string());
            Draft { action: "erase_details".to_owned(), erases: Some(subject), ..draft }
        }
        1 => {
            let ids = known(world, name).into_iter().collect();
            Draft { action: "erase_details".to_owned(), erases: Some(Erasure::Records(ids)), ..draft }
        }
        2 => Draft { outcome: Outcome::Denied, code: Some("unknown_key".to_owned()), ..draft },
        _ => draft,
    }
}

/// A record of the actor's trail that has a detail.
fn known(world: &World, name: Name) -> Option<identity::AuditId> {
    let auditor = world.auditor.borrow();
    let trail = match name {
        Name::Team(id) => &auditor.teams.get(&id)?.trail,
        Name::Organization(id) => &auditor.organizations.get(&id)?.trail,
    };
    let last = i64::try_from(trail.head().sequence).unwrap_or(i64::MAX);
    trail.with_detail(world.between(0, last).unsigned_abs())
}
