//! Listening to what happens.

use events::{Cursor, Sees};
use identity::{Principal, TeamId};
use limits::Allowance;
use serde::{Deserialize, Serialize};

use super::{Admit, Caller};

/// Somebody wants to hear what happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// Who, from where and by what request. To do what, and to what, the actor
    /// says.
    pub admit: Admit,
    /// In which team; what is their own, or the organization, if left out.
    #[serde(default)]
    pub team: Option<TeamId>,
    /// Where they were before, if they come back.
    #[serde(default)]
    pub after: Option<Cursor>,
}

/// Somebody listens. It is kept with their socket, which takes 2 kB: twice as
/// much as this has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listens {
    /// Under which name they were let in.
    pub who: Principal,
    /// What they showed.
    pub caller: Caller,
    /// From where.
    #[serde(default)]
    pub address: Option<String>,
    /// Which team they hear of, too.
    #[serde(default)]
    pub team: Option<TeamId>,
    /// What of it they see.
    #[serde(default)]
    pub sees: Sees,
    /// Whether they see the whole organization.
    #[serde(default)]
    pub everything: bool,
    /// Whether they hear of the approvals that they may see.
    #[serde(default)]
    pub approvals: bool,
    /// What this was decided by, in short.
    pub standing: String,
    /// How often the key may still come, where that is counted.
    #[serde(default)]
    pub allowance: Option<Allowance>,
}

impl Listens {
    /// What of the organization's own they see.
    #[must_use]
    pub fn sees_organization(&self) -> Sees {
        Sees { everything: self.everything, ..Sees::default() }
    }
}
