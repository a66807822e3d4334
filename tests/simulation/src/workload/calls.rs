//! Calls: one at a time, many at once, and questions.

use std::net::IpAddr;
use std::rc::Rc;

use identity::KeyHash;
use team::protocol::{Command, Question};

use crate::clients::{MODELS, Plan, call};
use crate::setup::secret;
use crate::world::{TeamPlace, World};

/// One call.
pub(super) fn one(world: &Rc<World>, place: &TeamPlace) {
    if let Some(plan) = plan(world, place) {
        world.spawn(None, call(Rc::clone(world), plan));
    }
}

/// Many calls at once, of which most will find nothing left.
pub(super) fn burst(world: &Rc<World>, place: &TeamPlace) -> u64 {
    let Some(mut plan) = plan(world, place) else { return 0 };
    let free = world.auditor.borrow().teams.get(&place.team).map_or(0, crate::auditor::TeamAudit::free);
    world.count(if free < 20_000_000 { "burst: against little" } else { "burst: against plenty" });
    let count = u64::try_from(world.between(5, 25)).unwrap_or(5);
    for _ in 0..count {
        if world.percent(30) {
            plan.output_tokens = u64::try_from(world.between(0, 3000)).unwrap_or(0);
        }
        world.spawn(None, call(Rc::clone(world), plan.clone()));
    }
    count
}

/// A question.
pub(super) fn look(world: &Rc<World>, place: &TeamPlace) {
    let (team, organization) = (place.team, place.organization);
    let Some(key) = a_secret(world, place) else { return };
    let question = match world.percent(50) {
        true => Question::Overview,
        false => Question::Me { organization, key, address: None },
    };
    let world_of_task = Rc::clone(world);
    world.spawn(None, async move {
        let _ = world_of_task.ask_team(team, Command::Ask(question)).await;
    });
}

fn plan(world: &World, place: &TeamPlace) -> Option<Plan> {
    let mut organization = place.organization;
    if world.once_in(150) {
        // A key under another organization's name.
        organization = world.pick(&world.trees.iter().map(|tree| tree.organization).collect::<Vec<_>>())?;
    }
    let model = world.pick(MODELS)?;
    let long = world.once_in(40);
    let input_tokens = if long { world.between(0, 300_000) } else { world.between(0, 4000) };
    let output_tokens = if model == "demo-embed" { 0 } else { world.between(0, 2000) };
    Some(Plan {
        organization,
        team: place.team,
        secret: a_secret(world, place)?,
        address: an_address(world),
        model,
        input_tokens: u64::try_from(input_tokens).unwrap_or(0),
        output_tokens: u64::try_from(output_tokens).unwrap_or(0),
        explicit: world.percent(50),
    })
}

fn an_address(world: &World) -> Option<IpAddr> {
    let text = world.pick(&["192.0.2.1", "192.0.2.200", "198.51.100.1", "2001:db8::1", ""])?;
    text.parse().ok()
}

/// A key's secret: mostly one that works, now and then one that was rotated
/// away, was revoked, or never was.
pub(super) fn a_secret(world: &World, place: &TeamPlace) -> Option<KeyHash> {
    if world.once_in(100) {
        return Some(secret(world));
    }
    let auditor = world.auditor.borrow();
    let keys = &auditor.teams.get(&place.team)?.access.keys;
    let any = world.percent(6);
    let works = |key: &&crate::auditor::Key| any || !key.revoked && key.expires_ms.is_none_or(|at| at > world.now());
    let usable: Vec<_> = keys.values().filter(works).collect();
    let key = world.pick(&usable)?;
    Some(match key.previous {
        Some((old, _)) if world.percent(8) => old,
        _ => key.hash,
    })
}
