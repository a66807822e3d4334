//! What the team's actor is told and what it answers: the wire format between
//! the workers and the actor. Two versions of the code talk to each other
//! while one is being deployed, so fields are added with a default, never
//! renamed or removed.

mod absence;
mod boost;
mod call;
mod order;
mod transfer;
mod view;
mod wire;

use audit::Stretch;
use events::Envelope;
use ledger::Millicredits;
use serde::{Deserialize, Serialize};

pub use events::{Lends, Share};

pub use absence::{Absence, AbsenceFilter, AbsenceView, AwayTime, CalendarAbsences, NewAbsence, Terms};
pub use boost::{Boost, BoostFilter, BoostView, NewBoost};
pub(crate) use call::limit_tag;
pub use call::{
    Draws, LimitState, Progress, RateState, Refused, Reserve, ReserveError, Reserved, Settle, SettleError, Settled,
    Subject, Tokens, TopUp,
};
pub use order::{Act, Moved, NewKey, Order, OrderError, Reply};
pub use transfer::{Direction, NewTransfer, Transfer, TransferFilter, TransferStatus, Transferred};
pub use view::{Balance, Expiring, KeyView, Me, MemberView, Overview, Question, Standing, WindowUsage};

/// One message to the actor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A call asks to be paid.
    Reserve(Reserve),
    /// A call has ended.
    Settle(Settle),
    /// A call goes on.
    Progress(Progress),
    /// A call was refused before it asked to be paid, or after.
    Refused(Box<Refused>),
    /// A message from the organization's actor.
    Receive(Envelope),
    /// An act of management.
    Order(Box<Order>),
    /// A question that changes nothing.
    Ask(Question),
    /// How far D1 has come with this journal; what is missing is sent again.
    Heal {
        /// The last sequence that D1 has.
        projected: u64,
        /// The last record of the audit trail that D1 has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audit: Option<u64>,
    },
    /// Details of the audit trail that have been kept for long enough end, a
    /// bounded part of them.
    Retain {
        /// Those of records before this time.
        before_ms: i64,
    },
    /// Several commands in one message, carried out one after the other, each
    /// on its own: one that is refused changes nothing for the next.
    Together(Vec<Self>),
}

/// What is answered to every command, on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Command::Reserve`].
    Reserve(Result<Reserved, ReserveError>),
    /// To [`Command::Settle`].
    Settle(Result<Settled, SettleError>),
    /// To [`Command::Order`], [`Command::Receive`] and [`Command::Refused`].
    Order(Result<Reply, OrderError>),
    /// To [`Question::Overview`].
    Overview(Result<Box<Overview>, OrderError>),
    /// To [`Question::Me`].
    Me(Result<Box<Me>, ReserveError>),
    /// To [`Question::Trail`].
    Trail(Result<Stretch, OrderError>),
    /// To [`Question::Transfers`].
    Transfers(Result<Vec<Transfer>, OrderError>),
    /// To [`Question::Transfer`].
    Transfer(Result<Box<Transfer>, OrderError>),
    /// To [`Question::SentToday`].
    SentToday(Result<Millicredits, OrderError>),
    /// To [`Question::Boosts`].
    Boosts(Result<Vec<BoostView>, OrderError>),
    /// To [`Question::Boost`].
    Boost(Result<Box<BoostView>, OrderError>),
    /// To [`Question::Absences`].
    Absences(Result<Vec<AbsenceView>, OrderError>),
    /// To [`Question::Absence`].
    Absence(Result<Box<AbsenceView>, OrderError>),
    /// To [`Question::Expiring`]: nothing where nothing goes back.
    Expiring(Result<Option<Expiring>, OrderError>),
    /// To [`Command::Progress`] and [`Command::Heal`].
    Standing(Result<Standing, OrderError>),
    /// To [`Command::Retain`]: whether there are more.
    Retained(Result<bool, OrderError>),
    /// To [`Command::Together`]: an answer to each, in order.
    Together(Vec<Self>),
}

#[cfg(test)]
mod tests;
