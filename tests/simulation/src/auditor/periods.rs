//! A team's actor under audit: what a plan's periods give, and what goes back.

use std::collections::BTreeMap;

use audit::{Outcome, Record};
use events::{Gives, Keep, MemberStatus, Message, Period};
use identity::PlanId;
use ledger::{Account, Entry, Kind};

use super::absences::is_back;
use super::team::TeamAudit;
use super::transfers::{Transfers, Way};
use super::{Step, outbox};
use crate::tally::Tally;
use crate::violation::{Checked, ensure, violated};

/// What plans may have given of what is there.
#[derive(Default)]
pub(super) struct Lots(BTreeMap<(PlanId, Account), Lot>);

#[derive(Debug, Clone)]
struct Lot {
    amount: i128,
    rule: Keep,
    ends_ms: i64,
    warned: bool,
}

impl Lot {
    /// How much goes back of what is free.
    fn back(&self, free: i128) -> i128 {
        let there = self.amount.min(free).max(0);
        self.rule.most.map_or(0, |kept| (there - i128::from(kept.get())).max(0))
    }

    fn is_due(&self, now: i64) -> bool {
        self.rule.warn_before_ms > 0 && self.ends_ms - self.rule.warn_before_ms <= now
    }
}

type Movement = (Kind, Account, Account, i128);

impl TeamAudit {
    /// A period has begun.
    pub(super) fn period(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        transfers: &mut Transfers,
        period: &Period,
        entries: &[Entry],
    ) -> Checked {
        let before = |account: Account| {
            let moved = entries.iter().fold(0, |sum, entry| {
                let amount = i128::from(entry.amount.get());
                sum + if entry.credit == account { amount } else { 0 } - if entry.debit == account { amount } else { 0 }
            });
            self.available(account) - moved
        };
        let of = |account| self.lots.0.get(&(period.plan, account));
        let mut expected: Vec<Movement> = Vec::new();
        let mut lots = Vec::new();
        let (mut given, mut missing, mut returned) = (0, 0, 0);
        let mut fetched = Vec::new();
        match &period.gives {
            Gives::Pool { amount } => {
                let (free, amount) = (before(Account::Pool), i128::from(amount.get()));
                let back = of(Account::Pool).map_or(0, |lot| lot.back(free));
                let rest = of(Account::Pool).map_or(0, |lot| lot.amount.min(free).max(0) - back);
                expected.push((Kind::Return, Account::Pool, Account::Parent, back));
                expected.push((Kind::Allot, Account::Parent, Account::Pool, amount));
                lots.push((Account::Pool, rest + amount));
                returned = back;
            }
            Gives::Wallets { amount, members } => {
                let here = members.iter().filter(|member| {
                    self.access.members.get(member).is_some_and(|known| known.status != MemberStatus::Removed)
                });
                let wallets: Vec<Account> = here.map(|member| Account::Wallet(*member)).collect();
                let mut pool = before(Account::Pool);
                for wallet in &wallets {
                    let Account::Wallet(member) = *wallet else { continue };
                    let lent = Account::Lent(member);
                    let here = before(*wallet);
                    let free = if self.has_lent(member) { here + before(lent) } else { here };
                    let back = of(*wallet).map_or(0, |lot| lot.back(free));
                    let lacks = back - here.max(0);
                    expected.push((Kind::Return, lent, *wallet, lacks));
                    if lacks > 0 {
                        fetched.push(member);
                    }
                    let rest = of(*wallet).map_or(0, |lot| lot.amount.min(free).max(0) - back);
                    expected.push((Kind::Return, *wallet, Account::Pool, back));
                    pool += back;
                    returned += back;
                    lots.push((*wallet, rest));
                }
                let amount = i128::from(amount.get());
                let each = if wallets.is_empty() { 0 } else { amount.min(pool.max(0) / wallets.len() as i128) };
                for (wallet, lot) in &mut lots {
                    expected.push((Kind::Allot, Account::Pool, *wallet, each));
                    *lot += each;
                    given += each;
                    missing += amount - each;
                }
                tally.count(if missing > 0 { "plan: not enough for all" } else { "plan: gave to wallets" });
            }
        }
        expected.retain(|movement| movement.3 > 0);
        let written =
            entries.iter().map(|entry| (entry.kind, entry.debit, entry.credit, i128::from(entry.amount.get())));
        let named = entries.iter().all(|entry| is_back(entry) || entry.reference == period.transfer.to_string());
        ensure(named && written.eq(expected.iter().copied()), "a period gives and takes what it says", || {
            format!("{period:?}: {entries:?}, expected {expected:?}")
        })?;
        fetched.into_iter().for_each(|member| self.fetched(tally, member, true));
        if returned > 0 {
            tally.count("plan: unspent credits went back");
        }
        for (account, amount) in lots {
            let lot = Lot { amount, rule: period.rule, ends_ms: period.ends_ms, warned: false };
            self.lots.0.insert((period.plan, account), lot);
        }
        let told = outbox::about(step.disk, &period.transfer)?;
        let done = told.iter().filter_map(|message| match message {
            Message::PeriodDone(done) => {
                Some([done.given, done.missing, done.returned].map(|sum| i128::from(sum.get())))
            }
            _ => None,
        });
        ensure(done.eq([[given, missing, returned]]), "what came of a period is told", || format!("{told:?}"))?;
        let ends = (self.place.organization, self.place.team);
        let reference = period.transfer.to_string();
        for entry in entries {
            if entry.credit == Account::Parent {
                transfers.departs(Way::Up, ends, (&reference, entry.amount), step.disk)?;
            }
            if entry.debit == Account::Parent {
                transfers.arrives(Way::Down, ends, (&reference, entry.amount))?;
            }
        }
        Ok(())
    }

    /// A plan is another one, or there is none any more.
    pub(super) fn plan_changed(&mut self, plan: PlanId, rule: Option<Keep>) {
        match rule {
            Some(rule) => {
                self.lots.0.iter_mut().filter(|((of, _), _)| *of == plan).for_each(|(_, lot)| lot.rule = rule);
            }
            None => self.lots.0.retain(|(of, _), _| *of != plan),
        }
    }

    /// The alarm says that credits will go back.
    pub(super) fn warned(&mut self, (step, tally): (&Step<'_>, &mut Tally), record: &Record) -> Checked {
        let plan = record.reference.as_deref().and_then(|id| id.parse::<PlanId>().ok());
        let account = match record.resource.as_deref() {
            Some(team) if team == self.place.team.to_string() => Some(Account::Pool),
            member => member.and_then(|id| id.parse().ok()).map(Account::Wallet),
        };
        let (Some(plan), Some(account)) = (plan, account) else {
            return violated("a warning is about a plan", format!("{record:?}"));
        };
        let free = self.own(account);
        let Some(lot) = self.lots.0.get_mut(&(plan, account)) else {
            return violated("a warning is about what a plan gave", format!("{record:?}"));
        };
        tally.count("plan: somebody was warned");
        let right = record.outcome == Outcome::Done && !lot.warned && lot.is_due(step.now) && lot.back(free) > 0;
        lot.warned = true;
        ensure(right, "somebody is warned once, of what will go back", || format!("{record:?}: {lot:?}, {free} free"))
    }

    /// After an alarm that did all: nobody waits for a warning. Whoever had
    /// nothing that would go back then is not warned later.
    pub(super) fn all_warned(&mut self, step: &Step<'_>) -> Checked {
        let due = self.lots.0.iter().filter(|(_, lot)| lot.is_due(step.now)).map(|(of, _)| (of.1, self.own(of.1)));
        let free: BTreeMap<Account, i128> = due.collect();
        for ((plan, account), lot) in self.lots.0.iter_mut().filter(|(_, lot)| lot.is_due(step.now)) {
            let has = free.get(account).copied().unwrap_or_default();
            let missed = !step.failed && !lot.warned && lot.back(has) > 0;
            ensure(!missed, "somebody is warned before credits go back", || format!("{plan} {account}: {lot:?}"))?;
            lot.warned |= !step.failed && lot.rule.most.is_some();
        }
        Ok(())
    }
}
