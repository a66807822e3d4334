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
    /// they pay: the wallet, then the pool if its rules allow.
    pub(crate) fn payers(&self, member: MemberId) -> Vec<Part> {
        let wallet = Account::Wallet(member);
        let mut payers = vec![Part { account: wallet, amount: self.available(wallet) }];
        if self.draws_from_pool() {
            payers.push(Part { account: Account::Pool, amount: self.available(Account::Pool) });
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
