//! The end of a run: everything has arrived, everything has ended, and D1 is
//! the sum of the journals.

use std::collections::BTreeMap;

use audit::Record;
use ledger::{Account, Entry, Kind};
use storage::{NativeStorage, Row, Storage, StorageError};

use super::rows;
use crate::violation::{Checked, ensure};
use crate::world::World;

const CHECK: &str = "D1 converges to the journals";

/// Whether nothing is left to do: every call ended, every message arrived,
/// every entry copied.
pub(crate) fn settled_down(world: &World) -> Checked {
    let auditor = world.auditor.borrow();
    ensure(auditor.transfers.is_empty(), "what is in flight arrives", || "credits are still in flight".to_owned())?;
    for (id, team) in &auditor.teams {
        let above = auditor.organizations.get(&team.place.organization);
        let above = above.map_or(0, |above| above.books.balance(Account::Team(*id)));
        let below = team.books.balance(Account::Parent);
        ensure(above + below == 0, "a team has what it has, seen from above", || {
            format!("{id} has {above} seen from above, and got {below}")
        })?;
        ensure(team.calls.open().next().is_none(), "every call ends", || format!("calls of {id} are still open"))?;
        let disk = world.teams.get(id).map(|host| host.disk().clone());
        nothing_waits(world, &id.to_string(), (team.books.sequence(), team.trail.head().sequence), disk)?;
    }
    for (id, organization) in &auditor.organizations {
        organization.requests.all_over()?;
        let disk = world.organizations.get(id).map(|host| host.disk().clone());
        let ends = (organization.books.sequence(), organization.trail.head().sequence);
        nothing_waits(world, &id.to_string(), ends, disk)?;
    }
    Ok(())
}

fn nothing_waits(world: &World, actor: &str, ends: (u64, u64), disk: Option<crate::actors::Disk>) -> Checked {
    if let Some(disk) = disk {
        let waiting = disk.native().query("SELECT number FROM outbox LIMIT 1", &[]).unwrap_or_default();
        ensure(waiting.is_empty(), "every message arrives", || format!("the outbox of {actor} is not empty"))?;
    }
    let applied = world.d1.both_through(actor).map_err(rows::unreadable)?;
    ensure(applied == ends, CHECK, || format!("D1 has {applied:?} of {ends:?} entries and records of {actor}"))
}

/// Every journal whole, every entry in D1 as it is in its journal, every sum
/// what the entries add up to, every team what its organization says.
pub(crate) fn converged(world: &World) -> Checked {
    let auditor = world.auditor.borrow();
    let mut usage = Usage::new();
    for (id, team) in &auditor.teams {
        let Some(host) = world.teams.get(id) else { continue };
        let all = team.books.whole_chain(host.disk())?;
        copied(world.d1.native(), &id.to_string(), &all)?;
        copied_trail(world.d1.native(), &id.to_string(), &team.trail.whole(host.disk())?)?;
        add_up(&mut usage, &team.place.organization.to_string(), &id.to_string(), &all);
    }
    for (id, organization) in &auditor.organizations {
        let Some(host) = world.organizations.get(id) else { continue };
        copied(world.d1.native(), &id.to_string(), &organization.books.whole_chain(host.disk())?)?;
        copied_trail(world.d1.native(), &id.to_string(), &organization.trail.whole(host.disk())?)?;
        auditor.nothing_lost(*id)?;
        organization.requests.moved(|team| world.teams.get(&team).map(|host| host.disk().clone()))?;
    }
    let stored = stored_usage(world.d1.native()).map_err(rows::unreadable)?;
    ensure(stored == usage, CHECK, || {
        let differs = usage.iter().find(|(key, sums)| stored.get(*key) != Some(sums));
        format!("sums of {differs:?} are {:?}", differs.and_then(|(key, _)| stored.get(key)))
    })
}

fn copied(d1: &NativeStorage, actor: &str, journal: &[Entry]) -> Checked {
    let sql =
        "SELECT sequence, id, time_ms, kind, debit, credit, CAST(amount AS TEXT), reference, who, call, note, hash
        FROM entries WHERE actor = ? ORDER BY sequence";
    let rows = d1.query(sql, &[actor.into()]).map_err(rows::unreadable)?;
    let copy = rows.iter().map(rows::entry).collect::<Result<Vec<_>, _>>().map_err(rows::unreadable)?;
    ensure(copy == journal, CHECK, || {
        let differs = copy.iter().zip(journal).find(|(one, other)| one != other);
        format!("{actor}: {} of {} entries, {differs:?}", copy.len(), journal.len())
    })
}

/// With details where they are not erased, and without where they are.
fn copied_trail(d1: &NativeStorage, actor: &str, trail: &[Record]) -> Checked {
    let sql = format!("SELECT {} FROM audit WHERE actor = ? ORDER BY sequence", rows::RECORD);
    let rows = d1.query(&sql, &[actor.into()]).map_err(rows::unreadable)?;
    let copy = rows.iter().map(rows::record).collect::<Result<Vec<_>, _>>().map_err(rows::unreadable)?;
    ensure(copy == trail, "D1 converges to the audit trails", || {
        let differs = copy.iter().zip(trail).find(|(one, other)| one != other);
        format!("{actor}: {} of {} records, {differs:?}", copy.len(), trail.len())
    })
}

/// By organization, hour, team, member, key, model, provider and tag: requests,
/// failed, input, cached, output, reasoning, cost.
type Usage = BTreeMap<(String, i64, [String; 6]), [i128; 7]>;

fn add_up(usage: &mut Usage, organization: &str, team: &str, journal: &[Entry]) {
    for entry in journal {
        let Some(call) = &entry.call else { continue };
        let hour = call.accepted_ms.div_euclid(3_600_000) * 3_600_000;
        let names = [
            team.to_owned(),
            call.member.to_string(),
            call.key.to_string(),
            call.model.clone(),
            call.provider.clone(),
            call.tag.clone().unwrap_or_default(),
        ];
        let sums = usage.entry((organization.to_owned(), hour, names)).or_default();
        let more = [
            i128::from(entry.kind != Kind::Correct),
            i128::from(entry.kind == Kind::Release),
            call.input_tokens.into(),
            call.cached_tokens.into(),
            call.output_tokens.into(),
            call.reasoning_tokens.into(),
            call.cost.get().into(),
        ];
        sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    }
}

fn stored_usage(d1: &NativeStorage) -> Result<Usage, StorageError> {
    let sql = "SELECT organization, hour_ms, team, member, key, model, provider, tag, requests, failed, input_tokens,
        cached_tokens, output_tokens, reasoning_tokens, CAST(cost AS TEXT) FROM usage_hours";
    let read = |row: &Row| -> Result<_, StorageError> {
        let mut names: [String; 6] = Default::default();
        for (place, name) in names.iter_mut().enumerate() {
            row.text(place + 2)?.clone_into(name);
        }
        let mut sums = [0; 7];
        for (place, sum) in sums.iter_mut().enumerate() {
            *sum = if place == 6 { row.exact(14)? } else { row.int(place + 8)? }.into();
        }
        Ok(((row.text(0)?.to_owned(), row.int(1)?, names), sums))
    };
    d1.query(sql, &[])?.iter().map(read).collect()
}
