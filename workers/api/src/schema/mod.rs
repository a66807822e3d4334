//! The JSON forms of types from other rooms of the house, for the OpenAPI
//! document only. Nothing is ever of these types.

mod limits;
mod policies;
mod prices;

use serde::Serialize;
use utoipa::ToSchema;

pub use self::limits::*;
pub use self::policies::*;
pub use self::prices::*;

macro_rules! text {
    ($($(#[$doc:meta])* $name:ident, $pattern:literal, $example:literal $(, $more:ident = $value:tt)*;)*) => {$(
        $(#[$doc])*
        #[derive(Serialize, ToSchema)]
        #[schema(value_type = String, pattern = $pattern, example = $example $(, $more = $value)*)]
        pub struct $name(pub String);
    )*};
}

text! {
    /// An organization's id.
    OrganizationId, "^org_[0-7][0-9a-hjkmnp-tv-z]{25}$", "org_01h2xcejqtf2nbrexx3vqjhp41";
    /// A department's id.
    DepartmentId, "^dep_[0-7][0-9a-hjkmnp-tv-z]{25}$", "dep_01h2xcejqtf2nbrexx3vqjhp41";
    /// A team's id.
    TeamId, "^team_[0-7][0-9a-hjkmnp-tv-z]{25}$", "team_01h2xcejqtf2nbrexx3vqjhp41";
    /// A member's id.
    MemberId, "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$", "mem_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a member's key.
    KeyId, "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$", "key_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of an admin key.
    AdminKeyId, "^adm_[0-7][0-9a-hjkmnp-tv-z]{25}$", "adm_01h2xcejqtf2nbrexx3vqjhp41";
    /// A service account's id.
    ServiceAccountId, "^svc_[0-7][0-9a-hjkmnp-tv-z]{25}$", "svc_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a service account's key.
    ServiceKeyId, "^skey_[0-7][0-9a-hjkmnp-tv-z]{25}$", "skey_01h2xcejqtf2nbrexx3vqjhp41";
    /// A grant's id.
    GrantId, "^grant_[0-7][0-9a-hjkmnp-tv-z]{25}$", "grant_01h2xcejqtf2nbrexx3vqjhp41";
    /// A session's id.
    SessionId, "^ses_[0-7][0-9a-hjkmnp-tv-z]{25}$", "ses_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a member's or a service account's key.
    AnyKeyId, "^s?key_[0-7][0-9a-hjkmnp-tv-z]{25}$", "key_01h2xcejqtf2nbrexx3vqjhp41";
    /// A workload's id.
    WorkloadId, "^wl_[0-7][0-9a-hjkmnp-tv-z]{25}$", "wl_01h2xcejqtf2nbrexx3vqjhp41";
    /// A policy's id.
    PolicyId, "^pol_[0-7][0-9a-hjkmnp-tv-z]{25}$", "pol_01h2xcejqtf2nbrexx3vqjhp41";
    /// Who can have a role: a member or a service account.
    Grantee, "^(mem|svc)_[0-7][0-9a-hjkmnp-tv-z]{25}$", "mem_01h2xcejqtf2nbrexx3vqjhp41";
    /// Where a role can be had: the organization, a department or a team.
    RoleNode, "^(org|dep|team)_[0-7][0-9a-hjkmnp-tv-z]{25}$", "team_01h2xcejqtf2nbrexx3vqjhp41";
    /// An operation, by its `operationId`, or a movement of credits: `GET /api/v1/permissions/matrix` lists them.
    Action, "^[a-z_]+$", "create_key";
    /// By what a master secret is told from another.
    MasterKeyId, "^[0-9a-f]{8}$", "1c8cd1c8";
    /// A calendar's id.
    CalendarId, "^cal_[0-7][0-9a-hjkmnp-tv-z]{25}$", "cal_01h2xcejqtf2nbrexx3vqjhp41";
    /// A calendar's address.
    CalendarUrl, "^https://[a-z][a-z0-9]{0,20}\\.example/[A-Za-z0-9/_.-]{0,50}$", "https://calendar.example/ada.ics";
    /// Whose calendar it is, as its system names them.
    CalendarName, "^[a-z0-9][a-z0-9.@-]{0,60}$", "ada@acme.example";
    /// A company at BambooHR.
    CalendarCompany, "^[A-Za-z0-9-]{1,63}$", "acme";
    /// A channel's id.
    ChannelId, "^chan_[0-7][0-9a-hjkmnp-tv-z]{25}$", "chan_01h2xcejqtf2nbrexx3vqjhp41";
    /// A bot's name at Telegram, without `@`.
    TelegramBot, "^[A-Za-z0-9_]{5,32}$", "alfred_acme_bot";
    /// A webhook's secret token at Telegram.
    TelegramSecret, "^[A-Za-z0-9_-]{16,256}$", "8f742231b10e8f742231b10e";
    /// A word by which events are known.
    CalendarWord, "^[a-z]{1,30}$", "vacation";
    /// A JSON Pointer (RFC 6901) into a document; empty is the whole.
    DocumentPointer, "^(/[a-z_]{1,20}){0,5}$", "/data/items";
    /// A JSON Pointer (RFC 6901) into an item.
    JsonPointer, "^(/[a-z_]{1,20}){1,5}$", "/id";
    /// A channel's token or secret: visible ASCII characters.
    ChannelSecret, "^[!-~]+$", "xoxb-0123", min_length = 1, max_length = 2000;
    /// A webhook's address.
    WebhookUrl, "^https?://[a-z0-9.-]+(:[0-9]{1,4})?(/[A-Za-z0-9/_-]*)?$", "https://hooks.slack.com/services/T0/B0/x", max_length = 500;
    /// By what a webhook's messages are signed: `whsec_` and 24 to 64 bytes in Base64.
    WebhookSecret, "^whsec_([A-Za-z0-9+/]{4}){8,21}$", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    /// Slack's id of a workspace.
    SlackWorkspace, "^[TE][A-Z0-9]{2,20}$", "T012AB3CD";
    /// An address for mail, in ASCII.
    Mailbox, "^[a-z0-9]{1,20}@[a-z]{1,20}\\.[a-z]{2,10}$", "alfred@acme.example";
    /// A provider's id.
    ProviderId, "^prov_[0-7][0-9a-hjkmnp-tv-z]{25}$", "prov_01h2xcejqtf2nbrexx3vqjhp41";
    /// A limit's id.
    LimitId, "^lim_[0-7][0-9a-hjkmnp-tv-z]{25}$", "lim_01h2xcejqtf2nbrexx3vqjhp41";
    /// A member, for the wallet, or a team, for its pool.
    WalletOrPool, "^(team|mem)_[0-7][0-9a-hjkmnp-tv-z]{25}$", "mem_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of something that was asked for.
    ApprovalId, "^apr_[0-7][0-9a-hjkmnp-tv-z]{25}$", "apr_01h2xcejqtf2nbrexx3vqjhp41";
    /// A role, for whoever has it where the credits come from, or above; or a member.
    Approver, "^(organization_admin|finance|auditor|department_manager|team_manager|mem_[0-7][0-9a-hjkmnp-tv-z]{25})$", "team_manager";
    /// A plan's id.
    PlanId, "^plan_[0-7][0-9a-hjkmnp-tv-z]{25}$", "plan_01h2xcejqtf2nbrexx3vqjhp41";
    /// A department or a team.
    DepartmentOrTeam, "^(dep|team)_[0-7][0-9a-hjkmnp-tv-z]{25}$", "team_01h2xcejqtf2nbrexx3vqjhp41";
    /// A day of the organization's calendar.
    Day, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "2026-11-01", format = "date";
    /// An absence's id.
    AbsenceId, "^abs_[0-7][0-9a-hjkmnp-tv-z]{25}$", "abs_01h2xcejqtf2nbrexx3vqjhp41";
    /// A boost's id.
    BoostId, "^boost_[0-7][0-9a-hjkmnp-tv-z]{25}$", "boost_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a movement of credits.
    TransferId, "^xfer_[0-7][0-9a-hjkmnp-tv-z]{25}$", "xfer_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a journal's entry.
    EntryId, "^ent_[0-7][0-9a-hjkmnp-tv-z]{25}$", "ent_01h2xcejqtf2nbrexx3vqjhp41";
    /// Whose journal and audit trail: the organization's id, or a team's.
    Actor, "^(org|team)_[0-7][0-9a-hjkmnp-tv-z]{25}$", "team_01h2xcejqtf2nbrexx3vqjhp41";
    /// The id of a record of the audit trail.
    AuditId, "^aud_[0-7][0-9a-hjkmnp-tv-z]{25}$", "aud_01h2xcejqtf2nbrexx3vqjhp41";
    /// A decimal number of credits, in a string so that no digit is lost: at most three digits after the point.
    Credits, "^-?[0-9]{1,16}(\\.[0-9]{1,3}0*)?$", "12.5";
    /// The same, not below zero.
    Amount, "^0*([0-9]{1,15}|[1-8][0-9]{15})(\\.[0-9]{1,3}0*)?$", "12.5";
    /// The same, above zero.
    PositiveAmount, "^0*([1-9][0-9]{0,14}(\\.[0-9]{1,3}0*)?|0\\.[0-9]{0,2}[1-9]0*)$", "12.5";
    /// The same for limits, up to 1,000,000,000,000,000.
    LimitCredits, "^0*([0-9]{1,15}(\\.[0-9]{1,3}0*)?|1000000000000000(\\.0+)?)$", "12.5";
    /// A decimal number of dollars, in a string so that no digit is lost: at most nine digits after the point.
    Usd, "^-?[0-9]+(\\.[0-9]{1,9}0*)?$", "0.15";
    /// The price of a million tokens in dollars, up to 100,000.
    TokenPrice, "^0*([0-9]{1,5}(\\.[0-9]{1,9}0*)?|100000(\\.0+)?)$", "0.15";
    /// The price of a million calls or searches in dollars, up to 100,000,000.
    CallPrice, "^0*([0-9]{1,8}(\\.[0-9]{1,9}0*)?|100000000(\\.0+)?)$", "25";
    /// What a million credits are worth in dollars, above zero.
    CreditRate, "^0*([1-9][0-9]{0,8}(\\.[0-9]{1,9}0*)?|0\\.[0-9]{0,8}[1-9]0*)$", "1";
    /// A time from 1970 on, RFC 3339, answered in UTC.
    Time, "^(19[7-9]|[2-9][0-9]{2})[0-9]-", "2026-11-22T13:45:00Z", format = "date-time";
    /// A time to come, RFC 3339.
    FutureTime, "^[2-9][0-9]{3}-", "2099-12-31T00:00:00Z", format = "date-time";
    /// Where credits are: `treasury`, or the id of a department, team or member.
    Node, "^(treasury|(dep|team|mem)_[0-7][0-9a-hjkmnp-tv-z]{25})$", "treasury";
    /// A network or a single address: `203.0.113.0/24`, `2001:db8::/32`, `198.51.100.7`.
    Network, "^(((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(/(3[0-2]|[12]?[0-9]))?|(([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|([0-9a-fA-F]{1,4}:){1,7}:|([0-9a-fA-F]{1,4}:){1,6}:[0-9a-fA-F]{1,4}|([0-9a-fA-F]{1,4}:){1,5}(:[0-9a-fA-F]{1,4}){1,2}|([0-9a-fA-F]{1,4}:){1,4}(:[0-9a-fA-F]{1,4}){1,3}|([0-9a-fA-F]{1,4}:){1,3}(:[0-9a-fA-F]{1,4}){1,4}|([0-9a-fA-F]{1,4}:){1,2}(:[0-9a-fA-F]{1,4}){1,5}|[0-9a-fA-F]{1,4}:(:[0-9a-fA-F]{1,4}){1,6}|:(:[0-9a-fA-F]{1,4}){1,7}|::)(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$", "203.0.113.0/24";
    /// A model's name, or the beginning of names, with `*` at its end.
    ModelPattern, "^([^*\\u0000-\\u001f\\u007f-\\u009f]+\\*?|\\*)$", "demo-*", max_length = 256;
    /// The name of anything.
    Name, "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$", "Evaluation", min_length = 1, max_length = 100;
    /// A line for people: a note, or where to ask.
    Line, "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$", "ask in #ai-credits", min_length = 1, max_length = 500;
    /// An address for mail.
    Email, "^[^@\\s\\u0000-\\u001f\\u007f-\\u009f]+@[^@\\s\\u0000-\\u001f\\u007f-\\u009f]*\\.[^@\\s\\u0000-\\u001f\\u007f-\\u009f]*$", "linus@acme.example", max_length = 254;
    /// A provider's own key.
    ProviderSecret, "^[!-~]+$", "sk-example", min_length = 1, max_length = 2000;
    /// The name of a header.
    HeaderName, "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "x-team", min_length = 1, max_length = 200;
    /// The value of a header.
    HeaderValue, "^[!-~]([ -~]*[!-~])?$", "research", min_length = 1, max_length = 2000;
    /// Where a provider's API is, up to and with the version.
    BaseUrl, "^[hH][tT][tT][pP][sS]?://[^?#@\\s]+$", "https://api.openai.com/v1", max_length = 500;
    /// Dimensions with commas between them.
    Dimensions, "^((department|team|member|key|model|provider|tag)?(,|$))*$", "team,model";
    /// An account of a journal: `treasury`, `pool`, `spent`, `department/dep_…`, `team/team_…`, `wallet/mem_…` and so on.
    Account, "^[a-z]+(/[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25})?$", "pool";
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
    MemberStatus { Active, Suspended, Removed }
    /// What becomes of the credits of members who are removed: they go to the team's pool, or stay in the wallet, where
    /// nobody spends them.
    LeaverCredits { Pool, Wallet }
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
    /// How long a plan's periods are: days, weeks from Monday on, months, quarters, years.
    Every { Day, Week, Month, Quarter, Year }
    /// What a limit counts.
    Unit { Credits, Tokens, Requests }
    /// Credits.
    CreditUnit { Credits }
    /// What can be counted.
    CountUnit { Tokens, Requests }
    /// A cap.
    CapKind { Cap }
    /// A rate limit.
    RateKind { Rate }
    /// The window of rate limits.
    RateWindow { Minute }
    /// What kind of movement an entry records.
    EntryKind { Issue, Allot, Return, Boost, Lend, Transfer, Undo, Settle, Release, Expire, Correct }
    /// What came of something that was asked for.
    AuditOutcome { Done, Denied, Failed }
    /// How far it is.
    ApprovalState { Pending, Approved, Denied, Expired, Cancelled }
    /// What somebody said.
    ApprovalVerdict { Approve, Deny }
    /// How many of a step's approvers must approve: one of them, or each, each a person of its own.
    ApprovalMode { Any, All }
    /// How a call ended.
    Outcome { Completed, ClientLeft, UpstreamBroke, UpstreamFailed, Expired }
    /// Where the numbers of a call come from.
    Metered { Reported, Seen, Bound, Nothing }
}

/// Who must approve something, one step after the other.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalChain {
    /// What policies call it: `@needs_approval("…")`, or `approval` of a setting.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// One after the other.
    #[schema(min_items = 1, max_items = 10)]
    pub steps: Vec<ApprovalStep>,
    /// What nobody has decided by then is over; 72 if never said.
    #[schema(minimum = 1, maximum = 744, required = false)]
    pub expires_hours: u32,
    /// After so many hours others can approve as well; before it expires.
    pub escalate_after_hours: Option<u32>,
    /// Who then can; whoever administers the organization if left out.
    pub escalate_to: Option<Approver>,
}

/// One step of a chain.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalStep {
    /// How many of them; one if left out.
    #[schema(required = false)]
    pub mode: ApprovalMode,
    /// Who.
    #[schema(min_items = 1, max_items = 20)]
    pub of: Vec<Approver>,
}

/// How a team's pool is refilled from its department.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllotmentPlan {
    /// How much is asked for at a time.
    pub chunk: PositiveAmount,
    /// Asked for, ahead of need, when the pool has less than this.
    pub low_water: Amount,
    /// At most so much in a calendar month of the organization's time zone.
    pub monthly_cap: Option<Amount>,
}

/// How much of its team's pool one member's calls may draw without asking.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolRules {
    /// The stretch of the calendar in which draws are counted, in the organization's time zone.
    pub window: Window,
    /// At most so much for each member in a window; no such limit if left out.
    pub each: Option<Amount>,
    /// Of the last so many credits of the pool, nobody draws more than an even share in a window, so that no one
    /// empties it; 0 if left out.
    #[schema(required = false)]
    pub floor: Amount,
}

/// What shall become of a header.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum HeaderChange {
    /// It shall have this value.
    Value(HeaderValue),
    /// It shall be gone.
    Gone,
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

/// What a calendar is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalendarKind {
    /// Published as iCalendar.
    Ics,
    /// Google Calendar.
    GoogleCalendar,
    /// Microsoft 365.
    MicrosoftGraph,
    /// BambooHR.
    Bamboohr,
    /// Another list, as JSON.
    Json,
}

/// Which events of a calendar are absences, and whose.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarRule {
    /// Those that are marked as out of office or have one of the words, or all; `marked` if left out.
    #[schema(required = false)]
    pub events: CalendarEvents,
    /// Words that mark an event as an absence if its title or one of its categories has them: whole ones, or with `*` in
    /// front or behind parts of longer ones.
    #[schema(required = false, max_items = 100)]
    pub words: Vec<CalendarWord>,
    /// Whether words mark events that leave the time free, too.
    #[schema(required = false)]
    pub free: bool,
    /// Who is away: whoever the calendar belongs to, each event's organizer, or all that it invites; `owner` if left out.
    #[schema(required = false)]
    pub whose: CalendarWhose,
}

/// Which events of a calendar count.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalendarEvents {
    /// Those that are out of office, and those with one of the words.
    Marked,
    /// All of them.
    All,
}

/// Who is away, by the events of a calendar.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalendarWhose {
    /// The one person whose calendar it is.
    Owner,
    /// Each event's organizer.
    Organizer,
    /// All that an event invites and that have not declined.
    Attendees,
}

/// Where in a JSON document to find absences. All are JSON Pointers (RFC 6901).
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarMapping {
    /// The list, in the document.
    pub items: DocumentPointer,
    /// In an item: its name, which stays the same.
    pub uid: JsonPointer,
    /// In an item: who is away. Left out if all items are about the same person.
    pub who: Option<JsonPointer>,
    /// In an item: what it is called.
    pub title: Option<JsonPointer>,
    /// In an item: when the absence begins.
    pub from: JsonPointer,
    /// In an item: when it ends. A `null` there means that nobody knows.
    pub until: JsonPointer,
    /// Whether a date at `until` is the last day of the absence, and not the first day after it.
    #[schema(required = false)]
    pub until_inclusive: bool,
    /// Which items count; all if left out.
    pub only: Option<CalendarOnly>,
}

/// Which items of a JSON document are absences.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarOnly {
    /// In an item: what decides.
    pub pointer: JsonPointer,
    /// One of these has to be there.
    #[schema(min_items = 1, max_items = 100)]
    pub equals: Vec<PlainValue>,
}

/// A text, a number or a truth value.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum PlainValue {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// A truth value.
    Truth(bool),
}

/// What a channel is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// Slack, by a bot.
    Slack,
    /// Telegram, by a bot.
    Telegram,
    /// Slack, by an incoming webhook.
    SlackWebhook,
    /// Microsoft Teams, by a Workflows webhook.
    TeamsWebhook,
    /// Mail.
    Email,
    /// Standard Webhooks.
    Webhook,
}

/// Who sends mail.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailService {
    /// <https://resend.com>
    Resend,
    /// <https://postmarkapp.com>
    Postmark,
}
