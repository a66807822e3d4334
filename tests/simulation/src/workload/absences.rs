//! Members go away, come back early, stay longer, and lend what is idle.

use std::rc::Rc;

use identity::{AbsenceId, CalendarId};
use ledger::Millicredits;
use team::protocol::{Act, AwayTime, CalendarAbsences, Lends, NewAbsence, Share, Terms};

use crate::clients::{Directive, carry_out};
use crate::setup::team_order;
use crate::world::{TeamPlace, World};

/// So many of the last absences may be changed or ended.
const REMEMBERED: usize = 20;
const MINUTE_MS: i64 = 60_000;

/// Somebody goes, an absence is changed or ends, or a calendar speaks.
pub(super) fn one(world: &Rc<World>, place: &TeamPlace) {
    let known = world.absent.borrow().clone();
    let some = world.pick(&known).filter(|_| world.percent(50));
    let (team, act) = match some {
        Some((team, place, absence)) if world.percent(50) => {
            (team, Act::ChangeAbsence { absence, terms: terms(world, &place) })
        }
        Some((team, _, absence)) => (team, Act::EndAbsence { absence }),
        None if world.percent(40) => {
            let Some(said) = said(world, place) else { return };
            (place.team, Act::CalendarAbsences(said))
        }
        None => {
            let Some(member) = world.pick(&place.members) else { return };
            let id = AbsenceId::from_u128(world.id());
            remember(world, place, id);
            (place.team, Act::Absence(NewAbsence { id, member, terms: terms(world, place) }))
        }
    };
    let order = team_order(world, act);
    world.spawn(None, carry_out(Rc::clone(world), Directive::Team(team, order), None));
}

fn terms(world: &World, place: &TeamPlace) -> Terms {
    let from_ms = world.now() + MINUTE_MS * world.between(-20, 40);
    let until_ms = world.percent(80).then(|| from_ms + MINUTE_MS * world.between(0, 90));
    let reason = world.percent(20).then(|| "the Alps".to_owned());
    Terms { from_ms, until_ms, lends: lends(world, place), reason }
}

fn lends(world: &World, place: &TeamPlace) -> Lends {
    let share = match world.between(0, 9) {
        0 => Share::Nothing,
        1..4 => Share::Percent { percent: u8::try_from(world.between(1, 100)).unwrap_or(1) },
        4..7 => Share::Above { floor: Millicredits::new(world.between(0, 3_000_000)) },
        _ => Share::All,
    };
    let to = if world.percent(40) { world.pick(&place.members) } else { None };
    Lends { share, to }
}

/// What a calendar says of somebody, out of a few times that come again.
fn said(world: &World, place: &TeamPlace) -> Option<CalendarAbsences> {
    let member = world.pick(&place.members)?;
    let hour = 60 * MINUTE_MS;
    let begin = world.now().div_euclid(hour) * hour;
    let mut times = Vec::new();
    let mut at = begin - MINUTE_MS * 30;
    for _ in 0..world.between(0, 3) {
        let from_ms = at + MINUTE_MS * 10 * world.between(0, 3);
        let until_ms = from_ms + MINUTE_MS * 10 * world.between(1, 4);
        let id = AbsenceId::from_u128(world.id());
        if world.percent(50) {
            remember(world, place, id);
        }
        let is_last = world.percent(10);
        times.push(AwayTime { id, from_ms: Some(from_ms), until_ms: (!is_last).then_some(until_ms) });
        if is_last {
            break;
        }
        at = until_ms + 10 * MINUTE_MS;
    }
    let calendar = CalendarId::from_u128(world.between(1, 2).unsigned_abs().into());
    Some(CalendarAbsences { calendar, member, times, lends: lends(world, place) })
}

fn remember(world: &World, place: &TeamPlace, id: AbsenceId) {
    let mut absent = world.absent.borrow_mut();
    absent.push((place.team, place.clone(), id));
    if absent.len() > REMEMBERED {
        absent.remove(0);
    }
}
