//! Groups of people, and what being in them gives. A member who is no user
//! here is kept, because the provider says so, and gets nothing.

use std::collections::{BTreeMap, BTreeSet};

use events::MemberStatus;
use identity::MemberId;
use journal::Change;
use scim::{ErrorKind, GROUP, Group, Lookup, Member, Patch, Resource, User};
use storage::Storage;

use super::table::{self, Kept, Named, Stored};
use super::{Fault, answer, is_meant_for, missing, query, record, removed, shown};
use crate::Organization;
use crate::people::Plan;
use crate::protocol::{Asked, Provision, Provisioned};

/// Groups are few: rules name them.
const MOST_GROUPS: usize = 2000;

impl<S: Storage> Organization<S> {
    pub(super) fn groups(&mut self, now: i64, asked: &Provision) -> Result<Provisioned, Fault> {
        match &asked.asked {
            Asked::List | Asked::Search { .. } => self.list_groups(asked),
            Asked::Get { id } => {
                let group = self.group(id)?.ok_or_else(|| missing(asked, id))?;
                answer(asked, 200, self.with_names(asked, group)?)
            }
            Asked::Create { id, body } => {
                let resource = Group::create(id, body)?;
                if self.stored::<Group>(None)?.len() >= MOST_GROUPS {
                    let detail = format!("an organization can have {MOST_GROUPS} groups");
                    return Err(Fault::new(ErrorKind::InvalidValue, detail));
                }
                let new = Stored { resource, created_ms: now, modified_ms: now };
                self.put_group(now, asked, None, new, 201)
            }
            Asked::Replace { id, body } => self.change_group(now, asked, id, |group| Ok(group.replace(body)?.resource)),
            Asked::Patch { id, body } => {
                let patch = Patch::parse(body)?;
                self.change_group(now, asked, id, |group| Ok(group.patch(&patch)?.resource))
            }
            Asked::Remove { id } => self.remove_group(now, asked, id),
        }
    }

    fn list_groups(&self, asked: &Provision) -> Result<Provisioned, Fault> {
        let query = query(asked)?;
        let lookup = query.filter.as_ref().and_then(|filter| filter.lookup(&GROUP));
        let mut groups = self.stored::<Group>(lookup)?;
        // Also where nobody wants to see them: the version is one of all that a group has.
        for group in &mut groups {
            group.resource.members = self.members_of(&group.resource.id)?;
        }
        let groups = groups.into_iter().map(|group| shown(asked, self.with_names(asked, group)?));
        let all = groups.collect::<Result<Vec<_>, Fault>>()?;
        Ok(Provisioned { status: 200, body: Some(query.answer(&GROUP, all)), version: None, location: None })
    }

    /// A group with its members' ids.
    fn group(&self, id: &str) -> Result<Option<Stored<Group>>, Fault> {
        let Some(mut group) = self.stored::<Group>(Some(Lookup::Id(id)))?.pop() else { return Ok(None) };
        group.resource.members = self.members_of(id)?;
        Ok(Some(group))
    }

    /// The group with its members' names and addresses.
    fn with_names(&self, asked: &Provision, mut group: Stored<Group>) -> Result<Stored<Group>, Fault> {
        let base = asked.base.trim_end_matches('/');
        for member in &mut group.resource.members {
            let known = member.value.parse().ok().and_then(|id: MemberId| self.records.members.get(&id));
            let is_user = known.is_some() || !self.stored::<User>(Some(Lookup::Id(&member.value)))?.is_empty();
            member.display = known.map(|known| known.profile.name.clone()).or(member.display.take());
            member.kind.get_or_insert_with(|| User::KIND.to_owned());
            member.reference = is_user.then(|| format!("{base}/Users/{}", member.value));
        }
        Ok(group)
    }

    fn change_group(
        &mut self,
        now: i64,
        asked: &Provision,
        id: &str,
        change: impl FnOnce(&Group) -> Result<Group, Fault>,
    ) -> Result<Provisioned, Fault> {
        let old = self.group(id)?.ok_or_else(|| missing(asked, id))?;
        is_meant_for(asked, &self.with_names(asked, old.clone())?.resource)?;
        let resource = change(&old.resource)?;
        let same = (&resource.display_name, &resource.external_id, members(&resource))
            == (&old.resource.display_name, &old.resource.external_id, members(&old.resource));
        let modified_ms = if same { old.modified_ms } else { now };
        let new = Stored { resource, created_ms: old.created_ms, modified_ms };
        self.put_group(now, asked, Some(old), new, 200)
    }

    fn put_group(
        &mut self,
        now: i64,
        asked: &Provision,
        old: Option<Stored<Group>>,
        mut new: Stored<Group>,
        status: u16,
    ) -> Result<Provisioned, Fault> {
        let were = old.as_ref().map(|old| members(&old.resource)).unwrap_or_default();
        let shall_be = members(&new.resource);
        let [before, after] = [&were, &shall_be].map(|members| members.keys().cloned().collect::<BTreeSet<String>>());
        let id = new.resource.id.clone();
        let named = Named {
            id: id.clone(),
            display: new.resource.display_name.clone(),
            external_id: new.resource.external_id.clone(),
        };
        let renamed = old.as_ref().is_some_and(|old| {
            (&old.resource.display_name, &old.resource.external_id) != (&named.display, &named.external_id)
        });
        let concerned: BTreeSet<&String> = match renamed {
            true => before.union(&after).collect(),
            false => before.symmetric_difference(&after).collect(),
        };
        let is_in = concerned.iter().map(|user| ((*user).clone(), after.contains(*user))).collect();
        let plan = self.plan_group(now, &named, &is_in)?;
        let mut change = plan.change()?;
        let (sql, values) = table::put(&new)?;
        change.write(sql, values);
        for member in shall_be.values().filter(|member| were.get(&member.value) != Some(member)) {
            let (sql, values) = table::join(&id, member);
            change.write(sql, values);
        }
        for user in before.difference(&after) {
            let (sql, values) = table::part(&id, user);
            change.write(sql, values);
        }
        let old = old.map(|old| summary(&old.resource, &before));
        change.audit(record(asked, old, Some(summary(&new.resource, &after))));
        self.commit(now, change)?;
        self.keep(plan);
        new.resource.members = shall_be.into_values().collect();
        answer(asked, status, self.with_names(asked, new)?)
    }

    fn remove_group(&mut self, now: i64, asked: &Provision, id: &str) -> Result<Provisioned, Fault> {
        let old = self.group(id)?.ok_or_else(|| missing(asked, id))?;
        is_meant_for(asked, &self.with_names(asked, old.clone())?.resource)?;
        let before: BTreeSet<String> = members(&old.resource).into_keys().collect();
        let named = Named { id: id.to_owned(), display: String::new(), external_id: None };
        let is_in = before.iter().map(|user| (user.clone(), false)).collect();
        let plan = self.plan_group(now, &named, &is_in)?;
        let mut change: Change = plan.change()?;
        for (sql, values) in table::remove(id) {
            change.write(sql, values);
        }
        change.audit(record(asked, Some(summary(&old.resource, &before)), None));
        self.commit(now, change)?;
        self.keep(plan);
        Ok(removed())
    }

    /// What it gives and takes that these users are in the group from now on,
    /// or are not.
    fn plan_group(&self, now: i64, group: &Named, is_in: &BTreeMap<String, bool>) -> Result<Plan, Fault> {
        let mut plan = self.plan()?;
        let Some(sign_in) = &self.records.sign_in else { return Ok(plan) };
        for (id, is_in) in is_in {
            let others = self.memberships(Some(id))?.into_iter().map(|(_, other)| other);
            let own = is_in.then(|| group.clone());
            let groups: Vec<String> =
                others.filter(|other| other.id != group.id).chain(own).flat_map(Named::names).collect();
            let Ok(member) = id.parse::<MemberId>() else { continue };
            match self.records.members.get(&member) {
                Some(known) if known.profile.status == MemberStatus::Removed => {}
                Some(_) => Self::plan_roles(&mut plan, self.group_roles(now, member, sign_in, &groups)),
                None => {
                    if let Some(user) = self.user(id)? {
                        self.plan_late_arrival(now, &mut plan, sign_in, &user.resource, &groups)?;
                    }
                }
            }
        }
        Ok(plan)
    }
}

/// The members by their ids, as far as they are stored.
fn members(group: &Group) -> BTreeMap<String, Member> {
    let bare = |member: &Member| Member { reference: None, ..member.clone() };
    group.members.iter().map(|member| (member.value.clone(), bare(member))).collect()
}

/// What the audit trail keeps of a group.
fn summary(group: &Group, members: &BTreeSet<String>) -> serde_json::Value {
    serde_json::json!({ "displayName": group.display_name, "externalId": group.external_id, "members": members })
}
