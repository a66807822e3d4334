//! Which accounts pay for a member's calls, and what of them is held back.

use std::collections::BTreeMap;

use events::PoolDraw;
use identity::MemberId;
use ledger::mutant::{self, Mutant};
use ledger::{Account, Millicredits, Part};
use storage::Storage;

use crate::Team;

impl<S: Storage> Team<S> {
    /// What each of a member's payers has available, in the order in which
    /// they pay: boosts, for they end; the wallet, and what the member has lent
    /// of it; what colleagues who are away lend to this member; then, if the
    /// pool's rules allow, the pool, and last what they lend to everybody, so
    /// that they find as much as possible when they are back.
    pub(crate) fn payers(&self, now: i64, member: MemberId) -> Vec<Part> {
        let boosts = self.boosts.paying(now, member).into_iter().map(|boost| Account::Boost(boost.new.id));
        let own = [Account::Wallet(member)].into_iter().chain(self.lends(member).then_some(Account::Lent(member)));
        let mut others = self.lent_to(now, Some(member), member);
        if self.draws_from_pool() {
            others.push(Account::Pool);
            others.extend(self.lent_to(now, None, member));
        }
        let accounts = boosts.chain(own).chain(others);
        let available = |account| match account {
            Account::Pool => self.pool_room(now, member),
            _ => self.available(account),
        };
        accounts.map(|account| Part { account, amount: available(account) }).collect()
    }

    /// Likewise for what a call has already taken, beyond what was reserved
    /// for it: the pool's rules say what may begin, not who pays what was
    /// spent.
    pub(crate) fn liable(&self, now: i64, member: MemberId) -> Vec<Part> {
        let mut payers = self.payers(now, member);
        if let Some(pool) = payers.iter_mut().find(|part| part.account == Account::Pool) {
            pool.amount = self.available(Account::Pool);
        }
        payers
    }

    /// Whether calls may draw from the pool.
    pub(crate) fn draws_from_pool(&self) -> bool {
        self.records.profile.as_ref().is_some_and(|profile| profile.pool_draw == PoolDraw::Automatic)
    }
}

/// Adds parts to what is reserved.
pub(crate) fn reserve(reserved: &mut BTreeMap<Account, Millicredits>, parts: &[Part]) {
    if mutant::is_active(Mutant::CheckThenSpend) {
        return;
    }
    for part in parts {
        let sum = reserved.entry(part.account).or_default();
        *sum = sum.saturating_add(part.amount);
    }
}

/// Takes parts out of what is reserved.
pub(crate) fn release(reserved: &mut BTreeMap<Account, Millicredits>, parts: &[Part]) {
    if mutant::is_active(Mutant::CheckThenSpend) {
        return;
    }
    for part in parts {
        if let Some(sum) = reserved.get_mut(&part.account) {
            *sum = sum.saturating_sub(part.amount).max(Millicredits::ZERO);
        }
    }
}
