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
    /// they pay: boosts, for they end; the wallet; then the pool if its rules
    /// allow.
    pub(crate) fn payers(&self, now: i64, member: MemberId) -> Vec<Part> {
        let boosts = self.boosts.paying(now, member).into_iter().map(|boost| Account::Boost(boost.new.id));
        let pool = self.draws_from_pool().then_some(Account::Pool);
        let accounts = boosts.chain([Account::Wallet(member)]).chain(pool);
        accounts.map(|account| Part { account, amount: self.available(account) }).collect()
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
