//! What the organization's actor is told and what it answers. Two versions of
//! the code talk to each other while one is being deployed, so fields are
//! added with a default, never renamed or removed.

use audit::{Attribution, Stretch};
use events::{Envelope, MemberProfile, OnDemand, PoolDraw, TeamProfile};
use identity::{
    AdminKeyId, DepartmentId, GrantId, KeyHash, Networks, OrganizationId, PolicyId, Principal, ProviderId,
    ServiceAccountId, ServiceKeyId, TeamId, TransferId,
};
use journal::{Idempotency, Tag};
use ledger::{Account, Millicredits};
use policy::Grant;
use pricing::Overrides;
use serde::{Deserialize, Serialize};

mod access;
pub(crate) mod tags;

pub use access::{
    Access, Admit, AdmitError, Admitted, Caller, NewGrant, NewServiceKey, PolicyRecord, PolicySource, PutPolicy,
    ServiceAccount, ServiceKeyRecord, Target, Visible,
};
pub use tags::HasTag;

use crate::settings::{General, Provider, Settings};

/// One message to the actor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The organization comes into being. Doing it twice is doing it once.
    Open(Open),
    /// An act of management.
    Order(Order),
    /// A message from a team's actor.
    Receive(Envelope),
    /// A team asks its department for credits.
    TopUp {
        /// Which team.
        team: TeamId,
        /// Asking twice under one key is asking once.
        key: String,
        /// How much.
        amount: Millicredits,
    },
    /// Who is this, and may they do that?
    Admit(Admit),
    /// Who has this admin key?
    Authorize {
        /// Which key.
        key: KeyHash,
    },
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
}

/// A new organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Its id.
    pub organization: OrganizationId,
    /// Its name.
    pub name: String,
    /// Settings to begin with.
    pub general: General,
    /// Its first admin key.
    pub admin_key: NewAdminKey,
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

/// An admin key as it is stored and listed, the hash left out of lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminKeyRecord {
    /// Its id.
    pub id: AdminKeyId,
    /// What it is for.
    pub name: String,
    /// What it is known by.
    pub hash: KeyHash,
    /// What lists show of the secret.
    pub hint: String,
    /// When it was made.
    pub created_ms: i64,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<i64>,
}

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
    /// A provider, new or changed.
    PutProvider {
        /// What it shall be.
        provider: Box<Provider>,
        /// Whether it must be new, or must be there.
        new: bool,
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
    /// A policy, new or changed.
    PutPolicy(PutPolicy),
    /// No such policy any more; its versions stay.
    RemovePolicy {
        /// Which policy.
        id: PolicyId,
    },
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
    /// Models that it may use.
    pub models: Option<Vec<String>>,
    /// Networks that its calls may come from.
    pub addresses: Option<Networks>,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Question {
    /// What the gateway needs.
    Settings,
    /// Everything about the tree.
    Directory,
    /// Who has which role, and the policies.
    Access,
    /// The audit trail's records after one, oldest first.
    Trail {
        /// After this place.
        after: u64,
        /// So many at most.
        limit: u32,
    },
    /// All versions of a policy.
    PolicyVersions {
        /// Which policy.
        id: PolicyId,
    },
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
    /// A service account, as it is now.
    ServiceAccount(Box<ServiceAccount>),
    /// A grant.
    Grant(Box<Grant>),
    /// A policy, as it is now.
    Policy(Box<PolicyRecord>),
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
    /// What is there now.
    pub from_available: Millicredits,
    /// To where.
    pub to: Account,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
}

/// A department and what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepartmentView {
    /// Its id.
    pub id: DepartmentId,
    /// Its name.
    pub name: String,
    /// What it has, not yet allotted to teams.
    pub balance: Millicredits,
}

/// A member and the team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// In which team.
    pub team: TeamId,
    /// Who.
    pub profile: MemberProfile,
    /// Address for mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// A team seen from above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamView {
    /// What the team is.
    pub profile: TeamProfile,
    /// What was allotted to it and not returned, spent or not.
    pub allotted: Millicredits,
}

/// Everything about the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Which organization.
    pub organization: OrganizationId,
    /// Its name.
    pub name: String,
    /// Its settings' version.
    pub settings_version: u64,
    /// Its settings.
    pub general: General,
    /// All credits that were issued.
    pub issued: Millicredits,
    /// Issued and not yet allotted.
    pub treasury: Millicredits,
    /// The departments.
    pub departments: Vec<DepartmentView>,
    /// The teams.
    pub teams: Vec<TeamView>,
    /// The members.
    pub members: Vec<MemberRecord>,
    /// The admin keys.
    pub admin_keys: Vec<AdminKeyRecord>,
    /// The journal's last entry.
    pub sequence: u64,
    /// Messages that have not arrived.
    pub outbox: u64,
}

/// What a team's request for credits came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToppedUp {
    /// What is on its way; less than asked for when the department had less.
    pub amount: Millicredits,
}

/// What is answered to every command, on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Command::Open`], [`Command::Order`] and [`Command::Receive`].
    Order(Result<Reply, OrderError>),
    /// To [`Command::TopUp`].
    TopUp(Result<ToppedUp, OrderError>),
    /// To [`Command::Authorize`]: which key it is, if it works.
    Authorize(Result<Option<AdminKeyId>, OrderError>),
    /// To [`Command::Admit`].
    Admit(Result<Admitted, AdmitError>),
    /// To [`Question::Access`].
    Access(Result<Box<Access>, OrderError>),
    /// To [`Question::Trail`].
    Trail(Result<Stretch, OrderError>),
    /// To [`Question::PolicyVersions`], the newest first.
    PolicyVersions(Result<Vec<PolicyRecord>, OrderError>),
    /// To [`Question::Settings`].
    Settings(Result<Box<Settings>, OrderError>),
    /// To [`Question::Directory`].
    Directory(Result<Box<Directory>, OrderError>),
    /// To [`Command::Heal`].
    Standing(Result<Standing, OrderError>),
}

/// How far the actor is, and which teams there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The journal's last entry.
    pub sequence: u64,
    /// The audit trail's last record.
    #[serde(default)]
    pub audit: u64,
    /// Messages that have not arrived.
    pub outbox: u64,
    /// The organization's teams.
    pub teams: Vec<TeamId>,
}
