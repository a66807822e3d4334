//! What nobody in their right mind would ask for. It must be refused, or do
//! no harm.

use std::rc::Rc;

use identity::{DepartmentId, MemberId, RequestId, TeamId, TransferId};
use ledger::{Account, Millicredits};
use organization::protocol::Act;
use team::protocol::{Act as TeamAct, Command, Reserve};

use super::calls::a_secret;
use crate::clients::{Directive, PROVIDER, carry_out};
use crate::setup::{order as new_order, team_order};
use crate::world::{TeamPlace, World};

const EXTREMES: &[i64] = &[i64::MIN, -1_000_000, -1, 0, i64::MAX - 1, i64::MAX];

/// A movement that cannot be.
pub(super) fn order(world: &Rc<World>, place: &TeamPlace) {
    world.count("order: refused, absurd");
    let transfer = TransferId::from_u128(world.id());
    let extreme = Millicredits::new(world.pick(EXTREMES).unwrap_or(0));
    let one = Millicredits::new(1);
    let (department, team) = (Account::Department(place.department), Account::Team(place.team));
    let nobody = Account::Wallet(MemberId::from_u128(world.id()));
    let wallet = place.members.first().map_or(Account::Pool, |member| Account::Wallet(*member));
    let foreign = foreign_team(world, place).map_or(Account::Parent, Account::Team);
    let note = None;
    if world.percent(50) {
        let (from, to, amount) = match world.between(0, 6) {
            0 => (Account::Pool, wallet, extreme),
            1 => (wallet, Account::Pool, extreme),
            2 => (nobody, Account::Pool, one),
            3 => (Account::Pool, nobody, one),
            4 => (Account::Spent, wallet, one),
            5 => (Account::Parent, wallet, one),
            _ => (wallet, wallet, one),
        };
        let act = match world.once_in(6) {
            true => TeamAct::Return { transfer, amount: extreme, note },
            false => TeamAct::Allot { transfer, from, to, amount, note },
        };
        let directive = Directive::Team(place.team, team_order(world, act));
        world.spawn(None, carry_out(Rc::clone(world), directive, None));
        return;
    }
    let made_up = Account::Department(DepartmentId::from_u128(world.id()));
    let (from, to, amount) = match world.between(0, 7) {
        0 => (Account::Treasury, department, extreme),
        1 => (department, team, extreme),
        2 => (department, foreign, one),
        3 => (Account::Treasury, team, one),
        4 => (team, department, one),
        5 => (made_up, team, one),
        6 => (Account::Treasury, Account::Pool, one),
        _ => (department, department, one),
    };
    let act = match world.once_in(6) {
        true => Act::Issue { transfer, amount: extreme, note },
        false => Act::Allot { transfer, from, to, amount, note },
    };
    let directive = Directive::Organization(place.organization, new_order(world, act));
    world.spawn(None, carry_out(Rc::clone(world), directive, None));
}

fn foreign_team(world: &World, place: &TeamPlace) -> Option<TeamId> {
    let other = world.trees.iter().find(|tree| tree.organization != place.organization)?;
    other.teams.first().map(|place| place.team)
}

/// A call with numbers that the gateway would never send.
pub(super) fn reserve(world: &Rc<World>, place: &TeamPlace) {
    let Some(key) = a_secret(world, place) else { return };
    let number = || match world.between(0, 3) {
        0 => world.pick(EXTREMES).unwrap_or(0),
        1 => world.between(-1000, 1000),
        _ => world.between(0, 100_000),
    };
    let call = Reserve {
        request: RequestId::from_u128(world.id()),
        organization: place.organization,
        key,
        address: None,
        model: "demo-small".to_owned(),
        provider: PROVIDER.to_owned(),
        settings_version: u64::MAX,
        input: Millicredits::new(number()),
        output_per_million: number(),
        input_tokens: number(),
        output_tokens: number(),
        choices: number(),
        rate_tokens: number(),
        likely: Millicredits::new(number()),
        likely_tokens: number(),
        clamp: world.percent(50),
        topped_up: world.percent(50),
        tag: None,
    };
    let (world_of_task, team) = (Rc::clone(world), place.team);
    world.spawn(None, async move {
        let _ = world_of_task.ask_team(team, Command::Reserve(call)).await;
    });
}
