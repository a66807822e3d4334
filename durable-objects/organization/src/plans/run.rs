//! Giving what a plan gives for a period.

use std::collections::BTreeMap;

use audit::Draft as Record;
use events::{Gives, Message, Period, PeriodDone};
use identity::{DepartmentId, MemberId, Principal, TeamId, TransferId};
use journal::Change;
use ledger::mutant::{self, Mutant};
use ledger::{Account, Draft, Kind, Millicredits};
use limits::Day;
use storage::Storage;

use super::rule;
use crate::Organization;
use crate::organization::write;
use crate::protocol::{OrderError, Plan, Recipients, Run};

const ZERO: Millicredits = Millicredits::ZERO;

/// Periods that one alarm gives for; the next alarm follows at once.
const RUNS: usize = 100;

/// Its bits are a plan's own, those above tell the time.
const OWN: u128 = (1 << 80) - 1;

impl<S: Storage> Organization<S> {
    /// Gives for every period that has begun, in order.
    ///
    /// # Errors
    /// When the database fails; what was given for stays so, and the rest is
    /// due.
    pub(crate) fn run_plans(&mut self, now: i64) -> Result<(), OrderError> {
        let zone = self.zone()?;
        for _ in 0..RUNS {
            let due = |plan: &Plan| plan.due_ms(&zone).filter(|at| *at <= now);
            let plans = self.records.plans.values();
            let next = plans.filter_map(|plan| Some((due(plan)?, plan.new.to.depth(), plan.new.id))).min();
            let Some((begins_ms, _, id)) = next else { break };
            let Some(plan) = self.records.plans.get(&id).cloned() else { break };
            let Some(period) = plan.next else { break };
            let next = plan.new.cycle.after(period);
            let ends_ms = next.and_then(|day| day.begins_ms(&zone)).unwrap_or(i64::MAX);
            let mut change = Change::new();
            let again =
                mutant::is_active(Mutant::RunAgain) && plan.last.as_ref().is_none_or(|run| run.period != period);
            let mut plan = self.give(now, plan, (period, begins_ms, ends_ms), &mut change);
            // A plan that never moved on would give until nothing is left: the
            // wrong way repeats a period once.
            if !again {
                plan.next = next;
            }
            write(&mut change, id, &plan)?;
            let record = Record::done("run_plan", Principal::System);
            let reference = plan.last.as_ref().map(|run| run.transfer.to_string());
            change.audit(Record { resource: Some(id.to_string()), reference, ..record });
            self.commit(now, change)?;
            self.records.plans.insert(id, plan);
        }
        Ok(())
    }

    /// A team says what came of a period.
    pub(crate) fn period_done(&self, done: &PeriodDone, change: &mut Change) -> Result<Option<Plan>, OrderError> {
        // It may be removed by now, or in its next period.
        let Some(mut plan) = self.records.plans.get(&done.plan).cloned() else { return Ok(None) };
        let Some(run) = plan.last.as_mut().filter(|run| run.transfer == done.transfer) else { return Ok(None) };
        run.given = run.given.saturating_add(done.given);
        run.missing = run.missing.saturating_add(done.missing);
        run.returned = run.returned.saturating_add(done.returned);
        write(change, done.plan, &plan)?;
        Ok(Some(plan))
    }

    /// The teams in which a plan gives something.
    pub(super) fn teams_of(&self, to: Recipients) -> Vec<TeamId> {
        let within = |department: Option<DepartmentId>| {
            let all = self.records.teams.values().map(|record| &record.profile);
            let some = all.filter(move |team| department.is_none_or(|department| team.department == department));
            some.map(|team| team.team).collect()
        };
        match to {
            Recipients::Department { .. } | Recipients::Departments => Vec::new(),
            Recipients::Team { team } | Recipients::Members { team: Some(team), .. } => vec![team],
            Recipients::Teams { department } | Recipients::Members { department, team: None } => within(department),
            Recipients::Member { member } => {
                self.records.members.get(&member).map(|record| record.team).into_iter().collect()
            }
        }
    }

    /// Adds to a change what the plan gives for a period, and notes it in the
    /// plan.
    fn give(&self, now: i64, mut plan: Plan, when: (Day, i64, i64), change: &mut Change) -> Plan {
        let (period, begins_ms, ends_ms) = when;
        let begins = u128::try_from(begins_ms).unwrap_or(0);
        let transfer = TransferId::from_u128(begins << 80 | plan.new.id.as_u128() & OWN);
        let mut run = Run { period, time_ms: now, transfer, given: ZERO, missing: ZERO, returned: ZERO };
        match plan.new.to {
            Recipients::Department { department } => self.to_departments(&mut plan, &mut run, vec![department], change),
            Recipients::Departments => {
                let all = self.records.departments.keys().copied().collect();
                self.to_departments(&mut plan, &mut run, all, change);
            }
            Recipients::Team { .. } | Recipients::Teams { .. } => self.to_teams(&plan, &mut run, ends_ms, change),
            Recipients::Member { .. } | Recipients::Members { .. } => {
                let amount = plan.new.amount;
                for (team, members) in self.recipients_by_team(plan.new.to) {
                    let gives = Gives::Wallets { amount, members };
                    self.tell(team, &plan, &run, (ends_ms, gives), change);
                }
            }
        }
        plan.last = Some(run);
        plan
    }

    /// From the treasury to departments; first what of the last period is
    /// unspent there goes back, as far as it does not stay.
    fn to_departments(&self, plan: &mut Plan, run: &mut Run, departments: Vec<DepartmentId>, change: &mut Change) {
        let mut treasury = self.journal.balance(Account::Treasury);
        let mut rests = Vec::new();
        for department in departments {
            let account = Account::Department(department);
            let lot = plan.lots.get(&department).copied().unwrap_or_default();
            let there = lot.min(self.journal.balance(account));
            let back = plan.new.most_kept.map_or(ZERO, |kept| there.saturating_sub(kept).max(ZERO));
            if back > ZERO {
                change.post(draft(plan, run, Kind::Return, (account, Account::Treasury), back));
            }
            treasury = treasury.saturating_add(back);
            run.returned = run.returned.saturating_add(back);
            rests.push((department, there.saturating_sub(back)));
        }
        let each = self.each(plan, run, treasury, rests.len());
        for (department, rest) in rests {
            if each > ZERO {
                let way = (Account::Treasury, Account::Department(department));
                change.post(draft(plan, run, Kind::Allot, way, each));
            }
            plan.lots.insert(department, rest.saturating_add(each));
        }
    }

    /// From departments to their teams' pools.
    fn to_teams(&self, plan: &Plan, run: &mut Run, ends_ms: i64, change: &mut Change) {
        let mut of_departments: BTreeMap<DepartmentId, Vec<TeamId>> = BTreeMap::new();
        for team in self.teams_of(plan.new.to) {
            if let Some(record) = self.records.teams.get(&team) {
                of_departments.entry(record.profile.department).or_default().push(team);
            }
        }
        for (department, teams) in of_departments {
            let from = Account::Department(department);
            let each = self.each(plan, run, self.journal.balance(from), teams.len());
            for team in teams {
                if each > ZERO {
                    change.post(draft(plan, run, Kind::Allot, (from, Account::Team(team)), each));
                }
                self.tell(team, plan, run, (ends_ms, Gives::Pool { amount: each }), change);
            }
        }
    }

    /// What each of so many gets of what there is: the plan's amount, or all
    /// alike what there is.
    fn each(&self, plan: &Plan, run: &mut Run, there: Millicredits, recipients: usize) -> Millicredits {
        let recipients = i64::try_from(recipients).unwrap_or(i64::MAX);
        let share = there.max(ZERO).get().checked_div(recipients).unwrap_or(0);
        let each = plan.new.amount.min(Millicredits::new(share));
        let all = |amount: Millicredits| Millicredits::new(amount.get().saturating_mul(recipients));
        run.given = run.given.saturating_add(all(each));
        run.missing = run.missing.saturating_add(all(plan.new.amount.saturating_sub(each)));
        each
    }

    fn recipients_by_team(&self, to: Recipients) -> BTreeMap<TeamId, Vec<MemberId>> {
        let mut of_teams: BTreeMap<TeamId, Vec<MemberId>> = BTreeMap::new();
        let one = match to {
            Recipients::Member { member } => Some(member),
            _ => None,
        };
        let teams = self.teams_of(to);
        for (member, record) in &self.records.members {
            let has_left = record.profile.status == events::MemberStatus::Removed;
            if !has_left && one.is_none_or(|one| one == *member) && teams.contains(&record.team) {
                of_teams.entry(record.team).or_default().push(*member);
            }
        }
        of_teams
    }

    fn tell(&self, team: TeamId, plan: &Plan, run: &Run, (ends_ms, gives): (i64, Gives), change: &mut Change) {
        let period = Period { plan: plan.new.id, transfer: run.transfer, rule: rule(&plan.new), ends_ms, gives };
        change.send(team.to_string(), Message::Period(period));
    }
}

fn draft(plan: &Plan, run: &Run, kind: Kind, (debit, credit): (Account, Account), amount: Millicredits) -> Draft {
    let (reference, note) = (run.transfer.to_string(), Some(plan.new.id.to_string()));
    Draft { kind, debit, credit, amount, reference, who: Principal::System, call: None, note }
}
