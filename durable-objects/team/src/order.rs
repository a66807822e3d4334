//! Acts of management: recognised when repeated, committed whole.

use events::Message;
use identity::TransferId;
use journal::{Change, CommitError, Remembered, Tag};
use ledger::{Account, BooksError, Draft, Kind, Millicredits};
use storage::Storage;

use crate::Team;
use crate::protocol::{Act, Moved, Order, OrderError, Reply, limit_tag};

impl<S: Storage> Team<S> {
    /// Does what was ordered, once for each idempotency key.
    ///
    /// # Errors
    /// [`OrderError`]; nothing has changed.
    pub fn order(&mut self, now: i64, order: &Order) -> Result<Reply, OrderError> {
        if self.records.profile.is_none() {
            return Err(OrderError::NotOpen);
        }
        if let Some(idempotency) = &order.idempotency {
            let known = self.journal.recall(&idempotency.key, &idempotency.fingerprint);
            match known.map_err(|_| OrderError::Storage)? {
                Remembered::New => {}
                Remembered::Same(reply) => return serde_json::from_str(&reply).map_err(|_| OrderError::Storage),
                Remembered::Different => {
                    return Err(OrderError::IdempotencyConflict { key: idempotency.key.clone() });
                }
            }
        }
        let outcome = self.is_meant_for(order).and_then(|()| self.carry_out(now, order));
        if let Err(error) = &outcome
            && *error != OrderError::Storage
        {
            // What was refused changed nothing, but is known.
            let mut change = Change::new();
            change.audit(Self::failed(order, error));
            self.commit(now, change).map_err(|_| OrderError::Storage)?;
        }
        outcome
    }

    /// Compares what is there with what the order was meant for, in the step
    /// that carries it out. Of what is not there, the order itself says so.
    fn is_meant_for(&self, order: &Order) -> Result<(), OrderError> {
        let current = match &order.act {
            Act::ChangeLimit { limit_id, .. } | Act::RemoveLimit { limit_id } => {
                self.records.limits.get(limit_id).map(|set| limit_tag(set.id, set.subject, &set.limit))
            }
            Act::RotateKey { key, .. } | Act::RevokeKey { key } => self.records.keys.get(key).map(Tag::of),
            Act::CreateKey(_)
            | Act::CreateLimit { .. }
            | Act::Allot { .. }
            | Act::Return { .. }
            | Act::Transfer(_)
            | Act::UndoTransfer { .. }
            | Act::Boost(_)
            | Act::EndBoost { .. }
            | Act::Absence(_)
            | Act::CalendarAbsences(_) => None,
            Act::ChangeAbsence { absence, .. } | Act::EndAbsence { absence } => {
                self.find_absence(*absence)?.map(|absence| absence.tag())
            }
        };
        match (current, &order.if_match) {
            (Some(tag), Some(tags)) if !tags.contains(&tag) => Err(OrderError::Stale { tag }),
            _ => Ok(()),
        }
    }

    fn carry_out(&mut self, now: i64, order: &Order) -> Result<Reply, OrderError> {
        match &order.act {
            Act::CreateKey(key) => self.create_key(now, order, key),
            Act::RotateKey { key, hash, hint, grace_ms } => self.rotate_key(now, order, *key, *hash, hint, *grace_ms),
            Act::RevokeKey { key } => self.revoke_key(now, order, *key),
            Act::CreateLimit { limit_id, subject, limit } => self.create_limit(now, order, *limit_id, *subject, *limit),
            Act::ChangeLimit { limit_id, limit } => self.change_limit(now, order, *limit_id, *limit),
            Act::RemoveLimit { limit_id } => self.remove_limit(now, order, *limit_id),
            Act::Allot { transfer, from, to, amount, note } => {
                self.allot(now, order, (*transfer, *from, *to, *amount), note.clone())
            }
            Act::Transfer(new) => self.transfer(now, order, new),
            Act::UndoTransfer { transfer, amount } => self.undo_transfer(now, order, *transfer, *amount),
            Act::Boost(new) => self.boost(now, order, new),
            Act::EndBoost { boost } => self.end_boost(now, order, *boost),
            Act::Absence(new) => self.begin_absence(now, order, new),
            Act::ChangeAbsence { absence, terms } => self.change_absence(now, order, *absence, terms),
            Act::EndAbsence { absence } => self.end_absence(now, order, *absence),
            Act::CalendarAbsences(said) => self.keep_calendar(now, order, said),
            Act::Return { transfer, amount, note } => self.return_up(now, order, *transfer, *amount, note.clone()),
        }
    }

    /// Credits between the pool and a wallet.
    fn allot(
        &mut self,
        now: i64,
        order: &Order,
        (transfer, from, to, amount): (TransferId, Account, Account, Millicredits),
        note: Option<String>,
    ) -> Result<Reply, OrderError> {
        for account in [from, to] {
            match account {
                Account::Pool => {}
                Account::Wallet(member) if self.records.members.contains_key(&member) => {}
                Account::Wallet(member) => return Err(not_found("member", member)),
                other => return Err(invalid(&format!("credits cannot be allotted from or to `{other}`"))),
            }
        }
        if let Account::Wallet(member) = to {
            self.is_here(member)?;
        }
        if from == to {
            return Err(invalid("an allotment needs two different accounts"));
        }
        self.payable(from, amount)?;
        let kind = if to == Account::Pool { Kind::Return } else { Kind::Allot };
        let mut change = Change::new();
        change.post(Draft {
            kind,
            debit: from,
            credit: to,
            amount,
            reference: transfer.to_string(),
            who: order.who,
            call: None,
            note,
        });
        let from_available = self.available(from).saturating_sub(amount);
        let moved = Moved { transfer, amount, from, from_available, to, time_ms: now };
        self.finish(now, order, change, Reply::Moved(moved))
    }

    /// Credits from the pool back to the department.
    fn return_up(
        &mut self,
        now: i64,
        order: &Order,
        transfer: TransferId,
        amount: Millicredits,
        note: Option<String>,
    ) -> Result<Reply, OrderError> {
        self.payable(Account::Pool, amount)?;
        let profile = self.records.profile.as_ref().ok_or(OrderError::NotOpen)?;
        let (team, who) = (profile.team, order.who);
        let mut change = Change::new();
        let message = Message::Return { team, transfer, amount, who, note: note.clone() };
        change.send(profile.organization.to_string(), message);
        change.post(Draft {
            kind: Kind::Return,
            debit: Account::Pool,
            credit: Account::Parent,
            amount,
            reference: transfer.to_string(),
            who,
            call: None,
            note,
        });
        let (from, to) = (Account::Pool, Account::Parent);
        let from_available = self.available(from).saturating_sub(amount);
        let moved = Moved { transfer, amount, from, from_available, to, time_ms: now };
        self.finish(now, order, change, Reply::Moved(moved))
    }

    /// Whether an account can give so much beside what is reserved.
    pub(crate) fn payable(&self, account: Account, amount: Millicredits) -> Result<(), OrderError> {
        if amount <= Millicredits::ZERO {
            return Err(invalid(&format!("`{amount}` is not an amount to move: it must be above zero")));
        }
        let left = self.available(account);
        if left < amount {
            return Err(OrderError::InsufficientFunds { account, left, needed: amount });
        }
        Ok(())
    }

    /// Commits a change with its record and the memory of its reply.
    pub(crate) fn finish(
        &mut self,
        now: i64,
        order: &Order,
        mut change: Change,
        reply: Reply,
    ) -> Result<Reply, OrderError> {
        change.audit(self.done(order, &reply));
        if let Some(idempotency) = &order.idempotency {
            let text = serde_json::to_string(&reply).map_err(|_| OrderError::Storage)?;
            change.remember(&idempotency.key, &idempotency.fingerprint, text);
        }
        match self.commit(now, change) {
            Ok(_) => Ok(reply),
            Err(CommitError::Books(BooksError::Insufficient { account, balance, amount })) => {
                Err(OrderError::InsufficientFunds { account, left: balance, needed: amount })
            }
            Err(CommitError::Books(error)) => Err(invalid(&error.to_string())),
            Err(CommitError::Storage(_)) => Err(OrderError::Storage),
        }
    }
}

pub(crate) fn not_found(what: &str, id: impl ToString) -> OrderError {
    OrderError::NotFound { what: what.to_owned(), id: id.to_string() }
}

pub(crate) fn invalid(message: &str) -> OrderError {
    OrderError::Invalid { message: message.to_owned() }
}
