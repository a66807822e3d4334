//! A call has ended, goes on, or is heard of after it was given up.

use std::collections::BTreeSet;

use journal::{Change, CommitError};
use ledger::mutant::{self, Mutant};
use ledger::{Account, CallRecord, Draft, Kind, Metered, Millicredits, Outcome, Part, Reservation, State, payment};
use limits::Spend;
use storage::{Storage, StorageError, Value};

use crate::Team;
use crate::boost::After;
use crate::funds;
use crate::lending::Returned;
use crate::protocol::{Progress, Settle, SettleError, Settled, Tokens};
use crate::reserve::{LEASE_MS, bounded};
use crate::team::{reserved_spend, write_reservation};

const UPDATE: &str = "UPDATE reservations SET state = ?, data = ? WHERE id = ?";

/// What goes back with the end of a call.
#[derive(Default)]
struct Followed {
    boosts: Vec<After>,
    lendings: Vec<Returned>,
}

/// How a reservation ends: the same for settle, release and expire.
pub(crate) struct End {
    pub(crate) kind: Kind,
    pub(crate) outcome: Outcome,
    pub(crate) metered: Metered,
    pub(crate) cost: Millicredits,
    pub(crate) tokens: Tokens,
    pub(crate) reconcile: bool,
    pub(crate) ended_ago_ms: i64,
}

impl End {
    /// What a settle says. Where nothing was metered nothing is paid, whatever
    /// else it says.
    fn of(call: &Settle) -> Self {
        let (outcome, metered, reconcile) = (call.outcome, call.metered, call.reconcile);
        let ended_ago_ms = call.ended_ago_ms.max(0);
        if metered == Metered::Nothing {
            let (cost, tokens) = (Millicredits::ZERO, Tokens::default());
            return Self { kind: Kind::Release, outcome, metered, cost, tokens, reconcile, ended_ago_ms };
        }
        let Tokens { input, cached, output, reasoning } = call.tokens;
        let tokens = Tokens {
            input: bounded(input),
            cached: bounded(cached),
            output: bounded(output),
            reasoning: bounded(reasoning),
        };
        Self { kind: Kind::Settle, outcome, metered, cost: call.cost, tokens, reconcile, ended_ago_ms }
    }
}

impl<S: Storage> Team<S> {
    /// Ends a call: pays it, or lets go of what was reserved. A repetition
    /// changes nothing and gets the first answer; a call that had expired is
    /// corrected, once.
    ///
    /// # Errors
    /// [`SettleError`]; nothing has changed.
    pub fn settle(&mut self, now: i64, call: &Settle) -> Result<Settled, SettleError> {
        if call.cost.is_negative() {
            return Err(SettleError::NegativeCost);
        }
        let reservation = self.reservation(call.request).map_err(|_| SettleError::Storage)?;
        let reservation = reservation.ok_or(SettleError::UnknownReservation)?;
        let end = End::of(call);
        let done = match &reservation.state {
            State::Open => self.end(now, &reservation, &end),
            State::Settled { .. } | State::Released if mutant::is_active(Mutant::SettleTwice) => {
                self.end(now, &reservation, &end)
            }
            State::Settled { .. } | State::Released => return Ok(self.settled(now, &reservation, false)),
            State::Expired { paid } => self.correct(now, &reservation, paid, &end),
        };
        done.map(|ended| self.settled(now, &ended, true)).map_err(|_| SettleError::Storage)
    }

    /// Keeps a call alive and notes what it has cost so far.
    ///
    /// # Errors
    /// When the database fails; the reservation is as it was.
    pub fn progress(&mut self, now: i64, call: &Progress) -> Result<(), StorageError> {
        let Some(open) = self.open.get(&call.request) else {
            return Ok(());
        };
        let mut next = open.clone();
        next.expires_ms = next.expires_ms.max(now.saturating_add(LEASE_MS));
        if call.due > next.due {
            (next.due, next.due_tokens) = (call.due, bounded(call.due_tokens));
        }
        self.journal.store().execute(UPDATE, &row("open", &next)?)?;
        self.open.insert(call.request, next);
        Ok(())
    }

    /// Ends an open reservation in one transaction.
    pub(crate) fn end(&mut self, now: i64, reservation: &Reservation, end: &End) -> Result<Reservation, CommitError> {
        let spare = self.liable(now, reservation.member);
        let paid = payment::charge(&reservation.parts, &spare, end.cost);
        let beyond = end.cost > reservation.amount();
        let mut ended = reservation.clone();
        let name = match end.kind {
            Kind::Release => {
                ended.state = State::Released;
                "released"
            }
            Kind::Expire => {
                ended.state = State::Expired { paid: paid.clone() };
                "expired"
            }
            _ => {
                ended.state = State::Settled { paid: paid.clone() };
                "settled"
            }
        };
        let record = self.record(now, reservation, end, end.reconcile || beyond);
        let mut change = Change::new();
        let debit = reservation.parts.first().map_or(Account::Wallet(reservation.member), |part| part.account);
        post(&mut change, reservation, end.kind, &paid, debit, record);
        let wallet = Account::Wallet(reservation.member);
        let left =
            self.available(wallet).saturating_add(of(&reservation.parts, wallet)).saturating_sub(of(&paid, wallet));
        self.follow(&mut change, reservation.member, left);
        let followed = self.follow_apart(now, &reservation.parts, &paid, &mut change)?;
        change.write(UPDATE, row(name, &ended)?);
        self.commit(now, change)?;
        self.note_followed(followed);

        self.open.remove(&reservation.request);
        funds::release(&mut self.reserved, &reservation.parts);
        self.note_free(reservation.parts.iter().map(|part| part.account));
        let bounds = *self.calendar.at(now.max(reservation.accepted_ms));
        let actual = match end.kind {
            Kind::Release => Spend::ZERO,
            _ => Spend { credits: end.cost, tokens: sum(end.tokens), requests: 1 },
        };
        for subject in Self::subjects(reservation) {
            let meter = self.meters.entry(subject).or_default();
            meter.settle(reservation.accepted_ms, reserved_spend(reservation), actual, &bounds);
        }
        let draws = [of(&reservation.parts, Account::Pool), of(&paid, Account::Pool)];
        self.draws.settle(reservation.member, reservation.accepted_ms, draws, &bounds);
        self.prune_at.get_or_insert(now.saturating_add(crate::upkeep::KEEP_ENDED_MS));
        Ok(ended)
    }

    /// A late settle of a call that had expired: pays the difference or gives
    /// it back. The entry's token counts are differences too, so that sums
    /// over entries come out right.
    fn correct(
        &mut self,
        now: i64,
        reservation: &Reservation,
        posted: &[Part],
        end: &End,
    ) -> Result<Reservation, CommitError> {
        let before = payment::total(posted);
        let mut paid = posted.to_vec();
        let mut change = Change::new();
        let mut followed = Followed::default();
        let mut record = self.record(now, reservation, end, end.reconcile);
        record.input_tokens = record.input_tokens.saturating_sub(reservation.due_tokens);
        record.cost = end.cost.saturating_sub(before);
        let tokens = record.input_tokens.saturating_add(record.output_tokens);
        if end.cost >= before {
            let more = payment::charge(&[], &self.liable(now, reservation.member), end.cost.saturating_sub(before));
            let debit = Account::Wallet(reservation.member);
            post(&mut change, reservation, Kind::Correct, &more, debit, record);
            followed = self.follow_apart(now, &[], &more, &mut change)?;
            more.into_iter().for_each(|part| payment::add(&mut paid, part));
        } else {
            let (back, kept) = payment::refund(posted, before.saturating_sub(end.cost));
            let wallet = Account::Wallet(reservation.member);
            let left = self.available(wallet).saturating_add(of(&back, wallet));
            let mut record = Some(record);
            for &part in &back {
                let draft = draft(reservation, Kind::Correct, part.amount, record.take());
                change.post(Draft { debit: Account::Spent, credit: part.account, ..draft });
            }
            self.follow(&mut change, reservation.member, left);
            for part in back {
                let left = (self.available(part.account).saturating_add(part.amount), self.reserved(part.account));
                self.follow_account(now, part.account, left, &mut change, &mut followed)?;
            }
            paid = kept;
        }
        let drawn = of(&paid, Account::Pool).saturating_sub(of(posted, Account::Pool));
        let mut ended = reservation.clone();
        ended.state = State::Settled { paid };
        change.write(UPDATE, row("settled", &ended)?);
        self.commit(now, change)?;
        self.note_followed(followed);

        let bounds = *self.calendar.at(now.max(reservation.accepted_ms));
        let delta = Spend { credits: end.cost.saturating_sub(before), tokens, requests: 0 };
        for subject in Self::subjects(reservation) {
            self.meters.entry(subject).or_default().correct(reservation.accepted_ms, delta, &bounds);
        }
        self.draws.correct(reservation.member, reservation.accepted_ms, drawn, &bounds);
        Ok(ended)
    }

    /// What a call that ends had reserved, and did not use, of boosts that have
    /// ended and of what somebody lent who is back, goes back.
    fn follow_apart(
        &self,
        now: i64,
        reserved: &[Part],
        paid: &[Part],
        change: &mut Change,
    ) -> Result<Followed, StorageError> {
        let accounts: BTreeSet<Account> = reserved.iter().chain(paid).map(|part| part.account).collect();
        let mut after = Followed::default();
        for account in accounts {
            let (had, pays) = (of(reserved, account), of(paid, account));
            let free = self.available(account).saturating_add(had).saturating_sub(pays);
            let left = (free, self.reserved(account).saturating_sub(had));
            self.follow_account(now, account, left, change, &mut after)?;
        }
        Ok(after)
    }

    fn follow_account(
        &self,
        now: i64,
        account: Account,
        left: (Millicredits, Millicredits),
        change: &mut Change,
        after: &mut Followed,
    ) -> Result<(), StorageError> {
        if let Account::Lent(member) = account {
            after.lendings.extend(self.follow_lent(now, member, left.0, change)?);
        }
        after.boosts.extend(self.follow_boost(now, account, left, change)?);
        Ok(())
    }

    fn note_followed(&mut self, followed: Followed) {
        self.boosts.note(followed.boosts);
        self.note_returned(followed.lendings);
    }

    fn record(&self, now: i64, reservation: &Reservation, end: &End, reconcile: bool) -> CallRecord {
        CallRecord {
            member: reservation.member,
            key: reservation.key,
            model: reservation.model.clone(),
            provider: reservation.provider.clone(),
            tag: reservation.tag.clone(),
            accepted_ms: reservation.accepted_ms,
            duration_ms: now.saturating_sub(end.ended_ago_ms).saturating_sub(reservation.accepted_ms).max(0),
            input_tokens: end.tokens.input,
            cached_tokens: end.tokens.cached,
            output_tokens: end.tokens.output,
            reasoning_tokens: end.tokens.reasoning,
            cost: end.cost,
            outcome: end.outcome,
            metered: end.metered,
            reconcile,
        }
    }

    fn settled(&self, now: i64, reservation: &Reservation, changed: bool) -> Settled {
        Settled { cost: reservation.cost(), balance: payment::total(&self.payers(now, reservation.member)), changed }
    }
}

/// The entries of a call's end: one for each payer, the call's record on the
/// first; one of amount zero from `debit` when nobody pays, so that every
/// call's end is in the journal.
fn post(change: &mut Change, reservation: &Reservation, kind: Kind, paid: &[Part], debit: Account, record: CallRecord) {
    let nothing = [Part { account: debit, amount: Millicredits::ZERO }];
    let parts = if paid.is_empty() { &nothing } else { paid };
    let mut record = Some(record);
    for part in parts {
        let draft = draft(reservation, kind, part.amount, record.take());
        change.post(Draft { debit: part.account, credit: Account::Spent, ..draft });
    }
}

fn draft(reservation: &Reservation, kind: Kind, amount: Millicredits, call: Option<CallRecord>) -> Draft {
    Draft {
        kind,
        debit: Account::Spent,
        credit: Account::Spent,
        amount,
        reference: reservation.request.to_string(),
        who: identity::Principal::Member(reservation.member, reservation.key),
        call,
        note: None,
    }
}

fn row(state: &str, reservation: &Reservation) -> Result<Vec<Value>, StorageError> {
    Ok(vec![state.into(), write_reservation(reservation)?.into(), reservation.request.to_string().into()])
}

/// What an account has in some parts.
pub(crate) fn of(parts: &[Part], account: Account) -> Millicredits {
    let own = parts.iter().filter(|part| part.account == account);
    own.fold(Millicredits::ZERO, |sum, part| sum.saturating_add(part.amount))
}

fn sum(tokens: Tokens) -> i64 {
    tokens.input.saturating_add(tokens.output)
}
