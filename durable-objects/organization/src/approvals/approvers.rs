//! Who is one of the approvers, and who may look.

use approvals::Approver;
use events::MemberStatus;
use identity::{MemberId, Principal};
use policy::{Action, Decision, Facts, Grantee, Node, Question, Resource, Role, Who};
use storage::Storage;

use crate::Organization;
use crate::protocol::OrderError;

/// Whoever has one of these can stand for the role, which is nearer to the
/// people: a department's manager for a team's.
const fn and_above(role: Role) -> &'static [Role] {
    match role {
        Role::TeamManager => &[Role::TeamManager, Role::DepartmentManager, Role::OrganizationAdmin],
        Role::DepartmentManager => &[Role::DepartmentManager, Role::OrganizationAdmin],
        Role::Finance => &[Role::Finance, Role::OrganizationAdmin],
        Role::Auditor => &[Role::Auditor, Role::OrganizationAdmin],
        Role::OrganizationAdmin => &[Role::OrganizationAdmin],
    }
}

impl<S: Storage> Organization<S> {
    /// Whether somebody is this approver, for credits that come from `path`.
    pub(super) fn stands_for(&self, now: i64, who: Principal, approver: Approver, path: &[Node]) -> bool {
        match approver {
            Approver::Role(role) => self.has_one_of(now, who, and_above(role), path),
            Approver::Member(id) => match grantee(who) {
                Some(Grantee::Member(member)) if member == id => true,
                // For somebody who is gone, whoever administers the organization.
                _ => !self.is_active(id) && self.has_one_of(now, who, &[Role::OrganizationAdmin], path),
            },
        }
    }

    /// Whether somebody may look at everything that is asked for there.
    pub(super) fn oversees(&self, now: i64, who: Principal, path: &[Node]) -> bool {
        self.has_one_of(now, who, &[Role::Finance, Role::Auditor, Role::OrganizationAdmin], path)
    }

    /// What policies say of what somebody does, without their session or key.
    pub(super) fn decision(
        &self,
        now: i64,
        who: Principal,
        action: Action,
        (resource, path): (&Resource, &[Node]),
        facts: Facts,
    ) -> Result<Decision, OrderError> {
        let root = Node::Organization(self.profile()?.organization);
        let grantee = grantee(who);
        let who = match who {
            Principal::Operator | Principal::System => Who::Operator,
            Principal::Admin(id) => Who::AdminKey(id),
            Principal::Service(id, _) => Who::Service { id, path: vec![root] },
            Principal::Person(id, _) | Principal::Member(id, _) | Principal::Chat(id, _) => {
                let team = self.records.members.get(&id).map(|record| Node::Team(record.team));
                Who::Member { id, path: team.and_then(|team| self.path(team)).unwrap_or_default() }
            }
        };
        let grants = self.grants_of(now, grantee);
        let question = Question { who, grants: &grants, action, resource, path, now_ms: now, facts };
        // Policies that cannot be read allow nothing.
        Ok(self.engine().map(|engine| engine.decide(&question)).unwrap_or_default())
    }

    pub(super) fn has_one_of(&self, now: i64, who: Principal, roles: &[Role], path: &[Node]) -> bool {
        match who {
            Principal::Operator | Principal::Admin(_) => true,
            Principal::System => false,
            Principal::Member(id, _) | Principal::Person(id, _) | Principal::Chat(id, _) if !self.is_active(id) => {
                false
            }
            _ => self.grants_of(now, grantee(who)).iter().any(|grant| {
                let whole = grant.only.as_ref().is_none_or(|only| only.contains(&Action::Approve));
                whole && roles.contains(&grant.role) && path.contains(&grant.on)
            }),
        }
    }

    fn is_active(&self, id: MemberId) -> bool {
        let record = self.records.members.get(&id);
        record.is_some_and(|record| record.profile.status == MemberStatus::Active)
    }
}

const fn grantee(who: Principal) -> Option<Grantee> {
    match who {
        Principal::Person(id, _) | Principal::Member(id, _) | Principal::Chat(id, _) => Some(Grantee::Member(id)),
        Principal::Service(id, _) => Some(Grantee::Service(id)),
        _ => None,
    }
}
