//! Who may do what: asking it, and changing it.

use std::collections::BTreeMap;

use audit::Attribution;
use identity::{
    ChannelId, DepartmentId, GrantId, KeyHash, KeyId, MemberId, PolicyId, Principal, ServiceAccountId, ServiceKeyId,
    SessionId, TeamId,
};
use limits::Allowance;
use policy::{Action, Decision, Facts, Grant, Grantee, Mode, Node, Recorded, Role, Setting};
use serde::{Deserialize, Serialize};

/// Who calls, wants to do what, to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admit {
    /// Who says that they are whom.
    pub caller: Caller,
    /// What they want to do.
    pub action: Action,
    /// To what.
    pub target: Target,
    /// What policies may look at.
    #[serde(default)]
    pub facts: Facts,
    /// By what request, for the record if they may not.
    #[serde(default)]
    pub by: Attribution,
    /// How often a key may come in a minute; as often as it likes if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_a_minute: Option<u32>,
    /// They only want to know: nothing will be done, and nothing is recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
}

/// What a caller showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Caller {
    /// The operator's key, which the shell has compared.
    Operator,
    /// An admin key.
    AdminKey {
        /// Of its text.
        hash: KeyHash,
    },
    /// A service account's key.
    ServiceKey {
        /// Of its text.
        hash: KeyHash,
    },
    /// The session of somebody who signed in, whose token the shell has
    /// checked.
    Session {
        /// Which.
        session: SessionId,
    },
    /// A member's account in a chat, whose signed request the shell has
    /// verified.
    Chat {
        /// Whose.
        member: MemberId,
        /// By which channel it came.
        channel: ChannelId,
    },
}

impl Caller {
    /// The key or session whose requests are counted. The operator's are not:
    /// who runs the installation may do so at any time.
    #[must_use]
    pub fn counted(&self) -> Option<KeyHash> {
        match self {
            // Chats are paced by who runs them.
            Self::Operator | Self::Chat { .. } => None,
            Self::AdminKey { hash } | Self::ServiceKey { hash } => Some(*hash),
            Self::Session { session } => Some(KeyHash::of_session(*session)),
        }
    }
}

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "target", rename_all = "snake_case")]
pub enum Target {
    /// The organization as a whole.
    Organization,
    /// Whatever of the tree the caller may do it to; for lists.
    Visible,
    /// A department.
    Department {
        /// Which.
        id: DepartmentId,
    },
    /// A team.
    Team {
        /// Which.
        id: TeamId,
    },
    /// A member.
    Member {
        /// Who.
        id: MemberId,
    },
    /// A member's account.
    Wallet {
        /// Whose.
        id: MemberId,
    },
    /// A team's shared account.
    Pool {
        /// Which team's.
        id: TeamId,
    },
    /// A policy of the organization's own, also one that was removed.
    Policy {
        /// Which.
        id: PolicyId,
    },
    /// A team's key. The actor does not know keys.
    Key {
        /// In which team.
        team: TeamId,
        /// Which.
        id: KeyId,
        /// Whose, where the shell knows.
        #[serde(default)]
        owner: Option<MemberId>,
    },
}

/// They may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Under which name it is recorded.
    pub who: Principal,
    /// Why.
    pub decision: Decision,
    /// By which version of the policies.
    pub policy_version: u64,
    /// What of the tree they may do it to.
    #[serde(default)]
    pub visible: Visible,
    /// What policies were asked; for reads nobody needs to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Box<Recorded>>,
    /// How often the key may still come, where that is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
}

impl Admitted {
    /// By what request an act comes, with why it is allowed.
    #[must_use]
    pub fn attributed(&self, by: Attribution) -> Attribution {
        attributed(by, Some(&self.decision), (Some(self.policy_version), self.question.as_deref()))
    }
}

/// By what request something was asked, with what was decided about it.
pub(crate) fn attributed(
    by: Attribution,
    decision: Option<&Decision>,
    (policy_version, question): (Option<u64>, Option<&Recorded>),
) -> Attribution {
    let decision = decision.cloned().unwrap_or_default();
    let Decision { policies, watched: shadow, notify, .. } = decision;
    let question = question.and_then(|question| serde_json::to_value(question).ok());
    Attribution { policies, policy_version, shadow, notify, question, ..by }
}

/// What of the tree somebody may do something to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visible {
    /// All of it.
    #[default]
    All,
    /// These. A department that is here has all of its teams here too, unless
    /// a policy says otherwise.
    Nodes {
        /// Departments.
        departments: Vec<DepartmentId>,
        /// Teams.
        teams: Vec<TeamId>,
    },
}

impl Visible {
    /// Whether a department is among it.
    #[must_use]
    pub fn has_department(&self, id: DepartmentId) -> bool {
        match self {
            Self::All => true,
            Self::Nodes { departments, .. } => departments.contains(&id),
        }
    }

    /// Whether a team is among it.
    #[must_use]
    pub fn has_team(&self, id: TeamId) -> bool {
        match self {
            Self::All => true,
            Self::Nodes { teams, .. } => teams.contains(&id),
        }
    }
}

/// Why they may not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum AdmitError {
    /// There is no such key, or it works no more.
    #[error("the key is unknown, was revoked, or has expired")]
    Unknown,
    /// The session has ended.
    #[error("the session has ended: sign in again")]
    SignedOut,
    /// The key has come too often.
    #[error("more than {} requests in a minute with this key", .0.limit)]
    TooOften(Allowance),
    /// The organization's list of networks lacks the address.
    #[error("nobody may manage this organization from this address")]
    AddressNotAllowed,
    /// There is no such thing in this organization.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// What kind of thing.
        what: String,
        /// Its id.
        id: String,
    },
    /// No policy permits it, or one forbids it.
    #[error("`{action}` is not permitted on `{on}`")]
    Denied {
        /// What.
        action: Action,
        /// To what.
        on: String,
        /// Why.
        decision: Box<Decision>,
    },
    /// Our own fault; retry.
    #[error("the actor's storage failed")]
    Storage,
}

/// A program that acts on its own, and its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// Its id.
    pub id: ServiceAccountId,
    /// Its name; unique.
    pub name: String,
    /// When it was made.
    pub created_ms: i64,
    /// Since when its keys do not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_ms: Option<i64>,
    /// Its keys, revoked ones included.
    #[serde(default)]
    pub keys: Vec<ServiceKeyRecord>,
}

/// A service account's key, as it is stored; lists leave the hash out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceKeyRecord {
    /// Its id.
    pub id: ServiceKeyId,
    /// What it is for.
    pub name: String,
    /// What it is known by.
    pub hash: KeyHash,
    /// What lists show of the secret.
    pub hint: String,
    /// When it was made.
    pub created_ms: i64,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<i64>,
    /// What it may be used for, within the account's roles; all of that if
    /// left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Action>>,
}

/// A new key for a service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewServiceKey {
    /// Whose.
    pub account: ServiceAccountId,
    /// Its id.
    pub id: ServiceKeyId,
    /// What it is for.
    pub name: String,
    /// Hash of the secret.
    pub hash: KeyHash,
    /// What lists show of the secret.
    pub hint: String,
    /// When it stops working.
    #[serde(default)]
    pub expires_ms: Option<i64>,
    /// What it may be used for.
    #[serde(default)]
    pub scopes: Option<Vec<Action>>,
}

/// A role for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGrant {
    /// Its id.
    pub id: GrantId,
    /// Who gets it.
    pub to: Grantee,
    /// Which role.
    pub role: Role,
    /// Where, and below.
    pub on: Node,
    /// Until when.
    #[serde(default)]
    pub until_ms: Option<i64>,
    /// Only these actions of the role.
    #[serde(default)]
    pub only: Option<Vec<Action>>,
}

/// A policy of the organization's own, in one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// Its id.
    pub id: PolicyId,
    /// Counts from 1.
    pub version: u32,
    /// What it is called; unique.
    pub name: String,
    /// What it says.
    pub source: PolicySource,
    /// Whether it decides.
    pub mode: Mode,
    /// Whether it was removed with this version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// When this version was written.
    pub changed_ms: i64,
    /// Who wrote it.
    pub changed_by: Principal,
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicySource {
    /// In Cedar.
    Cedar(String),
    /// As a setting, which becomes Cedar.
    Setting(Setting),
}

impl PolicySource {
    /// The policy in Cedar.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Cedar(text) => text.clone(),
            Self::Setting(setting) => setting.to_cedar(),
        }
    }
}

/// A policy as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutPolicy {
    /// Its id.
    pub id: PolicyId,
    /// Whether it must be new, or must be there.
    pub new: bool,
    /// The version that was read, where somebody else's change must not be
    /// overwritten. Newer versions of the API say it by the order's tags.
    #[serde(default)]
    pub expected_version: Option<u32>,
    /// What it is called.
    pub name: String,
    /// What it says.
    pub source: PolicySource,
    /// Whether it decides.
    pub mode: Mode,
}

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Grows with every change.
    pub policy_version: u64,
    /// Who has which role.
    pub grants: Vec<Grant>,
    /// Programs.
    pub service_accounts: Vec<ServiceAccount>,
    /// Policies.
    pub policies: Vec<PolicyRecord>,
    /// Of those in shadow mode: how often they would have decided otherwise.
    #[serde(default)]
    pub would_differ: BTreeMap<PolicyId, WouldDiffer>,
}

/// How often a policy in shadow mode would have changed a decision, since its
/// version was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WouldDiffer {
    /// About acts of management, done or refused: the audit trail has them.
    pub acts: u64,
    /// About reads, of which nothing is kept.
    pub reads: u64,
    /// About calls of models, of which only this is kept.
    pub calls: u64,
    /// When it last would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ms: Option<i64>,
}

/// What a gateway has seen of policies in shadow mode.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Observed {
    /// How many calls each would have kept from being made, by its name.
    pub calls: BTreeMap<String, u64>,
}
