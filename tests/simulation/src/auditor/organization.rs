//! An organization's actor under audit.

use std::collections::{BTreeMap, BTreeSet};

use events::{Envelope, Message};
use identity::{DepartmentId, OrganizationId, TeamId};
use ledger::{Account, Entry, Kind, Millicredits};
use limits::{Window, Zone};
use organization::Organization;
use organization::protocol::{Act, Order, OrderError, Reply, ToppedUp};

use super::approvals::Requests;
use super::books::Books;
use super::plans::Plans;
use super::replies::{Due, Replies};
use super::team_orders::one_entry;
use super::trail::{Trail, one_record};
use super::transfers::{Transfers, Way};
use super::{Step, rows};
use crate::actors::Disk;
use crate::tally::Tally;
use crate::violation::{Checked, ensure, violated};
use crate::world::Tree;

/// The auditor's copy of an organization.
pub(crate) struct OrganizationAudit {
    pub(crate) id: OrganizationId,
    pub(crate) books: Books,
    pub(crate) trail: Trail,
    homes: BTreeMap<TeamId, DepartmentId>,
    replies: Replies,
    received: BTreeSet<String>,
    top_ups: TopUps,
    pub(super) requests: Requests,
    plans: Plans,
}

/// What teams got on demand, in order, and in which calendar.
#[derive(Default)]
struct TopUps {
    zone: Zone,
    /// A month that began in another time zone counts from where it began in
    /// both.
    floor: i64,
    given: Vec<(i64, TeamId, i128)>,
    caps: BTreeMap<TeamId, Option<Millicredits>>,
}

impl OrganizationAudit {
    pub(super) fn new(tree: &Tree) -> Self {
        Self {
            id: tree.organization,
            books: Books::new(tree.organization),
            trail: Trail::new(tree.organization),
            homes: tree.teams.iter().map(|place| (place.team, place.department)).collect(),
            replies: Replies::default(),
            received: BTreeSet::new(),
            top_ups: TopUps { floor: i64::MIN, ..TopUps::default() },
            requests: Requests::default(),
            plans: Plans::default(),
        }
    }

    pub(crate) fn after_open(&mut self, step: &Step<'_>, zone: &str) -> Checked {
        self.top_ups.zone = Zone::parse(zone).unwrap_or_default();
        ensure(self.books.follow(step.disk)?.is_empty(), "only movements move credits", || "open".to_owned())
    }

    pub(crate) fn after_order(
        &mut self,
        step: &Step<'_>,
        tally: &mut Tally,
        transfers: &mut Transfers,
        order: &Order,
        answer: &Result<Reply, OrderError>,
    ) -> Checked {
        step.failure_is_told("order")?;
        let from_before = match &order.act {
            Act::Allot { from, .. } => self.books.balance(*from),
            _ => 0,
        };
        let new = self.books.follow(step.disk)?;
        let recorded = self.trail.follow(step.disk)?;
        match self.replies.due(step, order.idempotency.as_ref()) {
            Due::Anything => {}
            Due::Same(_) | Due::Conflict if step.failed => {
                let nothing = new.is_empty() && recorded.is_empty();
                return ensure(nothing, "a repeated order is done once", || format!("{order:?}"));
            }
            Due::Same(reply) => {
                tally.count("order: known");
                step.wrote_nothing("a repeated order")?;
                let told = answer.as_ref().ok().and_then(|reply| serde_json::to_string(reply).ok());
                return ensure(told.as_ref() == Some(&reply), "a repetition gets the same answer", || {
                    format!("{answer:?}, first {reply}")
                });
            }
            Due::Conflict => {
                tally.count("order: same key, other content");
                step.wrote_nothing("an order under a used key")?;
                let refused = matches!(answer, Err(OrderError::IdempotencyConflict { .. }));
                return ensure(refused, "a key is for one content", || format!("{answer:?}"));
            }
        }
        if !self.replies.note(step, order.idempotency.as_ref(), answer.is_ok())? {
            ensure(new.is_empty(), "what was refused changed nothing", || format!("{answer:?}"))?;
            step.order_was_refused(&recorded)?;
            if let (Act::DecideApproval(_), Err(OrderError::Conflict { message })) = (&order.act, answer)
                && message.starts_with("nobody decides")
            {
                tally.count("approval: own, refused");
            }
            if let Err(OrderError::InsufficientFunds { left, needed, .. }) = answer {
                let truth = from_before == left.get().into() && left < needed;
                ensure(truth, "refused for lack of credits that lack", || format!("{answer:?}, has {from_before}"))?;
            }
            return Ok(());
        }
        tally.count("order: done");
        one_record(&recorded, &audit::operation(&order.act), order.who)?;
        self.done((step, tally), transfers, order, &new)
    }

    /// Beside orders and messages only time changes something: what nobody
    /// decided is over, and periods begin.
    pub(crate) fn after_tick(&mut self, step: &Step<'_>, tally: &mut Tally, transfers: &mut Transfers) -> Checked {
        step.failure_is_told("tick")?;
        let recorded = self.trail.follow(step.disk)?;
        let (periods, others): (Vec<_>, Vec<_>) = recorded.iter().partition(|record| record.action == "run_plan");
        let place = (self.id, &self.homes, &self.top_ups.zone);
        self.plans.ran((step, tally), place, (&mut self.books, transfers), &periods)?;
        others.into_iter().try_for_each(|record| self.requests.rang((step, tally), record))
    }

    fn done(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        transfers: &mut Transfers,
        order: &Order,
        new: &[Entry],
    ) -> Checked {
        match &order.act {
            Act::Issue { transfer, amount, .. } => {
                let ends = (Account::Issued, Account::Treasury);
                return one_entry(new, Kind::Issue, ends, *amount, &transfer.to_string());
            }
            Act::Allot { transfer, from, to, amount, .. } => {
                let kind = if *to == Account::Treasury { Kind::Return } else { Kind::Allot };
                let reference = transfer.to_string();
                one_entry(new, kind, (*from, *to), *amount, &reference)?;
                if let Account::Team(team) = to {
                    return self.departs(step, transfers, (*from, *team), (&reference, *amount));
                }
                return Ok(());
            }
            Act::CreateTeam(team) | Act::ChangeTeam(team) => {
                let cap = team.on_demand.as_ref().and_then(|plan| plan.monthly_cap);
                self.top_ups.caps.insert(team.id, cap);
            }
            Act::RequestApproval(asked) => self.requests.asked((step, tally), order.who, asked)?,
            Act::DecideApproval(decide) => {
                self.requests.decided((step, tally), (self.id, &mut transfers.approved), order.who, decide)?;
            }
            Act::CancelApproval { id } => self.requests.cancelled((step, tally), order.who, *id)?,
            Act::CreatePlan(new) | Act::ChangePlan(new) => self.plans.put(step.now, new),
            Act::RemovePlan { id } => self.plans.remove(*id),
            Act::PutGeneral(general) => self.top_ups.move_to(step.now, &general.time_zone),
            _ => {}
        }
        ensure(new.is_empty(), "only movements move credits", || format!("{order:?}: {new:?}"))
    }

    fn departs(
        &self,
        step: &Step<'_>,
        transfers: &mut Transfers,
        (from, team): (Account, TeamId),
        movement: (&str, Millicredits),
    ) -> Checked {
        let home = self.homes.get(&team).map(|department| Account::Department(*department));
        ensure(home == Some(from), "a team gets credits from its own department", || format!("{from} to {team}"))?;
        transfers.departs(Way::Down, (self.id, team), movement, step.disk)
    }

    pub(crate) fn after_top_up(
        &mut self,
        step: &Step<'_>,
        tally: &mut Tally,
        transfers: &mut Transfers,
        (team, asked): (TeamId, Millicredits),
        answer: &Result<ToppedUp, OrderError>,
    ) -> Checked {
        step.failure_is_told("top-up")?;
        tally.count("top-up: asked");
        let new = self.books.follow(step.disk)?;
        let Some(entry) = new.first() else {
            if !step.failed {
                step.wrote_nothing("a top-up that gave nothing")?;
            }
            if matches!(answer, Err(OrderError::InsufficientFunds { .. })) {
                tally.count("top-up: refused");
            }
            return Ok(());
        };
        tally.count("top-up: granted");
        ensure(answer.is_ok() || step.failed, "what was refused changed nothing", || format!("{answer:?}"))?;
        ensure(entry.amount <= asked, "no more is given than was asked for", || format!("{asked}: {entry:?}"))?;
        if let Ok(given) = answer {
            ensure(given.amount == entry.amount, "the answer is what was written", || format!("{given:?}: {entry:?}"))?;
        }
        let from = entry.debit;
        one_entry(&new, Kind::Allot, (from, Account::Team(team)), entry.amount, &entry.reference)?;
        self.departs(step, transfers, (from, team), (&entry.reference, entry.amount))?;
        self.top_ups.give(step.now, team, entry.amount)
    }

    pub(crate) fn after_receive(
        &mut self,
        step: &Step<'_>,
        tally: &mut Tally,
        transfers: &mut Transfers,
        envelope: &Envelope,
        answer: &Result<Reply, OrderError>,
    ) -> Checked {
        step.failure_is_told("receive")?;
        let new = self.books.follow(step.disk)?;
        if self.received.contains(&envelope.id) {
            tally.count("message: known");
            step.wrote_nothing("a repeated message")?;
            return ensure(step.failed || answer.is_ok(), "a repeated message is taken", || format!("{answer:?}"));
        }
        let applied = rows::text(step.disk, "SELECT id FROM inbox WHERE id = ?", &envelope.id)?.is_some();
        ensure(applied || answer.is_err(), "a message that was taken is remembered", || envelope.id.clone())?;
        if !applied {
            if !step.failed {
                step.wrote_nothing("a refused message")?;
            }
            return ensure(new.is_empty(), "what was refused changed nothing", || format!("{answer:?}"));
        }
        tally.count("message: applied");
        self.received.insert(envelope.id.clone());
        let (team, transfer, amount) = match &envelope.message {
            Message::Return { team, transfer, amount, .. } => (team, transfer, amount),
            Message::CarriedOut { approval, failed, .. } => {
                ensure(new.is_empty(), "only movements move credits", || format!("{envelope:?}"))?;
                let done = failed.is_none();
                let recorded = self.trail.follow(step.disk)?;
                let told = matches!(recorded.as_slice(), [record] if record.action == "carry_out_approval"
                    && record.resource == Some(approval.to_string())
                    && (record.outcome == audit::Outcome::Done) == done);
                ensure(told, "what came of a request is recorded", || format!("{approval}: {recorded:?}"))?;
                return self.requests.came_of(step, (self.id, &mut transfers.approved), *approval, done);
            }
            Message::PeriodDone(_) => {
                return ensure(new.is_empty(), "only movements move credits", || format!("{envelope:?}"));
            }
            message => return self.passes_on(tally, message, &new),
        };
        let home = self.homes.get(team).copied();
        ensure(home.is_some(), "no organization touches another's", || format!("{envelope:?}"))?;
        let Some(home) = home else { return Ok(()) };
        let reference = transfer.to_string();
        one_entry(&new, Kind::Return, (Account::Team(*team), Account::Department(home)), *amount, &reference)?;
        transfers.arrives(Way::Up, (self.id, *team), (&reference, *amount))
    }

    /// What one team sends another moves between what both have, seen from
    /// above; what is for nobody here does not.
    fn passes_on(&self, tally: &mut Tally, message: &Message, new: &[Entry]) -> Checked {
        let team = |team: TeamId| Account::Team(team);
        match message {
            Message::Transfer(passage) if !self.homes.contains_key(&passage.to.team) => {
                tally.count("transfer: for another organization");
                ensure(new.is_empty(), "no organization touches another's", || format!("{passage:?}"))
            }
            Message::Transfer(passage) => {
                let kind = if passage.undoes { Kind::Undo } else { Kind::Transfer };
                let way = (team(passage.from.team), team(passage.to.team));
                one_entry(new, kind, way, passage.amount, &passage.transfer.to_string())
            }
            Message::Refused { passage, .. } => {
                let way = (team(passage.to.team), team(passage.from.team));
                one_entry(new, Kind::Undo, way, passage.amount, &passage.transfer.to_string())
            }
            other => violated("an organization takes returns and transfers only", format!("{other:?}")),
        }
    }

    /// After every step that left memory in order: memory is what the rows say.
    pub(crate) fn agree(&self, organization: &Organization<Disk>) -> Checked {
        let accounts: Vec<_> = self.books.balances().keys().copied().collect();
        self.books.agree(organization.journal().books(), accounts)?;
        self.trail.agree(organization.journal().audit_head())?;
        ensure(organization.journal().books().sum() == 0, "accounts sum to zero", || self.id.to_string())
    }
}

impl TopUps {
    fn month(&self, now: i64) -> i64 {
        Window::Month.bounds(now, &self.zone).start_ms
    }

    fn move_to(&mut self, now: i64, zone: &str) {
        if let Ok(zone) = Zone::parse(zone)
            && self.zone != zone
        {
            self.floor = self.floor.max(self.month(now));
            self.zone = zone;
        }
    }

    fn give(&mut self, now: i64, team: TeamId, amount: Millicredits) -> Checked {
        // While the clock is put back, the newest month goes on.
        let given = self.given.iter().filter(|(_, to, _)| *to == team);
        let now = given.map(|(at, _, _)| *at).fold(now, i64::max);
        self.given.push((now, team, amount.get().into()));
        let Some(cap) = self.caps.get(&team).copied().flatten() else { return Ok(()) };
        let month = Window::Month.bounds(now, &self.zone);
        let counts = self.floor.max(month.start_ms)..month.end_ms;
        let given = self.given.iter().filter(|(at, to, _)| *to == team && counts.contains(at));
        let sum: i128 = given.map(|(_, _, amount)| amount).sum();
        ensure(sum <= cap.get().into(), "top-ups stay within the month's cap", || format!("{team} got {sum} of {cap}"))
    }
}
