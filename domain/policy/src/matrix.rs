//! Who may do what: a table of every role and action, made by asking.

use identity::{
    AdminKeyId, DepartmentId, GrantId, KeyId, MemberId, OrganizationId, PolicyId, Principal, ServiceAccountId, TeamId,
};

use crate::question::{About, Facts, Question, Resource, Who};
use crate::{Action, Engine, Grant, Grantee, Kind, Node, Role};

/// Whose rights a column of the table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Whoever runs the installation.
    Operator,
    /// Whoever has an admin key.
    AdminKey,
    /// Somebody with a role, on what is below the node of the role.
    Role(Role),
    /// A person without a role, on their own.
    Member,
    /// A service account without a role.
    Service,
}

impl Column {
    /// All of them, in the table's order.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let roles = Role::ALL.iter().map(|role| Self::Role(*role));
        [Self::Operator, Self::AdminKey].into_iter().chain(roles).chain([Self::Member, Self::Service]).collect()
    }

    /// Its head.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::AdminKey => "admin_key",
            Self::Role(role) => role.as_str(),
            Self::Member => "member",
            Self::Service => "service",
        }
    }
}

/// Whether the column's principal may do it where it may do most: for a role on
/// a node, on that node and below; for a member, to what is their own.
#[must_use]
pub fn allowed(engine: &Engine, column: Column, action: Action, now_ms: i64) -> bool {
    count(engine, column, action, now_ms).0
}

/// The same, and how many decisions it took.
#[must_use]
pub fn count(engine: &Engine, column: Column, action: Action, now_ms: i64) -> (bool, usize) {
    let nodes = [
        Node::Organization(OrganizationId::from_u128(1)),
        Node::Department(DepartmentId::from_u128(1)),
        Node::Team(TeamId::from_u128(1)),
    ];
    let (me, other) = (MemberId::from_u128(1), MemberId::from_u128(2));
    let who = match column {
        Column::Operator => Who::Operator,
        Column::AdminKey => Who::AdminKey(AdminKeyId::from_u128(1)),
        Column::Role(_) | Column::Member => Who::Member { id: me, path: nodes.to_vec() },
        Column::Service => {
            Who::Service { id: ServiceAccountId::from_u128(1), path: nodes.iter().take(1).copied().collect() }
        }
    };
    // A role is shown for the node that it is made for.
    let on = match column {
        Column::Role(Role::TeamManager) => 2,
        Column::Role(Role::DepartmentManager) => 1,
        _ => 0,
    };
    let grant = match column {
        Column::Role(role) => nodes.get(on).map(|node| granted(me, role, *node)),
        _ => None,
    };
    let grants: Vec<&Grant> = grant.iter().collect();
    let owner = if column == Column::Member { me } else { other };
    let below = nodes
        .iter()
        .enumerate()
        .filter(|(place, _)| *place >= on)
        .map(|(_, node)| Resource::Node(*node).meant_by(action));
    let in_team = [
        Resource::Member(owner),
        Resource::Report(About::Member(owner)),
        Resource::Wallet(owner),
        Resource::Pool(TeamId::from_u128(1)),
        Resource::Key { id: KeyId::from_u128(1), owner },
        Resource::Model("gpt-any".to_owned()),
        Resource::Policy { id: PolicyId::from_u128(1), name: "any".to_owned() },
    ];
    let mut decisions: usize = 0;
    let concerns = |resource: &Resource| {
        let is_root = matches!(resource, Resource::Node(Node::Organization(_)));
        action.kinds().iter().any(|kind| *kind == resource.kind() || (*kind == Kind::Root && is_root))
    };
    for resource in below.chain(in_team).filter(concerns) {
        let depth = match &resource {
            Resource::Node(node) | Resource::Report(About::Node(node)) => {
                nodes.iter().position(|other| other == node).unwrap_or_default()
            }
            Resource::Policy { .. } => 0,
            _ => 2,
        };
        let path: Vec<Node> = nodes.iter().take(depth.saturating_add(1)).copied().collect();
        let (who, facts) = (who.clone(), Facts::default());
        let question = Question { who, grants: &grants, action, resource: &resource, path: &path, now_ms, facts };
        decisions = decisions.saturating_add(1);
        if engine.decide(&question).allowed {
            return (true, decisions);
        }
    }
    (false, decisions)
}

fn granted(to: MemberId, role: Role, on: Node) -> Grant {
    Grant {
        id: GrantId::from_u128(1),
        to: Grantee::Member(to),
        role,
        on,
        until_ms: None,
        only: None,
        lender: None,
        by: Principal::System,
        by_groups: false,
        created_ms: 0,
    }
}
