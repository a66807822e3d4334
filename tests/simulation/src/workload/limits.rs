//! Limits are set, changed and taken away.

use std::rc::Rc;

use identity::LimitId;
use limits::{Kind, Limit, Unit, Window};
use team::protocol::{Act, Subject};

use crate::clients::{Directive, carry_out, limit_amount};
use crate::setup::team_order;
use crate::world::{TeamPlace, World};

/// So many a team at most.
const MOST: usize = 10;

/// Sets, changes or removes a limit.
pub(super) fn change(world: &Rc<World>, place: &TeamPlace) {
    let (set, keys) = {
        let auditor = world.auditor.borrow();
        let Some(team) = auditor.teams.get(&place.team) else { return };
        let set: Vec<_> = team.spending.limits.iter().map(|(id, (_, limit))| (*id, *limit)).collect();
        (set, team.access.keys.keys().copied().collect::<Vec<_>>())
    };
    let known = world.pick(&set);
    let act = match (world.between(0, 99), known) {
        (0..40, _) if set.len() < MOST => {
            let subject = match world.between(0, 2) {
                0 => Subject::Team,
                1 => world.pick(&place.members).map_or(Subject::Team, Subject::Member),
                _ => world.pick(&keys).map_or(Subject::Team, Subject::Key),
            };
            let Some(limit) = limit(world) else { return };
            Act::CreateLimit { limit_id: LimitId::from_u128(world.id()), subject, limit }
        }
        (0..65, Some((limit_id, old))) => {
            let amount = amount(world, old.window(), old.unit());
            let Ok(limit) = Limit::new(old.kind(), old.window(), old.unit(), amount) else { return };
            Act::ChangeLimit { limit_id, limit }
        }
        (_, Some((limit_id, _))) => Act::RemoveLimit { limit_id },
        _ => return,
    };
    let directive = Directive::Team(place.team, team_order(world, act));
    world.spawn(None, carry_out(Rc::clone(world), directive, None));
}

fn limit(world: &World) -> Option<Limit> {
    let unit = world.pick(&[Unit::Credits, Unit::Tokens, Unit::Requests])?;
    let (kind, window) = match unit {
        Unit::Tokens | Unit::Requests if world.percent(30) => (Kind::Rate, Window::Minute),
        _ => (Kind::Cap, world.pick(&Window::ALL)?),
    };
    Limit::new(kind, window, unit, amount(world, window, unit)).ok()
}

/// More for longer windows, or nothing would ever be spent; in total, more the
/// longer the run is.
fn amount(world: &World, window: Window, unit: Unit) -> i64 {
    let calls = i64::try_from(world.tally.borrow().of("call: accepted")).unwrap_or(0);
    let times = *window.of(&[1, 2, 5, 10, 20, 30, 200 + calls / 40]);
    limit_amount(unit, &mut world.random.borrow_mut()).saturating_mul(times)
}
