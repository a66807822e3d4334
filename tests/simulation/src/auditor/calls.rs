//! Every accepted call: what it has reserved, and that it ends once.

use std::collections::BTreeMap;

use identity::{MemberId, RequestId};
use ledger::{Account, Entry, Kind, Reservation};

use crate::violation::{Checked, ensure, violated};

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Open,
    Settled,
    Released,
    Expired,
    Corrected,
}

/// So much of each account.
pub(super) type Parts = Vec<(Account, i128)>;

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) stage: Stage,
    pub(crate) reservation: Reservation,
    pub(super) paid: Parts,
    /// Its place among all that limits count.
    pub(super) place: usize,
}

impl Call {
    pub(super) fn reserved(&self) -> i128 {
        sum(&parts(&self.reservation))
    }

    pub(super) fn cost(&self) -> i128 {
        sum(&self.paid)
    }
}

/// All calls of a team.
#[derive(Default)]
pub(crate) struct Calls {
    calls: BTreeMap<RequestId, Call>,
    open: BTreeMap<RequestId, i64>,
    reserved: BTreeMap<Account, i128>,
}

impl Calls {
    pub(crate) fn get(&self, request: RequestId) -> Option<&Call> {
        self.calls.get(&request)
    }

    /// Members with open calls.
    pub(crate) fn calling(&self) -> Vec<MemberId> {
        self.open.keys().filter_map(|request| self.calls.get(request)).map(|call| call.reservation.member).collect()
    }

    /// What is reserved of an account.
    pub(super) fn reserved(&self, account: Account) -> i128 {
        self.reserved.get(&account).copied().unwrap_or(0)
    }

    pub(super) fn accounts(&self) -> impl Iterator<Item = Account> + '_ {
        self.reserved.keys().copied()
    }

    pub(super) fn open(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.open.keys().copied()
    }

    /// An open call whose time is over.
    pub(super) fn overdue(&self, now: i64) -> Option<RequestId> {
        self.open.iter().find(|(_, expires)| **expires <= now).map(|(request, _)| *request)
    }

    pub(super) fn accept(&mut self, reservation: Reservation, place: usize) {
        for (account, amount) in parts(&reservation) {
            *self.reserved.entry(account).or_default() += amount;
        }
        self.open.insert(reservation.request, reservation.expires_ms);
        let request = reservation.request;
        let call = Call { stage: Stage::Open, reservation, paid: Parts::new(), place };
        self.calls.insert(request, call);
    }

    /// Something was heard of an open call.
    pub(super) fn progress(&mut self, reservation: Reservation) {
        if let Some(call) = self.calls.get_mut(&reservation.request) {
            self.open.insert(reservation.request, reservation.expires_ms);
            call.reservation = reservation;
        }
    }

    /// A call has ended or was corrected by these entries, all of them.
    pub(super) fn end(&mut self, entries: &[Entry]) -> Checked<(RequestId, Stage)> {
        const ONCE: &str = "every call ends exactly once";
        let Some(first) = entries.first() else { return violated(ONCE, "no entries") };
        let Ok(request) = first.reference.parse::<RequestId>() else {
            return violated("entries of a call name it", first.reference.clone());
        };
        let Some(call) = self.calls.get_mut(&request) else {
            return violated("only accepted calls are paid", first.reference.clone());
        };
        let stage = match (call.stage, first.kind) {
            (Stage::Open, Kind::Settle) => Stage::Settled,
            (Stage::Open, Kind::Release) => Stage::Released,
            (Stage::Open, Kind::Expire) => Stage::Expired,
            (Stage::Expired, Kind::Correct) => Stage::Corrected,
            (stage, kind) => return violated(ONCE, format!("{kind:?} of {request}, which is {stage:?}")),
        };
        for entry in entries {
            let amount = i128::from(entry.amount.get());
            let (account, amount) = match (entry.debit, entry.credit) {
                (account, Account::Spent) => (account, amount),
                (Account::Spent, account) if stage == Stage::Corrected => (account, -amount),
                _ => return violated("a call is paid into `spent`", format!("{request}: {entry:?}")),
            };
            let same = entry.kind == first.kind && entry.reference == first.reference;
            ensure(same, ONCE, || format!("{request} and {} end together", entry.reference))?;
            add(&mut call.paid, account, amount);
        }
        call.paid.retain(|(_, amount)| *amount != 0);
        if call.stage == Stage::Open {
            self.open.remove(&request);
            for (account, amount) in parts(&call.reservation) {
                *self.reserved.entry(account).or_default() -= amount;
            }
        }
        call.stage = stage;
        Ok((request, stage))
    }
}

/// Who pays: what is reserved, in order; then what the payers have beside;
/// then nobody.
pub(super) fn charge(reserved: &[(Account, i128)], spare: &[(Account, i128)], cost: i128) -> Parts {
    let mut paid = Parts::new();
    let mut missing = cost;
    for (account, has) in reserved.iter().chain(spare) {
        let gives = missing.min((*has).max(0));
        if gives > 0 {
            add(&mut paid, *account, gives);
            missing -= gives;
        }
    }
    if missing > 0 {
        add(&mut paid, Account::Overrun, missing);
    }
    paid
}

/// What is left of `paid` when so much goes back, to the last payer first.
pub(super) fn refund(paid: &[(Account, i128)], mut back: i128) -> Parts {
    let mut kept: Parts = paid.to_vec();
    for (_, amount) in kept.iter_mut().rev() {
        let returned = back.min(*amount);
        *amount -= returned;
        back -= returned;
    }
    kept.retain(|(_, amount)| *amount != 0);
    kept
}

pub(super) fn parts(reservation: &Reservation) -> Parts {
    reservation.parts.iter().map(|part| (part.account, i128::from(part.amount.get()))).collect()
}

/// What an account has in some parts.
pub(super) fn of(parts: &[(Account, i128)], account: Account) -> i128 {
    parts.iter().filter(|(known, _)| *known == account).map(|(_, amount)| amount).sum()
}

pub(super) fn sum(parts: &[(Account, i128)]) -> i128 {
    parts.iter().map(|(_, amount)| amount).sum()
}

pub(super) fn add(parts: &mut Parts, account: Account, amount: i128) {
    match parts.iter_mut().find(|(known, _)| *known == account) {
        Some((_, sum)) => *sum += amount,
        None => parts.push((account, amount)),
    }
}

/// The same parts, in whatever order.
pub(super) fn same(one: &[(Account, i128)], other: &[(Account, i128)]) -> bool {
    let sorted = |parts: &[(Account, i128)]| {
        let mut parts = parts.to_vec();
        parts.sort_unstable();
        parts
    };
    sorted(one) == sorted(other)
}
