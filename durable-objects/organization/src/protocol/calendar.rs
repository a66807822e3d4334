//! Where it is written when an organization's people are away.

use std::collections::BTreeMap;

use events::Lends;
use identity::{CalendarId, MemberId};
use serde::{Deserialize, Serialize};
use vault::Sealed;

/// A calendar, or a system that knows who is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Its id.
    pub id: CalendarId,
    /// Its name.
    pub name: String,
    /// Whether it is asked. What one that is off has said is over.
    pub enabled: bool,
    /// What it is: the `kind` of its source.
    pub kind: String,
    /// Whose it is; about several people if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// Members by the names that it has for them, where these are no addresses
    /// for mail.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<String, MemberId>,
    /// What of their credits others may use meanwhile.
    pub lends: Lends,
    /// Where it is and with what it is read, as one text that is sealed for the
    /// calendar's id: the address of a calendar may be all that protects it.
    pub secret: Sealed,
}

impl Calendar {
    /// Whether it is about somebody.
    #[must_use]
    pub fn names(&self, member: MemberId) -> bool {
        self.member == Some(member) || self.lends.to == Some(member) || self.people.values().any(|id| *id == member)
    }
}
