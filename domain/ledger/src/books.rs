//! Balances, as the sum of a journal's entries.

use std::collections::BTreeMap;

use crate::{Account, Draft, Millicredits, Part};

/// The balances of one actor's accounts. A missing account has nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    balances: BTreeMap<Account, Millicredits>,
}

/// Why entries cannot be posted. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BooksError {
    /// An amount below zero.
    #[error("an entry of {0} credits: amounts are never negative")]
    NegativeAmount(Millicredits),
    /// An account would fall below zero.
    #[error("`{account}` has {balance} credits, {amount} are needed")]
    Insufficient {
        /// The account.
        account: Account,
        /// What it has.
        balance: Millicredits,
        /// What was to be taken.
        amount: Millicredits,
    },
    /// A balance would leave 64 bits.
    #[error("`{0}` would hold more credits than can be counted")]
    Overflow(Account),
}

impl Books {
    /// What an account has.
    #[must_use]
    pub fn balance(&self, account: Account) -> Millicredits {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    /// All accounts that ever had something, in order.
    pub fn accounts(&self) -> impl Iterator<Item = Part> + '_ {
        self.balances.iter().map(|(&account, &amount)| Part { account, amount })
    }

    /// Sets a balance that was read from a checkpoint.
    pub fn restore(&mut self, account: Account, balance: Millicredits) {
        self.balances.insert(account, balance);
    }

    /// The balances after all of `drafts`, in order, of the accounts that
    /// they touch. Rejects the whole list or none of it.
    ///
    /// # Errors
    /// See [`BooksError`].
    pub fn check<'a>(&self, drafts: impl IntoIterator<Item = &'a Draft>) -> Result<Vec<Part>, BooksError> {
        let mut after: Vec<Part> = Vec::new();
        for draft in drafts {
            if draft.amount.is_negative() {
                return Err(BooksError::NegativeAmount(draft.amount));
            }
            let debit = self.touched(&mut after, draft.debit);
            let left = debit.amount.checked_sub(draft.amount).ok_or(BooksError::Overflow(draft.debit))?;
            if left.is_negative() && !draft.debit.may_be_negative() {
                return Err(BooksError::Insufficient {
                    account: draft.debit,
                    balance: debit.amount,
                    amount: draft.amount,
                });
            }
            debit.amount = left;
            let credit = self.touched(&mut after, draft.credit);
            credit.amount = credit.amount.checked_add(draft.amount).ok_or(BooksError::Overflow(draft.credit))?;
        }
        Ok(after)
    }

    fn touched<'a>(&self, after: &'a mut Vec<Part>, account: Account) -> &'a mut Part {
        let place = after.iter().position(|part| part.account == account).unwrap_or_else(|| {
            after.push(Part { account, amount: self.balance(account) });
            after.len().saturating_sub(1)
        });
        #[expect(clippy::indexing_slicing, reason = "the place was just found or made")]
        &mut after[place]
    }

    /// Takes over what [`Books::check`] answered.
    pub fn post(&mut self, after: &[Part]) {
        for part in after {
            self.balances.insert(part.account, part.amount);
        }
    }

    /// The sum over all accounts: zero, or the books are wrong. In 128 bits,
    /// so that it cannot fail to fit.
    #[must_use]
    pub fn sum(&self) -> i128 {
        self.balances.values().fold(0i128, |sum, amount| sum.saturating_add(i128::from(amount.get())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use identity::Principal;

    fn draft(debit: Account, credit: Account, amount: i64) -> Draft {
        Draft {
            kind: Kind::Allot,
            debit,
            credit,
            amount: Millicredits::new(amount),
            reference: String::new(),
            who: Principal::System,
            call: None,
            note: None,
        }
    }

    #[test]
    fn a_list_is_taken_whole_or_not_at_all() {
        let mut books = Books::default();
        let after =
            books.check(&[draft(Account::Parent, Account::Pool, 10), draft(Account::Pool, Account::Spent, 4)]).unwrap();
        books.post(&after);
        assert_eq!(books.balance(Account::Pool), Millicredits::new(6));
        assert_eq!(books.sum(), 0);

        let error = books.check(&[draft(Account::Pool, Account::Spent, 6), draft(Account::Pool, Account::Spent, 1)]);
        assert_eq!(error.unwrap_err().to_string(), "`pool` has 0 credits, 0.001 are needed");
        assert_eq!(books.balance(Account::Pool), Millicredits::new(6));
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let mut books = Books::default();
        let after = books.check(&[draft(Account::Issued, Account::Treasury, i64::MAX)]).unwrap();
        books.post(&after);
        assert_eq!(
            books.check(&[draft(Account::Issued, Account::Treasury, 2)]),
            Err(BooksError::Overflow(Account::Issued))
        );
        assert!(matches!(
            books.check(&[draft(Account::Treasury, Account::Pool, -1)]),
            Err(BooksError::NegativeAmount(_))
        ));
    }
}
