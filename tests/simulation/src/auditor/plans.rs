//! An organization's actor under audit: credits in every period.

use std::collections::{BTreeMap, BTreeSet};

use audit::{Outcome, Record};
use events::{Envelope, Gives, Message};
use identity::{DepartmentId, PlanId, TeamId, TransferId};
use ledger::{Account, Entry, Kind};
use limits::{Every, Window, Zone};
use organization::protocol::{NewPlan, Recipients};
use storage::Storage;

use super::books::Books;
use super::transfers::{Transfers, Way};
use super::{Step, rows};
use crate::tally::Tally;
use crate::violation::{Checked, ensure, violated};

/// One alarm gives for so many periods.
const RUNS: usize = 100;
const DAY_MS: i64 = 24 * 3_600_000;

/// All plans of an organization.
#[derive(Default)]
pub(super) struct Plans {
    known: BTreeMap<PlanId, Known>,
    given: BTreeSet<(PlanId, TransferId)>,
}

struct Known {
    new: NewPlan,
    /// When it was made or changed, or began its last period.
    since_ms: i64,
    /// What a department may have of it.
    lot: i128,
}

impl Plans {
    pub(super) fn put(&mut self, now: i64, new: &NewPlan) {
        let lot = self.known.get(&new.id).filter(|_| new.enabled).map_or(0, |known| known.lot);
        self.known.insert(new.id, Known { new: new.clone(), since_ms: now, lot });
    }

    pub(super) fn remove(&mut self, id: PlanId) {
        self.known.remove(&id);
    }

    /// The alarm has given for periods: each record is one, with its entries.
    pub(super) fn ran(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        (organization, homes, zone): (identity::OrganizationId, &BTreeMap<TeamId, DepartmentId>, &Zone),
        (books, transfers): (&mut Books, &mut Transfers),
        records: &[&Record],
    ) -> Checked {
        let entries = rows::entries(step.disk.native(), books.sequence())?;
        let mut groups = entries.chunk_by(|one, other| one.reference == other.reference).peekable();
        for record in records {
            let plan = record.resource.as_deref().and_then(|id| id.parse::<PlanId>().ok());
            let transfer = record.reference.as_deref().and_then(|id| id.parse::<TransferId>().ok());
            let (Some(plan), Some(transfer)) = (plan, transfer) else {
                return violated("a period has a plan and a name", format!("{record:?}"));
            };
            tally.count("plan: gave for a period");
            let first = self.given.insert((plan, transfer));
            ensure(first && record.outcome == Outcome::Done, "a period is given for once", || format!("{record:?}"))?;
            let Some(known) = self.known.get_mut(&plan).filter(|known| known.new.enabled) else {
                return violated("only plans give", format!("{record:?}"));
            };
            let begins_ms = i64::try_from(transfer.unix_ms()).unwrap_or(i64::MAX);
            let midnight = Window::Day.bounds(begins_ms, zone).start_ms == begins_ms;
            let ends = known.new.ends_ms.is_some_and(|ends| ends <= begins_ms);
            ensure(begins_ms <= step.now && midnight && !ends, "a period is given for when it has begun", || {
                format!("{record:?} at {}: {:?}", step.now, known.new)
            })?;
            known.since_ms = known.since_ms.max(begins_ms);
            let written =
                groups.next_if(|group| group.first().is_some_and(|entry| entry.reference == transfer.to_string()));
            let expected = known.expected(books, homes);
            let same = movements(written.unwrap_or_default()) == expected;
            ensure(same, "a plan gives what it says", || {
                format!("{:?}: {written:?}, expected {expected:?}", known.new)
            })?;
            for entry in written.unwrap_or_default() {
                if entry.kind == Kind::Return {
                    tally.count("plan: a department gave back");
                }
                if let Account::Team(team) = entry.credit {
                    let movement = (entry.reference.as_str(), entry.amount);
                    transfers.departs(Way::Down, (organization, team), movement, step.disk)?;
                }
            }
            known.told(step, transfer, homes)?;
            books.fold(written.unwrap_or_default())?;
        }
        ensure(groups.next().is_none(), "only movements move credits", || format!("tick: {entries:?}"))?;
        if step.failed || records.len() >= RUNS {
            return Ok(());
        }
        for known in self.known.values().filter(|known| known.new.enabled) {
            let longest = match known.new.cycle.every {
                Every::Day => 3 * DAY_MS,
                Every::Week => 9 * DAY_MS,
                _ => 63 * DAY_MS,
            };
            let late = step.now.min(known.new.ends_ms.unwrap_or(i64::MAX)).saturating_sub(known.since_ms);
            ensure(late <= longest, "a period that has begun is given for", || {
                format!("{:?}, since {} at {}", known.new, known.since_ms, step.now)
            })?;
        }
        Ok(())
    }
}

type Movement = (Kind, Account, Account, i128);

fn movements(entries: &[Entry]) -> Vec<Movement> {
    entries.iter().map(|entry| (entry.kind, entry.debit, entry.credit, entry.amount.get().into())).collect()
}

impl Known {
    /// The movements above the teams for a period.
    fn expected(&mut self, books: &Books, homes: &BTreeMap<TeamId, DepartmentId>) -> Vec<Movement> {
        let amount = i128::from(self.new.amount.get());
        match self.new.to {
            Recipients::Department { department } => {
                let account = Account::Department(department);
                let there = self.lot.min(books.balance(account));
                let kept = self.new.most_kept.map_or(there, |kept| there.min(kept.get().into()));
                let each = amount.min(books.balance(Account::Treasury) + there - kept);
                self.lot = kept + each;
                let back = (Kind::Return, account, Account::Treasury, there - kept);
                let all = [back, (Kind::Allot, Account::Treasury, account, each)];
                all.into_iter().filter(|movement| movement.3 > 0).collect()
            }
            Recipients::Team { .. } | Recipients::Teams { .. } => {
                let teams = self.teams(homes);
                let from = teams.first().and_then(|team| homes.get(team)).copied().map(Account::Department);
                let Some(from) = from else { return Vec::new() };
                let each = amount.min(books.balance(from) / teams.len() as i128);
                let all = teams.into_iter().map(|team| (Kind::Allot, from, Account::Team(team), each));
                all.filter(|movement| movement.3 > 0).collect()
            }
            _ => Vec::new(),
        }
    }

    fn teams(&self, homes: &BTreeMap<TeamId, DepartmentId>) -> Vec<TeamId> {
        match self.new.to {
            Recipients::Team { team } | Recipients::Members { team: Some(team), .. } => vec![team],
            Recipients::Teams { department: Some(department) } => {
                homes.iter().filter(|(_, home)| **home == department).map(|(team, _)| *team).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Each team of its hears of the period, with the plan's own amount for
    /// wallets.
    fn told(&self, step: &Step<'_>, transfer: TransferId, homes: &BTreeMap<TeamId, DepartmentId>) -> Checked {
        let sql = "SELECT message FROM outbox WHERE message LIKE '%' || ? || '%'";
        let rows = step.disk.native().query(sql, &[transfer.to_string().into()]).map_err(rows::unreadable)?;
        let read = |row: &storage::Row| serde_json::from_str::<Envelope>(row.text(0).ok()?).ok();
        let periods: Vec<_> = rows
            .iter()
            .filter_map(read)
            .filter_map(|envelope| match envelope.message {
                Message::Period(period) => Some(period),
                _ => None,
            })
            .collect();
        let fits = periods.iter().all(|period| match &period.gives {
            Gives::Pool { .. } => matches!(self.new.to, Recipients::Team { .. } | Recipients::Teams { .. }),
            Gives::Wallets { amount, .. } => *amount == self.new.amount,
        });
        let fits = fits && periods.iter().all(|period| period.rule.most == self.new.most_kept);
        let teams = self.teams(homes).len();
        let is_whole =
            matches!(self.new.to, Recipients::Member { .. } | Recipients::Members { .. }) || periods.len() == teams;
        ensure(fits && is_whole, "teams hear of a period", || format!("{:?}: {periods:?}", self.new))
    }
}
