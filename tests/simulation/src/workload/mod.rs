//! What happens next: calls for the most part, and everything that people do
//! around them.

mod absences;
mod absurd;
mod approvals;
mod boosts;
mod calls;
mod keys;
mod limits;
mod money;
mod plans;
mod settings;
mod sharing;

pub(crate) use approvals::grant;

use std::rc::Rc;

use crate::clients::{misrouted, unknown_settle};
use crate::world::{TeamPlace, World};

/// Lets one thing happen; answers with how many commands that is.
pub(crate) fn next(world: &Rc<World>) -> u64 {
    let Some(place) = any_team(world) else { return 0 };
    match world.between(0, 999) {
        0..480 => calls::one(world, &place),
        480..500 => absences::one(world, &place),
        500..555 => sharing::one(world, &place),
        555..600 => approvals::one(world, &place),
        600..606 => return calls::burst(world, &place),
        606..700 => money::inside_the_team(world, &place),
        700..780 => money::above_the_team(world, &place),
        780..797 => boosts::one(world, &place),
        797..800 => plans::one(world, &place),
        800..830 => keys::change(world, &place),
        830..880 => limits::change(world, &place),
        880..905 => settings::change_member(world, &place),
        905..910 => settings::change_team(world, &place),
        910..913 => settings::change_settings(world, &place),
        913..945 => absurd::order(world, &place),
        945..960 => absurd::reserve(world, &place),
        960..970 => stranger(world, place),
        970..990 => world.spawn(None, unknown_settle(Rc::clone(world), place)),
        _ => calls::look(world, &place),
    }
    1
}

fn any_team(world: &World) -> Option<TeamPlace> {
    let tree = world.random.borrow_mut().place(world.trees.len())?;
    world.pick(&world.trees.get(tree)?.teams)
}

fn stranger(world: &Rc<World>, victim: TeamPlace) {
    let other = world.trees.iter().find(|tree| tree.organization != victim.organization);
    if let Some(sender) = other.and_then(|tree| world.pick(&tree.teams)) {
        world.spawn(None, misrouted(Rc::clone(world), sender, victim));
    }
}
