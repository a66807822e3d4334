//! People come, change and go: what all of that writes, and what memory keeps
//! of it once it is written.

use events::{MemberProfile, MemberStatus, Message};
use identity::{MemberId, SessionId};
use journal::Change;
use storage::Storage;

use super::enter::same_address;
use super::roles::RoleChange;
use super::sessions;
use crate::Organization;
use crate::organization::write;
use crate::protocol::{MemberRecord, OrderError};
use crate::records::Profile;
use crate::settings::{General, LeaverCredits};

/// What will be different about people.
pub(crate) struct Plan {
    profile: Profile,
    members: Vec<MemberRecord>,
    over: Vec<SessionId>,
    roles: RoleChange,
}

impl Plan {
    /// What it writes, and whom it tells.
    pub(crate) fn change(&self) -> Result<Change, OrderError> {
        let mut change = Change::new();
        sessions::remove(&mut change, &self.over);
        self.roles.write(&mut change)?;
        if !self.members.is_empty() || !self.roles.is_empty() {
            write(&mut change, self.profile.organization, &self.profile)?;
        }
        for member in &self.members {
            write(&mut change, member.profile.member, member)?;
            change.send(member.team.to_string(), Message::Member(member.profile.clone()));
        }
        Ok(change)
    }
}

impl<S: Storage> Organization<S> {
    /// Nothing is different yet.
    pub(crate) fn plan(&self) -> Result<Plan, OrderError> {
        let profile = self.profile()?.clone();
        Ok(Plan { profile, members: Vec::new(), over: Vec::new(), roles: RoleChange::default() })
    }

    /// A member, new or as they shall be; the version is given here, and what
    /// follows of their status is done with it.
    pub(crate) fn plan_member(&self, plan: &mut Plan, shall_be: MemberRecord) -> Result<MemberRecord, OrderError> {
        let member = shall_be.profile.member;
        let email = shall_be.email.as_deref();
        let others = plan.members.iter().filter(|other| other.profile.member != member);
        if let Some(other) = self.has_address(member, email).or_else(|| owner(others, email?)) {
            return Err(OrderError::Conflict { message: format!("the member `{other}` has this e-mail address") });
        }
        let known = self.records.members.get(&member);
        if known.is_some_and(|known| known.erased_ms.is_some()) {
            let message = format!("`{member}` was erased, which cannot be undone: make another member");
            return Err(OrderError::Conflict { message });
        }
        plan.profile.directory_version = plan.profile.directory_version.saturating_add(1);
        let profile = MemberProfile {
            version: plan.profile.directory_version,
            keeps_credits: keeps_credits(&plan.profile.general, known, shall_be.profile.status),
            ..shall_be.profile
        };
        // Who may not call may not be signed in either.
        if profile.status != MemberStatus::Active {
            plan.over.extend(self.sessions_of(member));
        }
        if profile.status == MemberStatus::Removed {
            Self::plan_roles(plan, self.roles_of(member));
        }
        let record = MemberRecord { profile, ..shall_be };
        plan.members.push(record.clone());
        Ok(record)
    }

    /// Roles that come and go.
    pub(crate) fn plan_roles(plan: &mut Plan, roles: RoleChange) {
        if !roles.is_empty() {
            plan.profile.policy_version = plan.profile.policy_version.saturating_add(1);
        }
        plan.roles.extend(roles);
    }

    /// Keeps in memory what was written.
    pub(crate) fn keep(&mut self, plan: Plan) {
        self.records.profile = Some(plan.profile);
        self.records.members.extend(plan.members.into_iter().map(|member| (member.profile.member, member)));
        self.forget_sessions(&plan.over);
        self.keep_roles(plan.roles);
    }

    /// Who else has this address.
    pub(crate) fn has_address(&self, member: MemberId, email: Option<&str>) -> Option<MemberId> {
        owner(self.records.members.values().filter(|other| other.profile.member != member), email?)
    }
}

/// Whose an address is.
fn owner<'a>(mut members: impl Iterator<Item = &'a MemberRecord>, email: &str) -> Option<MemberId> {
    let known = members.find(|member| member.email.as_ref().is_some_and(|known| same_address(known, email)));
    known.map(|known| known.profile.member)
}

/// Whether a member's credits stay in their wallet: decided when they are
/// removed, and not again while they are gone.
fn keeps_credits(general: &General, known: Option<&MemberRecord>, status: MemberStatus) -> bool {
    match (status, known) {
        (MemberStatus::Active | MemberStatus::Suspended, _) => false,
        (MemberStatus::Removed, Some(known)) if known.profile.status == MemberStatus::Removed => {
            known.profile.keeps_credits
        }
        (MemberStatus::Removed, _) => general.leaver_credits == LeaverCredits::Wallet,
    }
}
