//! The roles that somebody's groups give them.

use identity::{GrantId, MemberId, Principal};
use journal::Change;
use openid::granted;
use policy::{Grant, Grantee, Node, Role};
use sha2::{Digest, Sha256};
use storage::Storage;

use crate::Organization;
use crate::organization::write;
use crate::protocol::{GroupGrant, OrderError, SignIn};
use crate::records;

/// What changes about somebody's roles.
#[derive(Debug, Default)]
pub(crate) struct RoleChange {
    pub(super) added: Vec<Grant>,
    pub(super) removed: Vec<Grant>,
}

impl RoleChange {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.added.extend(more.added);
        self.removed.extend(more.removed);
    }

    pub(crate) fn write(&self, change: &mut Change) -> Result<(), OrderError> {
        for grant in &self.added {
            write(change, grant.id, grant)?;
        }
        for grant in &self.removed {
            let (sql, values) = records::remove(grant.id);
            change.write(sql, values);
        }
        Ok(())
    }
}

impl<S: Storage> Organization<S> {
    /// What a member's groups give beyond what they have by groups, and what
    /// they do not give any more. Roles that somebody granted stay.
    pub(crate) fn group_roles(&self, now: i64, member: MemberId, sign_in: &SignIn, groups: &[String]) -> RoleChange {
        let mut wanted: Vec<(Role, Node)> = Vec::new();
        for grant in granted(&sign_in.groups, groups) {
            // A node that is gone since gives nothing.
            if let GroupGrant::Role { role, on } = *grant
                && self.path(on).is_some()
                && !wanted.contains(&(role, on))
            {
                wanted.push((role, on));
            }
        }
        let own = self.records.grants.values().filter(|grant| grant.to == Grantee::Member(member) && grant.by_groups);
        let (kept, removed): (Vec<&Grant>, Vec<&Grant>) =
            own.partition(|grant| wanted.contains(&(grant.role, grant.on)));
        wanted.retain(|(role, on)| !kept.iter().any(|grant| (grant.role, grant.on) == (*role, *on)));
        let added = wanted.into_iter().map(|(role, on)| Grant {
            id: grant_id(member, role, on),
            to: Grantee::Member(member),
            role,
            on,
            until_ms: None,
            only: None,
            lender: None,
            by: Principal::System,
            by_groups: true,
            created_ms: now,
        });
        RoleChange { added: added.collect(), removed: removed.into_iter().cloned().collect() }
    }

    /// The end of all roles of a member, and of what they lent by them.
    pub(crate) fn roles_of(&self, member: MemberId) -> RoleChange {
        let own = |grant: &&Grant| grant.to == Grantee::Member(member) || grant.lender == Some(member);
        RoleChange { added: Vec::new(), removed: self.records.grants.values().filter(own).cloned().collect() }
    }

    pub(crate) fn keep_roles(&mut self, change: RoleChange) {
        for grant in change.removed {
            self.records.grants.remove(&grant.id);
        }
        self.records.grants.extend(change.added.into_iter().map(|grant| (grant.id, grant)));
    }
}

/// Always the same for the same role, for the actor has no dice.
fn grant_id(member: MemberId, role: Role, on: Node) -> GrantId {
    let digest = Sha256::digest(format!("role by group: {member} {role} {on}"));
    GrantId::from_u128(digest.iter().take(16).fold(0, |bits, &byte| bits << 8 | u128::from(byte)))
}
