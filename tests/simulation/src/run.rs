//! One run from its seed to its end.

use std::fmt;
use std::rc::Rc;

use ledger::mutant::{self, Mutant};

use crate::actors::{Name, OrganizationHost, TeamHost, ring, serve};
use crate::auditor;
use crate::clock::Jump;
use crate::network::Parcel;
use crate::note::note;
use crate::setup::{set_up, trees};
use crate::tally::Tally;
use crate::tasks::Tasks;
use crate::violation::{Checked, Violation};
use crate::workload;
use crate::world::World;

/// So many tasks at a time: more would only wait for each other.
const MOST_TASKS: usize = 60;

/// The world must come to rest within so many steps once nothing fails any
/// more.
const STEPS_TO_REST: u64 = 2_000_000;

/// Four weeks: longer than anything waits.
const MONTH_MS: i64 = 28 * 24 * 3_600_000;

/// What to run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Determines everything.
    pub seed: u64,
    /// So many commands, and then the end is awaited.
    pub commands: u64,
    /// A known wrong way that shall be noticed.
    pub mutant: Option<Mutant>,
}

/// A run that the auditor had nothing against.
#[derive(Debug)]
pub struct Outcome {
    /// What happened how often.
    pub tally: Tally,
    /// How many steps it took.
    pub steps: u64,
}

/// A run that the auditor stopped.
#[derive(Debug)]
pub struct Failure {
    /// What was run.
    pub options: Options,
    /// After so many commands.
    pub commands: u64,
    /// In which step.
    pub step: u64,
    /// Why.
    pub violation: Violation,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { seed, commands, .. } = self.options;
        writeln!(f, "{}", self.violation)?;
        writeln!(f, "seed {seed}, step {}, after {} commands", self.step, self.commands)?;
        write!(f, "again: cargo run -p simulation --profile fast -- --seed {seed} --commands {commands}")
    }
}

impl std::error::Error for Failure {}

/// Runs a simulation; `progress` hears of every thousandth command.
///
/// # Errors
/// [`Failure`] at the first thing that the auditor has against it.
pub fn run(options: &Options, mut progress: impl FnMut(u64)) -> Result<Outcome, Box<Failure>> {
    mutant::activate(options.mutant);
    let mut run = match World::new(options.seed, trees()) {
        Ok(world) => Run { world: Rc::new(world), tasks: Tasks::default(), commands: 0 },
        Err(violation) => return Err(Box::new(Failure { options: *options, commands: 0, step: 0, violation })),
    };
    let result = run.whole(options, &mut progress);
    mutant::activate(None);
    let step = run.world.step.get();
    match result {
        Ok(()) => Ok(Outcome { tally: run.world.tally.borrow().clone(), steps: step }),
        Err(violation) => Err(Box::new(Failure { options: *options, commands: run.commands, step, violation })),
    }
}

struct Run {
    world: Rc<World>,
    tasks: Tasks,
    commands: u64,
}

impl Run {
    fn whole(&mut self, options: &Options, progress: &mut impl FnMut(u64)) -> Checked {
        self.world.network.borrow_mut().healed = true;
        self.world.spawn(None, set_up(Rc::clone(&self.world)));
        self.until_idle()?;
        self.world.network.borrow_mut().healed = false;
        self.world.calm.set(false);
        let mut told = 0;
        while self.commands < options.commands {
            self.step(true)?;
            if self.commands / 1000 > told {
                told = self.commands / 1000;
                progress(self.commands);
            }
        }
        self.come_to_rest()?;
        auditor::converged(&self.world)?;
        let forgotten = self.world.d1.forget();
        forgotten.map_err(|error| Violation { check: "D1 can be emptied", detail: error.to_string() })?;
        self.come_to_rest()?;
        auditor::converged(&self.world)
    }

    /// Runs what there is to run until nobody waits for anything but time.
    fn until_idle(&mut self) -> Checked {
        while self.tasks.any_ready(&self.world.scheduler) || self.tasks.len() > 0 {
            self.step(false)?;
        }
        Ok(())
    }

    /// Nothing fails any more: every call ends, every message arrives, and D1
    /// catches up.
    fn come_to_rest(&mut self) -> Checked {
        self.world.network.borrow_mut().healed = true;
        self.world.calm.set(true);
        let end = self.world.step.get() + STEPS_TO_REST;
        loop {
            self.until_idle()?;
            let rest = auditor::settled_down(&self.world);
            if rest.is_ok() || self.world.step.get() > end {
                return rest;
            }
            self.world.clock.advance(MONTH_MS);
            for _ in 0..100 {
                self.step(false)?;
            }
            self.cron();
        }
    }

    /// One step: time passes, and one thing happens.
    fn step(&mut self, stormy: bool) -> Checked {
        let world = Rc::clone(&self.world);
        world.step.set(world.step.get() + 1);
        world.clock.tick(&mut world.random.borrow_mut());
        if stormy {
            self.weather();
        }
        let ready = self.tasks.any_ready(&world.scheduler);
        let parcel =
            if ready && world.percent(60) { None } else { world.network.borrow_mut().arrived(world.step.get()) };
        if let Some(parcel) = parcel {
            deliver(&world, parcel);
        } else if ready {
            self.tasks.run_one(&world.scheduler, |length| world.random.borrow_mut().place(length));
        } else if stormy && self.tasks.len() < MOST_TASKS {
            self.commands += workload::next(&world);
        } else {
            // Nobody can go on: on to the next arrival.
            let next = world.network.borrow().next_arrival();
            world.step.set(next.unwrap_or(0).max(world.step.get()));
        }
        if world.once_in(4) {
            ring(&world);
        }
        match world.violation.borrow_mut().take() {
            Some(violation) => Err(violation),
            None => Ok(()),
        }
    }

    /// Crashes, jumps of the clock, the cron.
    fn weather(&mut self) {
        let world = Rc::clone(&self.world);
        if world.once_in(300) {
            self.crash();
        }
        if world.once_in(900) {
            self.jump();
        }
        if world.once_in(200) {
            self.cron();
        }
        if world.once_in(500) {
            note(&world);
        }
    }

    fn crash(&mut self) {
        let world = &self.world;
        let teams = world.teams.keys().copied().map(Name::Team);
        let names: Vec<_> = teams.chain(world.organizations.keys().copied().map(Name::Organization)).collect();
        let Some(name) = world.pick(&names) else { return };
        world.count("actor: crashed");
        self.tasks.crash(name);
        match name {
            Name::Team(id) => world.teams.get(&id).map(|host| host.crash(world)),
            Name::Organization(id) => world.organizations.get(&id).map(|host| host.crash(world)),
        };
    }

    fn jump(&mut self) {
        let world = &self.world;
        let jump = world.clock.jump(&mut world.random.borrow_mut());
        match jump {
            Jump::Back(_) => world.count("clock: put back"),
            Jump::Forward(by) => {
                world.count("clock: jumped ahead");
                if by > 27 * 24 * 3_600_000 {
                    world.count("clock: jumped ahead by a month");
                }
                if world.clock.changes_soon() {
                    world.count("clock: changed for summer or winter nearby");
                }
            }
        }
        // Half an hour: no connection lives so long, and nobody works on one.
        if !matches!(jump, Jump::Forward(by) if by < 1_800_000) {
            world.network.borrow_mut().cut();
            self.tasks.cut();
            world.teams.values().for_each(TeamHost::interrupted);
            world.organizations.values().for_each(OrganizationHost::interrupted);
        }
    }

    /// Tells an actor, or in the end all, how far D1 has come.
    fn cron(&mut self) {
        let world = &self.world;
        let teams = world.teams.keys().copied().map(Name::Team);
        let all: Vec<_> = teams.chain(world.organizations.keys().copied().map(Name::Organization)).collect();
        let names = if world.calm.get() { all } else { world.pick(&all).into_iter().collect() };
        for name in names {
            world.count("cron: asked to heal");
            let (projected, records) = world.d1.both_through(&name.to_string()).unwrap_or_default();
            let audit = Some(records);
            let world_of_task = Rc::clone(world);
            world.spawn(None, async move {
                match name {
                    Name::Team(id) => {
                        let command = team::protocol::Command::Heal { projected, audit };
                        let _ = world_of_task.ask_team(id, command).await;
                    }
                    Name::Organization(id) => {
                        let command = organization::protocol::Command::Heal { projected, audit };
                        let _ = world_of_task.ask_organization(id, command).await;
                    }
                }
            });
        }
    }
}

/// Hands a parcel to whom it is for.
fn deliver(world: &Rc<World>, parcel: Parcel) {
    match parcel {
        Parcel::Request { call, to, request } => world.spawn(Some(to), serve(Rc::clone(world), to, call, *request)),
        Parcel::Answer { call, answer } => world.network.borrow_mut().resolve(call, Some(answer)),
        Parcel::Timeout { call } => world.network.borrow_mut().resolve(call, None),
        Parcel::Wake(slot) => slot.fill(()),
        Parcel::Batch(batch) => {
            // Now and then another consumer was a moment faster.
            let stale = world.once_in(20).then(|| batch.stretch().map_or(0, |(first, _)| first.saturating_sub(1)));
            match world.d1.consume(world.now(), &batch, stale) {
                Ok(what) => world.count(what),
                Err(error) => world.check(crate::violation::violated("D1 takes every batch", error.to_string())),
            }
        }
    }
}
