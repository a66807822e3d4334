//! Credits that people ask for, and those who decide about it.

use std::rc::Rc;

use approvals::Verdict;
use events::Place;
use identity::{ApprovalId, GrantId, MemberId, OrganizationId, Principal, SessionId, TransferId};
use ledger::Millicredits;
use organization::protocol::{Act, AskApproval, Decide, NewGrant, Order};
use policy::{Grantee, Node, Role};

use crate::clients::{Directive, carry_out};
use crate::setup::{officers, order};
use crate::world::{TeamPlace, Tree, World};

/// So many of the last requests are still talked about.
const REMEMBERED: usize = 12;

/// Somebody asks, decides, or changes their mind.
pub(super) fn one(world: &Rc<World>, place: &TeamPlace) {
    match world.between(0, 99) {
        0..32 => request(world, place),
        32..88 => decide(world, place.organization),
        88..94 => cancel(world, place.organization),
        _ => appoint(world, place),
    }
}

/// From the pool, from a colleague, or from one's own, to where policies want
/// approvals; now and then to where nothing can go.
fn request(world: &Rc<World>, place: &TeamPlace) {
    let Some(requester) = world.pick(&place.members) else { return };
    let own = Place { team: place.team, member: Some(requester) };
    let (from, to) = match world.between(0, 99) {
        0..30 => (Place { member: None, ..own }, own),
        30..55 => (Place { member: world.pick(&place.members), ..own }, own),
        55..96 => (own, elsewhere(world, place)),
        _ => (own, Place { member: Some(MemberId::from_u128(world.id())), ..own }),
    };
    let asked = AskApproval {
        id: ApprovalId::from_u128(world.id()),
        transfer: TransferId::from_u128(world.id()),
        from,
        to,
        amount: Millicredits::new(world.between(if world.once_in(20) { -1 } else { 1 }, 9_000_000)),
        reason: world.percent(20).then(|| "for the demo".to_owned()),
    };
    let mut all = world.asked.borrow_mut();
    all.push((place.organization, asked.clone()));
    if all.len() > REMEMBERED {
        all.remove(0);
    }
    let of = place.organization;
    let order = Order { who: person(world, requester), ..order(world, Act::RequestApproval(asked.clone())) };
    let world_of_task = Rc::clone(world);
    world.spawn(None, async move {
        let world = world_of_task;
        carry_out(Rc::clone(&world), Directive::Organization(of, order), None).await;
        // For the most part somebody decides soon: the clock jumps by days.
        for _ in 0..world.between(0, 7) {
            world.sleep(world.between(1, 40).unsigned_abs()).await;
            if let Some(directive) = word(&world, of, of, &asked) {
                carry_out(Rc::clone(&world), directive, None).await;
            }
        }
    });
}

fn elsewhere(world: &World, place: &TeamPlace) -> Place {
    let place = tree(world, place.organization).and_then(|tree| world.pick(&tree.teams)).unwrap_or(place.clone());
    let member = if world.percent(80) { world.pick(&place.members) } else { None };
    Place { team: place.team, member }
}

/// Those whose word counts, for the most part; also those whose it must not.
fn decide(world: &Rc<World>, organization: OrganizationId) {
    let asked = world.asked.borrow().clone();
    let Some((of, asked)) = world.pick(&asked) else { return };
    // There is no such request in another organization.
    let to = if world.once_in(50) { organization } else { of };
    if let Some(directive) = word(world, of, to, &asked) {
        world.spawn(None, carry_out(Rc::clone(world), directive, None));
    }
}

/// What somebody says of it.
fn word(world: &World, of: OrganizationId, to: OrganizationId, asked: &AskApproval) -> Option<Directive> {
    let tree = tree(world, of)?;
    let home = tree.teams.iter().find(|place| place.team == asked.from.team);
    let anybody = || world.pick(&tree.teams).and_then(|place| world.pick(&place.members));
    let who = match world.between(0, 99) {
        // The team's manager.
        0..20 => home.and_then(|place| place.members.first().copied()),
        // Whose credits they are.
        20..35 => asked.from.member,
        // Finance, the department's managers, whoever administers it all.
        35..70 => world.pick(&officers(tree)).map(|(member, ..)| member),
        70..82 => None,
        // For whom they are.
        82..90 => asked.to.member,
        _ => anybody(),
    };
    let who = who.map_or(Principal::Operator, |member| person(world, member));
    let verdict = if world.percent(82) { Verdict::Approve } else { Verdict::Deny };
    let reason = world.percent(20).then(|| "so be it".to_owned());
    let act = Act::DecideApproval(Decide { id: asked.id, verdict, reason });
    Some(Directive::Organization(to, Order { who, ..order(world, act) }))
}

fn cancel(world: &Rc<World>, organization: OrganizationId) {
    let asked = world.asked.borrow().clone();
    let Some((of, asked)) = world.pick(&asked) else { return };
    let who = if world.percent(80) { asked.to.member.or(asked.from.member) } else { asked.from.member };
    let who = who.map_or(Principal::Operator, |member| person(world, member));
    let act = Act::CancelApproval { id: asked.id };
    send(world, if world.once_in(50) { organization } else { of }, who, act);
}

/// Roles end with whoever leaves: others get them.
fn appoint(world: &Rc<World>, place: &TeamPlace) {
    let Some(tree) = tree(world, place.organization) else { return };
    let Some((member, role, on)) = world.pick(&officers(tree)) else { return };
    send(world, place.organization, Principal::Operator, grant(world, member, role, on));
}

/// The order that gives somebody a role.
pub(crate) fn grant(world: &World, member: MemberId, role: Role, on: Node) -> Act {
    let (id, to) = (GrantId::from_u128(world.id()), Grantee::Member(member));
    Act::CreateGrant(NewGrant { id, to, role, on, until_ms: None, only: None })
}

/// Somebody in one of their sessions.
fn person(world: &World, member: MemberId) -> Principal {
    Principal::Person(member, SessionId::from_u128(u128::from(world.between(1, 2).unsigned_abs())))
}

fn tree(world: &World, organization: OrganizationId) -> Option<&Tree> {
    world.trees.iter().find(|tree| tree.organization == organization)
}

fn send(world: &Rc<World>, organization: OrganizationId, who: Principal, act: Act) {
    let order = Order { who, ..order(world, act) };
    world.spawn(None, carry_out(Rc::clone(world), Directive::Organization(organization, order), None));
}
