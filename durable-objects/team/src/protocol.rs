//! What the team's actor is told and what it answers: the wire format between
//! the workers and the actor. Two versions of the code talk to each other
//! while one is being deployed, so fields are added with a default, never
//! renamed or removed.

use std::net::IpAddr;

use events::{Envelope, MemberProfile, TeamProfile};
use identity::{KeyHash, KeyId, LimitId, MemberId, Networks, OrganizationId, Principal, RequestId, TransferId};
use journal::Idempotency;
use ledger::{Account, Millicredits, Metered, Outcome};
use limits::{Limit, Taken, Unit, Window};
use serde::{Deserialize, Serialize};

/// One message to the actor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// A call asks to be paid.
    Reserve(Reserve),
    /// A call has ended.
    Settle(Settle),
    /// A call goes on.
    Progress(Progress),
    /// A message from the organization's actor.
    Receive(Envelope),
    /// An act of management.
    Order(Order),
    /// A question that changes nothing.
    Ask(Question),
    /// How far D1 has come with this journal; what is missing is sent again.
    Heal {
        /// The last sequence that D1 has.
        projected: u64,
    },
}

/// A call asks to be paid: everything that needs consistency, in one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// The call; also the idempotency key.
    pub request: RequestId,
    /// Whose tree the key names.
    pub organization: OrganizationId,
    /// Which key.
    pub key: KeyHash,
    /// Where the call comes from, if the runtime knows.
    pub address: Option<IpAddr>,
    /// Model, as the client named it.
    pub model: String,
    /// Who would serve it.
    pub provider: String,
    /// The settings that prices and providers were taken from.
    pub settings_version: u64,
    /// The most that the input can cost.
    pub input: Millicredits,
    /// The most that a million tokens of output can cost, in millicredits.
    pub output_per_million: i64,
    /// The most tokens that the input can be.
    pub input_tokens: i64,
    /// Output tokens wanted, all choices together; 0 when there is no output.
    pub output_tokens: i64,
    /// How many choices share the output.
    pub choices: i64,
    /// Tokens that a rate limit must have room for: input, and the output
    /// that the client asked for in so many words.
    pub rate_tokens: i64,
    /// What the input probably costs; posted if nothing more becomes known.
    pub likely: Millicredits,
    /// What the input probably is in tokens.
    pub likely_tokens: i64,
    /// Whether less output is better than none.
    pub clamp: bool,
    /// Whether a top-up was just tried for this call.
    #[serde(default)]
    pub topped_up: bool,
    /// The client's own label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// Credits are reserved for the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// On whose behalf.
    pub member: MemberId,
    /// How much is reserved.
    pub amount: Millicredits,
    /// How many output tokens that pays for, all choices together.
    pub output_tokens: i64,
    /// Whether that is less than was wanted.
    pub limited: bool,
    /// What the payers have left beside everything reserved.
    pub balance: Millicredits,
    /// The reservation expires unless something is heard of it by then.
    pub expires_ms: i64,
    /// The tightest rate limit on requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_requests: Option<RateState>,
    /// The tightest rate limit on tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_tokens: Option<RateState>,
}

/// Where a rate limit stands, for `x-ratelimit-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateState {
    /// The limit.
    pub limit: i64,
    /// What it leaves.
    pub remaining: i64,
    /// Milliseconds until it starts anew.
    pub reset_ms: i64,
}

/// Why a call is not accepted, in the order in which it is found out. Nothing
/// has changed. Only [`ReserveError::StaleSettings`], rate limits and
/// [`ReserveError::Storage`] are worth another try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum ReserveError {
    /// No such team in that organization, or no such key in the team.
    #[error("the key is unknown")]
    UnknownKey,
    /// The key was revoked.
    #[error("the key was revoked")]
    KeyRevoked,
    /// The key has expired.
    #[error("the key expired")]
    KeyExpired {
        /// When, in milliseconds since 1970.
        at_ms: i64,
    },
    /// The member may not call for now.
    #[error("the member is suspended")]
    MemberSuspended,
    /// The team knows newer settings than the gateway used.
    #[error("the settings changed to version {version}")]
    StaleSettings {
        /// The version that the team knows.
        version: u64,
    },
    /// The call comes from where the key or team may not be used.
    #[error("calls from this address are not allowed")]
    AddressNotAllowed,
    /// The key, member or team may not use the model.
    #[error("the {by} may not use this model")]
    ModelNotAllowed {
        /// Whose list lacks it.
        by: Subject,
    },
    /// Too much in a minute.
    #[error("a rate limit is reached")]
    RateLimited(Box<LimitState>),
    /// A cap is reached.
    #[error("a limit is reached")]
    LimitReached(Box<LimitState>),
    /// The payers' credits do not suffice.
    #[error("the credits do not suffice")]
    InsufficientFunds {
        /// The first payer: the member's wallet.
        account: Account,
        /// What all payers have together, beside what is reserved.
        left: Millicredits,
        /// The least that the call must have.
        needed: Millicredits,
        /// Whether the pool could have paid too.
        pool: bool,
    },
    /// The pool must be topped up first. Never leaves the actor: its shell
    /// asks the department and tries again.
    #[error("the pool must be topped up first")]
    NeedsTopUp(TopUp),
    /// The reservation under this id has already ended.
    #[error("the call has already ended")]
    AlreadyEnded,
    /// Our own fault; retry.
    #[error("the actor's storage failed")]
    Storage,
}

/// A team asks its department for credits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// Asking twice under one key is asking once.
    pub key: String,
    /// How much.
    pub amount: Millicredits,
}

/// What a limit is set on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// All calls of the team.
    Team,
    /// All calls of a member.
    Member(MemberId),
    /// All calls by a key.
    Key(KeyId),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Team => "team",
            Self::Member(_) => "member",
            Self::Key(_) => "key",
        })
    }
}

/// A limit and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitState {
    /// Its id.
    pub id: LimitId,
    /// Whom it is set on.
    pub subject: Subject,
    /// The limit.
    pub limit: Limit,
    /// Spent in the window.
    pub used: i64,
    /// reserved in the window by calls in flight.
    pub reserved: i64,
    /// What it leaves.
    pub left: i64,
    /// What was asked for; 0 where nothing was.
    #[serde(default)]
    pub needed: i64,
    /// When the window ends; `None` for never.
    pub resets_ms: Option<i64>,
}

/// A call has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// The call; also the idempotency key.
    pub request: RequestId,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the numbers come from; [`Metered::Nothing`] releases.
    pub metered: Metered,
    /// What it costs.
    pub cost: Millicredits,
    /// What it used.
    pub tokens: Tokens,
    /// Whether somebody should look.
    #[serde(default)]
    pub reconcile: bool,
}

/// What a call used, for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Input, cached included.
    pub input: i64,
    /// Read from the provider's cache.
    pub cached: i64,
    /// Output, reasoning included.
    pub output: i64,
    /// Reasoning.
    pub reasoning: i64,
}

/// What the settle came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// What was paid, now or when it was first settled.
    pub cost: Millicredits,
    /// What the payers have left beside everything reserved.
    pub balance: Millicredits,
    /// False when it had ended before.
    pub changed: bool,
}

/// Why a settle changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum SettleError {
    /// No such reservation here, or its record was cleaned away.
    #[error("the reservation is unknown")]
    UnknownReservation,
    /// The cost is negative.
    #[error("a cost below zero")]
    NegativeCost,
    /// Our own fault; retry.
    #[error("the actor's storage failed")]
    Storage,
}

/// A call goes on: it keeps its reservation and reports what it has cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The call.
    pub request: RequestId,
    /// What it has cost so far; never lowers what is known.
    pub due: Millicredits,
    /// What it has used so far.
    pub due_tokens: i64,
}

/// An act of management, with who ordered it and how a repetition is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Who.
    pub who: Principal,
    /// How a repetition is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
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

/// A key as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Its id.
    pub id: KeyId,
    /// Whose.
    pub member: MemberId,
    /// What it is for.
    pub name: String,
    /// The start and end of the secret.
    pub hint: String,
    /// When it was made.
    pub created_ms: i64,
    /// When it stops working.
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
    /// Models that it may use.
    pub models: Option<Vec<String>>,
    /// Networks that it may be used from.
    pub addresses: Option<Networks>,
    /// What it has spent in all.
    pub spent: Millicredits,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Question {
    /// Everything about the team.
    Overview,
    /// What a key's owner may see.
    Me {
        /// Whose tree the key names.
        organization: OrganizationId,
        /// Which key.
        key: KeyHash,
        /// Where the question comes from.
        address: Option<IpAddr>,
    },
}

/// Everything about the team, for managers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// What the team is.
    pub profile: TeamProfile,
    /// The shared account.
    pub pool: Balance,
    /// The members and their wallets.
    pub members: Vec<MemberView>,
    /// The keys, revoked ones included.
    pub keys: Vec<KeyView>,
    /// The limits and where they stand.
    pub limits: Vec<LimitState>,
    /// Received from above, less what was returned.
    pub allotted: Millicredits,
    /// Paid for calls.
    pub spent: Millicredits,
    /// Reported by providers beyond their limit and covered by nobody.
    pub overrun: Millicredits,
    /// Calls in flight.
    pub open: u64,
    /// Messages that have not arrived.
    pub outbox: u64,
    /// The journal's last entry.
    pub sequence: u64,
    /// Rows written since the actor woke, as the platform bills them.
    pub rows_written: u64,
}

/// A balance and what of it is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balance {
    /// All that is there.
    pub balance: Millicredits,
    /// reserved by calls in flight.
    pub reserved: Millicredits,
    /// The rest.
    pub available: Millicredits,
}

/// A member and the wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Who.
    pub profile: MemberProfile,
    /// The wallet.
    pub wallet: Balance,
    /// What the member has spent in all.
    pub spent: Millicredits,
}

/// What a key's owner may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The member.
    pub member: MemberProfile,
    /// The team.
    pub team: TeamProfile,
    /// The key.
    pub key: KeyView,
    /// The wallet.
    pub wallet: Balance,
    /// The pool, if calls may draw from it.
    pub pool: Option<Balance>,
    /// Limits that bind this key.
    pub limits: Vec<LimitState>,
    /// What the member has used, by window.
    pub usage: Vec<WindowUsage>,
}

/// What was used in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowUsage {
    /// Which window.
    pub window: Window,
    /// Credits spent.
    pub credits: Millicredits,
    /// Credits reserved by calls in flight.
    pub reserved_credits: Millicredits,
    /// Tokens used.
    pub tokens: i64,
    /// Calls made.
    pub requests: i64,
}

impl WindowUsage {
    pub(crate) fn new(window: Window, taken: Taken) -> Self {
        Self {
            window,
            credits: taken.used.credits,
            reserved_credits: taken.reserved.credits,
            tokens: taken.used.get(Unit::Tokens),
            requests: taken.used.get(Unit::Requests),
        }
    }
}

/// What is answered to every command, on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Command::Reserve`].
    Reserve(Result<Reserved, ReserveError>),
    /// To [`Command::Settle`].
    Settle(Result<Settled, SettleError>),
    /// To [`Command::Order`] and [`Command::Receive`].
    Order(Result<Reply, OrderError>),
    /// To [`Question::Overview`].
    Overview(Result<Box<Overview>, OrderError>),
    /// To [`Question::Me`].
    Me(Result<Box<Me>, ReserveError>),
    /// To [`Command::Progress`] and [`Command::Heal`].
    Standing(Result<Standing, OrderError>),
}

/// How far the actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The journal's last entry.
    pub sequence: u64,
    /// Messages that have not arrived.
    pub outbox: u64,
    /// Calls in flight.
    pub open: u64,
}
