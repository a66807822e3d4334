//! Who somebody is that has signed in at the provider.

use events::{MemberProfile, MemberStatus, Message};
use identity::{MemberId, TeamId};
use journal::Change;
use openid::{email_domain, granted};
use serde_json::json;
use storage::Storage;

use super::{note, storage};
use crate::Organization;
use crate::directory::MOST_MEMBERS;
use crate::organization::write;
use crate::protocol::{Enter, Entered, GroupGrant, MemberRecord, SessionError, SignIn};
use crate::records::Profile;

const HOUR_MS: i64 = 60 * 60 * 1000;

impl<S: Storage> Organization<S> {
    pub(super) fn enter(&mut self, now: i64, enter: &Enter) -> Result<Entered, SessionError> {
        let sign_in = self.records.sign_in.clone().ok_or(SessionError::NotConfigured)?;
        if sign_in.version != enter.version {
            return Err(SessionError::Changed);
        }
        let (record, is_new) = match self.known(enter)? {
            Some(known) => (MemberRecord { link: Some(enter.link.clone()), ..known.clone() }, false),
            None => (self.new_member(&sign_in, enter)?, true),
        };
        if record.profile.status != MemberStatus::Active {
            return Err(SessionError::Suspended);
        }
        let mut change = Change::new();
        let mut profile = self.records.profile.clone().ok_or(SessionError::NotConfigured)?;
        let record = if is_new { announce(&mut change, &mut profile, record) } else { record };
        let member = record.profile.member;
        let told = self.provisioned_groups(member).map_err(|_| SessionError::Storage)?;
        let roles = self.group_roles(now, member, &sign_in, told.as_deref().unwrap_or(&enter.groups));
        roles.write(&mut change).map_err(storage)?;
        if !roles.is_empty() {
            profile.policy_version = profile.policy_version.saturating_add(1);
        }
        if is_new || !roles.is_empty() {
            write(&mut change, profile.organization, &profile).map_err(storage)?;
        }
        write(&mut change, member, &record).map_err(storage)?;
        let lasts = i64::from(sign_in.session_hours).saturating_mul(HOUR_MS);
        let begun = self.begin(now, member, &enter.session, now.saturating_add(lasts), &enter.by);
        begun.write(&mut change)?;
        let after = json!({
            "member": record.profile.name, "email": record.email, "team": record.team, "joined": is_new,
            "roles_added": roles.added.iter().map(|grant| json!({"role": grant.role, "on": grant.on})).collect::<Vec<_>>(),
            "roles_removed": roles.removed.iter().map(|grant| json!({"role": grant.role, "on": grant.on})).collect::<Vec<_>>(),
        });
        change.audit(note(&enter.by, "sign_in", (member, enter.session.id), Some(after)));
        self.commit(now, change).map_err(storage)?;
        self.records.profile = Some(profile);
        self.records.members.insert(member, record.clone());
        self.keep_roles(roles);
        let session = self.keep_session(begun);
        Ok(Entered { member: record, session })
    }

    /// The member whose account it is: by the provider's own name for them, or
    /// else by their address.
    fn known(&self, enter: &Enter) -> Result<Option<&MemberRecord>, SessionError> {
        let mut members = self.records.members.values();
        if let Some(known) = members.find(|member| member.link.as_ref() == Some(&enter.link)) {
            return Ok(Some(known));
        }
        let email = self.own_address(enter)?;
        let mut members = self.records.members.values();
        let known = members.find(|member| member.email.as_ref().is_some_and(|known| same_address(known, &email)));
        match known.and_then(|member| member.link.as_ref()) {
            // At this provider the address was somebody else's: a directory
            // gives addresses of those who left to those who come.
            Some(link) if link.issuer == enter.link.issuer => Err(SessionError::OtherAccount),
            _ => Ok(known),
        }
    }

    /// The address, if it belongs to the organization.
    fn own_address(&self, enter: &Enter) -> Result<String, SessionError> {
        let email = enter.email.clone().ok_or(SessionError::NoEmail)?;
        let domain = email_domain(&email).ok_or(SessionError::NoEmail)?;
        let domains = self.records.profile.as_ref().map(|profile| profile.domains.as_slice()).unwrap_or_default();
        if domains.contains(&domain) { Ok(email) } else { Err(SessionError::ForeignDomain { domain }) }
    }

    fn new_member(&self, sign_in: &SignIn, enter: &Enter) -> Result<MemberRecord, SessionError> {
        if !sign_in.just_in_time {
            return Err(SessionError::NotAMember);
        }
        let email = self.own_address(enter)?;
        // Of whom the provider has told already, and who had no team yet.
        let told = self.provisioned_by_address(&email).map_err(|_| SessionError::Storage)?;
        let id = match told {
            Some((_, false)) => return Err(SessionError::Suspended),
            Some((id, true)) if !self.records.members.contains_key(&id) => id,
            _ => enter.member,
        };
        let groups = self.provisioned_groups(id).map_err(|_| SessionError::Storage)?;
        let groups = groups.as_deref().unwrap_or(&enter.groups);
        let by_group = granted(&sign_in.groups, groups).find_map(|grant| match grant {
            GroupGrant::Team { team } => Some(*team),
            GroupGrant::Role { .. } => None,
        });
        let team = by_group.or(sign_in.default_team).ok_or(SessionError::NoTeam)?;
        let name = enter.name.clone().unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
        self.blank_member(id, team, name, email).map(|record| MemberRecord { link: Some(enter.link.clone()), ..record })
    }

    /// A member who is not yet there.
    pub(super) fn blank_member(
        &self,
        member: MemberId,
        team: TeamId,
        name: String,
        email: String,
    ) -> Result<MemberRecord, SessionError> {
        if self.records.members.len() >= MOST_MEMBERS || self.records.members.contains_key(&member) {
            let message = format!("an organization can have {MOST_MEMBERS} members");
            return Err(SessionError::Conflict { message });
        }
        let profile = MemberProfile {
            version: 0,
            member,
            name,
            status: MemberStatus::Active,
            models: None,
            keeps_credits: false,
        };
        Ok(MemberRecord { team, profile, email: Some(email), link: None, erased_ms: None })
    }
}

/// Gives a new member the directory's next version and tells the team.
pub(super) fn announce(change: &mut Change, profile: &mut Profile, record: MemberRecord) -> MemberRecord {
    profile.directory_version = profile.directory_version.saturating_add(1);
    let member = MemberProfile { version: profile.directory_version, ..record.profile };
    change.send(record.team.to_string(), Message::Member(member.clone()));
    MemberRecord { profile: member, ..record }
}

/// Providers differ in how they write addresses; hardly anybody has two that
/// differ only in case.
pub(super) fn same_address(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}
