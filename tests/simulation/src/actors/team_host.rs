//! A team's actor behind doors: every command that goes in is audited before
//! its answer comes out.

use std::cell::{Cell, RefCell};

use audit::{Draft, Salt};
use events::{Envelope, Message};
use journal::{Change, CommitError, OnTheirWay};
use storage::{Storage, StorageError};
use team::Team;
use team::protocol::{
    Order, OrderError, Progress, Refused, Reply, Reserve, ReserveError, Reserved, Settle, SettleError, Settled, TopUp,
};

use super::{Disk, Fault};
use crate::auditor::{Auditor, Step, TeamAudit, TeamMemory};
use crate::tally::Tally;
use crate::violation::{Checked, ensure};
use crate::world::{TeamPlace, World};

/// One team's actor.
pub(crate) struct TeamHost {
    pub(crate) place: TeamPlace,
    disk: Disk,
    awake: RefCell<Option<Team<Disk>>>,
    before_crash: RefCell<Option<TeamMemory>>,
    /// When the platform rings; it survives crashes.
    pub(super) alarm: Cell<Option<i64>>,
    pub(super) ringing: Cell<bool>,
    /// What the shell is delivering; it lives as long as the instance.
    pub(super) on_their_way: RefCell<OnTheirWay>,
}

impl TeamHost {
    pub(crate) fn new(place: TeamPlace) -> Result<Self, StorageError> {
        Ok(Self {
            place,
            disk: Disk::new()?,
            awake: RefCell::default(),
            before_crash: RefCell::default(),
            alarm: Cell::new(None),
            ringing: Cell::new(false),
            on_their_way: RefCell::default(),
        })
    }

    pub(crate) const fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Whatever the shell was doing has ended.
    pub(crate) fn interrupted(&self) {
        self.ringing.set(false);
    }

    /// The actor's memory is gone from one moment to the next.
    pub(crate) fn crash(&self, world: &World) {
        if let Some(mut team) = self.awake.borrow_mut().take() {
            let secrets = world.auditor.borrow().teams.get(&self.place.team).map(TeamAudit::some_secrets);
            match TeamMemory::of(&mut team, world.now(), secrets.unwrap_or_default()) {
                Ok(memory) => *self.before_crash.borrow_mut() = Some(memory),
                Err(violation) => world.check(Err(violation)),
            }
        }
        self.on_their_way.take();
        self.interrupted();
    }

    pub(crate) fn reserve(&self, world: &World, call: &Reserve) -> Option<Result<Reserved, ReserveError>> {
        self.step(
            world,
            |team, now| team.reserve(now, call),
            |answer| matches!(answer, Err(ReserveError::Storage)),
            |audit, tally, step, answer| audit.0.after_reserve(step, tally, call, answer),
        )
    }

    pub(crate) fn refuse(&self, world: &World, refused: &Refused) -> Option<Result<(), StorageError>> {
        // Nothing is secret here, and no dice are thrown for it.
        let salt = Salt::from_u128(refused.request.as_u128());
        self.step(
            world,
            |team, now| team.refuse(now, refused, salt),
            Result::is_err,
            |audit, tally, step, _| audit.0.after_refused(step, tally, refused),
        )
    }

    pub(crate) fn settle(&self, world: &World, call: &Settle) -> Option<Result<Settled, SettleError>> {
        let overruns = world.auditor.borrow().overrunning.contains(&call.request);
        self.step(
            world,
            |team, now| team.settle(now, call),
            |answer| matches!(answer, Err(SettleError::Storage)),
            |audit, tally, step, answer| audit.0.after_settle(step, tally, (call, overruns), answer),
        )
    }

    pub(crate) fn progress(&self, world: &World, call: &Progress) -> Option<Result<(), StorageError>> {
        self.step(
            world,
            |team, now| team.progress(now, call),
            Result::is_err,
            |audit, tally, step, _| audit.0.after_progress(step, tally, call),
        )
    }

    pub(crate) fn order(&self, world: &World, order: &Order) -> Option<Result<Reply, OrderError>> {
        self.step(
            world,
            |team, now| team.order(now, order),
            |answer| matches!(answer, Err(OrderError::Storage)),
            |audit, tally, step, answer| audit.0.after_order(step, tally, audit.1, order, answer),
        )
    }

    /// A message; the one that says what the team is makes the actor.
    pub(crate) fn receive(&self, world: &World, envelope: &Envelope) -> Option<Result<Reply, OrderError>> {
        if matches!(envelope.message, Message::Team(_)) {
            self.create(world);
        }
        self.step(
            world,
            |team, now| team.receive(now, envelope),
            |answer| matches!(answer, Err(OrderError::Storage)),
            |audit, tally, step, answer| audit.0.after_receive(step, tally, audit.1, envelope, answer),
        )
    }

    pub(crate) fn tick(&self, world: &World) -> Option<Result<(), StorageError>> {
        self.step(
            world,
            |team, now| team.tick(now),
            Result::is_err,
            |audit, tally, step, _| audit.0.after_tick(step, tally),
        )
    }

    pub(crate) fn heal(&self, world: &World, projected: u64, audit: Option<u64>) -> Option<Result<(), StorageError>> {
        let ahead = self.read(world, |team| next_for_the_queue(team.journal()))?;
        let answer = self.upkeep(world, |team, _| team.heal(projected, audit))?;
        if answer.is_ok() {
            let next = self.read(world, |team| next_for_the_queue(team.journal()))?;
            if next.entries != ahead.entries {
                world.count("cron: healed");
            }
            if next.records != ahead.records {
                world.count("cron: healed an audit trail");
            }
            world.check(healed(&next, projected, audit));
        }
        Some(answer)
    }

    pub(crate) fn set_published(&self, world: &World, sequence: u64) -> Option<Result<(), StorageError>> {
        self.upkeep(world, |team, now| {
            team.journal_mut().set_published(sequence)?;
            team.published(now);
            Ok(())
        })
    }

    pub(crate) fn set_audit_published(&self, world: &World, sequence: u64) -> Option<Result<(), StorageError>> {
        self.upkeep(world, |team, now| {
            team.journal_mut().set_audit_published(sequence)?;
            team.published(now);
            Ok(())
        })
    }

    /// Something was done that moves no credits and changes nothing else.
    pub(crate) fn note(&self, world: &World, draft: &Draft) -> Option<Result<(), StorageError>> {
        self.step(
            world,
            |team, now| {
                note_it(team.journal_mut(), now, draft)?;
                team.published(now);
                Ok(())
            },
            Result::is_err,
            |audit, _, step, answer| audit.0.trail.after_note(step, draft, answer.is_ok()),
        )
    }

    pub(crate) fn delivered(&self, world: &World, number: u64) -> Option<Result<(), StorageError>> {
        self.upkeep(world, |team, _| team.journal_mut().delivered(number))
    }

    pub(crate) fn undelivered(&self, world: &World, number: u64) -> Option<Result<(), StorageError>> {
        self.upkeep(world, |team, now| team.journal_mut().undelivered(number, now))
    }

    pub(crate) fn top_up_refused(&self, world: &World) {
        self.read(world, |team| team.top_up_refused(world.now()));
    }

    pub(crate) fn top_up(&self, world: &World) -> Option<TopUp> {
        self.read(world, |team| team.top_up(world.now())).flatten()
    }

    /// Looks into the actor, or changes what is only in its memory.
    pub(crate) fn read<T>(&self, world: &World, look: impl FnOnce(&mut Team<Disk>) -> T) -> Option<T> {
        if !self.wake(world) {
            return None;
        }
        self.awake.borrow_mut().as_mut().map(look)
    }

    /// What moves no credits and changes nothing that the auditor keeps.
    fn upkeep(
        &self,
        world: &World,
        act: impl FnOnce(&mut Team<Disk>, i64) -> Result<(), StorageError>,
    ) -> Option<Result<(), StorageError>> {
        self.step(world, act, Result::is_err, |_, _, step, _| {
            ensure(step.failed || step.fired.is_none(), "a storage failure is answered as one", || "upkeep".to_owned())
        })
    }

    fn step<T>(
        &self,
        world: &World,
        act: impl FnOnce(&mut Team<Disk>, i64) -> T,
        failed: impl FnOnce(&T) -> bool,
        audit: impl FnOnce((&mut TeamAudit, &mut crate::auditor::Transfers), &mut Tally, &Step<'_>, &T) -> Checked,
    ) -> Option<T> {
        if !self.wake(world) {
            return None;
        }
        let now = world.now();
        let before = self.disk.changes();
        self.disk.arm(world.fault());
        let answer = act(self.awake.borrow_mut().as_mut()?, now);
        let fired = self.disk.disarm();
        note(world, fired);
        let failed = failed(&answer);
        let step = Step { now, disk: &self.disk, rows: self.disk.changes().saturating_sub(before), failed, fired };
        let auditor = &mut *world.auditor.borrow_mut();
        let Auditor { teams, transfers, .. } = auditor;
        if let Some(books) = teams.get_mut(&self.place.team) {
            let tally = &mut world.tally.borrow_mut();
            world.check(audit((books, transfers), tally, &step, &answer));
        }
        if failed {
            tally_sleep(world);
            *self.awake.borrow_mut() = None;
        } else if let (Some(books), Some(team)) = (auditor.teams.get(&self.place.team), self.awake.borrow().as_ref()) {
            world.check(books.agree(team, false));
            self.alarm.set(team.next_alarm(now));
        }
        world.check(auditor.nothing_lost(self.place.organization));
        Some(answer)
    }

    /// Makes the actor's tables when this is the first that it hears.
    fn create(&self, world: &World) {
        if self.awake.borrow().is_none() {
            match Team::open(self.disk.clone(), self.place.team) {
                Ok(team) => {
                    *self.awake.borrow_mut() = Some(team);
                    self.woken(world);
                }
                Err(error) => world.check(ensure(false, "an actor can be opened", || error.to_string())),
            }
        }
    }

    /// Opens the actor from its database if it is not awake; says whether
    /// there is one.
    fn wake(&self, world: &World) -> bool {
        if self.awake.borrow().is_some() {
            return true;
        }
        // Opening may fail as well; then it is tried again.
        for fault in [world.fault(), None] {
            self.disk.arm(fault);
            let woken = Team::wake(self.disk.clone(), self.place.team);
            let fired = self.disk.disarm();
            note(world, fired);
            match woken {
                Ok(Ok(team)) => {
                    *self.awake.borrow_mut() = Some(team);
                    self.woken(world);
                    return true;
                }
                Ok(Err(_)) => return false,
                Err(error) if fired.is_none() => {
                    world.check(ensure(false, "an actor can be opened", || error.to_string()));
                    return false;
                }
                Err(_) => {}
            }
        }
        false
    }

    fn woken(&self, world: &World) {
        world.count("actor: woken");
        let mut awake = self.awake.borrow_mut();
        let Some(team) = awake.as_mut() else { return };
        if let Some(memory) = self.before_crash.borrow_mut().take() {
            world.count("actor: memory compared after a crash");
            world.check(memory.compare(team));
        }
        if let Some(books) = world.auditor.borrow_mut().teams.get_mut(&self.place.team) {
            books.woken();
            world.check(books.books.still_there(&self.disk));
            world.check(books.agree(team, true));
            world.check(books.is_up_to_date(team.profile()));
        }
        self.alarm.set(team.next_alarm(world.now()));
    }
}

/// Notes which fault came true.
pub(super) fn note(world: &World, fired: Option<Fault>) {
    match fired {
        None => {}
        Some(Fault::Statement(_)) => world.count("storage: statement failed"),
        Some(Fault::Commit) => world.count("storage: commit failed"),
        Some(Fault::AfterCommit) => world.count("storage: failed after it had written"),
    }
}

pub(super) fn tally_sleep(world: &World) {
    world.count("actor: put to sleep after a storage failure");
}

/// What the queue would be given next, and how far the actor is.
pub(super) struct Ahead {
    /// Where the entries go on, and where they end.
    pub(super) entries: (u64, u64),
    /// Where the records go on, and where they end.
    pub(super) records: (u64, u64),
}

pub(super) fn next_for_the_queue<S: Storage>(journal: &journal::Journal<S>) -> Ahead {
    let entry = journal.unpublished(1).ok().and_then(|entries| entries.first().map(|entry| entry.sequence));
    let record = journal.unpublished_records(1).ok().and_then(|records| records.first().map(|record| record.sequence));
    let after = |next: Option<u64>, end: u64| (next.map_or(end, |next| next.saturating_sub(1)), end);
    Ahead { entries: after(entry, journal.sequence()), records: after(record, journal.audit_head().sequence) }
}

/// Once an actor knows how far D1 is, it sends on from there.
pub(super) fn healed(next: &Ahead, projected: u64, audit: Option<u64>) -> Checked {
    for ((after, end), projected) in [(next.entries, Some(projected)), (next.records, audit)] {
        let Some(projected) = projected else { continue };
        ensure(after <= projected || projected > end, "what D1 lacks is sent again", || {
            format!("D1 has {projected}, the actor goes on after {after} of {end}")
        })?;
    }
    Ok(())
}

/// A change with one record and nothing else.
pub(super) fn note_it<S: Storage>(
    journal: &mut journal::Journal<S>,
    now: i64,
    draft: &Draft,
) -> Result<(), StorageError> {
    let mut change = Change::new();
    match &draft.erases {
        Some(what) => change.erase_details(draft.clone(), what.clone()),
        None => change.audit(draft.clone()),
    };
    match journal.commit(now, change) {
        Ok(_) => Ok(()),
        Err(CommitError::Storage(error)) => Err(error),
        Err(CommitError::Books(error)) => Err(StorageError::Sql(error.to_string())),
    }
}
