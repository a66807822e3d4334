//! A call's way through the actor: reserve, go on, settle.

use std::net::IpAddr;

use audit::Outcome as Verdict;
use identity::{KeyHash, KeyId, LimitId, MemberId, OrganizationId, RequestId};
use journal::Tag;
use ledger::{Account, Metered, Millicredits, Outcome};
use limits::{Limit, PoolRules};
use serde::{Deserialize, Serialize};

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
        /// What the pool's rules leave the member, where that is less than the
        /// pool has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        draws: Option<Box<Draws>>,
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

impl ReserveError {
    /// The error's code, as whoever made the call sees it, and whether they
    /// were not allowed to make it (`denied`) or it could not be made
    /// (`failed`). `None` where another try is all that it takes.
    #[must_use]
    pub const fn refusal(&self) -> Option<(&'static str, Verdict)> {
        Some(match self {
            Self::UnknownKey | Self::KeyRevoked | Self::KeyExpired { .. } => ("invalid_api_key", Verdict::Denied),
            Self::MemberSuspended => ("member_suspended", Verdict::Denied),
            Self::AddressNotAllowed => ("address_not_allowed", Verdict::Denied),
            Self::ModelNotAllowed { .. } => ("model_not_allowed", Verdict::Denied),
            Self::RateLimited(_) => ("rate_limit_exceeded", Verdict::Failed),
            Self::LimitReached(_) | Self::InsufficientFunds { .. } => ("insufficient_quota", Verdict::Failed),
            Self::StaleSettings { .. } | Self::NeedsTopUp(_) | Self::AlreadyEnded | Self::Storage => return None,
        })
    }

    /// The limit that is reached.
    const fn limit(&self) -> Option<LimitId> {
        match self {
            Self::RateLimited(state) | Self::LimitReached(state) => Some(state.id),
            _ => None,
        }
    }
}

/// A call that was refused, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The call; the last of them where there were more.
    pub request: RequestId,
    /// By which key.
    pub key: KeyHash,
    /// Where it came from, if the runtime knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Model, as the client named it; `None` where the call was about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether it was not allowed or could not be done.
    pub outcome: Verdict,
    /// The error's code, as the client saw it.
    pub code: String,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The limit that is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitId>,
    /// The policies that forbid it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Which version of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<u64>,
    /// How many such calls.
    pub times: u64,
}

impl Refused {
    /// What is to be recorded of a call that is not paid for, if anything is.
    #[must_use]
    pub fn of(call: &Reserve, error: &ReserveError) -> Option<Self> {
        let (code, outcome) = error.refusal()?;
        Some(Self {
            request: call.request,
            key: call.key,
            address: call.address,
            model: Some(call.model.clone()),
            outcome,
            code: code.to_owned(),
            why: Some(error.to_string()),
            limit: error.limit(),
            policies: Vec::new(),
            policy_version: None,
            times: 1,
        })
    }
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

/// A pool's rules, and where a member stands with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draws {
    /// The rules.
    pub rules: PoolRules,
    /// What the member has drawn in the window, calls in flight included.
    pub drawn: Millicredits,
    /// What they may draw now.
    pub left: Millicredits,
    /// When the next window begins; `None` for never.
    pub resets_ms: Option<i64>,
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

impl LimitState {
    /// The tag of the limit, wherever it stands.
    #[must_use]
    pub fn tag(&self) -> Tag {
        limit_tag(self.id, self.subject, &self.limit)
    }
}

/// The tag of a limit. The same code makes it for whoever reads and for the
/// actor, which compares.
pub(crate) fn limit_tag(id: LimitId, subject: Subject, limit: &Limit) -> Tag {
    Tag::of(&(id, subject, limit))
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
    /// How long ago it ended, in milliseconds: a settle may wait to be sent.
    #[serde(default)]
    pub ended_ago_ms: i64,
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
