//! An organization's actor behind doors.

use std::cell::{Cell, RefCell};

use audit::Draft;
use events::Envelope;
use identity::{OrganizationId, TeamId, TransferId};
use journal::OnTheirWay;
use organization::Organization;
use organization::protocol::{Open, Order, OrderError, Reply, ToppedUp};
use storage::StorageError;

use super::team_host::{healed, next_for_the_queue, note, note_it, tally_sleep};
use super::{Disk, Name};
use crate::auditor::{Auditor, OrganizationAudit, OrganizationMemory, Step, Transfers};
use crate::tally::Tally;
use crate::violation::{Checked, ensure};
use crate::world::World;

/// One organization's actor.
pub(crate) struct OrganizationHost {
    id: OrganizationId,
    disk: Disk,
    awake: RefCell<Option<Organization<Disk>>>,
    before_crash: RefCell<Option<OrganizationMemory>>,
    pub(super) alarm: Cell<Option<i64>>,
    pub(super) ringing: Cell<bool>,
    /// What the shell is delivering; it lives as long as the instance.
    pub(super) on_their_way: RefCell<OnTheirWay>,
}

impl OrganizationHost {
    pub(crate) fn new(id: OrganizationId) -> Result<Self, StorageError> {
        Ok(Self {
            id,
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

    /// Its name.
    pub(super) const fn name(&self) -> Name {
        Name::Organization(self.id)
    }

    /// Whatever the shell was doing has ended.
    pub(crate) fn interrupted(&self) {
        self.ringing.set(false);
    }

    /// The actor's memory is gone from one moment to the next.
    pub(crate) fn crash(&self, world: &World) {
        if let Some(organization) = self.awake.borrow_mut().take() {
            match OrganizationMemory::of(&organization, world.now()) {
                Ok(memory) => *self.before_crash.borrow_mut() = Some(memory),
                Err(violation) => world.check(Err(violation)),
            }
        }
        self.on_their_way.take();
        self.interrupted();
    }

    /// The organization comes into being.
    pub(crate) fn open(&self, world: &World, open: &Open) -> Option<Result<Reply, OrderError>> {
        if self.awake.borrow().is_none() {
            match Organization::create(self.disk.clone(), self.id) {
                Ok(organization) => *self.awake.borrow_mut() = Some(organization),
                Err(error) => world.check(ensure(false, "an actor can be opened", || error.to_string())),
            }
        }
        self.step(
            world,
            |organization, now| organization.open(now, open),
            |answer| matches!(answer, Err(OrderError::Storage)),
            |audit, _, step, _| audit.0.after_open(step, &open.general.time_zone),
        )
    }

    pub(crate) fn order(&self, world: &World, order: &Order) -> Option<Result<Reply, OrderError>> {
        self.step(
            world,
            |organization, now| organization.order(now, order),
            |answer| matches!(answer, Err(OrderError::Storage)),
            |audit, tally, step, answer| audit.0.after_order(step, tally, audit.1, order, answer),
        )
    }

    pub(crate) fn top_up(
        &self,
        world: &World,
        team: TeamId,
        key: &str,
        asked: ledger::Millicredits,
    ) -> Option<Result<ToppedUp, OrderError>> {
        let transfer = TransferId::from_u128(world.id());
        self.step(
            world,
            |organization, now| organization.top_up(now, team, key, asked, transfer),
            |answer| matches!(answer, Err(OrderError::Storage)),
            |audit, tally, step, answer| audit.0.after_top_up(step, tally, audit.1, (team, asked), answer),
        )
    }

    pub(crate) fn receive(&self, world: &World, envelope: &Envelope) -> Option<Result<Reply, OrderError>> {
        self.step(
            world,
            |organization, now| organization.receive(now, envelope),
            |answer| matches!(answer, Err(OrderError::Storage)),
            |audit, tally, step, answer| audit.0.after_receive(step, tally, audit.1, envelope, answer),
        )
    }

    pub(crate) fn tick(&self, world: &World) -> Option<Result<(), StorageError>> {
        self.step(
            world,
            |organization, now| organization.tick(now),
            Result::is_err,
            |audit, tally, step, _| audit.0.after_tick(step, tally, audit.1),
        )
    }

    pub(crate) fn heal(&self, world: &World, projected: u64, audit: Option<u64>) -> Option<Result<(), StorageError>> {
        let ahead = self.read(world, |organization| next_for_the_queue(organization.journal()))?;
        let answer = self.upkeep(world, |organization, _| organization.heal(projected, audit))?;
        if answer.is_ok() {
            let next = self.read(world, |organization| next_for_the_queue(organization.journal()))?;
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
        self.upkeep(world, |organization, now| {
            organization.journal_mut().set_published(sequence)?;
            organization.published(now);
            Ok(())
        })
    }

    pub(crate) fn set_audit_published(&self, world: &World, sequence: u64) -> Option<Result<(), StorageError>> {
        self.upkeep(world, |organization, now| {
            organization.journal_mut().set_audit_published(sequence)?;
            organization.published(now);
            Ok(())
        })
    }

    /// Something was done that moves no credits and changes nothing else.
    pub(crate) fn note(&self, world: &World, draft: &Draft) -> Option<Result<(), StorageError>> {
        self.step(
            world,
            |organization, now| {
                note_it(organization.journal_mut(), now, draft)?;
                organization.published(now);
                Ok(())
            },
            Result::is_err,
            |audit, _, step, answer| audit.0.trail.after_note(step, draft, answer.is_ok()),
        )
    }

    pub(crate) fn delivered(&self, world: &World, number: u64) -> Option<Result<(), StorageError>> {
        self.upkeep(world, |organization, _| organization.journal_mut().delivered(number))
    }

    pub(crate) fn undelivered(&self, world: &World, number: u64) -> Option<Result<(), StorageError>> {
        self.upkeep(world, |organization, now| organization.journal_mut().undelivered(number, now))
    }

    /// Looks into the actor.
    pub(crate) fn read<T>(&self, world: &World, look: impl FnOnce(&mut Organization<Disk>) -> T) -> Option<T> {
        if !self.wake(world) {
            return None;
        }
        self.awake.borrow_mut().as_mut().map(look)
    }

    fn upkeep(
        &self,
        world: &World,
        act: impl FnOnce(&mut Organization<Disk>, i64) -> Result<(), StorageError>,
    ) -> Option<Result<(), StorageError>> {
        self.step(world, act, Result::is_err, |_, _, step, _| {
            ensure(step.failed || step.fired.is_none(), "a storage failure is answered as one", || "upkeep".to_owned())
        })
    }

    fn step<T>(
        &self,
        world: &World,
        act: impl FnOnce(&mut Organization<Disk>, i64) -> T,
        failed: impl FnOnce(&T) -> bool,
        audit: impl FnOnce((&mut OrganizationAudit, &mut Transfers), &mut Tally, &Step<'_>, &T) -> Checked,
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
        let Auditor { organizations, transfers, .. } = auditor;
        if let Some(books) = organizations.get_mut(&self.id) {
            let tally = &mut world.tally.borrow_mut();
            world.check(audit((books, transfers), tally, &step, &answer));
        }
        if failed {
            tally_sleep(world);
            *self.awake.borrow_mut() = None;
        } else if let (Some(books), Some(core)) = (auditor.organizations.get(&self.id), self.awake.borrow().as_ref()) {
            world.check(books.agree(core));
            self.alarm.set(core.next_alarm());
        }
        world.check(auditor.nothing_lost(self.id));
        Some(answer)
    }

    fn wake(&self, world: &World) -> bool {
        if self.awake.borrow().is_some() {
            return true;
        }
        for fault in [world.fault(), None] {
            self.disk.arm(fault);
            let woken = Organization::wake(self.disk.clone(), self.id);
            let fired = self.disk.disarm();
            note(world, fired);
            match woken {
                Ok(Ok(organization)) => {
                    self.woken(world, &organization);
                    *self.awake.borrow_mut() = Some(organization);
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

    fn woken(&self, world: &World, organization: &Organization<Disk>) {
        world.count("actor: woken");
        if let Some(memory) = self.before_crash.borrow_mut().take() {
            world.count("actor: memory compared after a crash");
            world.check(memory.compare(organization));
        }
        if let Some(books) = world.auditor.borrow().organizations.get(&self.id) {
            world.check(books.books.still_there(&self.disk));
            world.check(books.agree(organization));
        }
        self.alarm.set(organization.next_alarm());
    }
}
