//! Plans, in the team: what a period gives, and what of the one before goes
//! back.
//!
//! A wallet's credits are all alike, so the team remembers for each plan and
//! account how much of what is there the plan may have given: its lot. At the
//! end of the period no more than the lot goes back, whatever else there is,
//! and nothing of what calls in flight have reserved.

use std::collections::BTreeMap;

use audit::Draft as Record;
use events::{Gives, Keep, Message, Period, PeriodDone};
use identity::{MemberId, PlanId, Principal};
use journal::Change;
use ledger::mutant::{self, Mutant};
use ledger::{Account, Draft, Kind, Millicredits};
use serde::{Deserialize, Serialize};
use storage::{Row, Storage, StorageError};

use crate::Team;
use crate::lending::Returned;
use crate::protocol::{Expiring, OrderError};

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS lots (
    plan TEXT NOT NULL,
    account TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (plan, account)
) STRICT, WITHOUT ROWID";

const PUT: &str = "INSERT INTO lots (plan, account, data) VALUES (?, ?, ?)
    ON CONFLICT (plan, account) DO UPDATE SET data = excluded.data";
const REMOVE: &str = "DELETE FROM lots WHERE plan = ? AND account = ?";

/// The record by which somebody is told that credits will go back.
const WARNING: &str = "credits_expiring";

/// Whose credits, by which plan.
type Of = (PlanId, Account);

/// What a plan may have given of what is in an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lot {
    amount: Millicredits,
    rule: Keep,
    ends_ms: i64,
    /// Whether somebody was told how much will go back.
    warned: bool,
}

impl Lot {
    /// How much goes back at the end, if so much is free then.
    fn returns(&self, free: Millicredits) -> Millicredits {
        let most = if mutant::is_active(Mutant::ExpireAll) { free } else { self.amount };
        let there = free.min(most);
        self.rule.most.map_or(Millicredits::ZERO, |kept| there.saturating_sub(kept).max(Millicredits::ZERO))
    }

    fn warns_at(&self) -> Option<i64> {
        let warns = !self.warned && self.rule.most.is_some() && self.rule.warn_before_ms > 0;
        warns.then(|| self.ends_ms.saturating_sub(self.rule.warn_before_ms))
    }
}

/// All lots, and how a change leaves them.
#[derive(Debug, Default)]
pub(crate) struct Lots {
    all: BTreeMap<Of, Lot>,
}

/// Lots after a change that was not committed yet; `None` is none.
pub(crate) type After = Vec<(Of, Option<Lot>)>;

impl Lots {
    pub(crate) fn load(store: &impl Storage) -> Result<Self, StorageError> {
        let rows = store.query("SELECT plan, account, data FROM lots", &[])?;
        Ok(Self { all: rows.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Takes note of what was committed.
    pub(crate) fn note(&mut self, after: After) {
        for (of, lot) in after {
            match lot {
                Some(lot) => self.all.insert(of, lot),
                None => self.all.remove(&of),
            };
        }
    }

    /// When somebody must be told next of what will go back.
    pub(crate) fn next_warning(&self) -> Option<i64> {
        self.all.values().filter_map(Lot::warns_at).min()
    }
}

impl<S: Storage> Team<S> {
    /// A period has begun: what is unspent of the one before goes back, as far
    /// as it does not stay, and what the plan gives comes.
    pub(crate) fn begin_period(
        &self,
        now: i64,
        period: &Period,
        change: &mut Change,
    ) -> Result<(After, Vec<Returned>), OrderError> {
        let team = self.records.profile.as_ref().ok_or(OrderError::NotOpen)?;
        let Period { plan, transfer, .. } = *period;
        let mut pool = self.available(Account::Pool);
        let mut done = PeriodDone { plan, transfer, team: team.team, given: ZERO, missing: ZERO, returned: ZERO };
        let (mut after, mut returned) = (After::new(), Vec::new());
        match &period.gives {
            Gives::Pool { amount } => {
                let (back, rest) = self.ended(plan, Account::Pool);
                done.returned = back;
                if back > ZERO {
                    change.post(draft(period, Kind::Return, (Account::Pool, Account::Parent), back));
                    let (amount, who, note) = (back, Principal::System, Some(plan.to_string()));
                    let message = Message::Return { team: team.team, transfer, amount, who, note };
                    change.send(team.organization.to_string(), message);
                }
                if *amount > ZERO {
                    change.post(draft(period, Kind::Allot, (Account::Parent, Account::Pool), *amount));
                }
                after.push(keep(change, period, Account::Pool, rest.saturating_add(*amount))?);
            }
            Gives::Wallets { amount, members } => {
                let here: Vec<MemberId> = members.iter().copied().filter(|member| self.gets(*member)).collect();
                let mut rests = Vec::new();
                for member in &here {
                    let wallet = Account::Wallet(*member);
                    let (back, rest) = self.ended(plan, wallet);
                    // What is lent meanwhile is still theirs, and the plan's.
                    let lent = back.saturating_sub(self.available(wallet).max(ZERO));
                    returned.extend(self.fetch(now, (*member, lent), true, change)?);
                    if back > ZERO {
                        change.post(draft(period, Kind::Return, (wallet, Account::Pool), back));
                    }
                    pool = pool.saturating_add(back);
                    done.returned = done.returned.saturating_add(back);
                    rests.push((wallet, rest));
                }
                let each = (*amount).min(share(pool, here.len()));
                for (wallet, rest) in rests {
                    if each > ZERO {
                        change.post(draft(period, Kind::Allot, (Account::Pool, wallet), each));
                    }
                    after.push(keep(change, period, wallet, rest.saturating_add(each))?);
                    done.given = done.given.saturating_add(each);
                    done.missing = done.missing.saturating_add(amount.saturating_sub(each));
                }
            }
        }
        change.send(team.organization.to_string(), Message::PeriodDone(done));
        Ok((after, returned))
    }

    /// A plan is another one, or gives no more: then what it gave stays.
    pub(crate) fn change_plan(
        &self,
        plan: PlanId,
        rule: Option<Keep>,
        change: &mut Change,
    ) -> Result<After, OrderError> {
        let its = self.lots.all.iter().filter(|((of, _), _)| *of == plan);
        its.map(|(of, lot)| match rule {
            Some(rule) => put(change, *of, Lot { rule, ..lot.clone() }),
            None => {
                change.write(REMOVE, vec![of.0.to_string().into(), of.1.to_string().into()]);
                Ok((*of, None))
            }
        })
        .collect()
    }

    /// Says of which credits a part will go back soon.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn warn(&mut self, now: i64) -> Result<(), StorageError> {
        let is_due = |lot: &Lot| lot.warns_at().is_some_and(|at| at <= now);
        let due: Vec<_> =
            self.lots.all.iter().filter(|(_, lot)| is_due(lot)).map(|(of, lot)| (*of, lot.clone())).collect();
        if due.is_empty() {
            return Ok(());
        }
        let failed = |error: &dyn std::fmt::Display| StorageError::Sql(error.to_string());
        let mut change = Change::new();
        let mut after = After::new();
        for (of, lot) in due {
            let (plan, account) = of;
            let amount = lot.returns(self.own(account));
            if amount > ZERO {
                let resource = match account {
                    Account::Wallet(member) => member.to_string(),
                    _ => self.journal.actor().to_owned(),
                };
                let record = Record::done(WARNING, Principal::System);
                change.audit(Record { resource: Some(resource), reference: Some(plan.to_string()), ..record });
            }
            after.push(put(&mut change, of, Lot { warned: true, ..lot }).map_err(|error| failed(&error))?);
        }
        self.commit(now, change).map_err(|error| failed(&error))?;
        self.lots.note(after);
        Ok(())
    }

    /// What of a plan's credits in an account will go back, as things are;
    /// nothing where nothing does.
    pub fn expiring(&self, plan: PlanId, account: Account) -> Option<Expiring> {
        let lot = self.lots.all.get(&(plan, account))?;
        let amount = lot.returns(self.own(account));
        (amount > ZERO).then_some(Expiring { amount, ends_ms: lot.ends_ms })
    }

    /// Of what a plan gave before: how much goes back now, and how much of it
    /// is left then.
    fn ended(&self, plan: PlanId, account: Account) -> (Millicredits, Millicredits) {
        let free = self.own(account).max(ZERO);
        self.lots.all.get(&(plan, account)).map_or((ZERO, ZERO), |lot| {
            let back = lot.returns(free);
            (back, lot.amount.min(free).saturating_sub(back).max(ZERO))
        })
    }

    fn gets(&self, member: MemberId) -> bool {
        self.records.members.contains_key(&member) && self.is_here(member).is_ok()
    }
}

const ZERO: Millicredits = Millicredits::ZERO;

/// What each of so many gets at most.
fn share(pool: Millicredits, members: usize) -> Millicredits {
    let members = i64::try_from(members).unwrap_or(i64::MAX);
    Millicredits::new(pool.max(ZERO).get().checked_div(members).unwrap_or(0))
}

fn keep(
    change: &mut Change,
    period: &Period,
    account: Account,
    amount: Millicredits,
) -> Result<(Of, Option<Lot>), OrderError> {
    let lot = Lot { amount, rule: period.rule, ends_ms: period.ends_ms, warned: false };
    put(change, (period.plan, account), lot)
}

fn put(change: &mut Change, of: Of, lot: Lot) -> Result<(Of, Option<Lot>), OrderError> {
    let data = serde_json::to_string(&lot).map_err(|_| OrderError::Storage)?;
    change.write(PUT, vec![of.0.to_string().into(), of.1.to_string().into(), data.into()]);
    Ok((of, Some(lot)))
}

fn read(row: &Row) -> Result<(Of, Lot), StorageError> {
    let corrupt = |error: serde_json::Error| StorageError::Corrupt { what: "lot", error: error.to_string() };
    let lot = serde_json::from_str(row.text(2)?).map_err(corrupt)?;
    Ok(((row.parse(0, "lot")?, row.parse(1, "lot")?), lot))
}

fn draft(period: &Period, kind: Kind, (debit, credit): (Account, Account), amount: Millicredits) -> Draft {
    let (reference, note) = (period.transfer.to_string(), Some(period.plan.to_string()));
    Draft { kind, debit, credit, amount, reference, who: Principal::System, call: None, note }
}
