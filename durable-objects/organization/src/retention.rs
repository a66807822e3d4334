//! For how long records are kept, and their end in this actor.
//!
//! The money trail, and the chain of hashes over what was done, are kept for
//! ever: of an act's record only the detail goes, which is outside its hash.

use identity::TeamId;
use journal::Change;
use serde::{Deserialize, Serialize};
use storage::Storage;

use crate::Organization;
use crate::order::invalid;
use crate::people;
use crate::protocol::{OrderError, Retained};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A hundred years.
const MOST_DAYS: u32 = 36_500;
/// Sessions that one step removes, so that it stays short.
const SESSIONS_AT_ONCE: usize = 100;

/// For how many days each kind of record is kept; `None` for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Single calls, where they are listed. Their sums and the journals stay.
    pub requests: Option<u32>,
    /// Sums by hour, member, key and model, of which reports are made.
    pub usage: Option<u32>,
    /// Addresses, user agents, what was before and after, in the audit trail.
    pub audit_details: Option<u32>,
    /// Who is to be told of what.
    pub notifications: Option<u32>,
    /// Messages that could not be delivered.
    pub dead_letters: Option<u32>,
    /// Sessions, after their end.
    pub sessions: Option<u32>,
}

impl Default for Retention {
    /// Calls and details for a year and a month, so that last year's month can
    /// be looked into; what is only for those who look now, for a quarter.
    fn default() -> Self {
        Self {
            requests: Some(400),
            usage: None,
            audit_details: Some(400),
            notifications: Some(90),
            dead_letters: Some(90),
            sessions: Some(7),
        }
    }
}

impl Retention {
    /// Each kind: its name, for how long, and for how long at least. Less than
    /// that would take from under people what they are looking at.
    #[must_use]
    pub const fn kinds(&self) -> [(&'static str, Option<u32>, u32); 6] {
        [
            ("requests", self.requests, 7),
            ("usage", self.usage, 400),
            ("audit_details", self.audit_details, 30),
            ("notifications", self.notifications, 7),
            ("dead_letters", self.dead_letters, 7),
            ("sessions", self.sessions, 1),
        ]
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Before when a kind's records go, if they go at all.
    #[must_use]
    pub fn before_ms(days: Option<u32>, now_ms: i64) -> Option<i64> {
        days.map(|days| now_ms.saturating_sub(i64::from(days).saturating_mul(DAY_MS)))
    }

    pub(crate) fn check(&self) -> Result<(), OrderError> {
        for (name, days, least) in self.kinds() {
            if let Some(days) = days.filter(|days| !(least..=MOST_DAYS).contains(days)) {
                let message =
                    format!("`retention.{name}` must be {least} to {MOST_DAYS} days, or for ever, not {days}");
                return Err(invalid(message));
            }
        }
        Ok(())
    }
}

impl<S: Storage> Organization<S> {
    /// Ends what has been kept here for long enough, a bounded part of it at a
    /// time: as much as is too old at `at`, the cron's time.
    ///
    /// # Errors
    /// When there is no such organization, or the database fails.
    pub fn retain(&mut self, now: i64, at: i64) -> Result<Retained, OrderError> {
        let retention = self.profile()?.general.retention.clone();
        let teams: Vec<TeamId> = self.records.teams.keys().copied().collect();
        let (mut change, mut more) = (Change::new(), false);
        let mut over = Vec::new();
        if let Some(before) = Retention::before_ms(retention.sessions, at) {
            let ended = self.records.sessions.values().filter(|session| session.expires_ms < before);
            over.extend(ended.map(|session| session.id).take(SESSIONS_AT_ONCE));
            more |= over.len() == SESSIONS_AT_ONCE;
        }
        people::remove(&mut change, &over);
        if let Some(before) = Retention::before_ms(retention.audit_details, at) {
            more |= self.journal.erase_old_details(before, &mut change).map_err(|_| OrderError::Storage)?;
        }
        if !change.is_empty() {
            self.commit(now, change)?;
            self.forget_sessions(&over);
        }
        Ok(Retained { retention, teams, more })
    }
}
