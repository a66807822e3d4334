//! Absences: when a member is away, and what of their credits others may use
//! meanwhile.

use events::Lends;
use identity::{AbsenceId, CalendarId, MemberId, Principal};
use journal::Tag;
use ledger::Millicredits;
use serde::{Deserialize, Serialize};

use super::Balance;

/// Somebody is away, or will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAbsence {
    /// Its id.
    pub id: AbsenceId,
    /// Who.
    pub member: MemberId,
    /// When, and what follows from it.
    #[serde(flatten)]
    pub terms: Terms,
}

/// When somebody is away, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// From when, in milliseconds since 1970.
    pub from_ms: i64,
    /// Until before when, in milliseconds since 1970; until they are back if
    /// left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// What others may use meanwhile.
    #[serde(default)]
    pub lends: Lends,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// All times that a calendar says somebody is away, from now on. What it said
/// before and says no more is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarAbsences {
    /// Which calendar.
    pub calendar: CalendarId,
    /// Who is away.
    pub member: MemberId,
    /// When: in order, without overlaps.
    pub times: Vec<AwayTime>,
    /// What others may use meanwhile.
    pub lends: Lends,
}

/// A time of which a calendar says that somebody is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwayTime {
    /// What it is called if it is new.
    pub id: AbsenceId,
    /// From when; it has begun if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<i64>,
    /// Until before when; nobody knows if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// An absence, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// What was ordered, or what it was changed to.
    #[serde(flatten)]
    pub new: NewAbsence,
    /// Which calendar says so; a person did if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarId>,
    /// When it was made.
    pub time_ms: i64,
    /// On whose order.
    pub who: Principal,
    /// When it ended before its time: they came back early, or it was called
    /// off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    /// How much was lent under it.
    #[serde(default)]
    pub lent: Millicredits,
    /// How much of that came back.
    #[serde(default)]
    pub returned: Millicredits,
}

/// An absence and what is lent now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceView {
    /// The absence.
    pub absence: Absence,
    /// Whether its member is away now because of it.
    pub is_now: bool,
    /// What of it is there, lent and not spent. Of one that is not now nothing.
    pub left: Balance,
}

/// Which absences are asked for, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceFilter {
    /// Only this member's.
    #[serde(default)]
    pub member: Option<MemberId>,
    /// Only those that are over, or only those that are or will be.
    #[serde(default)]
    pub over: Option<bool>,
    /// Those before this one.
    #[serde(default)]
    pub before: Option<AbsenceId>,
    /// At most so many.
    pub limit: u32,
}

impl Absence {
    /// Whether its member is away at a time because of it.
    #[must_use]
    pub fn holds(&self, at_ms: i64) -> bool {
        self.ended_ms.is_none() && self.new.terms.from_ms <= at_ms && !self.is_past(at_ms)
    }

    /// By what a change says that it was meant for this.
    #[must_use]
    pub fn tag(&self) -> Tag {
        Tag::of(&self.new)
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_past(&self, at_ms: i64) -> bool {
        self.new.terms.until_ms.is_some_and(|until| until <= at_ms)
    }
}
