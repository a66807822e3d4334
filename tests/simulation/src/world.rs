//! Everything that a run consists of, and the small services that shells and
//! clients use.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use events::Publication;
use identity::{AbsenceId, BoostId, DepartmentId, MemberId, OrganizationId, TeamId, TransferId};
use ledger::mutant::{self, Mutant};
use organization::protocol::{AskApproval, NewPlan};
use team::protocol::Settle;

use crate::actors::{Fault, Name, OrganizationHost, TeamHost};
use crate::auditor::Auditor;
use crate::clients::PriceList;
use crate::clock::Clock;
use crate::d1::D1;
use crate::network::{Answer, Network, Request};
use crate::random::Random;
use crate::tally::Tally;
use crate::tasks::{Owner, Scheduler, Slot};
use crate::violation::{Checked, Violation, ensure};

/// One organization's people, as the world was made.
pub(crate) struct Tree {
    pub(crate) organization: OrganizationId,
    pub(crate) departments: Vec<DepartmentId>,
    pub(crate) teams: Vec<TeamPlace>,
}

/// A team and where it belongs.
#[derive(Clone)]
pub(crate) struct TeamPlace {
    pub(crate) organization: OrganizationId,
    pub(crate) department: DepartmentId,
    pub(crate) team: TeamId,
    pub(crate) members: Vec<MemberId>,
}

/// A delivery that was not heard of for so long may be taken for dead.
const GIVEN_UP_MS: u64 = 30_000;

/// A message on its way.
pub(crate) struct Delivery<'a> {
    world: &'a World,
    message: (Name, u64),
    began: i64,
}

impl Drop for Delivery<'_> {
    fn drop(&mut self) {
        let mut deliveries = self.world.deliveries.borrow_mut();
        if deliveries.get(&self.message) == Some(&self.began) {
            deliveries.remove(&self.message);
        }
    }
}

/// The world of one run.
pub(crate) struct World {
    pub(crate) random: RefCell<Random>,
    pub(crate) clock: Clock,
    pub(crate) step: Cell<u64>,
    pub(crate) network: RefCell<Network>,
    pub(crate) scheduler: Rc<Scheduler>,
    pub(crate) trees: Vec<Tree>,
    pub(crate) teams: BTreeMap<TeamId, TeamHost>,
    pub(crate) organizations: BTreeMap<OrganizationId, OrganizationHost>,
    pub(crate) d1: D1,
    pub(crate) auditor: RefCell<Auditor>,
    pub(crate) tally: RefCell<Tally>,
    pub(crate) violation: RefCell<Option<Violation>>,
    /// Two isolates' memory of each organization's settings.
    pub(crate) price_lists: RefCell<BTreeMap<(OrganizationId, u64), Rc<PriceList>>>,
    /// Settles that wait for a reservation of their team to take them along.
    pub(crate) waiting: RefCell<BTreeMap<TeamId, Vec<Settle>>>,
    /// The last transfers, and the teams that they went to.
    pub(crate) sent: RefCell<Vec<(TeamId, TransferId)>>,
    /// The last boosts.
    pub(crate) boosted: RefCell<Vec<(TeamId, BoostId)>>,
    /// The last absences.
    pub(crate) absent: RefCell<Vec<(TeamId, TeamPlace, AbsenceId)>>,
    /// Plans that may be changed.
    pub(crate) planned: RefCell<Vec<(OrganizationId, NewPlan)>>,
    /// The last things that were asked for.
    pub(crate) asked: RefCell<Vec<(OrganizationId, AskApproval)>>,
    /// Which messages are being delivered, and since when.
    deliveries: RefCell<BTreeMap<(Name, u64), i64>>,
    /// Nothing fails any more: the world is being set up or wound up.
    pub(crate) calm: Cell<bool>,
    ids: Cell<u64>,
}

impl World {
    pub(crate) fn new(seed: u64, trees: Vec<Tree>) -> Checked<Self> {
        let failed = |error: storage::StorageError| Violation { check: "setup", detail: error.to_string() };
        let mut teams = BTreeMap::new();
        let mut organizations = BTreeMap::new();
        for tree in &trees {
            organizations.insert(tree.organization, OrganizationHost::new(tree.organization).map_err(failed)?);
            for place in &tree.teams {
                teams.insert(place.team, TeamHost::new(place.clone()).map_err(failed)?);
            }
        }
        let auditor = Auditor::new(&trees);
        Ok(Self {
            random: RefCell::new(Random::new(seed)),
            clock: Clock::new(),
            step: Cell::new(0),
            network: RefCell::new(Network::default()),
            scheduler: Rc::default(),
            trees,
            teams,
            organizations,
            d1: D1::new().map_err(failed)?,
            auditor: RefCell::new(auditor),
            tally: RefCell::default(),
            violation: RefCell::default(),
            price_lists: RefCell::default(),
            waiting: RefCell::default(),
            sent: RefCell::default(),
            boosted: RefCell::default(),
            absent: RefCell::default(),
            planned: RefCell::default(),
            asked: RefCell::default(),
            deliveries: RefCell::default(),
            calm: Cell::new(true),
            ids: Cell::new(0),
        })
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    pub(crate) fn count(&self, what: &str) {
        self.tally.borrow_mut().count(what);
    }

    /// Remembers the first complaint.
    pub(crate) fn check(&self, checked: Checked) {
        if let Err(violation) = checked {
            self.violation.borrow_mut().get_or_insert(violation);
        }
    }

    /// Bits for an id that begins with the time, as UUIDv7 does.
    pub(crate) fn id(&self) -> u128 {
        self.ids.set(self.ids.get() + 1);
        let time = u128::try_from(self.now().max(0)).unwrap_or(0) & 0xffff_ffff_ffff;
        time << 80 | u128::from(self.ids.get())
    }

    pub(crate) fn percent(&self, share: u64) -> bool {
        self.random.borrow_mut().percent(share)
    }

    pub(crate) fn once_in(&self, times: u64) -> bool {
        self.random.borrow_mut().once_in(times)
    }

    pub(crate) fn between(&self, low: i64, high: i64) -> i64 {
        self.random.borrow_mut().between(low, high)
    }

    pub(crate) fn pick<T: Clone>(&self, list: &[T]) -> Option<T> {
        self.random.borrow_mut().pick(list)
    }

    /// How the next command's storage fails, rarely.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let mut random = self.random.borrow_mut();
        if self.calm.get() || !random.once_in(250) {
            return None;
        }
        Some(match random.below(3) {
            0 => Fault::Statement(random.below(6)),
            1 => Fault::Commit,
            _ => Fault::AfterCommit,
        })
    }

    pub(crate) fn spawn(&self, owner: Owner, task: impl Future<Output = ()> + 'static) {
        self.scheduler.spawn(owner, task);
    }

    /// Waits for so many steps.
    pub(crate) async fn sleep(&self, steps: u64) {
        let slot = Slot::new(&self.scheduler);
        self.network.borrow_mut().sleep(self.step.get() + steps, slot.clone());
        slot.await;
    }

    /// Asks an actor; nothing comes back when request or answer are lost.
    pub(crate) async fn ask(&self, to: Name, request: Request) -> Option<Answer> {
        if self.once_in(16) {
            self.check(crate::wire::survives(&request));
        }
        let slot = Slot::new(&self.scheduler);
        self.network.borrow_mut().ask(
            self.step.get(),
            &mut self.random.borrow_mut(),
            &mut self.tally.borrow_mut(),
            (to, request),
            slot.clone(),
        );
        slot.await
    }

    /// A shell hands over a message, with others since it began, until the
    /// delivery is dropped. One that is
    /// on its way is not sent again, or two actors that deliver to each other
    /// before they answer would never end.
    pub(crate) fn delivers(&self, sender: Name, (number, began): (u64, i64)) -> Delivery<'_> {
        let message = (sender, number);
        let before = self.deliveries.borrow_mut().insert(message, began);
        let again = before.is_some_and(|before| began.abs_diff(before) < GIVEN_UP_MS);
        self.check(ensure(!again, "what is on its way is not sent again", || format!("message {number} of {sender}")));
        Delivery { world: self, message, began }
    }

    /// Asks a team's actor.
    pub(crate) async fn ask_team(
        &self,
        team: TeamId,
        command: team::protocol::Command,
    ) -> Option<team::protocol::Answer> {
        match self.ask(Name::Team(team), Request::Team(Box::new(command))).await? {
            Answer::Team(answer) => Some(answer),
            Answer::Organization(_) => None,
        }
    }

    /// Asks an organization's actor.
    pub(crate) async fn ask_organization(
        &self,
        organization: OrganizationId,
        command: organization::protocol::Command,
    ) -> Option<organization::protocol::Answer> {
        match self.ask(Name::Organization(organization), Request::Organization(Box::new(command))).await? {
            Answer::Organization(answer) => Some(answer),
            Answer::Team(_) => None,
        }
    }

    pub(crate) fn answer(&self, call: u64, answer: Answer) {
        if self.once_in(16) {
            self.check(crate::wire::answer_survives(&answer));
        }
        let (step, random, tally) = (self.step.get(), &mut self.random.borrow_mut(), &mut self.tally.borrow_mut());
        self.network.borrow_mut().answer(step, random, tally, call, answer);
    }

    /// Hands a batch to the queue, which may not take it.
    pub(crate) async fn enqueue(&self, batch: &Publication) -> bool {
        self.sleep(1).await;
        if self.once_in(16) {
            self.check(crate::wire::batch_survives(batch));
        }
        if !self.calm.get() && self.percent(5) {
            self.count("queue: batch not taken");
            // The wrong way: to go on as if it had been.
            return mutant::is_active(Mutant::DropBatch);
        }
        let (step, random, tally) = (self.step.get(), &mut self.random.borrow_mut(), &mut self.tally.borrow_mut());
        self.network.borrow_mut().enqueue(step, random, tally, batch);
        true
    }
}
