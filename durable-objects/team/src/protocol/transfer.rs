//! Transfers: credits between people, pools and teams.

use events::Place;
use identity::{MemberId, Principal, TransferId};
use ledger::Millicredits;
use serde::{Deserialize, Serialize};

/// Credits to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTransfer {
    /// Its name in every journal that it touches.
    pub id: TransferId,
    /// From where: in this team.
    pub from: Place,
    /// To where: in this team or another one.
    pub to: Place,
    /// How much.
    pub amount: Millicredits,
    /// Why, for people.
    #[serde(default)]
    pub note: Option<String>,
    /// It can be undone for so long.
    pub undo_ms: i64,
    /// What was sent from there today when policies were asked; if it is more
    /// by now they must be asked again.
    #[serde(default)]
    pub sent_today: Option<Millicredits>,
}

/// A transfer, as each of its ends knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its name in every journal that it touches.
    pub id: TransferId,
    /// When it was ordered, in milliseconds since 1970.
    pub time_ms: i64,
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// How much.
    pub amount: Millicredits,
    /// How much of it has gone back since.
    #[serde(default)]
    pub undone: Millicredits,
    /// Until when it can be undone.
    pub undo_until_ms: i64,
    /// On whose order.
    pub who: Principal,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where it is.
    pub status: TransferStatus,
}

/// Where a transfer is, as this end knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum TransferStatus {
    /// It has arrived.
    Done,
    /// It has left for another team.
    Sent,
    /// The other team could not take it; it has come back.
    Refused {
        /// Why.
        reason: String,
    },
}

/// What a movement came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    /// The transfer, as it is now.
    pub transfer: Transfer,
    /// How much was moved by this: all of it, or what was undone.
    pub amount: Millicredits,
    /// What is left where that was taken from, beside what is reserved.
    pub available: Millicredits,
}

/// Which transfers are asked for, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferFilter {
    /// To or from this one's wallet.
    #[serde(default)]
    pub member: Option<MemberId>,
    /// To or from the pool.
    #[serde(default)]
    pub pool: bool,
    /// Only in this direction.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// Those before this one.
    #[serde(default)]
    pub before: Option<TransferId>,
    /// At most so many.
    pub limit: u32,
}

/// Seen from whose transfers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// What they sent.
    Sent,
    /// What they got.
    Received,
}
