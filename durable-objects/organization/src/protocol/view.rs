//! What is in an organization, as it is stored and shown.

use events::{MemberProfile, TeamProfile};
use identity::{AdminKeyId, DepartmentId, KeyHash, OrganizationId, TeamId};
use ledger::Millicredits;
use serde::{Deserialize, Serialize};

use super::Link;
use crate::settings::General;

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
    /// By what the sign-in provider knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// When what is personal about them was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_ms: Option<i64>,
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
