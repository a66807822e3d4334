//! People: how they sign in, and their sessions.

use audit::Attribution;
use identity::{DepartmentId, GrantId, KeyHash, MemberId, SessionId, TeamId};
use openid::{Algorithm, GroupRule, Preset};
use policy::{Node, Role};
use serde::{Deserialize, Serialize};
use vault::Sealed;

use super::MemberRecord;

/// At which provider people sign in, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// Grows with every change: an attempt that was begun under another
    /// version does not count.
    #[serde(default)]
    pub version: u64,
    /// Which provider.
    pub provider: Preset,
    /// What it calls us.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Sealed,
    /// How its tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// Whether somebody who is no member becomes one.
    #[serde(default)]
    pub just_in_time: bool,
    /// In which team, where no group says another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_team: Option<TeamId>,
    /// What members of the provider's groups get.
    #[serde(default)]
    pub groups: Vec<GroupRule<GroupGrant>>,
    /// After how long somebody must sign in again.
    pub session_hours: u32,
}

/// What members of a group get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupGrant {
    /// A role, for as long as they are in the group.
    Role {
        /// Which.
        role: Role,
        /// Where, and below.
        on: Node,
    },
    /// A place in a team, when they become members.
    Team {
        /// Which.
        team: TeamId,
    },
}

/// By what the provider knows a member: its own name for them, which never
/// changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Who says it.
    pub issuer: String,
    /// Their name there.
    pub subject: String,
}

/// What lets one person in without a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupTokenRecord {
    /// What it is known by.
    pub hash: KeyHash,
    /// Until when.
    pub expires_ms: i64,
}

/// A session, as it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// Of the token by which it goes on.
    pub refresh: KeyHash,
    /// What it is for, where somebody made it for a script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it ends; as the settings say where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
}

/// A session, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub member: MemberId,
    /// Of the token by which it goes on.
    #[serde(rename = "hash")]
    pub refresh: KeyHash,
    /// Of the token before it, and when that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<(KeyHash, i64)>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it began.
    pub created_ms: i64,
    /// When it last went on.
    pub refreshed_ms: i64,
    /// When it ends.
    pub expires_ms: i64,
    /// Where it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// In what it began, as the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Beginning, continuing and ending sessions. The shell has checked what the
/// provider signed; whose it is and what becomes of it is decided here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum SessionCommand {
    /// Somebody has shown at the provider who they are.
    Enter(Box<Enter>),
    /// A sign-in that came to nothing, for the record.
    Refuse {
        /// Why, as a code.
        code: String,
        /// By what request.
        by: Attribution,
    },
    /// Somebody has shown the setup token.
    SetUp(Box<SetUp>),
    /// A session goes on.
    Refresh {
        /// Which.
        session: SessionId,
        /// Of the token that was shown.
        shown: KeyHash,
        /// Of the one that comes after it; always the same for that one, so
        /// that an answer that was lost can be asked for again.
        next: KeyHash,
        /// The one that came after it under the master secret before this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        earlier: Option<KeyHash>,
        /// By what request.
        by: Attribution,
    },
    /// Somebody signs out.
    End {
        /// Which.
        session: SessionId,
        /// Of the token by which it would go on, where that was shown in place
        /// of the session's own.
        #[serde(default)]
        shown: Option<KeyHash>,
        /// By what request.
        by: Attribution,
    },
}

/// Who has signed in at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enter {
    /// The version of the settings that it was begun under.
    pub version: u64,
    /// By what the provider knows them.
    pub link: Link,
    /// Their address, if it may be believed.
    pub email: Option<String>,
    /// What they are called.
    pub name: Option<String>,
    /// Their groups; none where the provider does not say.
    pub groups: Vec<String>,
    /// Their id, if they become a member.
    pub member: MemberId,
    /// The session that begins.
    pub session: NewSession,
    /// By what request.
    pub by: Attribution,
}

/// Who begins with the setup token: a member with this address, or a new one
/// in a team of administrators. They become an organization admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUp {
    /// Of the token.
    pub token: KeyHash,
    /// What they are called.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their id, if they become a member.
    pub member: MemberId,
    /// The department's, if there is none for administrators.
    pub department: DepartmentId,
    /// The team's.
    pub team: TeamId,
    /// The grant's.
    pub grant: GrantId,
    /// The session that begins.
    pub session: NewSession,
    /// By what request.
    pub by: Attribution,
}

/// A session, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// Who.
    pub member: MemberRecord,
    /// The session.
    pub session: SessionRecord,
}

/// Why nobody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum SessionError {
    /// There is no such organization, or nobody signs in to it.
    #[error("the organization has no sign-in")]
    NotConfigured,
    /// The settings were changed since it was begun.
    #[error("the sign-in was changed while you signed in: start again")]
    Changed,
    /// The provider does not say an address that may be believed.
    #[error("the provider does not confirm an e-mail address of yours: ask your admin")]
    NoEmail,
    /// Somebody else may have the address.
    #[error("addresses of `{domain}` do not belong to this organization")]
    ForeignDomain {
        /// The address's domain.
        domain: String,
    },
    /// The address is another account's.
    #[error("a member with this address signs in with another account: ask your admin")]
    OtherAccount,
    /// They are no member, and nobody becomes one by signing in.
    #[error("you are no member of this organization: ask your admin to invite you")]
    NotAMember,
    /// No group and no default says in which team they would be.
    #[error("no rule says which team you belong to: ask your admin")]
    NoTeam,
    /// An admin has suspended them.
    #[error("your membership is suspended: ask your admin")]
    Suspended,
    /// No such token, or it was used.
    #[error("the setup token is unknown, was used, or has expired")]
    UnknownToken,
    /// It has ended.
    #[error("the session has ended: sign in again")]
    Ended,
    /// Its token was used before: somebody else may have it, so it has ended.
    #[error("the refresh token was used before, so the session was ended: sign in again")]
    Reused,
    /// It cannot be.
    #[error("{message}")]
    Conflict {
        /// What stands in the way.
        message: String,
    },
    /// Our own fault; retry.
    #[error("the actor's storage failed")]
    Storage,
}

impl SessionError {
    /// The name in the audit trail.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::Changed => "sign_in_changed",
            Self::NoEmail => "no_email",
            Self::ForeignDomain { .. } => "foreign_domain",
            Self::OtherAccount => "other_account",
            Self::NotAMember => "not_a_member",
            Self::NoTeam => "no_team",
            Self::Suspended => "suspended",
            Self::UnknownToken => "unknown_token",
            Self::Ended => "session_ended",
            Self::Reused => "token_reused",
            Self::Conflict { .. } => "conflict",
            Self::Storage => "unavailable",
        }
    }
}

/// How people sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningIn {
    /// The organization's name.
    pub organization: String,
    /// Its e-mail domains, which the operator has verified.
    pub domains: Vec<String>,
    /// At which provider.
    pub sign_in: Option<SignIn>,
    /// Of the setup token, if one waits to be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<KeyHash>,
}
