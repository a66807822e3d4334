//! People.

use std::collections::BTreeMap;

use events::{MemberProfile, MemberStatus};
use identity::MemberId;
use openid::granted;
use scim::{Email, ErrorKind, Filter, Group, GroupReference, Lookup, Patch, Resource, USER, User};
use storage::Storage;

use super::table::{self, Kept, Named, Stored};
use super::{Fault, answer, is_meant_for, missing, query, record, removed, shown};
use crate::Organization;
use crate::directory::MOST_MEMBERS;
use crate::people::Plan;
use crate::protocol::{Asked, GroupGrant, MemberRecord, OrderError, Provision, Provisioned, SignIn};

/// Names have so many characters.
const LONGEST_NAME: usize = 100;

impl<S: Storage> Organization<S> {
    pub(super) fn users(&mut self, now: i64, asked: &Provision) -> Result<Provisioned, Fault> {
        match &asked.asked {
            Asked::List | Asked::Search { .. } => self.list_users(asked),
            Asked::Get { id } => {
                let user = self.user(id)?.ok_or_else(|| missing(asked, id))?;
                answer(asked, 200, self.with_groups(asked, user)?)
            }
            Asked::Create { id, body } => {
                let resource = User::create(id, body)?;
                let new = Stored { resource, created_ms: now, modified_ms: now };
                self.put_user(now, asked, None, new, 201)
            }
            Asked::Replace { id, body } => self.change_user(now, asked, id, |user| Ok(user.replace(body)?.resource)),
            Asked::Patch { id, body } => {
                let patch = Patch::parse(body)?;
                self.change_user(now, asked, id, |user| Ok(user.patch(&patch)?.resource))
            }
            Asked::Remove { id } => self.remove_user(now, asked, id),
        }
    }

    fn list_users(&self, asked: &Provision) -> Result<Provisioned, Fault> {
        let query = query(asked)?;
        let lookup = query.filter.as_ref().and_then(|filter: &Filter| filter.lookup(&USER));
        let mut users = self.stored::<User>(lookup)?;
        let mut groups: BTreeMap<String, Vec<Named>> = BTreeMap::new();
        for (user, group) in self.memberships(None)? {
            groups.entry(user).or_default().push(group);
        }
        for user in &mut users {
            let own = groups.remove(&user.resource.id).unwrap_or_default();
            user.resource.groups = references(asked, own.into_iter());
        }
        let told = self.told()?;
        users.extend(self.untold().filter(|user| !told.contains(&user.resource.id)));
        let all = users.into_iter().map(|user| shown(asked, user)).collect::<Result<Vec<_>, _>>()?;
        Ok(Provisioned { status: 200, body: Some(query.answer(&USER, all)), version: None, location: None })
    }

    /// A user with the groups, as the provider told or as the member is.
    pub(super) fn user(&self, id: &str) -> Result<Option<Stored<User>>, Fault> {
        let told = self.stored::<User>(Some(Lookup::Id(id)))?.pop();
        Ok(told.or_else(|| self.untold().find(|user| user.resource.id == id)))
    }

    /// Members of whom the provider has said nothing.
    fn untold(&self) -> impl Iterator<Item = Stored<User>> {
        let is_one = |member: &&MemberRecord| member.profile.status != MemberStatus::Removed || member.email.is_some();
        self.records.members.values().filter(is_one).map(|member| {
            let id = member.profile.member;
            let email = |value: &String| Email { value: value.clone(), primary: Some(true), ..Email::default() };
            let made_ms = i64::try_from(id.unix_ms()).unwrap_or_default();
            let resource = User {
                id: id.to_string(),
                external_id: None,
                user_name: member.email.clone().unwrap_or_else(|| id.to_string()),
                name: None,
                display_name: Some(member.profile.name.clone()),
                active: member.profile.status != MemberStatus::Removed,
                emails: member.email.iter().map(email).collect(),
                groups: Vec::new(),
                enterprise: None,
                meta: None,
            };
            Stored { resource, created_ms: made_ms, modified_ms: made_ms }
        })
    }

    fn with_groups(&self, asked: &Provision, mut user: Stored<User>) -> Result<Stored<User>, Fault> {
        let own = self.memberships(Some(&user.resource.id))?;
        user.resource.groups = references(asked, own.into_iter().map(|(_, group)| group));
        Ok(user)
    }

    fn change_user(
        &mut self,
        now: i64,
        asked: &Provision,
        id: &str,
        change: impl FnOnce(&User) -> Result<User, Fault>,
    ) -> Result<Provisioned, Fault> {
        let old = self.user(id)?.ok_or_else(|| missing(asked, id))?;
        let old = self.with_groups(asked, old)?;
        is_meant_for(asked, &old.resource)?;
        let resource = change(&old.resource)?;
        let modified_ms = if resource == old.resource { old.modified_ms } else { now };
        let new = Stored { resource, created_ms: old.created_ms, modified_ms };
        self.put_user(now, asked, Some(old), new, 200)
    }

    fn put_user(
        &mut self,
        now: i64,
        asked: &Provision,
        old: Option<Stored<User>>,
        new: Stored<User>,
        status: u16,
    ) -> Result<Provisioned, Fault> {
        let user = &new.resource;
        let others = self.stored::<User>(Some(Lookup::UserName(&user.user_name)))?;
        if others.iter().any(|other| other.resource.id != user.id) {
            return Err(taken(&user.user_name));
        }
        let id: MemberId = user.id.parse().map_err(|_| missing(asked, &user.id))?;
        let mut plan = self.plan()?;
        match self.records.members.get(&id).cloned() {
            Some(member) => {
                let shall_be = like(user, member.clone());
                if shall_be != member {
                    self.plan_member(&mut plan, shall_be.clone())?;
                }
                self.plan_groups(now, &mut plan, id, shall_be.profile.status)?;
            }
            None => {
                // Somebody has the address whom the provider can find by it.
                if let Some(other) = self.has_address(id, address(user).as_deref()) {
                    return Err(taken(&format!("{}, which is the address of {other}", user.user_name)));
                }
                if let Some(sign_in) = &self.records.sign_in {
                    let groups = self.provisioned_groups(id)?.unwrap_or_default();
                    self.plan_arrival(now, &mut plan, sign_in, user, &groups)?;
                }
            }
        }
        let mut change = plan.change()?;
        let (sql, values) = table::put(&new)?;
        change.write(sql, values);
        let before = old.and_then(|old| serde_json::to_value(old.resource.bare()).ok());
        change.audit(record(asked, before, serde_json::to_value(user.clone().bare()).ok()));
        self.commit(now, change)?;
        self.keep(plan);
        let new = self.with_groups(asked, new)?;
        answer(asked, status, new)
    }

    /// What other rules of sign-in mean for everybody of whom the provider has
    /// told: roles, and a team for those who had none.
    pub(crate) fn plan_rules(&self, now: i64, plan: &mut Plan, sign_in: &SignIn) -> Result<(), OrderError> {
        let storage = |_| OrderError::Storage;
        let users = self.stored::<User>(None).map_err(storage)?;
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (user, group) in self.memberships(None).map_err(storage)? {
            groups.entry(user).or_default().extend(group.names());
        }
        let tells_groups = !self.stored::<Group>(None).map_err(storage)?.is_empty();
        for Stored { resource: user, .. } in users {
            let Ok(id) = user.id.parse::<MemberId>() else { continue };
            let own = groups.remove(&user.id).unwrap_or_default();
            match self.records.members.get(&id).map(|known| known.profile.status) {
                Some(MemberStatus::Removed) => {}
                Some(_) if tells_groups => Self::plan_roles(plan, self.group_roles(now, id, sign_in, &own)),
                Some(_) => {}
                None => self.plan_late_arrival(now, plan, sign_in, &user, &own)?,
            }
        }
        Ok(())
    }

    /// The same as an arrival, of one of many: who cannot come now, because
    /// somebody has their address for example, waits on.
    pub(super) fn plan_late_arrival(
        &self,
        now: i64,
        plan: &mut Plan,
        sign_in: &SignIn,
        user: &User,
        groups: &[String],
    ) -> Result<(), OrderError> {
        match self.plan_arrival(now, plan, sign_in, user, groups) {
            Ok(()) | Err(Fault::Scim(_)) => Ok(()),
            Err(Fault::Order(error)) => Err(error),
        }
    }

    /// Makes the member, if somebody says in which team.
    fn plan_arrival(
        &self,
        now: i64,
        plan: &mut Plan,
        sign_in: &SignIn,
        user: &User,
        groups: &[String],
    ) -> Result<(), Fault> {
        let Some(member) = user.id.parse::<MemberId>().ok().filter(|_| user.active) else { return Ok(()) };
        let by_group = granted(&sign_in.groups, groups).find_map(|grant| match grant {
            GroupGrant::Team { team } => Some(*team),
            GroupGrant::Role { .. } => None,
        });
        let Some(team) = by_group.or(sign_in.default_team) else { return Ok(()) };
        if self.records.members.len() >= MOST_MEMBERS {
            let message = format!("an organization can have {MOST_MEMBERS} members");
            return Err(OrderError::Invalid { message }.into());
        }
        let status = MemberStatus::Active;
        let profile =
            MemberProfile { version: 0, member, name: name(user), status, models: None, keeps_credits: false };
        self.plan_member(plan, MemberRecord { team, profile, email: address(user), link: None, erased_ms: None })?;
        Self::plan_roles(plan, self.group_roles(now, member, sign_in, groups));
        Ok(())
    }

    /// The roles that a member's groups give, as they are.
    fn plan_groups(&self, now: i64, plan: &mut Plan, member: MemberId, status: MemberStatus) -> Result<(), Fault> {
        if let (Some(groups), Some(sign_in)) = (self.provisioned_groups(member)?, &self.records.sign_in)
            && status != MemberStatus::Removed
        {
            Self::plan_roles(plan, self.group_roles(now, member, sign_in, &groups));
        }
        Ok(())
    }

    fn remove_user(&mut self, now: i64, asked: &Provision, id: &str) -> Result<Provisioned, Fault> {
        let old = self.user(id)?.ok_or_else(|| missing(asked, id))?;
        is_meant_for(asked, &self.with_groups(asked, old.clone())?.resource)?;
        let mut plan = self.plan()?;
        if let Some(member) = id.parse().ok().and_then(|id: MemberId| self.records.members.get(&id)).cloned() {
            let profile = MemberProfile { status: MemberStatus::Removed, ..member.profile };
            // Their address, and their name at the provider, may be somebody else's next.
            self.plan_member(&mut plan, MemberRecord { profile, email: None, link: None, ..member })?;
        }
        let mut change = plan.change()?;
        for (sql, values) in table::remove(id) {
            change.write(sql, values);
        }
        change.audit(record(asked, serde_json::to_value(old.resource.bare()).ok(), None));
        self.commit(now, change)?;
        self.keep(plan);
        Ok(removed())
    }
}

/// The member as the provider says they are.
fn like(user: &User, member: MemberRecord) -> MemberRecord {
    let status = match (user.active, member.profile.status) {
        (false, _) => MemberStatus::Removed,
        (true, MemberStatus::Removed) => MemberStatus::Active,
        // An admin's own decision.
        (true, status) => status,
    };
    MemberRecord {
        profile: MemberProfile { name: name(user), status, ..member.profile },
        email: address(user),
        ..member
    }
}

/// The address by which somebody is known: the primary one, or the user name
/// if that is one.
pub(super) fn address(user: &User) -> Option<String> {
    let is_address = |text: &&str| text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.len() > 1);
    user.email().into_iter().chain([user.user_name.as_str()]).find(is_address).map(str::to_owned)
}

/// The name to show, as names are here: one line of at most 100 characters.
fn name(user: &User) -> String {
    let parts = user.name.as_ref();
    let whole = parts.and_then(|name| {
        let both = [name.given_name.as_deref(), name.family_name.as_deref()];
        let both: Vec<&str> = both.into_iter().flatten().collect();
        Some(both.join(" ")).filter(|both| !both.trim().is_empty())
    });
    let formatted = parts.and_then(|name| name.formatted.clone());
    let candidates = [user.display_name.clone(), formatted, whole, Some(user.user_name.clone())];
    let clean = |text: String| {
        let line: String = text.chars().filter(|character| !character.is_control()).take(LONGEST_NAME).collect();
        Some(line.trim().to_owned()).filter(|line| !line.is_empty())
    };
    candidates.into_iter().flatten().find_map(clean).unwrap_or_else(|| user.id.clone())
}

fn references(asked: &Provision, groups: impl Iterator<Item = Named>) -> Vec<GroupReference> {
    let base = asked.base.trim_end_matches('/');
    let reference = |group: Named| GroupReference {
        reference: Some(format!("{base}/Groups/{}", group.id)),
        value: group.id,
        display: Some(group.display),
        kind: Some("direct".to_owned()),
    };
    groups.map(reference).collect()
}

fn taken(name: &str) -> Fault {
    Fault::new(ErrorKind::Uniqueness, format!("`userName` is taken: {name}"))
}
