//! The JSON forms of types from other rooms of the house, for the OpenAPI
//! document only. Nothing is ever of these types.

use serde::Serialize;
use utoipa::ToSchema;

macro_rules! text {
    ($($(#[$doc:meta])* $name:ident, $pattern:literal, $example:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Serialize, ToSchema)]
        #[schema(value_type = String, pattern = $pattern, example = $example)]
        pub struct $name(pub String);
    )*};
}

text! {
    /// An organization's id.
    OrganizationId, "^org_[0-9a-z]{26}$", "org_01h2xcejqtf2nbrexx3vqjhp41";
    /// A department's id.
    DepartmentId, "^dep_[0-9a-z]{26}$", "dep_01h2xcejqtf2nbrexx3vqjhp41";
    /// A team's id.
    TeamId, "^team_[0-9a-z]{26}$", "team_01h2xcejqtf2nbrexx3vqjhp41";
    /// A member's id.
    MemberId, "^mem_[0-9a-z]{26}$", "mem_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a member's key.
    KeyId, "^key_[0-9a-z]{26}$", "key_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of an admin key.
    AdminKeyId, "^adm_[0-9a-z]{26}$", "adm_01h2xcejqtf2nbrexx3vqjhp41";
    /// A service account's id.
    ServiceAccountId, "^svc_[0-9a-z]{26}$", "svc_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a service account's key.
    ServiceKeyId, "^skey_[0-9a-z]{26}$", "skey_01h2xcejqtf2nbrexx3vqjhp41";
    /// A grant's id.
    GrantId, "^grant_[0-9a-z]{26}$", "grant_01h2xcejqtf2nbrexx3vqjhp41";
    /// A session's id.
    SessionId, "^ses_[0-9a-z]{26}$", "ses_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a member's or a service account's key.
    AnyKeyId, "^s?key_[0-9a-z]{26}$", "key_01h2xcejqtf2nbrexx3vqjhp41";
    /// A workload's id.
    WorkloadId, "^wl_[0-9a-z]{26}$", "wl_01h2xcejqtf2nbrexx3vqjhp41";
    /// A policy's id.
    PolicyId, "^pol_[0-9a-z]{26}$", "pol_01h2xcejqtf2nbrexx3vqjhp41";
    /// Who can have a role: a member or a service account.
    Grantee, "^(mem|svc)_[0-9a-z]{26}$", "mem_01h2xcejqtf2nbrexx3vqjhp41";
    /// Where a role can be had: the organization, a department or a team.
    RoleNode, "^(org|dep|team)_[0-9a-z]{26}$", "team_01h2xcejqtf2nbrexx3vqjhp41";
    /// An operation, by its `operationId`, or a movement of credits: `GET /api/v1/permissions/matrix` lists them.
    Action, "^[a-z_]+$", "create_key";
    /// A provider's id.
    ProviderId, "^prov_[0-9a-z]{26}$", "prov_01h2xcejqtf2nbrexx3vqjhp41";
    /// A limit's id.
    LimitId, "^lim_[0-9a-z]{26}$", "lim_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a movement of credits.
    TransferId, "^xfer_[0-9a-z]{26}$", "xfer_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a journal's entry.
    EntryId, "^ent_[0-9a-z]{26}$", "ent_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a record of the audit trail.
    AuditId, "^aud_[0-9a-z]{26}$", "aud_01h2xcejqtf2nbrexx3vqjhp41";
    /// A decimal number of credits, in a string so that no digit is lost: at most three digits after the point.
    Credits, "^-?[0-9]+(\\.[0-9]+)?$", "12.5";
    /// A decimal number of dollars, in a string so that no digit is lost: at most nine digits after the point.
    Usd, "^-?[0-9]+(\\.[0-9]+)?$", "0.15";
    /// A time, RFC 3339, answered in UTC.
    Time, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T", "2026-11-22T13:45:00Z";
    /// Where credits are: `treasury`, or the id of a department, team or member.
    Node, "^(treasury|(dep|team|mem)_[0-9a-z]{26})$", "treasury";
    /// A network or a single address: `203.0.113.0/24`, `2001:db8::/32`, `198.51.100.7`.
    Network, "^[0-9a-fA-F.:]+(/[0-9]{1,3})?$", "203.0.113.0/24";
    /// A model's name, or the beginning of names, with `*` at its end.
    ModelPattern, "^[^*]*\\*?$", "gpt-4o*";
    /// An account of a journal: `treasury`, `pool`, `spent`, `department/dep_…`, `team/team_…`, `wallet/mem_…` and so on.
    Account, "^[a-z]+(/[a-z]+_[0-9a-z]{26})?$", "pool";
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($word:ident),* })*) => {$(
        $(#[$doc])*
        #[derive(ToSchema)]
        #[schema(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "the words say it")]
        pub enum $name { $($word),* }
    )*};
}

/// How a token may be signed.
#[derive(ToSchema)]
#[expect(missing_docs, reason = "the words say it")]
pub enum SigningAlgorithm {
    #[schema(rename = "RS256")]
    Rs256,
    #[schema(rename = "ES256")]
    Es256,
    #[schema(rename = "EdDSA")]
    EdDsa,
}

words! {
    /// What happens to a call that its payers cannot afford in full: its output is limited, or it is refused.
    OutputLimit { Clamp, Refuse }
    /// Whether a call may draw from the team's pool once the wallet is empty.
    PoolDraw { Automatic, Off }
    /// Whether a member may call.
    MemberStatus { Active, Suspended }
    /// A built-in role.
    Role { OrganizationAdmin, Finance, Auditor, DepartmentManager, TeamManager }
    /// Whether a policy decides, or is evaluated without deciding.
    PolicyMode { Enforce, Shadow }
    /// What a decision comes to.
    Verdict { Allowed, ApprovalRequired, Forbidden }
    /// How a provider is spoken to; `demo` is built in and needs no account.
    ProviderKind { Openai, Demo }
    /// By which field a provider limits the output.
    LimitField { MaxCompletionTokens, MaxTokens }
    /// A cap on spending, or a rate limit per minute.
    LimitKind { Cap, Rate }
    /// In which a limit counts, in the organization's time zone.
    Window { Minute, Hour, Day, Week, Month, Quarter, Total }
    /// What a limit counts.
    Unit { Credits, Tokens, Requests }
    /// What kind of movement an entry records.
    EntryKind { Issue, Allot, Return, Settle, Release, Expire, Correct }
    /// What came of something that was asked for.
    AuditOutcome { Done, Denied, Failed }
    /// How a call ended.
    Outcome { Completed, ClientLeft, UpstreamBroke, UpstreamFailed, Expired }
    /// Where the numbers of a call come from.
    Metered { Reported, Seen, Bound, Nothing }
}

/// How a team's pool is refilled from its department.
#[derive(ToSchema)]
pub struct AllotmentPlan {
    /// How much is asked for at a time.
    pub chunk: Credits,
    /// Asked for, ahead of need, when the pool has less than this.
    pub low_water: Credits,
    /// At most so much in a calendar month of the organization's time zone.
    pub monthly_cap: Option<Credits>,
}

/// An amount of a limit: credits as a decimal number in a string, tokens and requests as a whole number.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum LimitAmount {
    /// Of credits.
    Credits(Credits),
    /// Of tokens or requests.
    Count(i64),
}

/// What units cost, in dollars per million. What has no price of its own costs what the more general unit costs.
#[derive(ToSchema)]
pub struct Rates {
    /// A token of input.
    pub input: Usd,
    /// A token read from the provider's cache.
    pub cached_input_read: Option<Usd>,
    /// A token written to the provider's cache.
    pub cached_input_write: Option<Usd>,
    /// The same, to live an hour.
    pub cached_input_write_1h: Option<Usd>,
    /// A token of output.
    pub output: Option<Usd>,
    /// A token of thinking.
    pub reasoning: Option<Usd>,
    /// A token of audio heard.
    pub input_audio: Option<Usd>,
    /// A token of audio read from the cache.
    pub cached_input_audio: Option<Usd>,
    /// A token of audio spoken.
    pub output_audio: Option<Usd>,
    /// A token of an image seen.
    pub input_image: Option<Usd>,
    /// A token of an image read from the cache.
    pub cached_input_image: Option<Usd>,
    /// A token of an image drawn.
    pub output_image: Option<Usd>,
    /// A million calls.
    pub request: Option<Usd>,
    /// A million web searches.
    pub web_search: Option<Usd>,
    /// A million file searches.
    pub file_search: Option<Usd>,
}

/// Other prices for long inputs.
#[derive(ToSchema)]
pub struct ContextTier {
    /// For calls with more input tokens than this.
    pub above_input_tokens: u64,
    /// The prices.
    pub rates: Rates,
}

/// A model's price and sizes.
#[derive(ToSchema)]
pub struct ModelPrice {
    /// The prices.
    pub rates: Rates,
    /// Other prices for long inputs, ascending.
    pub tiers: Option<Vec<ContextTier>>,
    /// The most tokens in.
    pub context_window: Option<u64>,
    /// The most tokens out.
    pub max_output_tokens: Option<u64>,
}

/// What is different about a model's price.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PriceChange {
    /// This price instead of the list price.
    Price(Box<ModelPrice>),
    /// So much less than the list price; 10000 makes the model free.
    DiscountBasisPoints(u32),
}

/// A price of the organization's own.
#[derive(ToSchema)]
pub struct Override {
    /// Only at this provider; without it, at all.
    pub provider: Option<String>,
    /// For these models.
    pub model: ModelPattern,
    /// What is different.
    pub change: PriceChange,
}

/// What is personal or bulky of an audit record; it can be erased, and the trail still holds.
#[derive(ToSchema)]
pub struct AuditDetail {
    /// Where the request came from.
    pub address: Option<String>,
    /// What the client said that it is.
    pub user_agent: Option<String>,
    /// The resource as it was.
    pub before: Option<serde_json::Value>,
    /// The resource as it is.
    pub after: Option<serde_json::Value>,
    /// What policies were asked when it was decided whether it is allowed: who with which roles wanted to do what, to
    /// what, when, and what else was known. `POST /api/v1/policies/test` asks it again.
    pub question: Option<serde_json::Value>,
    /// A note for people.
    pub note: Option<String>,
}

/// What would have been decided if the policies in shadow mode decided too.
#[derive(ToSchema)]
#[schema(example = json!({"decision": "forbidden", "differs": true, "policies": ["pol_01h2xcejqtf2nbrexx3vqjhp41"]}))]
pub struct AuditShadow {
    /// What it would have come to.
    pub decision: Verdict,
    /// Whether that is something else than what was decided.
    pub differs: bool,
    /// By which policies, those in shadow mode among them.
    pub policies: Vec<String>,
}

/// How often a policy in shadow mode would have changed a decision, since this version of it was written.
#[derive(ToSchema)]
#[schema(example = json!({"acts": 2, "reads": 14, "calls": 371, "last_at": "2026-11-22T13:45:00Z"}))]
pub struct WouldDiffer {
    /// About acts of management, done or refused: `GET /api/v1/audit?shadow=differs` has them.
    pub acts: u64,
    /// About reads, of which nothing else is kept.
    pub reads: u64,
    /// About calls of models that were made and would not have been, of which nothing else is kept.
    pub calls: u64,
    /// When it last would have.
    pub last_at: Option<Time>,
}

/// What a policy says.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PolicySource {
    /// In Cedar.
    Cedar(String),
    /// As a setting.
    Setting(Setting),
}

/// A policy as a setting. Where `on` is left out it holds in the whole organization, otherwise on that node and below.
/// More than `most` at once is refused, or needs approval by `approval` where that is said.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Setting {
    /// What people may send each other; nothing, where `most` is left out.
    Transfers {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Option<Credits>,
        /// Who can approve more.
        approval: Option<String>,
    },
    /// What people may draw from their team's pool.
    PoolDraws {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Credits,
        /// Who can approve more.
        approval: Option<String>,
    },
    /// Whether idle credits are shared during an absence.
    AbsenceSharing {
        /// Where.
        on: Option<RoleNode>,
        /// Whether they are.
        allowed: bool,
    },
    /// Temporary allotments.
    Boosts {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Credits,
        /// Who can approve more.
        approval: Option<String>,
    },
    /// Credits up and down the tree.
    Allotments {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Credits,
        /// Who can approve more.
        approval: Option<String>,
    },
    /// Which models may be called.
    Models {
        /// Where.
        on: Option<RoleNode>,
        /// For these people; for everybody if left out.
        members: Option<Vec<MemberId>>,
        /// Names, or beginnings that end in `*`.
        only: Vec<ModelPattern>,
    },
}

/// An error. `code` is stable; `detail` says what to do.
#[derive(ToSchema)]
pub struct Problem {
    /// `urn:alfred:problem:` and the code.
    pub r#type: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
    /// Tells problems apart.
    pub code: String,
    /// With `approval_required`: who can approve it.
    pub approval: Option<String>,
    /// With `insufficient_funds`: the account.
    pub account: Option<String>,
    /// With `insufficient_funds`: what it has beside what is reserved.
    pub left: Option<Credits>,
    /// With `insufficient_funds`: what is needed.
    pub needed: Option<Credits>,
}
