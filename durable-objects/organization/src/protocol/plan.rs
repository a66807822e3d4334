//! Plans: credits that are given at the beginning of every period.

use std::collections::BTreeMap;

use identity::{DepartmentId, MemberId, PlanId, TeamId, TransferId};
use ledger::Millicredits;
use limits::{Cycle, Day, Zone};
use serde::{Deserialize, Serialize};

/// A plan as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPlan {
    /// Its id.
    pub id: PlanId,
    /// Its name; unique.
    pub name: String,
    /// To whom it gives.
    pub to: Recipients,
    /// How much to each.
    pub amount: Millicredits,
    /// How often.
    pub cycle: Cycle,
    /// Whether the period that has begun is the first, and not the next one.
    #[serde(default)]
    pub begins_now: bool,
    /// No period begins at this time or later, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_ms: Option<i64>,
    /// Of what is unspent at the end of a period at most so much stays; all of
    /// it if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_kept: Option<Millicredits>,
    /// So many days before the end somebody is told of what will not stay;
    /// never if it is zero.
    pub warn_days: u8,
    /// Whether it gives anything. A period that begins meanwhile is left out.
    pub enabled: bool,
}

/// To whom a plan gives. Credits come from one step above: from the treasury
/// to departments, from the department to its team's pool, from the pool to
/// wallets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Recipients {
    /// One department.
    Department {
        /// Which.
        department: DepartmentId,
    },
    /// Each department that there is then.
    Departments,
    /// One team's pool.
    Team {
        /// Which.
        team: TeamId,
    },
    /// The pool of each team that there is then.
    Teams {
        /// Only in this department.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        department: Option<DepartmentId>,
    },
    /// One member.
    Member {
        /// Who.
        member: MemberId,
    },
    /// Each member who has not left by then.
    Members {
        /// Only in this department.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        department: Option<DepartmentId>,
        /// Only in this team.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamId>,
    },
}

impl Recipients {
    /// How far down the tree: of periods that begin at one time, what gives to
    /// those above comes first, so that there is something to pass on.
    pub(crate) const fn depth(self) -> u8 {
        match self {
            Self::Department { .. } | Self::Departments => 0,
            Self::Team { .. } | Self::Teams { .. } => 1,
            Self::Member { .. } | Self::Members { .. } => 2,
        }
    }
}

/// A plan, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What was ordered.
    #[serde(flatten)]
    pub new: NewPlan,
    /// The first day of the next period that it gives for; `None` when there is
    /// none any more.
    #[serde(default)]
    pub next: Option<Day>,
    /// How much each department may still have of what it gave, see `team`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) lots: BTreeMap<DepartmentId, Millicredits>,
    /// The last period that it gave for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Run>,
}

impl Plan {
    /// When the next period begins that it gives for, in milliseconds since
    /// 1970; `None` when it gives no more.
    #[must_use]
    pub fn due_ms(&self, zone: &Zone) -> Option<i64> {
        let begins = self.next.and_then(|day| day.begins_ms(zone)).filter(|_| self.new.enabled)?;
        self.new.ends_ms.is_none_or(|ends| begins < ends).then_some(begins)
    }
}

/// What a plan gave for a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The period's first day.
    pub period: Day,
    /// When it was given.
    pub time_ms: i64,
    /// The name of its movements in every journal.
    pub transfer: TransferId,
    /// How much, all together. What wallets were given teams tell a moment
    /// later.
    pub given: Millicredits,
    /// How much was to be given and was not there.
    pub missing: Millicredits,
    /// How much of the period before went back unspent.
    pub returned: Millicredits,
}
