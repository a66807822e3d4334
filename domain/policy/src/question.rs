//! What is asked.

use identity::{AdminKeyId, KeyId, MemberId, PolicyId, ServiceAccountId, TeamId};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Action, Grant, Kind, Node};

/// Who wants to do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Whoever runs the installation.
    Operator,
    /// Whoever has an admin key.
    AdminKey(AdminKeyId),
    /// A person.
    Member {
        /// Who.
        id: MemberId,
        /// Where they are: organization, department, team.
        path: Vec<Node>,
    },
    /// A program.
    Service {
        /// Which.
        id: ServiceAccountId,
        /// Where it is: the organization.
        path: Vec<Node>,
    },
}

/// What it is done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The last node of the question's path.
    Node(Node),
    /// A person.
    Member(MemberId),
    /// What is told about a node or a person.
    Report(About),
    /// A person's account.
    Wallet(MemberId),
    /// A team's shared account.
    Pool(TeamId),
    /// A person's key.
    Key {
        /// Which.
        id: KeyId,
        /// Whose.
        owner: MemberId,
    },
    /// A model, as requests name it.
    Model(String),
    /// A policy of the organization's own.
    Policy {
        /// Which.
        id: PolicyId,
        /// What it is called.
        name: String,
    },
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The last node of the question's path.
    Node(Node),
    /// A person.
    Member(MemberId),
}

impl Resource {
    /// What an action is done to that means this: a node's report, where the
    /// action reads one, and not the node.
    #[must_use]
    pub fn meant_by(self, action: Action) -> Self {
        match self {
            Self::Node(node) if action.is_report() => Self::Report(About::Node(node)),
            Self::Member(id) if action.is_report() => Self::Report(About::Member(id)),
            other => other,
        }
    }

    /// What a report is about.
    #[must_use]
    pub const fn subject(&self) -> Option<Self> {
        match self {
            Self::Report(About::Node(node)) => Some(Self::Node(*node)),
            Self::Report(About::Member(id)) => Some(Self::Member(*id)),
            _ => None,
        }
    }

    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Node(_) => Kind::Node,
            Self::Member(_) => Kind::Member,
            Self::Report(About::Node(_)) => Kind::Report,
            Self::Report(About::Member(_)) => Kind::PersonReport,
            Self::Wallet(_) => Kind::Wallet,
            Self::Pool(_) => Kind::Pool,
            Self::Key { .. } => Kind::Key,
            Self::Model(_) => Kind::Model,
            Self::Policy { .. } => Kind::Policy,
        }
    }

    /// Its id; of a report, of what it is about.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Node(node) | Self::Report(About::Node(node)) => node.to_string(),
            Self::Member(id) | Self::Wallet(id) | Self::Report(About::Member(id)) => id.to_string(),
            Self::Pool(id) => id.to_string(),
            Self::Key { id, .. } => id.to_string(),
            Self::Model(name) => name.clone(),
            Self::Policy { id, .. } => id.to_string(),
        }
    }
}

/// What policies may look at beside who, what and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Somebody who must approve it has.
    pub approved: bool,
    /// Where the request comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How much is moved.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole")]
    pub millicredits: Option<i64>,
    /// To whose account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_member: Option<MemberId>,
    /// To which team, or where on the tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_node: Option<Node>,
    /// Where that is: organization, department, team, as far as it goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_path: Vec<Node>,
    /// What was sent from the same account today, in the organization's time
    /// zone, less what was undone.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole")]
    pub sent_today: Option<i64>,
}

/// A whole number, also as a text: so the audit trail writes those that not
/// every reader of JSON reads exactly.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Whole {
        Number(i64),
        Text(String),
    }
    Ok(match Option::<Whole>::deserialize(deserializer)? {
        None => None,
        Some(Whole::Number(number)) => Some(number),
        Some(Whole::Text(text)) => Some(text.parse().map_err(serde::de::Error::custom)?),
    })
}

/// One question.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Who.
    pub who: Who,
    /// The roles that they were granted; those whose time has run out are no
    /// harm.
    pub grants: &'a [&'a Grant],
    /// Wants to do what.
    pub action: Action,
    /// To what.
    pub resource: &'a Resource,
    /// Where that is: organization, department, team, as far as it goes.
    pub path: &'a [Node],
    /// When, in milliseconds since 1970.
    pub now_ms: i64,
    /// What else is known.
    pub facts: Facts,
}
