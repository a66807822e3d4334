//! Credits in every period.

use std::rc::Rc;

use identity::PlanId;
use ledger::Millicredits;
use limits::{Cycle, Every};
use organization::protocol::{Act, NewPlan, Recipients};

use crate::clients::{Directive, carry_out};
use crate::setup::order;
use crate::world::{TeamPlace, World};

/// So many of the last plans may be changed or removed.
const REMEMBERED: usize = 12;
const DAY_MS: i64 = 24 * 3_600_000;

/// Somebody makes a plan, changes one or removes one.
pub(super) fn one(world: &Rc<World>, place: &TeamPlace) {
    let known = world.pick(&world.planned.borrow());
    let (organization, act) = match known {
        Some((organization, plan)) if world.percent(60) => (organization, changed(world, plan)),
        _ => {
            let plan = plan(world, place);
            let mut planned = world.planned.borrow_mut();
            planned.push((place.organization, plan.clone()));
            if planned.len() > REMEMBERED {
                let (organization, oldest) = planned.remove(0);
                let remove = Directive::Organization(organization, order(world, Act::RemovePlan { id: oldest.id }));
                world.spawn(None, carry_out(Rc::clone(world), remove, None));
            }
            (place.organization, Act::CreatePlan(plan))
        }
    };
    let directive = Directive::Organization(organization, order(world, act));
    world.spawn(None, carry_out(Rc::clone(world), directive, None));
}

fn plan(world: &World, place: &TeamPlace) -> NewPlan {
    let id = PlanId::from_u128(world.id());
    let (department, team) = (place.department, place.team);
    let to = match world.between(0, 4) {
        0 => Recipients::Department { department },
        1 => Recipients::Team { team },
        2 => Recipients::Teams { department: Some(department) },
        3 => world.pick(&place.members).map_or(Recipients::Team { team }, |member| Recipients::Member { member }),
        _ => Recipients::Members { department: None, team: Some(team) },
    };
    NewPlan {
        id,
        name: id.to_string(),
        to,
        amount: Millicredits::new(world.between(1, 2_000_000)),
        cycle: cycle(world),
        begins_now: world.percent(30),
        // Before the world comes to rest.
        ends_ms: Some(world.now() + world.between(1, 100 * DAY_MS)),
        most_kept: kept(world),
        warn_days: world.pick(&[0, 1, 3]).unwrap_or(0),
        enabled: true,
    }
}

fn changed(world: &World, plan: NewPlan) -> Act {
    let id = plan.id;
    match world.between(0, 9) {
        0 => Act::RemovePlan { id },
        1..4 => Act::ChangePlan(NewPlan { most_kept: kept(world), ..plan }),
        4..6 => Act::ChangePlan(NewPlan { cycle: cycle(world), ..plan }),
        6..8 => Act::ChangePlan(NewPlan { amount: Millicredits::new(world.between(1, 2_000_000)), ..plan }),
        _ => Act::ChangePlan(NewPlan { enabled: world.percent(60), ..plan }),
    }
}

fn kept(world: &World) -> Option<Millicredits> {
    world.percent(70).then(|| Millicredits::new(if world.percent(50) { 0 } else { world.between(0, 1_000_000) }))
}

fn cycle(world: &World) -> Cycle {
    let every = world.pick(&[Every::Day, Every::Day, Every::Week, Every::Month]).unwrap_or(Every::Day);
    Cycle { every, first_month: 1 }
}
