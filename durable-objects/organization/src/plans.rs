//! Plans: credits that are given at the beginning of every period, each period
//! once.
//!
//! A plan knows the first day of the next period that it gives for. When that
//! has begun, whoever looks first (the alarm, as a rule) gives, and moves the
//! plan on to the period after it in the same step: so no period is given for
//! twice, and one that began while nobody looked is given for later, in order.

mod run;

use events::{Keep, Message};
use identity::{DepartmentId, PlanId, TeamId};
use journal::Change;
use ledger::Millicredits;
use limits::Zone;
use storage::Storage;

use crate::Organization;
use crate::order::{invalid, not_found};
use crate::organization::write;
use crate::protocol::{NewPlan, Order, OrderError, Plan, Recipients, Reply};
use crate::records;

/// Each is looked at when the alarm is set.
const MOST_PLANS: usize = 500;

const DAY_MS: i64 = 24 * 3600 * 1000;

impl<S: Storage> Organization<S> {
    pub(crate) fn create_plan(&mut self, now: i64, order: &Order, new: &NewPlan) -> Result<Reply, OrderError> {
        if self.records.plans.contains_key(&new.id) {
            return Err(OrderError::Conflict { message: format!("the plan `{}` exists already", new.id) });
        }
        if self.records.plans.len() >= MOST_PLANS {
            return Err(OrderError::Conflict { message: format!("an organization can have {MOST_PLANS} plans") });
        }
        self.check_plan(new)?;
        check_end(now, new.ends_ms)?;
        let current = new.cycle.at(now, &self.zone()?);
        let next = if new.begins_now { current } else { current.and_then(|day| new.cycle.after(day)) };
        let plan = Plan { new: new.clone(), next, lots: Default::default(), last: None };
        self.put_plan(now, order, Change::new(), plan)
    }

    /// What it gives to whom stays with a plan; all else can be changed. What
    /// it gave is from then on treated as the new rule says.
    pub(crate) fn replace_plan(&mut self, now: i64, order: &Order, new: &NewPlan) -> Result<Reply, OrderError> {
        let known = self.records.plans.get(&new.id).ok_or_else(|| not_found("plan", new.id))?.clone();
        if known.new.to != new.to {
            return Err(invalid("a plan gives to whom it has always given: remove it and make another one"));
        }
        self.check_plan(new)?;
        // One that has ended can still be renamed or paused.
        if new.ends_ms != known.new.ends_ms {
            check_end(now, new.ends_ms)?;
        }
        let zone = self.zone()?;
        let mut plan = Plan { new: new.clone(), ..known.clone() };
        if known.new.cycle != new.cycle || (new.enabled && !known.new.enabled) {
            // Periods that began meanwhile are left out, and none that was
            // given for comes again, also where the clock was put back.
            let last = known.last.as_ref().and_then(|run| run.period.begins_ms(&zone));
            let current = new.cycle.at(now.max(last.unwrap_or(now)), &zone);
            plan.next = current.and_then(|day| new.cycle.after(day));
        }
        let mut change = Change::new();
        let rule = new.enabled.then(|| rule(new));
        if !new.enabled {
            plan.lots.clear();
        }
        if rule != known.new.enabled.then(|| self::rule(&known.new)) {
            self.tell_of_plan(new, rule, &mut change);
        }
        self.put_plan(now, order, change, plan)
    }

    /// What it gave stays where it is.
    pub(crate) fn remove_plan(&mut self, now: i64, order: &Order, id: PlanId) -> Result<Reply, OrderError> {
        let plan = self.records.plans.get(&id).ok_or_else(|| not_found("plan", id))?;
        let mut change = Change::new();
        self.tell_of_plan(&plan.new, None, &mut change);
        let (sql, values) = records::remove(id);
        change.write(sql, values);
        let reply = self.finish(now, order, change, Reply::Done)?;
        self.records.plans.remove(&id);
        Ok(reply)
    }

    /// All plans.
    ///
    /// # Errors
    /// When there is no such organization.
    pub fn plans(&self) -> Result<Vec<Plan>, OrderError> {
        self.profile()?;
        Ok(self.records.plans.values().cloned().collect())
    }

    fn put_plan(&mut self, now: i64, order: &Order, mut change: Change, plan: Plan) -> Result<Reply, OrderError> {
        write(&mut change, plan.new.id, &plan)?;
        let reply = self.finish(now, order, change, Reply::Plan(Box::new(plan.clone())))?;
        self.records.plans.insert(plan.new.id, plan);
        Ok(reply)
    }

    fn check_plan(&self, new: &NewPlan) -> Result<(), OrderError> {
        if new.amount <= Millicredits::ZERO {
            return Err(invalid(format!("`{}` is not an amount to give: it must be above zero", new.amount)));
        }
        if let Some(kept) = new.most_kept.filter(|kept| kept.is_negative()) {
            return Err(invalid(format!("`{kept}` is not an amount to keep: it must be zero or above")));
        }
        if !new.cycle.is_valid() {
            return Err(invalid(format!("`{}` is no month with which a year begins: 1 to 12", new.cycle.first_month)));
        }
        let same_name = |other: &&Plan| other.new.id != new.id && other.new.name == new.name;
        if let Some(other) = self.records.plans.values().find(same_name) {
            let message = format!("the plan `{}` is named `{}` already", other.new.id, other.new.name);
            return Err(OrderError::Conflict { message });
        }
        let department = |id: DepartmentId| {
            let is_there = self.records.departments.contains_key(&id);
            if is_there { Ok(()) } else { Err(not_found("department", id)) }
        };
        let team = |id: TeamId| {
            if self.records.teams.contains_key(&id) { Ok(()) } else { Err(not_found("team", id)) }
        };
        match new.to {
            Recipients::Departments => Ok(()),
            Recipients::Department { department: id } => department(id),
            Recipients::Team { team: id } => team(id),
            Recipients::Teams { department: id } => id.map_or(Ok(()), department),
            Recipients::Member { member: id } => {
                if self.records.members.contains_key(&id) {
                    Ok(())
                } else {
                    Err(not_found("member", id))
                }
            }
            Recipients::Members { department: id, team: one } => {
                id.map_or(Ok(()), department)?;
                one.map_or(Ok(()), team)
            }
        }
    }

    /// Tells the teams that may have something of it.
    fn tell_of_plan(&self, plan: &NewPlan, rule: Option<Keep>, change: &mut Change) {
        for team in self.teams_of(plan.to) {
            change.send(team.to_string(), Message::Plan { plan: plan.id, rule });
        }
    }

    /// When the next period begins, of all plans.
    pub(crate) fn next_period(&self) -> Option<i64> {
        let zone = self.zone().ok()?;
        self.records.plans.values().filter_map(|plan| plan.due_ms(&zone)).min()
    }

    fn zone(&self) -> Result<Zone, OrderError> {
        Ok(Zone::parse(&self.profile()?.general.time_zone).unwrap_or(Zone::UTC))
    }
}

/// A plan that has ended would never give.
fn check_end(now: i64, ends_ms: Option<i64>) -> Result<(), OrderError> {
    match ends_ms.filter(|&ends| ends <= now) {
        Some(ends) => Err(invalid(format!("a plan ends in the future, not at {ends} ms when it is {now} ms"))),
        None => Ok(()),
    }
}

/// What becomes of what it gives.
fn rule(plan: &NewPlan) -> Keep {
    Keep { most: plan.most_kept, warn_before_ms: i64::from(plan.warn_days).saturating_mul(DAY_MS) }
}
