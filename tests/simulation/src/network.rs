//! A network that loses, doubles, delays and so reorders what it carries.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use events::Publication;

use crate::actors::Name;
use crate::random::Random;
use crate::tally::Tally;
use crate::tasks::Slot;

/// What is asked of an actor.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Team(Box<team::protocol::Command>),
    Organization(Box<organization::protocol::Command>),
}

/// What an actor answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Team(team::protocol::Answer),
    Organization(organization::protocol::Answer),
}

/// What is on its way.
pub(crate) enum Parcel {
    Request {
        call: u64,
        to: Name,
        request: Box<Request>,
    },
    Answer {
        call: u64,
        answer: Answer,
    },
    /// The caller has waited long enough.
    Timeout {
        call: u64,
    },
    /// A task has slept long enough.
    Wake(Slot<()>),
    /// A queue's message.
    Batch(Publication),
}

struct Pending {
    at: u64,
    number: u64,
    parcel: Parcel,
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// All that is on its way. Time is counted in steps of the simulation, for
/// the clock jumps.
#[derive(Default)]
pub(crate) struct Network {
    numbers: u64,
    pending: BinaryHeap<Reverse<Pending>>,
    waiting: BTreeMap<u64, Slot<Option<Answer>>>,
    /// Nothing is lost or doubled any more.
    pub(crate) healed: bool,
}

impl Network {
    /// Sends a request; the slot gets the answer, or nothing after a while.
    pub(crate) fn ask(
        &mut self,
        step: u64,
        random: &mut Random,
        tally: &mut Tally,
        (to, request): (Name, Request),
        slot: Slot<Option<Answer>>,
    ) {
        self.numbers += 1;
        let call = self.numbers;
        self.waiting.insert(call, slot);
        self.put(step + 150 + random.below(400), Parcel::Timeout { call });
        if !self.healed && random.percent(3) {
            tally.count("network: request lost");
            return;
        }
        if !self.healed && random.percent(3) {
            tally.count("network: request doubled");
            let at = step + random.below(300);
            self.put(at, Parcel::Request { call, to, request: Box::new(request.clone()) });
        }
        let at = self.arrival(step, random);
        self.put(at, Parcel::Request { call, to, request: Box::new(request) });
    }

    /// Sends an answer to whoever still waits for it.
    pub(crate) fn answer(&mut self, step: u64, random: &mut Random, tally: &mut Tally, call: u64, answer: Answer) {
        if !self.healed && random.percent(3) {
            tally.count("network: answer lost");
            return;
        }
        let at = self.arrival(step, random);
        self.put(at, Parcel::Answer { call, answer });
    }

    /// Puts a batch into the queue.
    pub(crate) fn enqueue(&mut self, step: u64, random: &mut Random, tally: &mut Tally, batch: &Publication) {
        if !self.healed && random.percent(4) {
            tally.count("queue: batch lost");
            return;
        }
        if !self.healed && random.percent(4) {
            tally.count("queue: batch doubled");
            let at = step + random.below(600);
            self.put(at, Parcel::Batch(batch.clone()));
        }
        let at = step + if random.percent(80) { random.below(20) } else { random.below(400) };
        self.put(at, Parcel::Batch(batch.clone()));
    }

    /// Fills the slot after so many steps.
    pub(crate) fn sleep(&mut self, at: u64, slot: Slot<()>) {
        self.put(at, Parcel::Wake(slot));
    }

    /// The next parcel that has arrived.
    pub(crate) fn arrived(&mut self, step: u64) -> Option<Parcel> {
        if self.pending.peek().is_none_or(|Reverse(pending)| pending.at > step) {
            return None;
        }
        self.pending.pop().map(|Reverse(pending)| pending.parcel)
    }

    /// When the next parcel arrives.
    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.pending.peek().map(|Reverse(pending)| pending.at)
    }

    /// Gives an answer, or the lack of one, to whoever still waits for it.
    pub(crate) fn resolve(&mut self, call: u64, answer: Option<Answer>) {
        if let Some(slot) = self.waiting.remove(&call) {
            slot.fill(answer);
        }
    }

    /// No connection outlives a long jump of the clock: what was asked before
    /// does not arrive after.
    pub(crate) fn cut(&mut self) {
        let kept = std::mem::take(&mut self.pending).into_iter();
        self.pending = kept.filter(|Reverse(pending)| !matches!(pending.parcel, Parcel::Request { .. })).collect();
    }

    fn arrival(&self, step: u64, random: &mut Random) -> u64 {
        step + if self.healed || random.percent(85) { random.below(4) } else { random.below(120) }
    }

    fn put(&mut self, at: u64, parcel: Parcel) {
        self.numbers += 1;
        self.pending.push(Reverse(Pending { at, number: self.numbers, parcel }));
    }
}
