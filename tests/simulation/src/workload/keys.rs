//! Keys come, change their secret and go.

use std::rc::Rc;

use team::protocol::Act;

use crate::clients::{Directive, carry_out};
use crate::setup::{new_key, secret, team_order};
use crate::world::{TeamPlace, World};

/// So many keys a team at most, so that looking at them stays quick.
const MOST: usize = 60;
/// So many that work at least, or nobody could call.
const FEWEST: usize = 4;

/// Makes, rotates or revokes a key.
pub(super) fn change(world: &Rc<World>, place: &TeamPlace) {
    let (any, working, all) = {
        let auditor = world.auditor.borrow();
        let Some(team) = auditor.teams.get(&place.team) else { return };
        let now = world.now();
        let keys: Vec<_> = team.access.keys.values().map(|key| key.id).collect();
        let works = |key: &&crate::auditor::Key| !key.revoked && key.expires_ms.is_none_or(|at| at > now);
        (world.pick(&keys), team.access.keys.values().filter(works).count(), keys.len())
    };
    let Some(member) = world.pick(&place.members) else { return };
    let act = match (world.between(0, 99), any) {
        _ if working < FEWEST => Act::CreateKey(new_key(world, member)),
        (0..30, _) if all < MOST => Act::CreateKey(new_key(world, member)),
        (30..45, Some(key)) if all < MOST => Act::RevokeKey { key },
        (_, Some(key)) => {
            let grace_ms = world.pick(&[0, 0, 5000, 600_000, 7 * 86_400_000, 8 * 86_400_000, -1]).unwrap_or(0);
            Act::RotateKey { key, hash: secret(world), hint: String::new(), grace_ms }
        }
        _ => return,
    };
    let directive = Directive::Team(place.team, team_order(world, act));
    world.spawn(None, carry_out(Rc::clone(world), directive, None));
}
