//! What the organization and its teams tell each other about plans: credits
//! that are given in every period.

use identity::{MemberId, PlanId, TeamId, TransferId};
use ledger::Millicredits;
use serde::{Deserialize, Serialize};

/// A period of a plan has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Whose period.
    pub plan: PlanId,
    /// The name of its movements in every journal.
    pub transfer: TransferId,
    /// What becomes of what the plan gave before, and gives now.
    pub rule: Keep,
    /// When it ends, in milliseconds since 1970.
    pub ends_ms: i64,
    /// What it gives.
    pub gives: Gives,
}

/// To whom a plan gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gives {
    /// To the team's pool, and the department has given it already.
    Pool {
        /// How much.
        amount: Millicredits,
    },
    /// From the team's pool to wallets.
    Wallets {
        /// To each; where the pool has less, to all alike what there is.
        amount: Millicredits,
        /// Whose.
        members: Vec<MemberId>,
    },
}

/// What of a plan's credits that nobody has spent stays for the next period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keep {
    /// At most so much; all of it if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Millicredits>,
    /// So long before the end somebody is told of what will not stay, in
    /// milliseconds; never if it is zero.
    #[serde(default)]
    pub warn_before_ms: i64,
}

/// What came of a period in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodDone {
    /// Whose period.
    pub plan: PlanId,
    /// The name of its movements.
    pub transfer: TransferId,
    /// In which team.
    pub team: TeamId,
    /// What wallets were given.
    pub given: Millicredits,
    /// What they were to get and the pool did not have.
    pub missing: Millicredits,
    /// What went back unspent.
    pub returned: Millicredits,
}
