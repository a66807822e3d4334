//! Credits apart from wallets, for a while.

use std::rc::Rc;

use events::Place;
use identity::BoostId;
use ledger::Millicredits;
use team::protocol::{Act, NewBoost};

use crate::clients::{Directive, carry_out};
use crate::setup::team_order;
use crate::world::{TeamPlace, World};

/// So many of the last boosts may be ended by order.
const REMEMBERED: usize = 20;
const MINUTE_MS: i64 = 60_000;

/// Somebody gets a boost, or one ends before its time.
pub(super) fn one(world: &Rc<World>, place: &TeamPlace) {
    if world.percent(20) {
        return end(world);
    }
    let Some(member) = world.pick(&place.members) else { return };
    let giver = if world.percent(30) { world.pick(&place.members) } else { None };
    let new = NewBoost {
        id: BoostId::from_u128(world.id()),
        member,
        from: Place { team: place.team, member: giver },
        amount: Millicredits::new(world.between(1, 6_000_000)),
        ends_ms: world.percent(80).then(|| world.now() + MINUTE_MS * world.between(0, 90)),
        lifts_rate_limits: world.percent(30),
        reason: world.percent(20).then(|| "a deadline".to_owned()),
    };
    let mut boosted = world.boosted.borrow_mut();
    boosted.push((place.team, new.id));
    if boosted.len() > REMEMBERED {
        boosted.remove(0);
    }
    let order = team_order(world, Act::Boost(new));
    world.spawn(None, carry_out(Rc::clone(world), Directive::Team(place.team, order), None));
}

fn end(world: &Rc<World>) {
    let boosted = world.boosted.borrow().clone();
    let Some((team, boost)) = world.pick(&boosted) else { return };
    let order = team_order(world, Act::EndBoost { boost });
    world.spawn(None, carry_out(Rc::clone(world), Directive::Team(team, order), None));
}
