//! Idle credits of whoever is away, for those who are there.
//!
//! **The rule.** A member has any number of absences, which may overlap, and
//! lends at a time because of one: of those that hold, the one that was made
//! last. What is lent is in an account of its own, `lent/…`, which is debited
//! for calls and goes nowhere else but back. Nothing else is remembered than
//! because of which absence it is, and how much of the wallet is kept.
//!
//! 1. When an absence begins to hold, or it is another one, or it lends
//!    something else: what is free in wallet and `lent/…` together is divided
//!    anew by its share, and the difference moves.
//! 2. While it holds: what comes into the wallet beyond what is kept is divided
//!    likewise. What the member spends of what is kept is theirs to fill again.
//! 3. When none holds any more: all that is free goes back, and what calls in
//!    flight have reserved follows when they end.
//!
//! So absences can be moved, cut, prolonged, called off and laid over each
//! other in any order: only what holds now matters, and it follows from what is
//! stored. Everything is done by the alarm, which may come late, twice, or
//! after a crash; an order that changes an absence does it at once.
//!
//! **What always holds.** Wallet and `lent/…` together change by nothing of
//! this but what calls of others pay. Nobody is paid for by `lent/…` but its
//! owner, and, while the absence holds, whom it is lent to. Nothing is free in
//! `lent/…` after the alarm if no absence holds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use audit::Draft as Record;
use events::Place;
use identity::{AbsenceId, MemberId, Principal};
use journal::Change;
use ledger::mutant::{self, Mutant};
use ledger::{Account, Draft, Kind, Millicredits};
use serde::{Deserialize, Serialize};
use storage::{Row, Storage, StorageError};

use crate::Team;
use crate::absence::{self, Absences, After as AbsenceAfter};
use crate::protocol::{Absence, Balance, Lends, OrderError, Share};

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS lendings (
    member TEXT PRIMARY KEY,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

const PUT: &str = "INSERT INTO lendings (member, data) VALUES (?, ?)
    ON CONFLICT (member) DO UPDATE SET data = excluded.data";

/// The records by which somebody is told.
const BEGAN: &str = "absence_began";
const ENDED: &str = "absence_ended";

/// What a member lends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lending {
    /// Because of which absence.
    pub(crate) absence: AbsenceId,
    /// How much, and to whom, as it said when this was divided.
    pub(crate) lends: Lends,
    /// Whether others may spend it. If not, it goes back when calls end.
    pub(crate) is_on: bool,
    /// How much of the wallet was kept; to be divided anew if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept: Option<Millicredits>,
}

impl Lending {
    /// Nobody else spends it any more.
    fn off(&self) -> Self {
        Self { is_on: false, kept: None, ..self.clone() }
    }
}

/// What all members lend, or have lent.
#[derive(Debug, Default)]
pub(crate) struct Lendings {
    all: BTreeMap<MemberId, Lending>,
    /// When the alarm must look at it again: whatever may have changed
    /// something says at once, so that calls of others need not look.
    due_ms: Option<i64>,
}

/// What a member lends after a change that was not committed yet.
pub(crate) struct After {
    member: MemberId,
    lending: Lending,
    /// What there is then.
    pub(crate) left: Balance,
}

impl After {
    /// Whether it is lent because of this absence.
    pub(crate) fn is_under(&self, absence: AbsenceId) -> bool {
        self.lending.is_on && self.lending.absence == absence
    }
}

impl Lendings {
    pub(crate) fn load(store: &impl Storage, absences: &Absences) -> Result<Self, StorageError> {
        let rows = store.query("SELECT member, data FROM lendings", &[])?;
        let all: BTreeMap<_, Lending> = rows.iter().map(read).collect::<Result<_, _>>()?;
        let may_follow = absences.members().next().is_some() || all.values().any(|lending| lending.is_on);
        Ok(Self { all, due_ms: may_follow.then_some(0) })
    }

    /// Takes note of what was committed.
    pub(crate) fn note(&mut self, after: impl IntoIterator<Item = After>) {
        for After { member, lending, .. } in after {
            self.all.insert(member, lending);
        }
    }

    /// Whether others may spend what a member lends.
    fn is_on(&self, member: MemberId) -> bool {
        self.all.get(&member).is_some_and(|lending| lending.is_on)
    }
}

/// What is to be moved, and what is lent then.
struct Step {
    /// To what is lent, or from it if below zero.
    moves: Millicredits,
    lending: Lending,
}

impl<S: Storage> Team<S> {
    /// The accounts of others that pay for a member's calls: what is lent to
    /// them alone, or to everybody. First of those who are away the longest.
    pub(crate) fn lent_to(&self, now: i64, to: Option<MemberId>, caller: MemberId) -> Vec<Account> {
        let lends = |(owner, lending): (&MemberId, &Lending)| {
            let is_for = lending.lends.to == to || mutant::is_active(Mutant::LendToAll);
            if !(lending.is_on && is_for && *owner != caller) {
                return None;
            }
            let held = self.absences.holding(now, *owner).filter(|held| held.new.id == lending.absence)?;
            Some((Reverse(held.new.terms.until_ms.unwrap_or(i64::MAX)), *owner))
        };
        let mut owners: Vec<_> = self.lendings.all.iter().filter_map(lends).collect();
        owners.sort_unstable();
        owners.into_iter().map(|(_, owner)| Account::Lent(owner)).collect()
    }

    /// Whether a member has lent something.
    pub(crate) fn lends(&self, member: MemberId) -> bool {
        self.lendings.all.contains_key(&member)
    }

    /// What is a member's own, free, in the wallet and lent.
    pub(crate) fn own(&self, account: Account) -> Millicredits {
        match account {
            Account::Wallet(member) if self.lends(member) => {
                self.available(account).saturating_add(self.available(Account::Lent(member)))
            }
            _ => self.available(account),
        }
    }

    /// Takes note of what was committed.
    pub(crate) fn note_returned(&mut self, returned: impl IntoIterator<Item = Returned>) {
        for Returned { absences, lending } in returned {
            self.note_away(absences, lending);
        }
    }

    /// Does what follows from absences that began, ended or were changed, and
    /// from credits that came meanwhile.
    ///
    /// # Errors
    /// When the database fails; the alarm will ring again.
    pub(crate) fn lend(&mut self, now: i64) -> Result<(), StorageError> {
        let failed = |error: &dyn std::fmt::Display| StorageError::Sql(error.to_string());
        for member in self.away() {
            let (mut change, mut after) = (Change::new(), Vec::new());
            let lending = self.lend_for(now, member, &mut after, &mut change).map_err(|error| failed(&error))?;
            if lending.is_some() {
                self.commit(now, change).map_err(|error| failed(&error))?;
                self.note_away(after, lending);
            }
        }
        let past: Vec<Absence> = self.absences.past(now).cloned().collect();
        if !past.is_empty() {
            let mut change = Change::new();
            let over =
                past.into_iter().map(|past| absence::keep(&mut change, AbsenceAfter { absence: past, is_over: true }));
            let over = over.collect::<Result<Vec<_>, _>>().map_err(|error| failed(&error))?;
            self.commit(now, change).map_err(|error| failed(&error))?;
            self.absences.note(over);
        }
        self.lendings.due_ms = self.absences.next_turn(now);
        Ok(())
    }

    /// When there may be something to lend or to give back.
    pub(crate) const fn next_lending(&self) -> Option<i64> {
        self.lendings.due_ms
    }

    /// Takes note of what was committed about who is away.
    pub(crate) fn note_away(
        &mut self,
        absences: impl IntoIterator<Item = AbsenceAfter>,
        lending: impl IntoIterator<Item = After>,
    ) {
        let (mut absences, mut lending) = (absences.into_iter().peekable(), lending.into_iter().peekable());
        if absences.peek().is_some() || lending.peek().is_some() {
            self.lendings.due_ms = Some(0);
        }
        self.absences.note(absences);
        self.lendings.note(lending);
    }

    /// Credits have come free in wallets: whoever is away may lend them.
    pub(crate) fn note_free(&mut self, accounts: impl IntoIterator<Item = Account>) {
        let lends = |account| matches!(account, Account::Wallet(member) if self.lendings.is_on(member));
        if accounts.into_iter().any(lends) {
            self.lendings.due_ms = Some(0);
        }
    }

    /// Adds to a change what follows for a member, if anything does. `after`
    /// has the absences that the change is about, and gets more.
    pub(crate) fn lend_for(
        &self,
        now: i64,
        member: MemberId,
        after: &mut Vec<AbsenceAfter>,
        change: &mut Change,
    ) -> Result<Option<After>, OrderError> {
        let changed = after.iter().map(|after| &after.absence);
        let known = self.absences.of(member).filter(|known| changed.clone().all(|other| other.new.id != known.new.id));
        let holding = known.chain(changed.clone()).filter(|absence| absence.holds(now));
        let holding = holding.max_by_key(|absence| absence.new.id).cloned();
        let Some(Step { moves, lending }) = self.step(member, holding.as_ref()) else { return Ok(None) };

        let before = self.lendings.all.get(&member);
        let was = before.filter(|lending| lending.is_on).map(|lending| lending.absence);
        let is = lending.is_on.then_some(lending.absence);
        let told = match (was, is) {
            (was, Some(is)) if was != Some(is) => Some((BEGAN, is)),
            (Some(was), None) => Some((ENDED, was)),
            _ => None,
        };
        if let Some((name, absence)) = told {
            let record = Record::done(name, Principal::System);
            let (resource, reference) = (Some(member.to_string()), Some(absence.to_string()));
            change.audit(Record { resource, reference, ..record });
        }
        let (wallet, lent) = (Account::Wallet(member), Account::Lent(member));
        if moves != ZERO {
            let lends = moves > ZERO;
            let absence = before.filter(|_| !lends).map_or(lending.absence, |before| before.absence);
            let (kind, accounts) = if lends { (Kind::Lend, (wallet, lent)) } else { (Kind::Return, (lent, wallet)) };
            let amount = if lends { moves } else { ZERO.saturating_sub(moves) };
            change.post(draft(absence, kind, accounts, amount));
            self.count(now, absence, moves, after, change)?;
        }
        let left = Balance {
            balance: self.journal.balance(lent).saturating_add(moves),
            reserved: self.reserved(lent),
            available: self.available(lent).saturating_add(moves),
        };
        Ok(Some(put(change, member, lending, left)?))
    }

    /// Gives some of what a member has lent, and nobody has spent, back to
    /// their wallet. `anew`: what stays is to be divided again.
    pub(crate) fn fetch(
        &self,
        now: i64,
        (member, amount): (MemberId, Millicredits),
        anew: bool,
        change: &mut Change,
    ) -> Result<Option<Returned>, OrderError> {
        let Some(lending) = self.lendings.all.get(&member).filter(|_| amount > ZERO) else { return Ok(None) };
        let kept = lending.kept.filter(|_| !anew);
        let next = Lending { kept, ..lending.clone() };
        self.give_back(now, (member, lending), (Account::Wallet(member), amount), next, Vec::new(), change).map(Some)
    }

    /// What is left of what a member lent when they leave goes to `home`.
    /// `absences` are theirs, as they are then.
    pub(crate) fn leave_lending(
        &self,
        now: i64,
        (member, home): (MemberId, Account),
        absences: Vec<AbsenceAfter>,
        change: &mut Change,
    ) -> Result<Returned, OrderError> {
        let Some(lending) = self.lendings.all.get(&member) else { return Ok(Returned { absences, lending: None }) };
        let free = self.available(Account::Lent(member));
        self.give_back(now, (member, lending), (home, free), lending.off(), absences, change)
    }

    /// After something came free on what was lent by somebody who is back: it
    /// goes home. With `change` there is so much free.
    pub(crate) fn follow_lent(
        &self,
        now: i64,
        member: MemberId,
        free: Millicredits,
        change: &mut Change,
    ) -> Result<Option<Returned>, StorageError> {
        let back = self.lendings.all.get(&member).filter(|lending| !lending.is_on && free > ZERO);
        let Some(lending) = back else { return Ok(None) };
        let Some(profile) = self.profile() else { return Ok(None) };
        let home = self.home(Place { team: profile.team, member: Some(member) });
        let after = self.give_back(now, (member, lending), (home, free), lending.off(), Vec::new(), change);
        after.map(Some).map_err(|error| StorageError::Sql(error.to_string()))
    }

    /// Adds to a change that some of what was lent goes home, and what is lent
    /// then.
    fn give_back(
        &self,
        now: i64,
        (member, lending): (MemberId, &Lending),
        (home, amount): (Account, Millicredits),
        next: Lending,
        mut absences: Vec<AbsenceAfter>,
        change: &mut Change,
    ) -> Result<Returned, OrderError> {
        if amount > ZERO {
            change.post(draft(lending.absence, Kind::Return, (Account::Lent(member), home), amount));
            self.count(now, lending.absence, ZERO.saturating_sub(amount), &mut absences, change)?;
        }
        let lending = Some(put(change, member, next, Balance::default())?);
        Ok(Returned { absences, lending })
    }

    /// What is to be done for a member who is away because of an absence, or
    /// because of none; `None` if nothing is.
    fn step(&self, member: MemberId, holding: Option<&Absence>) -> Option<Step> {
        let state = self.lendings.all.get(&member);
        let lends = holding.filter(|held| held.new.terms.lends.share != Share::Nothing && self.is_here(member).is_ok());
        let (wallet, lent) = (self.available(Account::Wallet(member)).max(ZERO), Account::Lent(member));
        let free = self.available(lent).max(ZERO);
        match (state, lends) {
            (None, None) => None,
            (Some(state), None) => {
                let free = if mutant::is_active(Mutant::KeepLent) { ZERO } else { free };
                let is_done = !state.is_on && free == ZERO;
                (!is_done).then(|| Step { moves: ZERO.saturating_sub(free), lending: state.off() })
            }
            (state, Some(held)) => {
                let (absence, lends) = (held.new.id, held.new.terms.lends);
                let goes_on = state.filter(|state| state.is_on && state.absence == absence && state.lends == lends);
                let kept = goes_on.and_then(|state| state.kept);
                let (moves, kept) = match kept {
                    Some(kept) => {
                        let more = arrived(lends.share, wallet, kept);
                        (more, if more > ZERO { wallet.saturating_sub(more) } else { kept })
                    }
                    None => {
                        let idle = wallet.saturating_add(free);
                        let share = lends.share.of(idle);
                        (share.saturating_sub(free), idle.saturating_sub(share))
                    }
                };
                let lending = Lending { absence, lends, is_on: true, kept: Some(kept) };
                let is_done = moves == ZERO && state == Some(&lending);
                (!is_done).then_some(Step { moves, lending })
            }
        }
    }

    /// Counts on an absence what was lent under it, or has come back.
    fn count(
        &self,
        now: i64,
        id: AbsenceId,
        moves: Millicredits,
        after: &mut Vec<AbsenceAfter>,
        change: &mut Change,
    ) -> Result<(), OrderError> {
        let at = after.iter().position(|after| after.absence.new.id == id);
        let known = match at {
            Some(at) => Some(after.swap_remove(at)),
            None => {
                self.find_absence(id)?.map(|absence| AbsenceAfter { is_over: self.is_over(now, &absence), absence })
            }
        };
        let Some(AbsenceAfter { mut absence, is_over }) = known else { return Ok(()) };
        if moves > ZERO {
            absence.lent = absence.lent.saturating_add(moves);
        } else {
            absence.returned = absence.returned.saturating_sub(moves);
        }
        after.push(absence::keep(change, AbsenceAfter { absence, is_over })?);
        Ok(())
    }

    /// Everybody of whom something may follow.
    fn away(&self) -> BTreeSet<MemberId> {
        let lenders = self.lendings.all.keys().copied().filter(|&member| self.lendings.is_on(member));
        self.absences.members().chain(lenders).collect()
    }
}

/// What a change is that gives back some of what was lent.
pub(crate) struct Returned {
    absences: Vec<AbsenceAfter>,
    lending: Option<After>,
}

const ZERO: Millicredits = Millicredits::ZERO;

/// How much is lent of what came into a wallet beyond what was kept of it.
fn arrived(share: Share, wallet: Millicredits, kept: Millicredits) -> Millicredits {
    match share {
        Share::Above { .. } => share.of(wallet),
        _ => share.of(wallet.saturating_sub(kept)),
    }
}

fn put(change: &mut Change, member: MemberId, lending: Lending, left: Balance) -> Result<After, OrderError> {
    let data = serde_json::to_string(&lending).map_err(|_| OrderError::Storage)?;
    change.write(PUT, vec![member.to_string().into(), data.into()]);
    Ok(After { member, lending, left })
}

fn read(row: &Row) -> Result<(MemberId, Lending), StorageError> {
    let corrupt = |error: serde_json::Error| StorageError::Corrupt { what: "lending", error: error.to_string() };
    Ok((row.parse(0, "lending")?, serde_json::from_str(row.text(1)?).map_err(corrupt)?))
}

fn draft(absence: AbsenceId, kind: Kind, (debit, credit): (Account, Account), amount: Millicredits) -> Draft {
    let reference = absence.to_string();
    Draft { kind, debit, credit, amount, reference, who: Principal::System, call: None, note: None }
}
