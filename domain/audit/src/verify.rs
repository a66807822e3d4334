//! Whether a trail holds, and if not, where it does not.

use std::borrow::Borrow;

use ledger::{Hash, line_id};
use serde::{Deserialize, Serialize};

use crate::Record;

/// How far a trail goes: the place and hash of its last record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The last record's place; 0 when there is none.
    pub sequence: u64,
    /// The last record's hash.
    pub hash: Hash,
}

impl Head {
    /// Of a trail without records.
    pub const START: Self = Self { sequence: 0, hash: Hash::START };
}

/// A stretch of a trail, and where the trail ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The records, oldest first.
    pub records: Vec<Record>,
    /// Where the whole trail ends.
    pub head: Head,
}

/// A head that somebody noted: it must be in the trail, which may go on after
/// it. Whoever has only the hash can leave out the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The record's place.
    pub sequence: Option<u64>,
    /// The record's hash.
    pub hash: Hash,
}

impl From<Head> for Expected {
    fn from(head: Head) -> Self {
        Self { sequence: Some(head.sequence), hash: head.hash }
    }
}

impl From<Hash> for Expected {
    fn from(hash: Hash) -> Self {
        Self { sequence: None, hash }
    }
}

/// What holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// How many records were checked.
    pub records: u64,
    /// Of them, those whose detail was erased.
    pub erased: u64,
    /// Where the trail ends.
    pub head: Head,
}

/// What does not hold, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The record is not what it was when it was written.
    #[error("record {sequence} was altered: its hash does not cover its content and the record before it")]
    AlteredRecord {
        /// Its place.
        sequence: u64,
    },
    /// The detail is not what it was when it was written.
    #[error("the detail of record {sequence} was altered: it does not have the record's digest")]
    AlteredDetail {
        /// Its place.
        sequence: u64,
    },
    /// There is a gap.
    #[error("records are missing: after record {after} comes record {found}")]
    Missing {
        /// The last record before the gap.
        after: u64,
        /// The first one after it.
        found: u64,
    },
    /// A record comes twice, or after a later one.
    #[error("record {found} comes again or too late: after record {after}")]
    OutOfOrder {
        /// The record before it.
        after: u64,
        /// Its place.
        found: u64,
    },
    /// The trail ends too early.
    #[error("the trail was truncated: it ends after record {found}{}", expected.map_or_else(String::new, |expected| format!(" and should reach record {expected}")))]
    Truncated {
        /// The last record that there is.
        found: u64,
        /// The last record that there should be, where that is known.
        expected: Option<u64>,
    },
    /// The trail holds, but it is another one than that whose head was noted:
    /// it was written anew.
    #[error("the trail was written anew: record {sequence} does not have the hash that was noted")]
    Rewritten {
        /// The place of the head that was noted.
        sequence: u64,
    },
    /// The hash that was noted is nowhere: the trail was truncated or written
    /// anew.
    #[error("the trail was truncated or written anew: no record has the hash {hash}")]
    Unknown {
        /// The hash that was noted.
        hash: Hash,
    },
    /// The record is of another actor's trail.
    #[error("record {sequence} is of another actor's trail")]
    ForeignActor {
        /// Its place there.
        sequence: u64,
    },
}

/// Checks one record after the other; holds on to none of them.
#[derive(Debug, Clone)]
pub struct Verifier {
    actor: String,
    head: Head,
    expected: Option<Expected>,
    records: u64,
    erased: u64,
}

impl Verifier {
    /// For the trail of `actor`, from its first record on.
    #[must_use]
    pub fn new(actor: impl Into<String>) -> Self {
        Self::after(actor, Head::START)
    }

    /// For what comes after a head that is known.
    #[must_use]
    pub fn after(actor: impl Into<String>, start: Head) -> Self {
        Self { actor: actor.into(), head: start, expected: None, records: 0, erased: 0 }
    }

    /// A head that must be found.
    #[must_use]
    pub fn expecting(mut self, expected: Option<impl Into<Expected>>) -> Self {
        let expected = expected.map(Into::into);
        // It may be where the verification starts.
        self.expected = expected.filter(|expected| expected.hash != self.head.hash);
        self
    }

    /// How far it has come.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Checks the next record.
    ///
    /// # Errors
    /// [`Fault`]; nothing more can be said of what comes after it.
    pub fn check(&mut self, record: &Record) -> Result<(), Fault> {
        let Head { sequence: after, hash: previous } = self.head;
        let sequence = record.sequence;
        if record.id.as_u128() >> 48 & 0xffff_ffff != line_id(&self.actor, 0, 0) >> 48 {
            return Err(Fault::ForeignActor { sequence });
        }
        if sequence <= after {
            return Err(Fault::OutOfOrder { after, found: sequence });
        }
        if sequence > after.saturating_add(1) {
            return Err(Fault::Missing { after, found: sequence });
        }
        if record.id != Record::name(&self.actor, sequence, record.time_ms)
            || record.hash != record.chain(&self.actor, previous)
        {
            return Err(Fault::AlteredRecord { sequence });
        }
        if record.detail.as_ref().is_some_and(|detail| detail.digest() != record.digest) {
            return Err(Fault::AlteredDetail { sequence });
        }
        // A head that is not found is told at the end.
        self.expected = self
            .expected
            .filter(|expected| expected.hash != record.hash || expected.sequence.is_some_and(|at| at != sequence));
        self.head = Head { sequence, hash: record.hash };
        self.records = self.records.saturating_add(1);
        self.erased = self.erased.saturating_add(u64::from(record.is_erased()));
        Ok(())
    }

    /// There are no more.
    ///
    /// # Errors
    /// [`Fault`] when the head that must be found was not.
    pub fn end(self) -> Result<Report, Fault> {
        let Self { head, records, erased, .. } = self;
        match self.expected {
            None => Ok(Report { records, erased, head }),
            Some(Expected { sequence: Some(expected), .. }) if expected > head.sequence => {
                Err(Fault::Truncated { found: head.sequence, expected: Some(expected) })
            }
            Some(Expected { sequence: Some(sequence), .. }) => Err(Fault::Rewritten { sequence }),
            Some(Expected { sequence: None, hash }) => Err(Fault::Unknown { hash }),
        }
    }
}

/// Checks the records of `actor`'s trail, from its first one or from a head
/// that is known, and whether a head that was noted is in it.
///
/// # Errors
/// [`Fault`], the first one.
pub fn verify<R: Borrow<Record>>(
    actor: &str,
    start: Option<Head>,
    expected: Option<Head>,
    records: impl IntoIterator<Item = R>,
) -> Result<Report, Fault> {
    let mut verifier = Verifier::after(actor, start.unwrap_or(Head::START)).expecting(expected);
    for record in records {
        verifier.check(record.borrow())?;
    }
    verifier.end()
}

#[cfg(test)]
mod tests;
