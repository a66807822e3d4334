//! Whose credits a call takes.
//!
//! Pure decisions over lists of accounts in the order in which they pay. No
//! decision can take more than an account has: that is how overspending is
//! impossible rather than noticed.

use serde::{Deserialize, Serialize};

use crate::{Account, Millicredits};

/// So much of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which account.
    #[serde(rename = "a")]
    pub account: Account,
    /// How much of it; never negative.
    #[serde(rename = "m")]
    pub amount: Millicredits,
}

/// The sum of parts, or the largest amount when it does not fit.
#[must_use]
pub fn total(parts: &[Part]) -> Millicredits {
    parts.iter().fold(Millicredits::ZERO, |sum, part| sum.saturating_add(part.amount))
}

/// Takes `amount` from `available` in order. What is missing is the second
/// value; accounts that give nothing are left out.
#[must_use]
pub fn take(available: &[Part], amount: Millicredits) -> (Vec<Part>, Millicredits) {
    let mut missing = amount.max(Millicredits::ZERO);
    let mut taken = Vec::new();
    for part in available {
        let given = part.amount.max(Millicredits::ZERO).min(missing);
        if !given.is_zero() {
            taken.push(Part { account: part.account, amount: given });
            missing = missing.saturating_sub(given);
        }
    }
    (taken, missing)
}

/// Who pays `cost` of a call that had reserved `parts`: these in
/// order, and beyond them, which only a provider that ignored its limit can
/// cause, whatever `spare` the same payers have, then [`Account::Overrun`].
#[must_use]
pub fn charge(parts: &[Part], spare: &[Part], cost: Millicredits) -> Vec<Part> {
    let (mut paid, missing) = take(parts, cost);
    let (more, uncovered) = take(spare, missing);
    for part in more {
        add(&mut paid, part);
    }
    if !uncovered.is_zero() {
        add(&mut paid, Part { account: Account::Overrun, amount: uncovered });
    }
    paid
}

/// Who gets `refund` back out of what was `paid`: the last to pay first. The
/// second value is what was paid in the end.
#[must_use]
pub fn refund(paid: &[Part], refund: Millicredits) -> (Vec<Part>, Vec<Part>) {
    let reversed: Vec<Part> = paid.iter().rev().copied().collect();
    let (back, _) = take(&reversed, refund);
    let kept = paid
        .iter()
        .map(|part| {
            let returned = back
                .iter()
                .find(|given| given.account == part.account)
                .map_or(Millicredits::ZERO, |given| given.amount);
            Part { account: part.account, amount: part.amount.saturating_sub(returned) }
        })
        .filter(|part| !part.amount.is_zero())
        .collect();
    (back, kept)
}

/// Adds to the part of the same account, so that each account appears once.
pub fn add(parts: &mut Vec<Part>, more: Part) {
    match parts.iter_mut().find(|part| part.account == more.account) {
        Some(part) => part.amount = part.amount.saturating_add(more.amount),
        None => parts.push(more),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::MemberId;
    use proptest::prelude::*;

    fn parts(wallet: i64, pool: i64) -> Vec<Part> {
        vec![
            Part { account: Account::Wallet(MemberId::from_u128(1)), amount: Millicredits::new(wallet) },
            Part { account: Account::Pool, amount: Millicredits::new(pool) },
        ]
    }

    fn amounts(parts: &[Part]) -> Vec<(String, i64)> {
        parts
            .iter()
            .map(|part| {
                let name = part.account.to_string();
                (name.split('/').next().unwrap_or_default().to_owned(), part.amount.get())
            })
            .collect()
    }

    #[test]
    fn wallet_pays_before_pool() {
        let (taken, missing) = take(&parts(3, 10), Millicredits::new(5));
        assert_eq!(amounts(&taken), [("wallet".into(), 3), ("pool".into(), 2)]);
        assert!(missing.is_zero());
        assert_eq!(take(&parts(3, 1), Millicredits::new(5)).1, Millicredits::new(1));
        assert_eq!(take(&parts(-3, 9), Millicredits::new(5)).0.len(), 1);
    }

    #[test]
    fn beyond_the_reservation_the_payers_spare_then_the_overrun() {
        let paid = charge(&parts(3, 2), &parts(1, 1), Millicredits::new(9));
        assert_eq!(amounts(&paid), [("wallet".into(), 4), ("pool".into(), 3), ("overrun".into(), 2)]);
    }

    #[test]
    fn refund_goes_to_the_last_payer_first() {
        let (back, kept) = refund(&parts(3, 2), Millicredits::new(4));
        assert_eq!(amounts(&back), [("pool".into(), 2), ("wallet".into(), 2)]);
        assert_eq!(amounts(&kept), [("wallet".into(), 1)]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nobody_pays_more_than_they_have(
            wallet in 0i64.., pool in 0i64.., spare in 0i64.., cost in 0i64.., back in 0i64..
        ) {
            let reserved = parts(wallet / 4, pool / 4);
            let spare = parts(spare / 4, 0);
            let cost = Millicredits::new(cost / 2);
            let paid = charge(&reserved, &spare, cost);
            prop_assert_eq!(total(&paid), cost);
            for part in &paid {
                let limit = total(&reserved.iter().chain(&spare).filter(|p| p.account == part.account).copied().collect::<Vec<_>>());
                prop_assert!(part.account == Account::Overrun || part.amount <= limit);
            }
            let refunded = Millicredits::new(back).min(cost);
            let (returned, kept) = refund(&paid, refunded);
            prop_assert_eq!(total(&returned), refunded);
            prop_assert_eq!(total(&kept).checked_add(refunded), Some(cost));
        }
    }
}
