//! Acts of management, what is answered to them and why they are refused.

use audit::Attribution;
use events::{MemberProfile, OnDemand, PoolDraw, TeamProfile};
use identity::{
    AdminKeyId, ApprovalId, CalendarId, ChannelId, DepartmentId, GrantId, KeyHash, MemberId, Networks, PlanId,
    PolicyId, Principal, ProviderId, ServiceAccountId, ServiceKeyId, SessionId, TeamId, TransferId, WorkloadId,
};
use journal::{Idempotency, Tag};
use ledger::{Account, Millicredits};
use limits::PoolRules;
use policy::{Action, Grant};
use pricing::Overrides;
use serde::{Deserialize, Serialize};
use vault::Sealed;

use super::{
    AdminKeyRecord, Approval, AskApproval, Calendar, Channel, Decide, DepartmentView, MemberRecord, NewGrant, NewPlan,
    NewServiceKey, NewSession, Plan, PolicyRecord, PutPolicy, ServiceAccount, SessionRecord, SetupTokenRecord, SignIn,
};
use crate::settings::{General, Provider, Workload};

/// An act of management.
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
    /// Another name for the organization.
    Rename {
        /// The name.
        name: String,
    },
    /// A key for the management API.
    CreateAdminKey(NewAdminKey),
    /// It never works again.
    RevokeAdminKey {
        /// Which key.
        id: AdminKeyId,
    },
    /// A department.
    CreateDepartment {
        /// Its id.
        id: DepartmentId,
        /// Its name.
        name: String,
    },
    /// Another name for a department.
    RenameDepartment {
        /// Which department.
        id: DepartmentId,
        /// The name.
        name: String,
    },
    /// A team.
    CreateTeam(NewTeam),
    /// Something else about a team.
    ChangeTeam(NewTeam),
    /// A member.
    CreateMember {
        /// In which team.
        team: TeamId,
        /// Who; the version is the actor's to give.
        member: MemberProfile,
        /// Address for mail.
        email: Option<String>,
    },
    /// Something else about a member.
    ChangeMember {
        /// Who, as they shall be; the version is the actor's to give.
        member: MemberProfile,
        /// Address for mail.
        email: Option<String>,
    },
    /// All that is kept about a member is handed out; for the record.
    ExportMember {
        /// Who.
        member: MemberId,
    },
    /// What is personal about a member who was removed goes for ever.
    EraseMember {
        /// Who.
        member: MemberId,
    },
    /// Credits come into being.
    Issue {
        /// The movement's name.
        transfer: TransferId,
        /// How much.
        amount: Millicredits,
        /// Why, for people.
        note: Option<String>,
    },
    /// Credits between treasury and departments, and down to a team's pool.
    Allot {
        /// The movement's name.
        transfer: TransferId,
        /// From where: treasury or department.
        from: Account,
        /// To where: treasury, department or a team of that department.
        to: Account,
        /// How much.
        amount: Millicredits,
        /// Why, for people.
        note: Option<String>,
    },
    /// Somebody asks for credits that others must approve.
    RequestApproval(AskApproval),
    /// Somebody decides about that.
    DecideApproval(Decide),
    /// Whoever asked does not want it any more.
    CancelApproval {
        /// What.
        id: ApprovalId,
    },
    /// A provider, new or changed.
    PutProvider {
        /// What it shall be.
        provider: Box<Provider>,
        /// Whether it must be new, or must be there.
        new: bool,
    },
    /// A channel, new or changed.
    PutChannel {
        /// What it shall be.
        channel: Box<Channel>,
        /// Whether it must be new, or must be there.
        new: bool,
    },
    /// No such channel any more.
    RemoveChannel {
        /// Which.
        id: ChannelId,
    },
    /// A calendar, new or changed.
    PutCalendar {
        /// What it shall be.
        calendar: Box<Calendar>,
        /// Whether it must be new, or must be there.
        new: bool,
    },
    /// No such calendar any more.
    RemoveCalendar {
        /// Which.
        id: CalendarId,
    },
    /// A plan by which credits are given in every period.
    CreatePlan(NewPlan),
    /// The plan as it shall be.
    ChangePlan(NewPlan),
    /// No such plan any more.
    RemovePlan {
        /// Which.
        id: PlanId,
    },
    /// A message is sent by a channel to see whether it arrives; for the record.
    TestChannel {
        /// Which.
        id: ChannelId,
        /// To whom, where it reaches each person by themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<MemberId>,
    },
    /// Somebody makes a code that links their account in a chat; for the record.
    CreateChatLink {
        /// Who.
        member: MemberId,
        /// In which chat.
        channel: ChannelId,
    },
    /// Somebody has sent it from their account; for the record.
    LinkChat {
        /// Who.
        member: MemberId,
        /// In which chat.
        channel: ChannelId,
    },
    /// An account is nobody's any more; for the record.
    RemoveChatLink {
        /// Whose it was.
        member: MemberId,
        /// In which chat.
        channel: ChannelId,
    },
    /// What could not be delivered is sent again; for the record.
    ResendDeadLetter {
        /// The dead letter.
        letter: String,
        /// The delivery that it is about.
        delivery: String,
    },
    /// The same secrets, sealed under another master secret.
    Reseal {
        /// Each that is to be exchanged.
        secrets: Vec<Resealed>,
    },
    /// No such provider any more.
    RemoveProvider {
        /// Which provider.
        id: ProviderId,
    },
    /// All of the organization's own prices.
    PutOverrides {
        /// All of them, in place of those before.
        overrides: Overrides,
    },
    /// Other settings.
    PutGeneral(General),
    /// The organization's name and settings, as they shall be.
    ChangeOrganization {
        /// The name.
        name: String,
        /// The settings.
        general: General,
    },
    /// A program that acts on its own.
    CreateServiceAccount {
        /// Its id.
        id: ServiceAccountId,
        /// Its name.
        name: String,
    },
    /// Another name for a service account, or its end.
    ChangeServiceAccount {
        /// Which.
        id: ServiceAccountId,
        /// Its name.
        name: String,
        /// Whether its keys work no more.
        disabled: bool,
    },
    /// A key for a service account.
    CreateServiceKey(NewServiceKey),
    /// It never works again.
    RevokeServiceKey {
        /// Whose.
        account: ServiceAccountId,
        /// Which key.
        key: ServiceKeyId,
    },
    /// A role for somebody on a node.
    CreateGrant(NewGrant),
    /// Somebody's own role, lent to somebody else until a date.
    LendRole(NewGrant),
    /// Nobody's any more.
    RevokeGrant {
        /// Which grant.
        id: GrantId,
    },
    /// A workload whose tokens stand in place of a key; for a service account
    /// the key is made with it.
    CreateWorkload {
        /// What it shall be; the time is the actor's to give.
        workload: Box<Workload>,
        /// What the service account's key may be used for.
        scopes: Option<Vec<Action>>,
    },
    /// Its tokens are accepted no more.
    RemoveWorkload {
        /// Which.
        id: WorkloadId,
    },
    /// At which provider people sign in; the version is the actor's to give.
    PutSignIn(Box<SignIn>),
    /// At none any more.
    RemoveSignIn,
    /// The e-mail domains that are the organization's own: all of them.
    PutDomains {
        /// In lower case.
        domains: Vec<String>,
    },
    /// What lets one person in without a provider, in place of the one before.
    PutSetupToken(SetupTokenRecord),
    /// A session for a script of whoever orders it.
    CreateSession(NewSession),
    /// A member's sessions end.
    EndSessions {
        /// Whose.
        member: MemberId,
        /// Only this one.
        only: Option<SessionId>,
    },
    /// A policy, new or changed.
    PutPolicy(PutPolicy),
    /// No such policy any more; its versions stay.
    RemovePolicy {
        /// Which policy.
        id: PolicyId,
    },
}

/// What is sealed for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// A provider, its key.
    Provider(ProviderId),
    /// A channel, its secrets.
    Channel(ChannelId),
    /// A calendar, where it is and with what it is read.
    Calendar(CalendarId),
    /// The provider at which people sign in, our secret there.
    SignIn,
}

/// One secret, sealed anew. It is exchanged only if nobody was faster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resealed {
    /// Whose.
    pub holder: Holder,
    /// As it was.
    pub before: Sealed,
    /// As it shall be.
    pub after: Sealed,
}

/// A new key for the management API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAdminKey {
    /// Its id.
    pub id: AdminKeyId,
    /// What it is for.
    pub name: String,
    /// Hash of the secret.
    pub hash: KeyHash,
    /// What lists show of the secret.
    pub hint: String,
}

/// A team, new or as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTeam {
    /// Its id.
    pub id: TeamId,
    /// Its department.
    pub department: DepartmentId,
    /// Its name.
    pub name: String,
    /// How its pool is refilled.
    pub on_demand: Option<OnDemand>,
    /// Whether calls may draw from the pool.
    pub pool_draw: PoolDraw,
    /// How much of the pool one member's calls may draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_rules: Option<PoolRules>,
    /// Models that it may use.
    pub models: Option<Vec<String>>,
    /// Networks that its calls may come from.
    pub addresses: Option<Networks>,
}

/// Why something was refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum OrderError {
    /// There is no such organization.
    #[error("there is no such organization")]
    NotOpen,
    /// There is no such thing in this organization.
    #[error("there is no {what} `{id}`")]
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
        /// The version that it is at; 0 where versions are not counted.
        #[serde(default)]
        current: u64,
        /// The tag that it has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag: Option<Tag>,
    },
    /// What was asked makes no sense.
    #[error("{message}")]
    Invalid {
        /// What is wrong with it.
        message: String,
    },
    /// The account has not so much.
    #[error("`{account}` has {left} credits, {needed} are needed")]
    InsufficientFunds {
        /// Which account.
        account: Account,
        /// What it has.
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
    /// Our own fault; retry.
    #[error("the actor's storage failed")]
    Storage,
}

/// What is answered to orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reply {
    /// It is done.
    Done,
    /// A department, as it is now.
    Department(DepartmentView),
    /// A team, as it is now.
    Team(TeamProfile),
    /// A member, as it is now.
    Member(MemberRecord),
    /// An admin key, as it is now.
    AdminKey(AdminKeyRecord),
    /// A provider, as it is now.
    Provider(Box<Provider>),
    /// A channel, as it is now.
    Channel(Box<Channel>),
    /// A calendar, as it is now.
    Calendar(Box<Calendar>),
    /// A plan, as it is now.
    Plan(Box<Plan>),
    /// A service account, as it is now.
    ServiceAccount(Box<ServiceAccount>),
    /// A grant.
    Grant(Box<Grant>),
    /// A workload.
    Workload(Box<Workload>),
    /// The settings of signing in, as they are now.
    SignIn(Box<SignIn>),
    /// A session that began.
    Session(Box<SessionRecord>),
    /// A policy, as it is now.
    Policy(Box<PolicyRecord>),
    /// Credits were moved.
    Moved(Moved),
    /// Something that was asked for, as it is now.
    Approval(Box<Approval>),
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
    /// What is there now.
    pub from_available: Millicredits,
    /// To where.
    pub to: Account,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
}
