//! Who is told of what, by which channel, and when it is tried again.
//!
//! In scope: what of the actors' publications somebody is told of
//! ([`Notice`]), to whom it goes by which channels ([`plan`]), what is done
//! with a [`Delivery`] in each of its states, and the statements by which D1
//! decides that nothing is told twice.
//!
//! Out of scope: running the statements, asking actors, sending
//! (`workers/background`), and what a message looks like (`channels`).
//!
//! A notice is written to D1 in the transaction that writes the record or entry
//! it tells of, so it is exactly as durable; the queue only hurries it along.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]

mod delivery;
mod letter;
mod notice;
mod plan;

pub use delivery::{
    AGAIN, CLAIM, Claim, Delivery, FAIL, LOAD, POSTED, SENT, WAIT, claim, insert, may_go_again, retry_after_ms, sent,
};
pub use letter::Letter;
pub use notice::{About, Notice, OLDEST_MS, PENDING, done, notices, statements};
pub use plan::{Address, To, Told, plan};

use identity::OrganizationId;
use serde::{Deserialize, Serialize};
use storage::Value;

/// A statement with its parameters.
pub type Statement = (&'static str, Vec<Value>);

/// The binding of the queue `alfred-notifications`.
pub const QUEUE: &str = "NOTIFICATIONS";

/// A message of the queue `alfred-notifications`. The rows in D1 say all of
/// it; the queue may bring it twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Whoever is to be told of a notice gets a delivery.
    Tell {
        /// Whose.
        organization: OrganizationId,
        /// Which notice.
        id: String,
    },
    /// A delivery is sent.
    Deliver {
        /// Whose.
        organization: OrganizationId,
        /// Which delivery.
        id: String,
    },
}

impl Job {
    /// Whose.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        match self {
            Self::Tell { organization, .. } | Self::Deliver { organization, .. } => *organization,
        }
    }
}
