//! Roles, and to whom they were granted.

use std::fmt;
use std::str::FromStr;

use identity::{DepartmentId, GrantId, IdError, MemberId, OrganizationId, Principal, ServiceAccountId, TeamId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Action;

/// A built-in role. It is granted on a node and holds below it. What each may
/// do is written in roles.cedar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything within the organization.
    OrganizationAdmin,
    /// Credits, prices, limits and reports.
    Finance,
    /// Reading everything, the audit trail too.
    Auditor,
    /// A department: its teams, members, keys, limits and credits.
    DepartmentManager,
    /// A team: its members' keys, limits and credits.
    TeamManager,
}

impl Role {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::OrganizationAdmin, Self::Finance, Self::Auditor, Self::DepartmentManager, Self::TeamManager];

    /// The name, in policies and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrganizationAdmin => "organization_admin",
            Self::Finance => "finance",
            Self::Auditor => "auditor",
            Self::DepartmentManager => "department_manager",
            Self::TeamManager => "team_manager",
        }
    }

    /// Whether the role makes sense on such a node: a team has no departments
    /// to manage.
    #[must_use]
    pub const fn fits(self, node: Node) -> bool {
        match self {
            Self::OrganizationAdmin => matches!(node, Node::Organization(_)),
            Self::DepartmentManager => matches!(node, Node::Organization(_) | Node::Department(_)),
            Self::Finance | Self::Auditor | Self::TeamManager => true,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in the tree that roles are granted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    /// The root.
    Organization(OrganizationId),
    /// A department.
    Department(DepartmentId),
    /// A team.
    Team(TeamId),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => id.fmt(f),
            Self::Department(id) => id.fmt(f),
            Self::Team(id) => id.fmt(f),
        }
    }
}

impl FromStr for Node {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.split_once('_').map(|(prefix, _)| prefix) {
            Some(DepartmentId::PREFIX) => text.parse().map(Self::Department),
            Some(TeamId::PREFIX) => text.parse().map(Self::Team),
            _ => text.parse().map(Self::Organization),
        }
    }
}

/// Who has a role: a person or a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grantee {
    /// A person.
    Member(MemberId),
    /// A program.
    Service(ServiceAccountId),
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(id) => id.fmt(f),
            Self::Service(id) => id.fmt(f),
        }
    }
}

impl FromStr for Grantee {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.starts_with(ServiceAccountId::PREFIX) {
            return text.parse().map(Self::Service);
        }
        text.parse().map(Self::Member)
    }
}

macro_rules! as_text {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

as_text!(Node, Grantee);

/// A role that somebody has on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Who has it.
    pub to: Grantee,
    /// Which role.
    pub role: Role,
    /// Where, and below.
    pub on: Node,
    /// Until when, in milliseconds since 1970; `None` for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// Only these actions of the role, where it is narrower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<Action>>,
    /// The lender, where it is lent: it ends with the lender's own role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lender: Option<MemberId>,
    /// Who granted it.
    pub by: Principal,
    /// Whether a group at the sign-in provider gives it: it goes with that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_groups: bool,
    /// When.
    pub created_ms: i64,
}

impl Grant {
    /// Whether its time has not run out.
    #[must_use]
    pub fn is_current(&self, now_ms: i64) -> bool {
        self.until_ms.is_none_or(|until| now_ms < until)
    }

    /// Whether it counts for an action now.
    #[must_use]
    pub fn holds(&self, action: Action, now_ms: i64) -> bool {
        self.is_current(now_ms) && self.only.as_ref().is_none_or(|only| only.contains(&action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms() {
        for text in
            ["org_00000000000000000000000001", "dep_00000000000000000000000001", "team_00000000000000000000000001"]
        {
            assert_eq!(text.parse::<Node>().unwrap().to_string(), text);
        }
        for text in ["mem_00000000000000000000000001", "svc_00000000000000000000000001"] {
            assert_eq!(text.parse::<Grantee>().unwrap().to_string(), text);
        }
        assert!("mem_00000000000000000000000001".parse::<Node>().is_err());
        assert!("team_00000000000000000000000001".parse::<Grantee>().is_err());
    }
}
