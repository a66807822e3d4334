//! A team's actor under audit: credits between people, pools and teams.

use std::collections::BTreeMap;

use events::{MemberStatus, Message, Passage, Place};
use identity::{ApprovalId, MemberId, Principal, TransferId};
use ledger::{Account, Entry, Kind, Millicredits};
use team::protocol::{NewTransfer, Order, OrderError};

use super::Step;
use super::absences;
use super::team::TeamAudit;
use super::team_orders::one_entry;
use super::transfers::Transfers;
use super::{outbox, rows};
use crate::tally::Tally;
use crate::violation::{Checked, ensure, violated};

/// A transfer that has an end in the team.
#[derive(Debug, Clone)]
struct Known {
    from: Place,
    to: Place,
    amount: Millicredits,
    undone: i128,
    undo_until_ms: i64,
    time_ms: i64,
    /// It was refused over there and has come back.
    is_back: bool,
}

/// All of them.
#[derive(Default)]
pub(super) struct Sharing {
    known: BTreeMap<TransferId, Known>,
}

impl TeamAudit {
    pub(super) fn transferred(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        transfers: &mut Transfers,
        who: Principal,
        new: &NewTransfer,
        entries: &[Entry],
    ) -> Checked {
        let NewTransfer { id, from, to, amount, ref note, undo_ms, .. } = *new;
        let first = !self.sharing.known.contains_key(&id);
        ensure(first && from.team == self.place.team, "a transfer begins once, in its own team", || {
            format!("{new:?}")
        })?;
        let (time_ms, undo_until_ms) = (step.now, step.now + undo_ms);
        let (undone, is_back) = (0, false);
        let known = Known { from, to, amount, undone, undo_until_ms, time_ms, is_back };
        self.sharing.known.insert(id, known);
        let reference = id.to_string();
        if to.team == self.place.team {
            tally.count("transfer: in the team");
            let gone = to.member.is_some_and(|member| !self.is_member(member));
            ensure(!gone, "only who is here gets credits", || format!("{new:?}"))?;
            return one_entry(entries, Kind::Transfer, (from.account(), to.account()), amount, &reference);
        }
        tally.count("transfer: to another team");
        one_entry(entries, Kind::Transfer, (from.account(), Account::Parent), amount, &reference)?;
        let note = note.clone();
        let passage = Passage { transfer: id, undoes: false, from, to, amount, who, note, time_ms, undo_until_ms };
        transfers.leaves(self.place.organization, &passage, step.disk)
    }

    /// What was approved is carried out, or cannot be.
    pub(super) fn carried_out(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        transfers: &mut Transfers,
        (approval, passage): (ApprovalId, &Passage),
        entries: &[Entry],
    ) -> Checked {
        let told = Message::CarriedOut { approval, team: self.place.team, failed: None };
        let failed = match outbox::about(step.disk, &approval)?.as_slice() {
            [Message::CarriedOut { failed, .. }] => failed.clone(),
            other => return violated("what came of it is told once", format!("{told:?}: {other:?}")),
        };
        transfers.approved.carried(self.place.organization, approval, passage, failed.is_none())?;
        let Passage { transfer: id, from, to, amount, ref note, who, .. } = *passage;
        if failed.is_some() {
            tally.count("approval: could not be carried out");
            let gone = to.team == self.place.team && to.member.is_some_and(|member| !self.is_member(member));
            let lacks = self.available(from.account()) < amount.get().into();
            ensure(gone || lacks, "not carried out for a reason", || format!("{failed:?} of {passage:?}"))?;
            return ensure(entries.is_empty(), "what was refused changed nothing", || format!("{passage:?}"));
        }
        tally.count("approval: carried out");
        let undo_ms = passage.undo_until_ms - passage.time_ms;
        let new = NewTransfer { id, from, to, amount, note: note.clone(), undo_ms, sent_today: None };
        self.transferred((step, tally), transfers, who, &new, entries)
    }

    pub(super) fn undone(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        transfers: &mut Transfers,
        order: &Order,
        id: TransferId,
        entries: &[Entry],
    ) -> Checked {
        let (fetched, entries): (Vec<Entry>, Vec<Entry>) = entries.iter().cloned().partition(absences::is_back);
        let [entry] = entries.as_slice() else {
            return violated("an undo is one entry", format!("{id}: {entries:?}"));
        };
        if let [back] = fetched.as_slice() {
            let Account::Lent(member) = back.debit else { return Ok(()) };
            self.fetched(tally, member, false);
            let fine = entry.debit == Account::Wallet(member)
                && back.credit == entry.debit
                && back.amount <= entry.amount
                && self.available(entry.debit) == 0;
            ensure(fine, "no more is fetched back than lacks", || format!("{back:?}, {entry:?}"))?;
        }
        ensure(fetched.len() <= 1, "what lacks is fetched once", || format!("{fetched:?}"))?;
        let entries = entries.as_slice();
        let amount = entry.amount;
        let Some(known) = self.sharing.known.get_mut(&id) else {
            return violated("only what was transferred is undone", id.to_string());
        };
        known.undone += i128::from(amount.get());
        let known = known.clone();
        ensure(
            known.undone <= known.amount.get().into() && amount.get() > 0,
            "no more is undone than was sent",
            || format!("{id}: {known:?}"),
        )?;
        ensure(step.now <= known.undo_until_ms, "nothing is undone for ever", || format!("{id}: {known:?}"))?;
        ensure(known.to.team == self.place.team, "undone where the credits are", || format!("{id}: {known:?}"))?;
        tally.count("transfer: undone");
        let reference = id.to_string();
        if known.from.team == self.place.team {
            let home = self.home(known.from);
            return one_entry(entries, Kind::Undo, (known.to.account(), home), amount, &reference);
        }
        one_entry(entries, Kind::Undo, (known.to.account(), Account::Parent), amount, &reference)?;
        let passage = Passage {
            transfer: id,
            undoes: true,
            from: known.to,
            to: known.from,
            amount,
            who: order.who,
            note: None,
            time_ms: known.time_ms,
            undo_until_ms: known.undo_until_ms,
        };
        transfers.leaves(self.place.organization, &passage, step.disk)
    }

    /// What another team sent, or could not take.
    pub(super) fn passage(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        transfers: &mut Transfers,
        message: &Message,
        new: &[Entry],
    ) -> Checked {
        let organization = self.place.organization;
        match message {
            Message::Transfer(passage) if passage.undoes => {
                tally.count("transfer: undone over there");
                if let Some(known) = self.sharing.known.get_mut(&passage.transfer) {
                    known.undone += i128::from(passage.amount.get());
                }
                self.comes_in(new, Kind::Undo, self.home(passage.to), passage)?;
                transfers.comes(organization, passage)
            }
            Message::Transfer(passage) if new.is_empty() => {
                tally.count("transfer: refused");
                let gone = passage.to.member.is_some_and(|member| !self.is_member(member));
                ensure(gone, "who is here gets what was sent", || format!("{passage:?}"))?;
                let sql = "SELECT message FROM outbox WHERE message LIKE '%' || ? || '%' ORDER BY number DESC LIMIT 1";
                let told = rows::text(step.disk, sql, &passage.transfer.to_string())?;
                ensure(told.is_some_and(|told| told.contains("refused")), "who refuses says so", || {
                    format!("{passage:?}")
                })
            }
            Message::Transfer(passage) => {
                tally.count("transfer: from another team");
                let gone = passage.to.member.is_some_and(|member| !self.is_member(member));
                ensure(!gone, "only who is here gets credits", || format!("{passage:?}"))?;
                let Passage { transfer, from, to, amount, time_ms, undo_until_ms, .. } = *passage;
                let (undone, is_back) = (0, false);
                let known = Known { from, to, amount, undone, undo_until_ms, time_ms, is_back };
                self.sharing.known.insert(transfer, known);
                self.comes_in(new, Kind::Transfer, to.account(), passage)?;
                transfers.comes(organization, passage)
            }
            Message::Refused { passage, .. } => {
                tally.count("transfer: came back");
                if let Some(known) = self.sharing.known.get_mut(&passage.transfer) {
                    ensure(!known.is_back, "a transfer comes back once", || format!("{passage:?}"))?;
                    known.is_back = true;
                }
                self.comes_in(new, Kind::Undo, self.home(passage.from), passage)?;
                transfers.comes(organization, passage)
            }
            _ => Ok(()),
        }
    }

    /// Whether a transfer or an undo was refused for a reason that is one.
    pub(super) fn sharing_refused(&self, step: &Step<'_>, order: &Order, error: &OrderError) -> Checked<bool> {
        use team::protocol::Act;
        let known = match &order.act {
            Act::UndoTransfer { transfer, .. } => self.sharing.known.get(transfer),
            Act::Transfer(new) => self.sharing.known.get(&new.id),
            _ => return Ok(false),
        };
        let fine = match (&order.act, error) {
            (Act::Transfer(new), OrderError::Conflict { .. }) => {
                known.is_some() || new.to.member.is_some_and(|member| !self.is_member(member))
            }
            (Act::Transfer(new), OrderError::SentMeanwhile { .. }) => new.sent_today.is_some(),
            (Act::UndoTransfer { .. }, OrderError::Conflict { .. }) => {
                known.is_some_and(|known| known.undone == known.amount.get().into())
            }
            (Act::UndoTransfer { .. }, OrderError::TooLate { until_ms }) => {
                known.is_some_and(|known| known.undo_until_ms == *until_ms) && step.now > *until_ms
            }
            (Act::UndoTransfer { .. }, OrderError::PartlySpent { undoable }) => known.is_some_and(|known| {
                let left = i128::from(known.amount.get()) - known.undone;
                i128::from(undoable.get()) == self.own(known.to.account()).min(left)
            }),
            _ => return Ok(false),
        };
        ensure(fine, "refused for a reason", || format!("{error:?} to {order:?}, {known:?}"))?;
        Ok(true)
    }

    fn comes_in(&self, new: &[Entry], kind: Kind, to: Account, passage: &Passage) -> Checked {
        one_entry(new, kind, (Account::Parent, to), passage.amount, &passage.transfer.to_string())
    }

    fn is_member(&self, member: MemberId) -> bool {
        let known = self.access.members.get(&member);
        known.is_some_and(|known| known.status != MemberStatus::Removed)
    }

    pub(super) fn home(&self, place: Place) -> Account {
        let known = place.member.and_then(|member| self.access.members.get(&member));
        match known {
            Some(known) if known.status != MemberStatus::Removed || known.keeps_credits => place.account(),
            _ => Account::Pool,
        }
    }
}
