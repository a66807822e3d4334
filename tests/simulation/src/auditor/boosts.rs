//! A team's actor under audit: credits apart from wallets, for a while.

use std::collections::{BTreeMap, BTreeSet};

use events::MemberStatus;
use identity::{BoostId, MemberId};
use ledger::{Account, Entry, Kind};
use storage::Storage;
use team::protocol::{Act, BoostView, NewBoost, Order, OrderError};

use super::Step;
use super::rows;
use super::team::TeamAudit;
use super::team_orders::one_entry;
use crate::tally::Tally;
use crate::violation::{Checked, ensure, violated};

/// All boosts of a team.
#[derive(Default)]
pub(super) struct Boosts {
    known: BTreeMap<BoostId, NewBoost>,
    running: BTreeSet<BoostId>,
}

/// Why a boost may end in a step, beside that it is spent.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    /// Nothing ends it.
    No,
    /// The alarm rings.
    Time,
    /// It was ordered.
    Order(BoostId),
    /// Its member leaves.
    Leave(MemberId),
}

impl TeamAudit {
    /// Those that pay for a member's calls, in order.
    pub(super) fn paying_boosts(&self, now: i64, member: MemberId) -> Vec<Account> {
        let running = self.boosts.running.iter().filter_map(|id| self.boosts.known.get(id));
        let mut paying: Vec<_> = running
            .filter(|boost| boost.member == member && boost.ends_ms.is_none_or(|ends| ends > now))
            .map(|boost| (boost.ends_ms.unwrap_or(i64::MAX), boost.id))
            .collect();
        paying.sort_unstable();
        paying.into_iter().map(|(_, id)| Account::Boost(id)).collect()
    }

    /// Whether a member's own rate limits do not bind.
    pub(super) fn lifts_rate_limits(&self, now: i64, member: MemberId) -> bool {
        self.paying_boosts(now, member).into_iter().any(|account| {
            let Account::Boost(id) = account else { return false };
            self.boosts.known.get(&id).is_some_and(|boost| boost.lifts_rate_limits)
        })
    }

    /// A boost has begun.
    pub(super) fn boosted(&mut self, tally: &mut Tally, new: &NewBoost, entries: &[Entry]) -> Checked {
        tally.count(if new.ends_ms.is_some() { "boost: for a while" } else { "boost: until it is spent" });
        let here = self.access.members.get(&new.member).is_some_and(|known| known.status != MemberStatus::Removed);
        ensure(here, "only who is here gets credits", || format!("{new:?}"))?;
        let first = self.boosts.known.insert(new.id, new.clone()).is_none();
        ensure(first, "a boost begins once", || format!("{new:?}"))?;
        self.boosts.running.insert(new.id);
        let accounts = (new.from.account(), Account::Boost(new.id));
        one_entry(entries, Kind::Boost, accounts, new.amount, &new.id.to_string())
    }

    /// What an answer says of a boost is so.
    pub(super) fn boost_is_told(&self, view: &BoostView) -> Checked {
        let account = Account::Boost(view.boost.new.id);
        let told = [view.left.balance, view.left.reserved, view.left.available].map(|amount| i128::from(amount.get()));
        let known = [self.books.balance(account), self.calls.reserved(account), self.available(account)];
        ensure(told == known, "the balance told is the balance", || format!("{view:?}, {known:?}"))
    }

    /// After a step: what has ended had a reason to, and the other way round;
    /// the entries beside those that bring back what was unused.
    pub(super) fn without_boosts(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        ending: Ending,
        entries: &[Entry],
    ) -> Checked<Vec<Entry>> {
        let is_back = |entry: &Entry| entry.kind == Kind::Return && matches!(entry.debit, Account::Boost(_));
        let (back, rest): (Vec<Entry>, Vec<Entry>) = entries.iter().cloned().partition(is_back);
        self.boosts_ended(step, tally, ending)?;
        for entry in back {
            let Account::Boost(id) = entry.debit else { continue };
            let Some(boost) = self.boosts.known.get(&id) else {
                return violated("only boosts give back", format!("{entry:?}"));
            };
            tally.count("boost: unused credits went back");
            let fine = !self.boosts.running.contains(&id)
                && entry.credit == self.home(boost.from)
                && entry.amount.get() > 0
                && entry.reference == id.to_string();
            ensure(fine, "what a boost leaves goes back where it came from", || format!("{entry:?}, {boost:?}"))?;
        }
        Ok(rest)
    }

    fn boosts_ended(&mut self, step: &Step<'_>, tally: &mut Tally, ending: Ending) -> Checked {
        if self.boosts.running.is_empty() {
            return Ok(());
        }
        let rows = step.disk.native().query("SELECT id FROM boosts WHERE ended = 0", &[]).map_err(rows::unreadable)?;
        let stored: Result<BTreeSet<BoostId>, _> = rows.iter().map(|row| row.parse(0, "boost")).collect();
        let stored = stored.map_err(rows::unreadable)?;
        for id in self.boosts.running.clone() {
            let Some(boost) = self.boosts.known.get(&id) else { continue };
            let balance = self.books.balance(Account::Boost(id));
            let reason = match ending {
                Ending::Order(ordered) if ordered == id => "boost: ended by order",
                Ending::Leave(member) if member == boost.member => "boost: ended with its member",
                Ending::Time if boost.ends_ms.is_some_and(|ends| ends <= step.now) => "boost: ended by its time",
                _ if boost.ends_ms.is_none() && balance == 0 => "boost: spent",
                _ => "",
            };
            let has_ended = !stored.contains(&id);
            let right = if has_ended { !reason.is_empty() } else { reason.is_empty() || step.failed };
            ensure(right, "a boost ends when it must", || format!("{boost:?} has ended: {has_ended}; {reason}"))?;
            if has_ended {
                tally.count(reason);
                self.boosts.running.remove(&id);
            }
        }
        Ok(())
    }

    /// Nothing is left on a boost that has ended beside what calls have reserved.
    pub(super) fn ended_boosts_are_empty(&self) -> Checked {
        for account in self.books.balances().keys() {
            let Account::Boost(id) = account else { continue };
            let left = self.available(*account);
            ensure(self.boosts.running.contains(id) || left == 0, "what a boost leaves goes back", || {
                format!("{id} has {left}")
            })?;
        }
        Ok(())
    }

    /// Whether a boost was refused for a reason that is one.
    pub(super) fn boost_refused(&self, order: &Order, error: &OrderError) -> Checked<bool> {
        let fine = match (&order.act, error) {
            (Act::Boost(new), OrderError::Conflict { .. }) => {
                let known = self.access.members.get(&new.member);
                self.boosts.known.contains_key(&new.id)
                    || known.is_some_and(|known| known.status == MemberStatus::Removed)
            }
            (Act::EndBoost { boost }, OrderError::Conflict { .. }) => {
                self.boosts.known.contains_key(boost) && !self.boosts.running.contains(boost)
            }
            _ => return Ok(false),
        };
        ensure(fine, "refused for a reason", || format!("{error:?} to {order:?}"))?;
        Ok(true)
    }
}
