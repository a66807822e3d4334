//! One actor's balances, folded from its entries.

use std::collections::BTreeMap;

use ledger::{Account, Entry, Hash, verify};

use super::rows;
use crate::actors::Disk;
use crate::violation::{Checked, ensure, violated};

/// The auditor's copy of one actor's books.
pub(crate) struct Books {
    actor: String,
    sequence: u64,
    hash: Hash,
    balances: BTreeMap<Account, i128>,
}

impl Books {
    pub(super) fn new(actor: impl ToString) -> Self {
        Self { actor: actor.to_string(), sequence: 0, hash: Hash::START, balances: BTreeMap::new() }
    }

    pub(crate) const fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(crate) const fn balances(&self) -> &BTreeMap<Account, i128> {
        &self.balances
    }

    pub(crate) fn balance(&self, account: Account) -> i128 {
        self.balances.get(&account).copied().unwrap_or(0)
    }

    /// Reads what is new and checks it: chained to what is known, above zero,
    /// and leaving every account that must be so at zero or above.
    pub(super) fn follow(&mut self, disk: &Disk) -> Checked<Vec<Entry>> {
        let new = rows::entries(disk.native(), self.sequence)?;
        self.fold(&new)?;
        Ok(new)
    }

    /// The same for entries that were read already.
    pub(super) fn fold(&mut self, new: &[Entry]) -> Checked {
        if new.is_empty() {
            return Ok(());
        }
        match verify(&self.actor, (self.sequence, self.hash), new) {
            Ok((sequence, hash)) => (self.sequence, self.hash) = (sequence, hash),
            Err(error) => return violated("the journal is chained", error.to_string()),
        }
        for entry in new {
            let amount = i128::from(entry.amount.get());
            ensure(amount >= 0, "amounts are never negative", || format!("entry {}", entry.sequence))?;
            *self.balances.entry(entry.debit).or_default() -= amount;
            *self.balances.entry(entry.credit).or_default() += amount;
            self.not_negative(entry.debit)?;
            self.not_negative(entry.credit)?;
        }
        Ok(())
    }

    /// What was read before is still there, unaltered.
    pub(crate) fn still_there(&self, disk: &Disk) -> Checked {
        if self.sequence == 0 {
            return Ok(());
        }
        let last = rows::entries(disk.native(), self.sequence - 1)?;
        let same = last.first().is_some_and(|entry| entry.sequence == self.sequence && entry.hash == self.hash);
        ensure(same, "what was answered as done is durable", || {
            format!("{} no longer ends with entry {}", self.actor, self.sequence)
        })
    }

    /// The whole chain, from the first entry to the last.
    pub(super) fn whole_chain(&self, disk: &Disk) -> Checked<Vec<Entry>> {
        let all = rows::entries(disk.native(), 0)?;
        match verify(&self.actor, (0, Hash::START), &all) {
            Ok(end) if end == (self.sequence, self.hash) => Ok(all),
            Ok(_) => violated("the journal is append-only", format!("{} ends elsewhere", self.actor)),
            Err(error) => violated("the journal is chained", error.to_string()),
        }
    }

    /// The core's balances are these.
    pub(super) fn agree(&self, core: &ledger::Books, accounts: impl IntoIterator<Item = Account>) -> Checked {
        for account in accounts {
            let (known, told) = (self.balance(account), i128::from(core.balance(account).get()));
            ensure(known == told, "memory is the sum of the entries", || {
                format!("{}: `{account}` has {known}, memory says {told}", self.actor)
            })?;
        }
        Ok(())
    }

    fn not_negative(&self, account: Account) -> Checked {
        let balance = self.balance(account);
        let fine = match account {
            Account::Issued | Account::Parent | Account::Overrun => balance <= 0,
            _ => balance >= 0,
        };
        ensure(fine, "no account is ever negative", || format!("{}: `{account}` has {balance}", self.actor))
    }
}
