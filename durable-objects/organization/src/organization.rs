//! The organization as its actor has it in memory, and how it gets there.

use std::cell::OnceCell;

use identity::{KeyHash, OrganizationId};
use journal::{Change, CommitError, Journal, Opened};
use ledger::{BooksError, Entry};
use limits::Throttle;
use policy::{Engine, PolicyError};
use storage::{Storage, StorageError};

use crate::access::{COUNTS_TABLE, Strangers, VERSIONS_TABLE, Watch};
use crate::approvals::{self, Approvals};
use crate::protocol::AdminKeyRecord;
use crate::protocol::{NewAdminKey, Open, OrderError, Reply};
use crate::provisioning;
use crate::records::{self, Profile, Records};

/// Entries go to the queue within this time.
const PUBLISH_WITHIN_MS: i64 = 1000;

/// One organization: its tree, its money above the teams, its settings.
pub struct Organization<S> {
    pub(crate) journal: Journal<S>,
    pub(crate) records: Records,
    /// When the oldest unsent entry may wait no longer.
    pub(crate) publish_at: Option<i64>,
    /// The policies, parsed when they are first asked.
    pub(crate) engine: OnceCell<Result<Engine, PolicyError>>,
    /// Who tried without a key that works.
    pub(crate) strangers: Strangers,
    /// What policies in shadow mode would have decided.
    pub(crate) watch: Watch,
    /// What waits for approval, or for the team that carries it out.
    pub(crate) approvals: Approvals,
    /// How often each key has come.
    pub(crate) throttle: Throttle<KeyHash>,
}

/// More keys than an organization has that are used in the same minute; 100
/// bytes each.
const MOST_KEYS_COUNTED: usize = 10_000;

impl<S: Storage> Organization<S> {
    /// Wakes the organization's actor; the storage comes back when there was
    /// never an organization here. Asking writes nothing.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub fn wake(store: S, name: OrganizationId) -> Result<Result<Self, S>, StorageError> {
        if Journal::exists(&store)? { Self::create(store, name).map(Ok) } else { Ok(Err(store)) }
    }

    /// Opens the actor, making its tables if they are missing.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub fn create(store: S, name: OrganizationId) -> Result<Self, StorageError> {
        store.transaction(|| {
            store.execute(records::TABLE, &[])?;
            store.execute(VERSIONS_TABLE, &[])?;
            store.execute(COUNTS_TABLE, &[])?;
            store.execute(approvals::TABLE, &[])?;
            store.execute(provisioning::TABLE, &[])?;
            store.execute(provisioning::MEMBERS_TABLE, &[])
        })?;
        let Opened { journal, .. } = Journal::open(store, &name.to_string())?;
        let records = Records::load(journal.store())?;
        let watch = Watch::load(journal.store())?;
        let approvals = Approvals::load(journal.store())?;
        let publish_at = journal.has_unpublished().then_some(0);
        Ok(Self {
            journal,
            records,
            publish_at,
            engine: OnceCell::new(),
            strangers: Strangers::default(),
            watch,
            approvals,
            throttle: Throttle::new(MOST_KEYS_COUNTED),
        })
    }

    /// The money.
    pub const fn journal(&self) -> &Journal<S> {
        &self.journal
    }

    /// The money, for publishing and delivering.
    pub const fn journal_mut(&mut self) -> &mut Journal<S> {
        &mut self.journal
    }

    /// Lets go of the memory and keeps the database: what a crash leaves.
    pub fn into_store(self) -> S {
        self.journal.into_store()
    }

    /// The organization comes into being; doing it twice is doing it once.
    ///
    /// # Errors
    /// [`OrderError`]; nothing has changed.
    pub fn open(&mut self, now: i64, open: &Open) -> Result<Reply, OrderError> {
        if self.records.profile.is_some() {
            return Ok(Reply::Done);
        }
        crate::settings_orders::check_general(&open.general)?;
        let profile = Profile {
            organization: open.organization,
            name: open.name.clone(),
            general: open.general.clone(),
            settings_version: 1,
            directory_version: 0,
            policy_version: 0,
            domains: Vec::new(),
        };
        let key = admin_key(now, &open.admin_key);
        let mut change = Change::new();
        write(&mut change, profile.organization, &profile)?;
        write(&mut change, key.id, &key)?;
        self.commit(now, change)?;
        self.records.profile = Some(profile);
        self.records.admin_keys.insert(key.id, key);
        Ok(Reply::Done)
    }

    /// Does what is due beside publishing and delivering.
    ///
    /// # Errors
    /// When the database fails; the alarm will ring again.
    pub fn tick(&mut self, now: i64) -> Result<(), StorageError> {
        if self.journal.checkpoint_is_due() {
            self.journal.checkpoint(now, &[])?;
        }
        self.expire_approvals(now)
            .and_then(|()| self.nudge_approvals(now))
            .map_err(|error| StorageError::Corrupt { what: "approval", error: error.to_string() })?;
        self.run_plans(now).map_err(|error| StorageError::Corrupt { what: "plan", error: error.to_string() })?;
        self.write_counts(now)
    }

    /// When the alarm must ring next; `None` when nothing is left to do.
    pub fn next_alarm(&self) -> Option<i64> {
        let (deliver, counts) = (self.journal.next_delivery(), self.watch.write_at());
        [self.publish_at, deliver, counts, self.approvals.next_due(), self.next_period()].into_iter().flatten().min()
    }

    /// Notes that the queue was sent everything, or that more is to be sent.
    pub fn published(&mut self, now: i64) {
        self.publish_at = self.journal.has_unpublished().then_some(now.saturating_add(PUBLISH_WITHIN_MS));
    }

    /// Told how far D1 has come with the journal and, by those who know of it,
    /// with the audit trail; sends again what it lacks.
    ///
    /// # Errors
    /// When the database fails.
    pub fn heal(&mut self, projected: u64, audit: Option<u64>) -> Result<(), StorageError> {
        let entries = self.journal.heal(projected)?;
        let records = audit.map_or(Ok(false), |audit| self.journal.heal_audit(audit))?;
        if entries || records {
            self.publish_at = Some(0);
        }
        Ok(())
    }

    pub(crate) fn profile(&self) -> Result<&Profile, OrderError> {
        self.records.profile.as_ref().ok_or(OrderError::NotOpen)
    }

    pub(crate) fn commit(&mut self, now: i64, change: Change) -> Result<Vec<Entry>, OrderError> {
        let published = change.is_published();
        let entries = self.journal.commit(now, change).map_err(|error| match error {
            CommitError::Books(BooksError::Insufficient { account, balance, amount }) => {
                OrderError::InsufficientFunds { account, left: balance, needed: amount }
            }
            CommitError::Books(error) => OrderError::Invalid { message: error.to_string() },
            CommitError::Storage(_) => OrderError::Storage,
        })?;
        if published && self.publish_at.is_none() {
            self.publish_at = Some(now.saturating_add(PUBLISH_WITHIN_MS));
        }
        Ok(entries)
    }
}

pub(crate) fn admin_key(now: i64, new: &NewAdminKey) -> AdminKeyRecord {
    AdminKeyRecord {
        id: new.id,
        name: new.name.clone(),
        hash: new.hash,
        hint: new.hint.clone(),
        created_ms: now,
        revoked_ms: None,
    }
}

/// Adds the statement that stores a record.
pub(crate) fn write<T: serde::Serialize>(change: &mut Change, id: impl ToString, data: &T) -> Result<(), OrderError> {
    let (sql, values) = records::put(id, data).map_err(|_| OrderError::Storage)?;
    change.write(sql, values);
    Ok(())
}
