//! What of a team's journal is told to whoever listens, and to whom.
//!
//! It is read from the entries themselves, after they were written: so there is
//! nothing beside them that could be forgotten, and a call that nobody listens
//! to costs nothing.

use std::collections::BTreeSet;

use events::{Cursor, LiveEvent, LiveKind, Sees, Told};
use identity::MemberId;
use ledger::{Account, Entry, Kind};
use serde_json::{Value, json};
use storage::{Storage, StorageError};

use crate::Team;

/// So many entries are looked through at once: a few milliseconds. Where there
/// are more, whoever listens reads again.
const MOST: u32 = 500;

impl<S: Storage> Team<S> {
    /// How far the team is.
    pub const fn cursor(&self) -> Cursor {
        Cursor { entries: self.journal.sequence(), records: 0 }
    }

    /// What has happened after a place: transfers and boosts as they came, and
    /// what every account that moved has now. `None`: too much to tell.
    ///
    /// # Errors
    /// When the database fails.
    pub fn happened(&self, after: Cursor) -> Result<Option<Vec<Told>>, StorageError> {
        let entries = self.journal.entries_after(after.entries, MOST)?;
        let is_all = entries.last().is_none_or(|last| last.sequence == self.journal.sequence());
        if after.entries > self.journal.sequence() || !is_all {
            return Ok(None);
        }
        let moved: Vec<Told> = entries.iter().filter_map(|entry| self.moved(entry)).collect();
        let accounts: BTreeSet<Account> = entries.iter().flat_map(|entry| [entry.debit, entry.credit]).collect();
        let balances = accounts.into_iter().filter_map(|account| self.has(account));
        Ok(Some(moved.into_iter().chain(balances).collect()))
    }

    /// Whether something has happened after a place that somebody would have
    /// been told, or too much to say.
    ///
    /// # Errors
    /// When the database fails.
    pub fn has_missed(&self, after: Cursor, sees: &Sees) -> Result<bool, StorageError> {
        Ok(self.happened(after)?.is_none_or(|told| told.iter().any(|told| told.is_for(sees))))
    }

    fn event(&self, kind: LiveKind, mut data: Value) -> LiveEvent {
        if let (Some(profile), Some(fields)) = (self.profile(), data.as_object_mut()) {
            fields.insert("team_id".to_owned(), json!(profile.team));
        }
        LiveEvent { kind, cursor: self.cursor(), data }
    }

    /// Credits that went from one to another.
    fn moved(&self, entry: &Entry) -> Option<Told> {
        let accounts = [entry.debit, entry.credit];
        match entry.kind {
            Kind::Transfer | Kind::Undo => {
                let data = json!({
                    "transfer_id": entry.reference,
                    "undone": entry.kind == Kind::Undo,
                    "from": self.place(entry.debit),
                    "to": self.place(entry.credit),
                    "amount": entry.amount,
                });
                let owners = accounts.into_iter().filter_map(|account| self.owner(account));
                Some(Told::to_members(owners, self.event(LiveKind::Transfer, data)))
            }
            Kind::Boost | Kind::Return => {
                let boost = accounts.into_iter().find(|account| matches!(account, Account::Boost(_)))?;
                let owner = self.owner(boost);
                let data = json!({
                    "boost_id": entry.reference,
                    "member_id": owner,
                    "returned": entry.kind == Kind::Return,
                    "amount": entry.amount,
                });
                Some(Told::to_members(owner, self.event(LiveKind::Boost, data)))
            }
            _ => None,
        }
    }

    /// What an account has, for whoever may know.
    fn has(&self, account: Account) -> Option<Told> {
        let balance = self.journal.balance(account);
        let owner = self.owner(account);
        let data = match account {
            Account::Pool => json!({ "account": "pool", "balance": balance }),
            Account::Wallet(_) => json!({ "account": "wallet", "member_id": owner, "balance": balance }),
            Account::Lent(_) => json!({ "account": "lent", "member_id": owner, "balance": balance }),
            Account::Boost(id) => {
                json!({ "account": "boost", "boost_id": id, "member_id": owner, "balance": balance })
            }
            _ => return None,
        };
        let event = self.event(LiveKind::Balance, data);
        Some(if account == Account::Pool { Told::to_pool(event) } else { Told::to_members(owner, event) })
    }

    /// Whose account it is, if it is somebody's.
    fn owner(&self, account: Account) -> Option<MemberId> {
        match account {
            Account::Wallet(member) | Account::Lent(member) => Some(member),
            Account::Boost(id) => self.boost_by_id(id).ok().map(|view| view.boost.new.member),
            _ => None,
        }
    }

    /// A member, or the team for its pool; `null` for another team.
    fn place(&self, account: Account) -> Value {
        match account {
            Account::Wallet(member) => json!(member),
            Account::Pool => json!(self.profile().map(|profile| profile.team)),
            _ => Value::Null,
        }
    }
}
