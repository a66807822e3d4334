//! Boosts: credits for one member, apart from their wallet.

use events::Place;
use identity::{BoostId, MemberId, Principal};
use ledger::Millicredits;
use serde::{Deserialize, Serialize};

use super::Balance;

/// Credits to be set apart for a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewBoost {
    /// Its id.
    pub id: BoostId,
    /// For whom.
    pub member: MemberId,
    /// From where, in this team; unused credits go back there.
    pub from: Place,
    /// How much.
    pub amount: Millicredits,
    /// Until when they can be spent, in milliseconds since 1970; until they are
    /// spent if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_ms: Option<i64>,
    /// Whether the rate limits of the member and of their keys do not bind
    /// until then. The team's do: they protect the others.
    #[serde(default)]
    pub lifts_rate_limits: bool,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A boost, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boost {
    /// What was ordered.
    #[serde(flatten)]
    pub new: NewBoost,
    /// When it began.
    pub time_ms: i64,
    /// On whose order.
    pub who: Principal,
    /// When it ended: by its time, by order, or with its member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    /// How much went back unused.
    #[serde(default)]
    pub returned: Millicredits,
}

/// A boost and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoostView {
    /// The boost.
    pub boost: Boost,
    /// What is there. After the end, what calls in flight have reserved.
    pub left: Balance,
}

/// Which boosts are asked for, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoostFilter {
    /// Only this member's.
    #[serde(default)]
    pub member: Option<MemberId>,
    /// Only those that have not ended, or only those that have.
    #[serde(default)]
    pub ended: Option<bool>,
    /// Those before this one.
    #[serde(default)]
    pub before: Option<BoostId>,
    /// At most so many.
    pub limit: u32,
}
