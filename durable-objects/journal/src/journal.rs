//! The journal itself: open, commit, publish, deliver, checkpoint.

use std::collections::BTreeMap;

use audit::{Head, Record};
use ledger::mutant::{self, Mutant};
use ledger::{Account, Books, BooksError, Entry, Hash, Millicredits};
use storage::{Storage, StorageError, Value};

use crate::change::{Change, Statement};
use crate::outbox::{self, Pending};
use crate::trail::{self, Trail};
use crate::{Remembered, commands, entries};

/// Balances are written every so many entries. Opening replays at most this
/// many and a transaction's worth, about a millisecond each hundred; a busy
/// team with 100 active members pays 100 rows for 256 entries, 0.4 a call.
pub const CHECKPOINT_EVERY: u64 = 256;

const META: &str = "CREATE TABLE IF NOT EXISTS meta (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID";

const BALANCES: &str = "CREATE TABLE IF NOT EXISTS balances (
    account TEXT PRIMARY KEY,
    balance INTEGER NOT NULL
) STRICT, WITHOUT ROWID";

const INBOX: &str = "CREATE TABLE IF NOT EXISTS inbox (
    id TEXT PRIMARY KEY,
    time_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID";

const SET_META: &str =
    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// Why a change was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The balances do not allow it.
    #[error(transparent)]
    Books(#[from] BooksError),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The money side of one actor. See the crate's documentation.
pub struct Journal<S> {
    store: S,
    actor: String,
    sequence: u64,
    hash: Hash,
    published: u64,
    checkpoint: u64,
    next_message: u64,
    trail: Trail,
    books: Books,
    outbox: BTreeMap<u64, Pending>,
}

/// A journal that was just opened, and what came after its last checkpoint.
pub struct Opened<S> {
    /// The journal, its balances up to date.
    pub journal: Journal<S>,
    /// Entries after the checkpoint, oldest first: what the actor's own
    /// checkpointed state has not seen.
    pub replayed: Vec<Entry>,
}

impl<S: Storage> Journal<S> {
    /// Whether an actor was ever opened in this storage. Asking writes
    /// nothing: a made-up name must not leave a database behind.
    ///
    /// # Errors
    /// When the database fails.
    pub fn exists(store: &S) -> Result<bool, StorageError> {
        let rows = store.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'entries'", &[])?;
        Ok(!rows.is_empty())
    }

    /// Opens the journal of `actor`, making its tables if they are missing.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub fn open(store: S, actor: &str) -> Result<Opened<S>, StorageError> {
        store.transaction(|| {
            [META, BALANCES, INBOX, entries::TABLE, outbox::TABLE, commands::TABLE, trail::TABLE]
                .iter()
                .try_for_each(|table| store.execute(table, &[]))?;
            trail::widen(&store)
        })?;
        let meta = |name| read_meta(&store, name);
        let (checkpoint, published, next_message) = (meta("checkpoint")?, meta("published")?, meta("next_message")?);
        let trail = Trail::load(&store, meta(trail::PUBLISHED)?)?;
        let mut books = Books::default();
        for row in store.query("SELECT account, CAST(balance AS TEXT) FROM balances", &[])? {
            books.restore(row.parse(0, "account")?, Millicredits::new(row.exact(1)?));
        }
        // One before the checkpoint is read for its hash.
        let mut replayed = entries::after(&store, checkpoint.saturating_sub(1), u32::MAX)?;
        let mut hash = Hash::START;
        if checkpoint > 0 {
            let at = replayed.first().filter(|entry| entry.sequence == checkpoint);
            hash = at.map(|entry| entry.hash).ok_or(StorageError::Corrupt {
                what: "journal",
                error: format!("entry {checkpoint} of the checkpoint is missing"),
            })?;
            replayed.remove(0);
        }
        for entry in &replayed {
            fold(&mut books, entry)?;
        }
        let (sequence, hash) = replayed.last().map_or((checkpoint, hash), |entry| (entry.sequence, entry.hash));
        let outbox = outbox::all(&store)?.into_iter().map(|pending| (pending.number, pending)).collect();
        let actor = actor.to_owned();
        let journal = Self { store, actor, sequence, hash, published, checkpoint, next_message, trail, books, outbox };
        Ok(Opened { journal, replayed })
    }

    /// The actor's name.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The storage, for the actor's own tables.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Lets go of the memory and keeps the database: what a crash leaves.
    pub fn into_store(self) -> S {
        self.store
    }

    /// A number that the actor keeps under a name of its own; 0 at first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn noted(&self, name: &'static str) -> Result<u64, StorageError> {
        read_meta(&self.store, name)
    }

    /// Keeps a number. Runs in the caller's transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note(&self, name: &'static str, value: u64) -> Result<(), StorageError> {
        self.store.execute(SET_META, &[name.into(), Value::count(value)])
    }

    /// The last entry's place; 0 when there is none.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The balances.
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// What an account has.
    pub fn balance(&self, account: Account) -> Millicredits {
        self.books.balance(account)
    }

    /// What is known of an idempotency key.
    ///
    /// # Errors
    /// When the database fails.
    pub fn recall(&self, key: &str, fingerprint: &str) -> Result<Remembered, StorageError> {
        commands::recall(&self.store, key, fingerprint)
    }

    /// Whether this message was already applied.
    ///
    /// # Errors
    /// When the database fails.
    pub fn has_received(&self, envelope: &str) -> Result<bool, StorageError> {
        if mutant::is_active(Mutant::ForgetInbox) {
            return Ok(false);
        }
        Ok(!self.store.query("SELECT id FROM inbox WHERE id = ?", &[envelope.into()])?.is_empty())
    }

    /// Writes all of a change in one transaction, or nothing. Answers with
    /// the entries that it became; records say where they are by
    /// [`Self::audit_head`].
    ///
    /// # Errors
    /// [`CommitError`]. Memory is as before, and the database too unless the
    /// storage failed: then the journal must be opened again.
    pub fn commit(&mut self, now: i64, change: Change) -> Result<Vec<Entry>, CommitError> {
        let after = self.books.check(&change.drafts)?;
        let mut sealed = Vec::with_capacity(change.drafts.len());
        let (mut sequence, mut hash) = (self.sequence, self.hash);
        for draft in change.drafts {
            sequence = sequence.saturating_add(1);
            let entry = Entry::seal(&self.actor, sequence, now, hash, draft);
            hash = entry.hash;
            sealed.push(entry);
        }
        let (records, head) = self.trail.seal(&self.actor, now, change.records);
        let mut number = self.next_message;
        let mut pending = Vec::with_capacity(change.messages.len());
        for (target, message) in change.messages {
            pending.push(Pending::new(&self.actor, number, target, now, message));
            number = number.saturating_add(1);
        }
        self.store.transaction(|| -> Result<(), StorageError> {
            for entry in &sealed {
                entries::insert(&self.store, entry)?;
            }
            for record in &records {
                if !mutant::is_active(Mutant::DropRecord) {
                    trail::insert(&self.store, record)?;
                }
            }
            for message in &pending {
                if !mutant::is_active(Mutant::DropOutboxRow) {
                    outbox::insert(&self.store, message)?;
                }
            }
            if !pending.is_empty() {
                self.store.execute(SET_META, &["next_message".into(), Value::count(number)])?;
            }
            if let Some(id) = &change.received {
                let sql = "INSERT INTO inbox (id, time_ms) VALUES (?, ?) ON CONFLICT (id) DO NOTHING";
                self.store.execute(sql, &[id.as_str().into(), now.into()])?;
            }
            if let Some(remembered) = &change.remembered {
                commands::remember(&self.store, now, remembered)?;
            }
            change.statements.iter().try_for_each(|(sql, values)| self.store.execute(sql, values))
        })?;
        // Everything is written: from here on nothing fails.
        self.books.post(&after);
        (self.sequence, self.hash, self.next_message) = (sequence, hash, number);
        self.trail.head = head;
        if !mutant::is_active(Mutant::DropOutboxRow) {
            self.outbox.extend(pending.into_iter().map(|message| (message.number, message)));
        }
        Ok(sealed)
    }

    /// Whether enough was written since the last checkpoint.
    pub const fn checkpoint_is_due(&self) -> bool {
        self.sequence.saturating_sub(self.checkpoint) >= CHECKPOINT_EVERY
    }

    /// Writes balances, and what the actor keeps beside them, as they are
    /// after the last entry.
    ///
    /// # Errors
    /// When the database fails; the last checkpoint stays.
    pub fn checkpoint(&mut self, now: i64, own: &[Statement]) -> Result<(), StorageError> {
        let sequence = self.sequence;
        let replayed = entries::after(&self.store, self.checkpoint, u32::MAX)?;
        let mut touched: Vec<Account> = replayed.iter().flat_map(|entry| [entry.debit, entry.credit]).collect();
        touched.sort_unstable();
        touched.dedup();
        self.store.transaction(|| -> Result<(), StorageError> {
            for account in touched {
                self.store.execute(
                    "INSERT INTO balances (account, balance) VALUES (?, CAST(? AS INTEGER))
                     ON CONFLICT (account) DO UPDATE SET balance = excluded.balance",
                    &[account.to_string().into(), Value::exact(self.books.balance(account).get())],
                )?;
            }
            self.store.execute(SET_META, &["checkpoint".into(), Value::count(sequence)])?;
            commands::forget_old(&self.store, now)?;
            own.iter().try_for_each(|(sql, values)| self.store.execute(sql, values))
        })?;
        self.checkpoint = sequence;
        Ok(())
    }

    /// The next entries for the queue, oldest first; empty when D1 was sent
    /// everything.
    ///
    /// # Errors
    /// When the database fails.
    pub fn unpublished(&self, limit: u32) -> Result<Vec<Entry>, StorageError> {
        if self.published >= self.sequence {
            return Ok(Vec::new());
        }
        entries::after(&self.store, self.published, limit)
    }

    /// The next records for the queue, oldest first; empty when D1 was sent
    /// everything.
    ///
    /// # Errors
    /// When the database fails.
    pub fn unpublished_records(&self, limit: u32) -> Result<Vec<Record>, StorageError> {
        if self.trail.published >= self.trail.head.sequence {
            return Ok(Vec::new());
        }
        trail::after(&self.store, self.trail.published, limit)
    }

    /// Whether something waits for the queue.
    pub const fn has_unpublished(&self) -> bool {
        self.unpublished_len() > 0
    }

    /// How many entries and records wait for the queue.
    pub const fn unpublished_len(&self) -> u64 {
        let records = self.trail.head.sequence.saturating_sub(self.trail.published);
        self.sequence.saturating_sub(self.published).saturating_add(records)
    }

    /// Notes that the queue took everything up to `sequence`.
    ///
    /// # Errors
    /// When the database fails; it will be sent again.
    pub fn set_published(&mut self, sequence: u64) -> Result<(), StorageError> {
        self.store.execute(SET_META, &["published".into(), Value::count(sequence)])?;
        self.published = sequence;
        Ok(())
    }

    /// Notes that the queue took the audit trail up to `sequence`.
    ///
    /// # Errors
    /// When the database fails; it will be sent again.
    pub fn set_audit_published(&mut self, sequence: u64) -> Result<(), StorageError> {
        self.store.execute(SET_META, &[trail::PUBLISHED.into(), Value::count(sequence)])?;
        self.trail.published = sequence;
        Ok(())
    }

    /// Told how far D1 has come: goes back to there when it should have come
    /// further, so that what was lost is sent again. Says whether it does.
    ///
    /// # Errors
    /// When the database fails.
    pub fn heal(&mut self, projected: u64) -> Result<bool, StorageError> {
        if mutant::is_active(Mutant::DropBatch) || projected >= self.published {
            return Ok(false);
        }
        self.set_published(projected)?;
        Ok(true)
    }

    /// As [`Self::heal`], for the audit trail.
    ///
    /// # Errors
    /// When the database fails.
    pub fn heal_audit(&mut self, projected: u64) -> Result<bool, StorageError> {
        if mutant::is_active(Mutant::DropBatch) || projected >= self.trail.published {
            return Ok(false);
        }
        self.set_audit_published(projected)?;
        Ok(true)
    }

    /// Where the audit trail ends.
    pub const fn audit_head(&self) -> Head {
        self.trail.head
    }

    /// Records of the audit trail after `sequence`, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn audit_after(&self, sequence: u64, limit: u32) -> Result<Vec<Record>, StorageError> {
        trail::after(&self.store, sequence, limit)
    }

    /// Adds to a change the record that erases the next details of records
    /// before a time, so many as one record can name, and notes how far that
    /// is. Says whether there may be more.
    ///
    /// # Errors
    /// When the database fails.
    pub fn erase_old_details(&self, before_ms: i64, change: &mut Change) -> Result<bool, StorageError> {
        let from = read_meta(&self.store, trail::ERASED)?;
        let old = trail::old_details(&self.store, from, before_ms)?;
        if old.through > from {
            change.write(SET_META, vec![trail::ERASED.into(), Value::count(old.through)]);
        }
        if !old.ids.is_empty() {
            let draft = audit::Draft::done("erase_details", identity::Principal::System);
            change.erase_details(draft, audit::Erasure::Records(old.ids));
        }
        Ok(old.more)
    }

    /// Entries before `sequence`, newest first: the journal as people read it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn page(&self, before: u64, limit: u32) -> Result<Vec<Entry>, StorageError> {
        entries::before(&self.store, before, limit)
    }

    /// Entries after `sequence`, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn entries_after(&self, sequence: u64, limit: u32) -> Result<Vec<Entry>, StorageError> {
        entries::after(&self.store, sequence, limit)
    }

    /// Messages whose time has come, oldest first.
    pub fn due(&self, now: i64) -> Vec<Pending> {
        self.outbox.values().filter(|pending| pending.next_ms <= now).cloned().collect()
    }

    /// How many messages are on their way.
    pub fn outbox_len(&self) -> usize {
        self.outbox.len()
    }

    /// When the next message is to be tried.
    pub fn next_delivery(&self) -> Option<i64> {
        self.outbox.values().map(|pending| pending.next_ms).min()
    }

    /// Notes that the other actor has taken a message.
    ///
    /// # Errors
    /// When the database fails; it will be delivered again, which is harmless.
    pub fn delivered(&mut self, number: u64) -> Result<(), StorageError> {
        outbox::delete(&self.store, number)?;
        self.outbox.remove(&number);
        Ok(())
    }

    /// Notes that a message could not be delivered, and when to try again.
    ///
    /// # Errors
    /// When the database fails; it is tried at its old time.
    pub fn undelivered(&mut self, number: u64, now: i64) -> Result<(), StorageError> {
        if let Some(pending) = self.outbox.get_mut(&number) {
            let postponed = pending.postponed(now);
            outbox::postpone(&self.store, &postponed)?;
            *pending = postponed;
        }
        Ok(())
    }
}

fn read_meta<S: Storage>(store: &S, name: &str) -> Result<u64, StorageError> {
    let rows = store.query("SELECT value FROM meta WHERE name = ?", &[name.into()])?;
    rows.first().map_or(Ok(0), |row| row.count(0))
}

fn fold(books: &mut Books, entry: &Entry) -> Result<(), StorageError> {
    let overflow = || StorageError::Corrupt {
        what: "journal",
        error: format!("entry {} does not fit the balances before it", entry.sequence),
    };
    let debit = books.balance(entry.debit).checked_sub(entry.amount).ok_or_else(overflow)?;
    books.restore(entry.debit, debit);
    let credit = books.balance(entry.credit).checked_add(entry.amount).ok_or_else(overflow)?;
    books.restore(entry.credit, credit);
    Ok(())
}
