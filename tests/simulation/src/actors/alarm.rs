//! The alarms: due at a time, rung at least once, and set anew from what the
//! actor says is next.

use std::cell::Cell;
use std::rc::Rc;

use super::{Name, organization_shell, team_shell};
use crate::world::World;

/// A shell that was rung in vain, or whose alarm is due at once again, waits
/// at least so long.
const PAUSE_MS: i64 = 200;

/// Rings whoever is due; `choose` says whose turn it is.
pub(crate) fn ring(world: &Rc<World>) {
    let now = world.now();
    let is_due =
        |alarm: &Cell<Option<i64>>, ringing: &Cell<bool>| !ringing.get() && alarm.get().is_some_and(|at| at <= now);
    let teams = world.teams.iter().filter(|(_, host)| is_due(&host.alarm, &host.ringing));
    let organizations = world.organizations.iter().filter(|(_, host)| is_due(&host.alarm, &host.ringing));
    let due: Vec<Name> =
        teams.map(|(id, _)| Name::Team(*id)).chain(organizations.map(|(id, _)| Name::Organization(*id))).collect();
    let Some(name) = world.pick(&due) else { return };
    world.count("alarm: rang");
    let world_of_task = Rc::clone(world);
    match name {
        Name::Team(id) => {
            if let Some(host) = world.teams.get(&id) {
                host.ringing.set(true);
            }
            world.spawn(Some(name), async move {
                let world = world_of_task;
                let Some(host) = world.teams.get(&id) else { return };
                if host.tick(&world).is_some_and(|done| done.is_ok()) {
                    if let Some(wanted) = host.top_up(&world) {
                        team_shell::top_up(&world, host, wanted).await;
                    }
                    team_shell::publish(&world, host).await;
                    team_shell::deliver(&world, host).await;
                }
                let next = host.read(&world, |team| team.next_alarm(world.now())).flatten();
                host.alarm.set(next.map(|at| at.max(world.now() + PAUSE_MS)));
                host.ringing.set(false);
            });
        }
        Name::Organization(id) => {
            if let Some(host) = world.organizations.get(&id) {
                host.ringing.set(true);
            }
            world.spawn(Some(name), async move {
                let world = world_of_task;
                let Some(host) = world.organizations.get(&id) else { return };
                if host.tick(&world).is_some_and(|done| done.is_ok()) {
                    organization_shell::publish(&world, id, host).await;
                    organization_shell::deliver(&world, host).await;
                }
                let next = host.read(&world, |organization| organization.next_alarm()).flatten();
                host.alarm.set(next.map(|at| at.max(world.now() + PAUSE_MS)));
                host.ringing.set(false);
            });
        }
    }
}
