//! Credits between people, pools and teams.

use std::rc::Rc;

use events::Place;
use identity::{MemberId, TransferId};
use ledger::Millicredits;
use team::protocol::{Act, NewTransfer};

use crate::clients::{Directive, carry_out};
use crate::setup::team_order;
use crate::world::{TeamPlace, World};

/// So many of the last transfers may be undone.
const REMEMBERED: usize = 50;
const MINUTE_MS: i64 = 60_000;

/// Somebody sends credits, or takes back what was sent.
pub(super) fn one(world: &Rc<World>, place: &TeamPlace) {
    if world.percent(35) {
        return undo(world);
    }
    let to = match world.between(0, 99) {
        0..45 => Some(place.clone()),
        45..96 => same_organization(world, place),
        _ => world.trees.iter().find(|tree| tree.organization != place.organization).and_then(|tree| {
            // There is no such team in this organization.
            world.pick(&tree.teams)
        }),
    };
    let Some(to) = to else { return };
    let nobody = world.once_in(40).then(|| MemberId::from_u128(world.id()));
    let recipient = Place { team: to.team, member: nobody.or_else(|| wallet(world, &to)) };
    let new = NewTransfer {
        id: TransferId::from_u128(world.id()),
        from: Place { team: place.team, member: wallet(world, place) },
        to: recipient,
        amount: Millicredits::new(world.between(1, 8_000_000)),
        note: world.percent(20).then(|| "thank you".to_owned()),
        undo_ms: MINUTE_MS * world.between(0, 600),
        sent_today: world.once_in(10).then_some(Millicredits::ZERO),
    };
    let mut sent = world.sent.borrow_mut();
    sent.push((to.team, new.id));
    if sent.len() > REMEMBERED {
        sent.remove(0);
    }
    let (transfer, from, to, amount) = (new.id, place.team, to.team, new.amount);
    let order = team_order(world, Act::Transfer(new));
    let world_of_task = Rc::clone(world);
    world.spawn(None, async move {
        let world = world_of_task;
        carry_out(Rc::clone(&world), Directive::Team(from, order), None).await;
        // For the most part before it is spent, and some more than once.
        for _ in 0..world.between(0, 3) {
            world.sleep(world.between(1, 30).unsigned_abs()).await;
            let amount = world.percent(40).then(|| Millicredits::new(world.between(1, amount.get())));
            let order = team_order(&world, Act::UndoTransfer { transfer, amount });
            carry_out(Rc::clone(&world), Directive::Team(to, order), None).await;
        }
    });
}

fn undo(world: &Rc<World>) {
    let sent = world.sent.borrow().clone();
    let Some((team, transfer)) = world.pick(&sent) else { return };
    let amount = world.percent(40).then(|| Millicredits::new(world.between(-1, 8_000_000)));
    let order = team_order(world, Act::UndoTransfer { transfer, amount });
    world.spawn(None, carry_out(Rc::clone(world), Directive::Team(team, order), None));
}

fn wallet(world: &World, place: &TeamPlace) -> Option<MemberId> {
    if world.percent(75) { world.pick(&place.members) } else { None }
}

fn same_organization(world: &World, place: &TeamPlace) -> Option<TeamPlace> {
    let tree = world.trees.iter().find(|tree| tree.organization == place.organization)?;
    world.pick(&tree.teams)
}
