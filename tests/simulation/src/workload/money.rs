//! Credits up and down the tree.

use std::rc::Rc;

use identity::TransferId;
use ledger::{Account, Millicredits};
use organization::protocol::Act;
use team::protocol::Act as TeamAct;

use crate::clients::{Directive, carry_out};
use crate::setup::{order, team_order};
use crate::world::{TeamPlace, World};

/// Between pool and wallets, and back to the department.
pub(super) fn inside_the_team(world: &Rc<World>, place: &TeamPlace) {
    let Some(member) = world.pick(&place.members) else { return };
    let transfer = TransferId::from_u128(world.id());
    let (pool, wallet) = (Account::Pool, Account::Wallet(member));
    let note = world.percent(20).then(|| "for the deadline".to_owned());
    let act = match world.between(0, 99) {
        0..65 => TeamAct::Allot { transfer, from: pool, to: wallet, amount: amount(world, 12_000_000), note },
        65..80 => TeamAct::Allot { transfer, from: wallet, to: pool, amount: amount(world, 10_000_000), note },
        _ => TeamAct::Return { transfer, amount: amount(world, 10_000_000), note },
    };
    let inside = matches!(act, TeamAct::Allot { .. });
    let mut order = team_order(world, act);
    // Without a key it is done as often as it arrives.
    if inside && world.once_in(10) {
        order.idempotency = None;
    }
    let mut other = None;
    if world.once_in(25) {
        // The same key for something else.
        let mut changed = order.clone();
        if let Some(idempotency) = &mut changed.idempotency {
            idempotency.fingerprint = "second".to_owned();
            let transfer = TransferId::from_u128(world.id());
            changed.act = TeamAct::Allot { transfer, from: pool, to: wallet, amount: Millicredits::new(1), note: None };
            other = Some(Directive::Team(place.team, changed));
        }
    }
    world.spawn(None, carry_out(Rc::clone(world), Directive::Team(place.team, order), other));
}

/// Between treasury, departments and teams, and out of nothing.
pub(super) fn above_the_team(world: &Rc<World>, place: &TeamPlace) {
    let transfer = TransferId::from_u128(world.id());
    let (department, team) = (Account::Department(place.department), Account::Team(place.team));
    let note = None;
    let act = match world.between(0, 99) {
        0..10 => Act::Issue { transfer, amount: amount(world, 200_000_000), note },
        10..40 => {
            Act::Allot { transfer, from: Account::Treasury, to: department, amount: amount(world, 40_000_000), note }
        }
        40..93 => Act::Allot { transfer, from: department, to: team, amount: amount(world, 16_000_000), note },
        _ => Act::Allot { transfer, from: department, to: Account::Treasury, amount: amount(world, 20_000_000), note },
    };
    let order = order(world, act);
    let other = world.once_in(25).then(|| {
        let mut changed = order.clone();
        if let Some(idempotency) = &mut changed.idempotency {
            idempotency.fingerprint = "second".to_owned();
        }
        Directive::Organization(place.organization, changed)
    });
    let directive = Directive::Organization(place.organization, order);
    world.spawn(None, carry_out(Rc::clone(world), directive, other));
}

fn amount(world: &World, most: i64) -> Millicredits {
    Millicredits::new(world.between(1, most))
}
