//! The team as its actor has it in memory, and how it gets there.

use std::collections::BTreeMap;

use events::TeamProfile;
use identity::{RequestId, TeamId};
use journal::{Change, CommitError, Journal, Opened, Statement};
use ledger::{Account, Entry, Kind, Millicredits, Reservation};
use limits::{Bounds, Calendar, Meter, Spend, Zone};
use storage::{Storage, StorageError, Value};

use crate::absence::{self, Absences};
use crate::boost::{self, Boosts};
use crate::draws::Draws;
use crate::funds;
use crate::lending::{self, Lendings};
use crate::period::{self, Lots};
use crate::protocol::Subject;
use crate::records::{self, Records};
use crate::refusals::Refusals;
use crate::settle::of;
use crate::transfer;

const RESERVATIONS: &str = "CREATE TABLE IF NOT EXISTS reservations (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

const METERS: &str = "CREATE TABLE IF NOT EXISTS meters (
    subject TEXT PRIMARY KEY,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

/// One team: its money, who may spend it, and what is in flight.
pub struct Team<S> {
    pub(crate) journal: Journal<S>,
    pub(crate) records: Records,
    pub(crate) boosts: Boosts,
    pub(crate) absences: Absences,
    pub(crate) lendings: Lendings,
    /// What plans may have given of what is there.
    pub(crate) lots: Lots,
    pub(crate) open: BTreeMap<RequestId, Reservation>,
    pub(crate) reserved: BTreeMap<Account, Millicredits>,
    pub(crate) meters: BTreeMap<Subject, Meter>,
    /// What each member's calls have drawn from the pool.
    pub(crate) draws: Draws,
    pub(crate) calendar: Calendar,
    /// Messages applied so far: a top-up is asked for once between two.
    pub(crate) received: u64,
    /// What was refused of late. Not stored: what counts is recorded.
    pub(crate) refusals: Refusals,
    /// No top-up is asked for before.
    pub(crate) top_up_not_before: i64,
    /// Ended reservations are cleaned away next time at.
    pub(crate) prune_at: Option<i64>,
    /// Of calls made before this time the ended ones were cleaned away. Kept in
    /// the journal, for clocks can go back.
    pub(crate) forgotten_ms: u64,
    /// When the oldest unsent entry may wait no longer.
    pub(crate) publish_at: Option<i64>,
    /// When entries were last sent.
    pub(crate) published_ms: i64,
    /// How long it takes until they are sent again.
    pub(crate) publish_every_ms: i64,
}

impl<S: Storage> Team<S> {
    /// Wakes the team's actor; `None` when there was never a team here. Asking
    /// for a team that does not exist writes nothing.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub fn wake(store: S, name: TeamId) -> Result<Result<Self, S>, StorageError> {
        if Journal::exists(&store)? { Self::open(store, name).map(Ok) } else { Ok(Err(store)) }
    }

    /// Opens the team's actor, making its tables if they are missing.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub fn open(store: S, name: TeamId) -> Result<Self, StorageError> {
        store.transaction(|| {
            let calls = [records::TABLE, RESERVATIONS, METERS];
            let sharing = [boost::TABLE, absence::TABLE, lending::TABLE, period::TABLE];
            let transfers = [transfer::TABLE, transfer::ENDS_TABLE];
            let mut tables = calls.iter().chain(&sharing).chain(&transfers);
            tables.try_for_each(|table| store.execute(table, &[]))
        })?;
        let Opened { journal, replayed } = Journal::open(store, &name.to_string())?;
        let records = Records::load(journal.store())?;
        let boosts = Boosts::load(journal.store())?;
        let absences = Absences::load(journal.store())?;
        let lendings = Lendings::load(journal.store(), &absences)?;
        let lots = Lots::load(journal.store())?;
        let zone = records.profile.as_ref().and_then(|profile| Zone::parse(&profile.time_zone).ok());
        let rows = journal.store().query("SELECT COUNT(*) FROM inbox", &[])?;
        let received = rows.first().map_or(Ok(0), |row| row.count(0))?;
        let forgotten_ms = journal.noted(crate::upkeep::FORGOTTEN)?;
        let publish_at = journal.has_unpublished().then_some(0);
        let mut team = Self {
            journal,
            records,
            boosts,
            absences,
            lendings,
            lots,
            open: BTreeMap::new(),
            reserved: BTreeMap::new(),
            meters: BTreeMap::new(),
            draws: Draws::default(),
            calendar: Calendar::new(zone.unwrap_or(Zone::UTC)),
            received,
            refusals: Refusals::default(),
            top_up_not_before: i64::MIN,
            prune_at: None,
            forgotten_ms,
            publish_at,
            published_ms: i64::MIN,
            publish_every_ms: crate::upkeep::publish_every_ms(name),
        };
        team.load_meters()?;
        team.replay(&replayed);
        team.load_open()?;
        team.prune_at = team.next_prune()?;
        Ok(team)
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

    /// What the team is, once it was told.
    pub const fn profile(&self) -> Option<&TeamProfile> {
        self.records.profile.as_ref()
    }

    /// Reservations that are open, by call.
    pub const fn open_reservations(&self) -> &BTreeMap<RequestId, Reservation> {
        &self.open
    }

    /// What an account has beside what is reserved.
    pub fn available(&self, account: Account) -> Millicredits {
        self.journal.balance(account).saturating_sub(self.reserved(account))
    }

    /// What is reserved of an account.
    pub fn reserved(&self, account: Account) -> Millicredits {
        self.reserved.get(&account).copied().unwrap_or_default()
    }

    /// A reservation, open or ended, as it is stored.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub fn reservation(&self, request: RequestId) -> Result<Option<Reservation>, StorageError> {
        if let Some(open) = self.open.get(&request) {
            return Ok(Some(open.clone()));
        }
        let rows =
            self.journal.store().query("SELECT data FROM reservations WHERE id = ?", &[request.to_string().into()])?;
        rows.first().map(|row| read_reservation(row.text(0)?)).transpose()
    }

    /// Commits a change and takes note that the queue must hear of it.
    pub(crate) fn commit(&mut self, now: i64, change: Change) -> Result<Vec<Entry>, CommitError> {
        let published = change.is_published();
        let entries = self.journal.commit(now, change)?;
        if published {
            self.plan_publishing(now);
        }
        self.note_free(entries.iter().map(|entry| entry.credit));
        Ok(entries)
    }

    /// Who counts a call: all that have meters.
    pub(crate) const fn subjects(reservation: &Reservation) -> [Subject; 3] {
        [Subject::Team, Subject::Member(reservation.member), Subject::Key(reservation.key)]
    }

    /// The meters' rows as they are after the last entry.
    pub(crate) fn meter_rows(&self) -> Result<Vec<Statement>, StorageError> {
        let row = |(subject, meter): (String, &Meter)| {
            let data = serde_json::to_string(meter)
                .map_err(|error| StorageError::Corrupt { what: "meter", error: error.to_string() })?;
            let sql = "INSERT INTO meters (subject, data) VALUES (?, ?)
                ON CONFLICT (subject) DO UPDATE SET data = excluded.data WHERE meters.data <> excluded.data";
            Ok((sql, vec![subject.into(), Value::Text(data)]))
        };
        let subjects = self.meters.iter().map(|(subject, meter)| (subject_text(*subject), meter));
        subjects.chain(self.draws.rows()).map(row).collect()
    }

    fn load_meters(&mut self) -> Result<(), StorageError> {
        for row in self.journal.store().query("SELECT subject, data FROM meters", &[])? {
            let corrupt = |error: String| StorageError::Corrupt { what: "meter", error };
            let name = row.text(0)?;
            let meter = serde_json::from_str(row.text(1)?).map_err(|error| corrupt(error.to_string()))?;
            if let Some(member) = Draws::member_of(name) {
                self.draws.insert(member, meter);
            } else {
                let subject = subject_of(name).ok_or_else(|| corrupt(format!("unknown subject `{name}`")))?;
                self.meters.insert(subject, meter);
            }
        }
        Ok(())
    }

    /// Counts again what was spent after the checkpoint.
    fn replay(&mut self, entries: &[Entry]) {
        // A call's end is one entry for each payer, of which the first tells it.
        let mut told = None;
        for entry in entries {
            told = entry.call.as_ref().map(|call| (&entry.reference, call)).or(told);
            if let Some((_, call)) = told.filter(|(reference, _)| **reference == entry.reference) {
                let bounds = *self.calendar.at(call.accepted_ms.max(entry.time_ms));
                self.draws.replay(entry, call, &bounds);
            }
            let Some(call) = &entry.call else { continue };
            let tokens = call.input_tokens.saturating_add(call.output_tokens);
            let counts = matches!(entry.kind, Kind::Settle | Kind::Expire);
            let spend = Spend { credits: call.cost, tokens, requests: i64::from(counts) };
            let bounds = *self.calendar.at(call.accepted_ms.max(entry.time_ms));
            for subject in [Subject::Team, Subject::Member(call.member), Subject::Key(call.key)] {
                self.meters.entry(subject).or_default().record(call.accepted_ms, spend, &bounds);
            }
        }
    }

    fn load_open(&mut self) -> Result<(), StorageError> {
        for row in self.journal.store().query("SELECT data FROM reservations WHERE state = 'open'", &[])? {
            let reservation = read_reservation(row.text(0)?)?;
            let bounds = *self.calendar.at(reservation.accepted_ms);
            self.reserve_in_memory(&reservation, &bounds);
            self.open.insert(reservation.request, reservation);
        }
        Ok(())
    }

    /// Counts in memory what an open reservation reserves.
    pub(crate) fn reserve_in_memory(&mut self, reservation: &Reservation, bounds: &[Bounds; 7]) {
        funds::reserve(&mut self.reserved, &reservation.parts);
        for subject in Self::subjects(reservation) {
            let meter = self.meters.entry(subject).or_default();
            // Checked before the reservation was written; a meter that cannot
            // count it refuses further calls by being full.
            let _ = meter.reserve(reservation.accepted_ms, reserved_spend(reservation), bounds);
        }
        let drawn = of(&reservation.parts, Account::Pool);
        self.draws.reserve(reservation.member, reservation.accepted_ms, drawn, bounds);
    }
}

/// What a reservation counts against limits while it is open.
pub(crate) fn reserved_spend(reservation: &Reservation) -> Spend {
    Spend { credits: reservation.amount(), tokens: reservation.tokens, requests: 1 }
}

pub(crate) fn read_reservation(data: &str) -> Result<Reservation, StorageError> {
    serde_json::from_str(data).map_err(|error| StorageError::Corrupt { what: "reservation", error: error.to_string() })
}

pub(crate) fn write_reservation(reservation: &Reservation) -> Result<String, StorageError> {
    serde_json::to_string(reservation)
        .map_err(|error| StorageError::Corrupt { what: "reservation", error: error.to_string() })
}

fn subject_text(subject: Subject) -> String {
    match subject {
        Subject::Team => "team".to_owned(),
        Subject::Member(id) => id.to_string(),
        Subject::Key(id) => id.to_string(),
    }
}

fn subject_of(text: &str) -> Option<Subject> {
    if text == "team" {
        return Some(Subject::Team);
    }
    text.parse().map(Subject::Member).or_else(|_| text.parse().map(Subject::Key)).ok()
}
