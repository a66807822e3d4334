//! Acts of management and what they come to.

use audit::Attribution;
use identity::{AbsenceId, BoostId, KeyHash, KeyId, LimitId, MemberId, Networks, Principal, TransferId};
use journal::{Idempotency, Tag};
use ledger::{Account, Millicredits};
use limits::Limit;
use serde::{Deserialize, Serialize};

use super::{
    AbsenceView, BoostView, CalendarAbsences, KeyView, LimitState, NewAbsence, NewBoost, NewTransfer, Subject, Terms,
    Transferred,
};

/// An act of management, with who ordered it and how a repetition is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Who.
    pub who: Principal,
    /// How a repetition is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// Tags of which what is changed must have one; any if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<Vec<Tag>>,
    /// By what it came.
    #[serde(default)]
    pub by: Attribution,
    /// What.
    pub act: Act,
}

/// What can be ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// A new key for a member.
    CreateKey(NewKey),
    /// A new secret for a key; its spend and limits stay.
    RotateKey {
        /// Which key.
        key: KeyId,
        /// Hash of the new secret.
        hash: KeyHash,
        /// What lists show of it.
        hint: String,
        /// The old secret works for so long.
        grace_ms: i64,
    },
    /// The key never works again.
    RevokeKey {
        /// Which key.
        key: KeyId,
    },
    /// A limit on team, member or key.
    CreateLimit {
        /// Its id.
        limit_id: LimitId,
        /// Whom it is set on.
        subject: Subject,
        /// The limit.
        limit: Limit,
    },
    /// Another amount for a limit.
    ChangeLimit {
        /// Which limit.
        limit_id: LimitId,
        /// The new limit; what was used stays used.
        limit: Limit,
    },
    /// No such limit any more.
    RemoveLimit {
        /// Which limit.
        limit_id: LimitId,
    },
    /// Credits between the pool and a wallet.
    Allot {
        /// The movement's name.
        transfer: TransferId,
        /// From where: pool or wallet.
        from: Account,
        /// To where: wallet or pool.
        to: Account,
        /// How much.
        amount: Millicredits,
        /// Why, for people.
        note: Option<String>,
    },
    /// Credits to a colleague, a pool or another team.
    Transfer(NewTransfer),
    /// A transfer goes back to where it came from, as far as it is unspent.
    /// Ordered where the credits are now.
    UndoTransfer {
        /// Which.
        transfer: TransferId,
        /// How much of it; all of it if left out.
        amount: Option<Millicredits>,
    },
    /// Credits for one member, apart from their wallet.
    Boost(NewBoost),
    /// A boost ends before its time.
    EndBoost {
        /// Which.
        boost: BoostId,
    },
    /// A member is away, or will be.
    Absence(NewAbsence),
    /// An absence is another one from now on.
    ChangeAbsence {
        /// Which.
        absence: AbsenceId,
        /// What it is then.
        terms: Terms,
    },
    /// A member is back, or does not go.
    EndAbsence {
        /// Which.
        absence: AbsenceId,
    },
    /// What a calendar says of a member.
    CalendarAbsences(CalendarAbsences),
    /// Credits from the pool back to the department.
    Return {
        /// The movement's name.
        transfer: TransferId,
        /// How much.
        amount: Millicredits,
        /// Why, for people.
        note: Option<String>,
    },
}

/// A new key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Its id.
    pub key: KeyId,
    /// Whose.
    pub member: MemberId,
    /// What it is for.
    pub name: String,
    /// Hash of the secret.
    pub hash: KeyHash,
    /// What lists show of the secret.
    pub hint: String,
    /// When it stops working; `None` for never.
    #[serde(default)]
    pub expires_ms: Option<i64>,
    /// Models that it may use, within the member's.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// Networks that it may be used from.
    #[serde(default)]
    pub addresses: Option<Networks>,
}

/// Why an order or question was refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum OrderError {
    /// There is no such thing in this team.
    #[error("there is no {what} `{id}` in this team")]
    NotFound {
        /// What kind of thing.
        what: String,
        /// Its id.
        id: String,
    },
    /// It cannot be done in the state that the thing is in.
    #[error("{message}")]
    Conflict {
        /// What stands in the way.
        message: String,
    },
    /// Somebody else has changed it since it was read.
    #[error("somebody else has changed it since it was read")]
    Stale {
        /// The tag that it has.
        tag: Tag,
    },
    /// What was asked makes no sense.
    #[error("{message}")]
    Invalid {
        /// What is wrong with it.
        message: String,
    },
    /// The account has not so much.
    #[error("`{account}` has {left} credits available, {needed} are needed")]
    InsufficientFunds {
        /// Which account.
        account: Account,
        /// What it has beside what is reserved.
        left: Millicredits,
        /// What was asked for.
        needed: Millicredits,
    },
    /// More was sent from there since policies were asked; ask again.
    #[error("more was sent meanwhile: {sent_today} credits today")]
    SentMeanwhile {
        /// What was sent from there today.
        sent_today: Millicredits,
    },
    /// Of what shall be undone a part is spent.
    #[error("only {undoable} credits of the transfer are unspent")]
    PartlySpent {
        /// How much can be undone.
        undoable: Millicredits,
    },
    /// It can be undone no more.
    #[error("the transfer could be undone until {until_ms} ms after 1970")]
    TooLate {
        /// Until when it could.
        until_ms: i64,
    },
    /// The idempotency key was used for something else.
    #[error("the idempotency key `{key}` was used before with another content")]
    IdempotencyConflict {
        /// The key.
        key: String,
    },
    /// A message came before the team was told what it is; retry.
    #[error("the team's actor does not know its team yet")]
    NotOpen,
    /// Our own fault; retry.
    #[error("the actor's storage failed")]
    Storage,
}

/// What is answered to orders. `Done` where there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reply {
    /// It is done.
    Done,
    /// A key, as it is now.
    Key(KeyView),
    /// A limit, as it is now.
    Limit(LimitState),
    /// Credits were moved.
    Moved(Moved),
    /// Credits were sent, or came back.
    Transferred(Box<Transferred>),
    /// A boost, as it is now.
    Boosted(Box<BoostView>),
    /// An absence, as it is now.
    Absence(Box<AbsenceView>),
}

/// Credits were moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The movement's name in every journal that it touches.
    pub transfer: TransferId,
    /// How much.
    pub amount: Millicredits,
    /// From where.
    pub from: Account,
    /// What is available there now.
    pub from_available: Millicredits,
    /// To where.
    pub to: Account,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
}
