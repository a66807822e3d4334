//! What the organization's actor is told and what it answers. Two versions of
//! the code talk to each other while one is being deployed, so fields are
//! added with a default, never renamed or removed.

use audit::{Attribution, Stretch};
use events::Envelope;
use identity::{AdminKeyId, ApprovalId, ChannelId, KeyHash, MemberId, OrganizationId, PolicyId, Principal, TeamId};
use ledger::Millicredits;
use policy::Role;
use serde::{Deserialize, Serialize};

mod access;
mod approval;
mod calendar;
mod channel;
mod listen;
mod order;
mod people;
mod plan;
mod provisioning;
pub(crate) mod tags;
mod view;
mod wire;

pub(crate) use access::attributed;
pub use access::{
    Access, Admit, AdmitError, Admitted, Caller, NewGrant, NewServiceKey, Observed, PolicyRecord, PolicySource,
    PutPolicy, ServiceAccount, ServiceKeyRecord, Target, Visible, WouldDiffer,
};
pub use approval::{Approval, ApprovalFilter, ApprovalPage, ApprovalView, AskApproval, Decide, Nudge, Outcome};
pub use calendar::Calendar;
pub use channel::{Channel, Deciders, MailService, Way};
pub use listen::{Listen, Listens};
pub use order::{Act, Holder, Moved, NewAdminKey, NewTeam, Order, OrderError, Reply, Resealed};
pub use people::{
    Enter, Entered, GroupGrant, Link, NewSession, SessionCommand, SessionError, SessionRecord, SetUp, SetupTokenRecord,
    SignIn, SigningIn,
};
pub use plan::{NewPlan, Plan, Recipients, Run};
pub use provisioning::{About, Asked, Provision, Provisioned};
pub use tags::HasTag;
pub use view::{AdminKeyRecord, DepartmentView, Directory, MemberRecord, TeamView};

use crate::people::SessionReply;
use crate::retention::Retention;
use crate::settings::{General, Settings};

/// One message to the actor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The organization comes into being. Doing it twice is doing it once.
    Open(Open),
    /// An act of management.
    Order(Box<Order>),
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
    Admit(Box<Admit>),
    /// What a gateway has seen of policies in shadow mode.
    Observe(Observed),
    /// Somebody signs in, goes on or signs out.
    Session(SessionCommand),
    /// The identity provider says who there is.
    Provision(Box<Provision>),
    /// Who has this admin key?
    Authorize {
        /// Which key.
        key: KeyHash,
    },
    /// What has been kept for long enough ends, a bounded part of it.
    Retain {
        /// The time by the cron.
        now_ms: i64,
    },
    /// What came from a chat, or by a token of a workload, was refused before
    /// anybody could be asked.
    #[serde(rename = "refuse_chat")]
    Refuse(Refused),
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

/// What came from a stranger and was refused, for the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Which chat's channel it says it is from; unknown where it is signed by none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
    /// Whose account it is, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// Why.
    pub code: String,
    /// By what request.
    pub by: Attribution,
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
    /// How people sign in.
    SigningIn,
    /// The sessions of a member that go on.
    Sessions {
        /// Whose.
        member: MemberId,
    },
    /// The audit trail's records after one, oldest first.
    Trail {
        /// After this place.
        after: u64,
        /// So many at most.
        limit: u32,
    },
    /// What was asked for, as somebody sees it.
    Approvals {
        /// Who looks.
        viewer: Principal,
        /// Which.
        filter: ApprovalFilter,
    },
    /// The channels, with their sealed secrets.
    Channels,
    /// Where it is written when people are away, with what is sealed.
    Calendars,
    /// The plans.
    Plans,
    /// Something that was asked for, and who can decide it now.
    Deciders {
        /// What.
        id: ApprovalId,
    },
    /// Active members that have a role on the whole organization, or on a team.
    Holders {
        /// Which role.
        role: Role,
        /// On which team, or above it; on the organization if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamId>,
    },
    /// All versions of a policy.
    PolicyVersions {
        /// Which policy.
        id: PolicyId,
    },
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
    /// To [`Command::Open`], [`Command::Order`], [`Command::Receive`] and [`Command::Observe`].
    Order(Result<Reply, OrderError>),
    /// To [`Command::TopUp`].
    TopUp(Result<ToppedUp, OrderError>),
    /// To [`Command::Authorize`]: which key it is, if it works.
    Authorize(Result<Option<AdminKeyId>, OrderError>),
    /// To [`Command::Admit`].
    Admit(Result<Admitted, AdmitError>),
    /// To [`Command::Session`]: who it is, where somebody is now signed in.
    Session(SessionReply),
    /// To [`Command::Provision`].
    Provision(Result<Provisioned, OrderError>),
    /// To [`Question::SigningIn`].
    SigningIn(Result<Box<SigningIn>, OrderError>),
    /// To [`Question::Sessions`].
    Sessions(Result<Vec<SessionRecord>, OrderError>),
    /// To [`Question::Access`].
    Access(Result<Box<Access>, OrderError>),
    /// To [`Question::Trail`].
    Trail(Result<Stretch, OrderError>),
    /// To [`Question::Approvals`].
    Approvals(Result<ApprovalPage, OrderError>),
    /// To [`Question::Channels`].
    Channels(Result<Vec<Channel>, OrderError>),
    /// To [`Question::Calendars`].
    Calendars(Result<Vec<Calendar>, OrderError>),
    /// To [`Question::Plans`].
    Plans(Result<Vec<Plan>, OrderError>),
    /// To [`Question::Deciders`].
    Deciders(Result<Box<Deciders>, OrderError>),
    /// To [`Question::Holders`].
    Holders(Result<Vec<MemberId>, OrderError>),
    /// To [`Question::PolicyVersions`], the newest first.
    PolicyVersions(Result<Vec<PolicyRecord>, OrderError>),
    /// To [`Question::Settings`].
    Settings(Result<Box<Settings>, OrderError>),
    /// To [`Question::Directory`].
    Directory(Result<Box<Directory>, OrderError>),
    /// To [`Command::Retain`].
    Retained(Result<Box<Retained>, OrderError>),
    /// To [`Command::Heal`].
    Standing(Result<Standing, OrderError>),
}

/// What is kept for how long, and where else there may be something to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retained {
    /// The organization's settings.
    pub retention: Retention,
    /// The organization's teams.
    pub teams: Vec<TeamId>,
    /// Whether this actor has more to end.
    pub more: bool,
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
    /// How many calendars it has to be asked.
    #[serde(default)]
    pub calendars: u64,
}
