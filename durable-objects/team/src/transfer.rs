//! Credits between people, pools and teams.
//!
//! Within the team a transfer is one entry. To another team the credits leave
//! to the parent, in the same step in which the message that brings them is
//! written: they are with the sender, in that message, or with the receiver,
//! and never in two of these places nor in none. Who cannot take them says so,
//! and they come back by the same way.
//!
//! What somebody writes to it stands beside the entries, which are for ever: it
//! goes when they are erased.

use events::{MemberStatus, Message, Passage, Place};
use identity::{ApprovalId, MemberId, Principal, TransferId};
use journal::Change;
use ledger::mutant::{self, Mutant};
use ledger::{Account, Draft, Kind, Millicredits};
use limits::Window;
use storage::{Row, Storage, StorageError, Value};

use crate::Team;
use crate::order::{invalid, not_found};
use crate::protocol::{
    Direction, NewTransfer, Order, OrderError, Reply, Transfer, TransferFilter, TransferStatus, Transferred,
};

/// Transfers that have an end here, for ever.
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS transfers (
    id TEXT PRIMARY KEY,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

/// Whose they are: each end in this team, with its direction.
pub(crate) const ENDS_TABLE: &str = "CREATE TABLE IF NOT EXISTS transfer_ends (
    place TEXT NOT NULL,
    id TEXT NOT NULL,
    direction TEXT NOT NULL,
    PRIMARY KEY (place, id, direction)
) STRICT, WITHOUT ROWID";

const PUT: &str = "INSERT INTO transfers (id, data) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data";
const PUT_END: &str =
    "INSERT INTO transfer_ends (place, id, direction) VALUES (?, ?, ?) ON CONFLICT (place, id, direction) DO NOTHING";

/// Without the notes of somebody, whose text begins with their id.
const WITHOUT_NOTES: &str = "UPDATE transfers SET data = json_remove(data, '$.note')
    WHERE instr(data ->> '$.who', ?) = 1 AND data ->> '$.note' IS NOT NULL";

/// At most so many are answered at once.
const PAGE: u32 = 1000;

impl<S: Storage> Team<S> {
    /// Sends credits.
    pub(crate) fn transfer(&mut self, now: i64, order: &Order, new: &NewTransfer) -> Result<Reply, OrderError> {
        let mut change = Change::new();
        let done = self.send(now, new, order.who, &mut change)?;
        self.finish(now, order, change, Reply::Transferred(Box::new(done)))
    }

    /// Carries out a transfer that was approved, or says why it cannot be done.
    pub(crate) fn carry_out_approved(
        &self,
        now: i64,
        approval: ApprovalId,
        passage: &Passage,
        change: &mut Change,
    ) -> Result<(), OrderError> {
        let profile = self.records.profile.as_ref().ok_or(OrderError::NotOpen)?;
        let Passage { transfer: id, from, to, amount, ref note, time_ms, undo_until_ms, who, .. } = *passage;
        let undo_ms = undo_until_ms.saturating_sub(time_ms);
        let new = NewTransfer { id, from, to, amount, note: note.clone(), undo_ms, sent_today: None };
        let failed = match self.send(now, &new, who, change) {
            Ok(_) => None,
            Err(OrderError::Storage) => return Err(OrderError::Storage),
            Err(error) => Some(error.to_string()),
        };
        let (organization, team) = (profile.organization.to_string(), profile.team);
        change.send(organization, Message::CarriedOut { approval, team, failed });
        Ok(())
    }

    /// Adds to a change what sends credits. Where it cannot be done, nothing
    /// was added.
    fn send(
        &self,
        now: i64,
        new: &NewTransfer,
        who: Principal,
        change: &mut Change,
    ) -> Result<Transferred, OrderError> {
        let NewTransfer { id, from, to, amount, ref note, undo_ms, sent_today } = *new;
        self.must_be_here(from)?;
        if let Some(member) = from.member {
            self.must_know(member)?;
        }
        if from == to {
            return Err(invalid("a transfer needs two different places"));
        }
        let is_inside = self.is_here_place(to);
        if let (true, Some(member)) = (is_inside, to.member) {
            self.must_know(member)?;
            self.is_here(member)?;
        }
        if self.find_transfer(id)?.is_some() {
            return Err(OrderError::Conflict { message: format!("there is a transfer `{id}` already") });
        }
        if let Some(known) = sent_today {
            let sent = self.sent_today(now, from)?;
            if sent > known {
                return Err(OrderError::SentMeanwhile { sent_today: sent });
            }
        }
        self.payable(from.account(), amount)?;
        let undo_until_ms = now.saturating_add(undo_ms.max(0));
        let status = if is_inside { TransferStatus::Done } else { TransferStatus::Sent };
        let (note, undone) = (note.clone(), Millicredits::ZERO);
        let transfer = Transfer { id, time_ms: now, from, to, amount, undone, undo_until_ms, who, note, status };
        let credit = if is_inside { to.account() } else { Account::Parent };
        change.post(draft(&transfer, Kind::Transfer, (from.account(), credit), amount));
        if !is_inside {
            self.send_off(change, &transfer, (from, to), amount, false)?;
        }
        self.keep(change, &transfer)?;
        let available = self.available(from.account()).saturating_sub(amount);
        Ok(Transferred { transfer, amount, available })
    }

    /// Brings back what is unspent of a transfer that has arrived here.
    pub(crate) fn undo_transfer(
        &mut self,
        now: i64,
        order: &Order,
        id: TransferId,
        amount: Option<Millicredits>,
    ) -> Result<Reply, OrderError> {
        let mut transfer = self.transfer_by_id(id)?;
        let (from, to) = (transfer.from, transfer.to);
        if !self.is_here_place(to) {
            return Err(invalid(&format!("the credits of `{id}` are in the team `{}`", to.team)));
        }
        if now > transfer.undo_until_ms {
            return Err(OrderError::TooLate { until_ms: transfer.undo_until_ms });
        }
        let left = transfer.amount.saturating_sub(transfer.undone);
        let wanted = amount.unwrap_or(left);
        if left <= Millicredits::ZERO {
            return Err(OrderError::Conflict { message: "the transfer was undone before".to_owned() });
        }
        if wanted <= Millicredits::ZERO {
            return Err(invalid(&format!("`{wanted}` is not an amount to undo: it must be above zero")));
        }
        let available = match to.account() {
            account if mutant::is_active(Mutant::UndoReserved) => self.journal.balance(account),
            account => self.own(account).max(Millicredits::ZERO),
        };
        if available < wanted || left < wanted {
            return Err(OrderError::PartlySpent { undoable: available.min(left) });
        }
        if !mutant::is_active(Mutant::UndoTwice) {
            transfer.undone = transfer.undone.saturating_add(wanted);
        }
        let is_inside = self.is_here_place(from);
        let credit = if is_inside { self.home(from) } else { Account::Parent };
        let mut change = Change::new();
        // Who is away may have lent it on, unasked.
        let here = available.min(self.available(to.account()).max(Millicredits::ZERO));
        let missing = wanted.saturating_sub(here);
        let fetched = to.member.map(|member| self.fetch(now, (member, missing), false, &mut change));
        let fetched = fetched.transpose()?.flatten();
        let undo = Draft { who: order.who, ..draft(&transfer, Kind::Undo, (to.account(), credit), wanted) };
        change.post(undo);
        if !is_inside {
            let ordered = Transfer { who: order.who, note: None, ..transfer.clone() };
            self.send_off(&mut change, &ordered, (to, from), wanted, true)?;
        }
        self.keep(&mut change, &transfer)?;
        // What a leaver had sent to the pool stays there.
        let leaves = if credit == to.account() { Millicredits::ZERO } else { wanted };
        let available = here.saturating_sub(leaves).max(Millicredits::ZERO);
        let done = Transferred { transfer, amount: wanted, available };
        let reply = self.finish(now, order, change, Reply::Transferred(Box::new(done)))?;
        self.note_returned(fetched);
        Ok(reply)
    }

    /// What came from another team.
    pub(crate) fn arrive(&self, passage: &Passage, change: &mut Change) -> Result<(), OrderError> {
        self.must_be_here(passage.to)?;
        if passage.undoes {
            let credit = self.home(passage.to);
            change.post(moved(passage, Kind::Undo, (Account::Parent, credit)));
            if let Some(mut known) = self.find_transfer(passage.transfer)? {
                known.undone = known.undone.saturating_add(passage.amount);
                self.keep(change, &known)?;
            }
            return Ok(());
        }
        let cannot = passage.to.member.and_then(|member| match self.records.members.get(&member) {
            None => Some(format!("`{member}` is not in the team `{}`", passage.to.team)),
            Some(known) if known.status == MemberStatus::Removed => Some(format!("`{member}` has left")),
            Some(_) => None,
        });
        if let Some(reason) = cannot {
            let organization = self.records.profile.as_ref().ok_or(OrderError::NotOpen)?.organization;
            change.send(organization.to_string(), Message::Refused { passage: passage.clone(), reason });
            return Ok(());
        }
        change.post(moved(passage, Kind::Transfer, (Account::Parent, passage.to.account())));
        let Passage { transfer: id, from, to, amount, who, ref note, time_ms, undo_until_ms, .. } = *passage;
        let (undone, status, note) = (Millicredits::ZERO, TransferStatus::Done, note.clone());
        self.keep(change, &Transfer { id, time_ms, from, to, amount, undone, undo_until_ms, who, note, status })
    }

    /// What another team could not take is back.
    pub(crate) fn come_back(&self, passage: &Passage, reason: &str, change: &mut Change) -> Result<(), OrderError> {
        self.must_be_here(passage.from)?;
        let credit = self.home(passage.from);
        let back = moved(passage, Kind::Undo, (Account::Parent, credit));
        change.post(Draft { note: Some(reason.to_owned()), ..back });
        if let Some(mut known) = self.find_transfer(passage.transfer)? {
            known.status = TransferStatus::Refused { reason: reason.to_owned() };
            known.undone = known.amount;
            self.keep(change, &known)?;
        }
        Ok(())
    }

    /// A transfer that has an end here.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub fn transfer_by_id(&self, id: TransferId) -> Result<Transfer, OrderError> {
        self.find_transfer(id)?.ok_or_else(|| not_found("transfer", id))
    }

    /// Transfers that have an end here, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn transfers(&self, filter: &TransferFilter) -> Result<Vec<Transfer>, OrderError> {
        let before = filter.before.map_or_else(|| "~".to_owned(), |id| id.to_string());
        let limit = Value::Int(filter.limit.min(PAGE).into());
        let place = filter.member.map(|member| member.to_string()).or_else(|| filter.pool.then(|| POOL.to_owned()));
        let rows = match place {
            None => {
                let sql = "SELECT data FROM transfers WHERE id < ? ORDER BY id DESC LIMIT ?";
                self.journal.store().query(sql, &[before.into(), limit])
            }
            Some(place) => {
                // Between a person's two ends both rows would have the same id.
                let sql = "SELECT t.data FROM transfer_ends e JOIN transfers t ON t.id = e.id
                    WHERE e.place = ? AND e.id < ? AND (? = '' OR e.direction = ?) ORDER BY e.id DESC LIMIT ?";
                let direction = filter.direction.map_or("", direction_text);
                self.journal
                    .store()
                    .query(sql, &[place.into(), before.into(), direction.into(), direction.into(), limit])
            }
        };
        let rows = rows.map_err(|_| OrderError::Storage)?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|_| OrderError::Storage)
    }

    /// How much was sent from a place in today's window, less what was undone.
    ///
    /// # Errors
    /// When the place is in another team, or the database fails.
    pub fn sent_today(&self, now: i64, from: Place) -> Result<Millicredits, OrderError> {
        self.must_be_here(from)?;
        let day = Window::Day.bounds(now, self.calendar.zone());
        let begin = u64::try_from(day.start_ms).unwrap_or(0);
        // Ids sort by time.
        let first = TransferId::from_u128(u128::from(begin) << 80);
        let sql = "SELECT t.data FROM transfer_ends e JOIN transfers t ON t.id = e.id
            WHERE e.place = ? AND e.id >= ? AND e.direction = 'sent'";
        let values = [place_text(from).into(), first.to_string().into()];
        let rows = self.journal.store().query(sql, &values).map_err(|_| OrderError::Storage)?;
        let mut sum = Millicredits::ZERO;
        for row in &rows {
            let transfer = read(row).map_err(|_| OrderError::Storage)?;
            sum = sum.saturating_add(transfer.amount.saturating_sub(transfer.undone));
        }
        Ok(sum)
    }

    /// Takes away what somebody has written to transfers; who sent what stays.
    pub(crate) fn without_notes_of(member: MemberId, change: &mut Change) {
        change.write(WITHOUT_NOTES, vec![format!("{member}/").into()]);
    }

    fn find_transfer(&self, id: TransferId) -> Result<Option<Transfer>, OrderError> {
        let rows = self.journal.store().query("SELECT data FROM transfers WHERE id = ?", &[id.to_string().into()]);
        let rows = rows.map_err(|_| OrderError::Storage)?;
        rows.first().map(read).transpose().map_err(|_| OrderError::Storage)
    }

    /// Adds the rows of a transfer.
    fn keep(&self, change: &mut Change, transfer: &Transfer) -> Result<(), OrderError> {
        let data = serde_json::to_string(transfer).map_err(|_| OrderError::Storage)?;
        let id = transfer.id.to_string();
        change.write(PUT, vec![id.clone().into(), data.into()]);
        for (place, direction) in [(transfer.from, Direction::Sent), (transfer.to, Direction::Received)] {
            if self.is_here_place(place) {
                let values = vec![place_text(place).into(), id.clone().into(), direction_text(direction).into()];
                change.write(PUT_END, values);
            }
        }
        Ok(())
    }

    /// Adds the message that brings credits to another team.
    fn send_off(
        &self,
        change: &mut Change,
        transfer: &Transfer,
        (from, to): (Place, Place),
        amount: Millicredits,
        undoes: bool,
    ) -> Result<(), OrderError> {
        let organization = self.records.profile.as_ref().ok_or(OrderError::NotOpen)?.organization;
        let Transfer { id, time_ms, undo_until_ms, who, .. } = *transfer;
        let note = transfer.note.clone();
        let passage = Passage { transfer: id, undoes, from, to, amount, who, note, time_ms, undo_until_ms };
        change.send(organization.to_string(), Message::Transfer(passage));
        Ok(())
    }

    fn is_here_place(&self, place: Place) -> bool {
        self.records.profile.as_ref().is_some_and(|profile| profile.team == place.team)
    }

    pub(crate) fn must_be_here(&self, place: Place) -> Result<(), OrderError> {
        if self.is_here_place(place) { Ok(()) } else { Err(not_found("team", place.team)) }
    }

    pub(crate) fn must_know(&self, member: MemberId) -> Result<(), OrderError> {
        if self.records.members.contains_key(&member) { Ok(()) } else { Err(not_found("member", member)) }
    }

    /// Where credits that come back to a place go: what was a leaver's goes to
    /// the pool.
    pub(crate) fn home(&self, place: Place) -> Account {
        let known = place.member.and_then(|member| self.records.members.get(&member));
        match known {
            Some(known) if known.status != MemberStatus::Removed || known.keeps_credits => place.account(),
            _ => Account::Pool,
        }
    }
}

const POOL: &str = "pool";

fn place_text(place: Place) -> String {
    place.member.map_or_else(|| POOL.to_owned(), |member| member.to_string())
}

const fn direction_text(direction: Direction) -> &'static str {
    match direction {
        Direction::Sent => "sent",
        Direction::Received => "received",
    }
}

fn read(row: &Row) -> Result<Transfer, StorageError> {
    let corrupt = |error: serde_json::Error| StorageError::Corrupt { what: "transfer", error: error.to_string() };
    serde_json::from_str(row.text(0)?).map_err(corrupt)
}

fn draft(transfer: &Transfer, kind: Kind, (debit, credit): (Account, Account), amount: Millicredits) -> Draft {
    let reference = transfer.id.to_string();
    Draft { kind, debit, credit, amount, reference, who: transfer.who, call: None, note: None }
}

fn moved(passage: &Passage, kind: Kind, (debit, credit): (Account, Account)) -> Draft {
    let reference = passage.transfer.to_string();
    Draft { kind, debit, credit, amount: passage.amount, reference, who: passage.who, call: None, note: None }
}
