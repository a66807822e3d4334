//! Departments, teams and members.

use events::{MemberProfile, Message, OnDemand, TeamProfile};
use identity::{DepartmentId, TeamId};
use journal::Change;
use ledger::{Account, Millicredits};
use limits::PoolRules;
use storage::Storage;

use crate::Organization;
use crate::order::{invalid, not_found};
use crate::organization::write;
use crate::protocol::{DepartmentView, MemberRecord, NewTeam, Order, OrderError, Reply};
use crate::records::{Department, Profile, TeamRecord};

/// The directory is in the actor's memory and is read whole by the API; so
/// many are a few MB.
const MOST_DEPARTMENTS: usize = 1000;
const MOST_TEAMS: usize = 5000;
pub(crate) const MOST_MEMBERS: usize = 20_000;

impl<S: Storage> Organization<S> {
    pub(crate) fn create_department(
        &mut self,
        now: i64,
        order: &Order,
        id: DepartmentId,
        name: &str,
    ) -> Result<Reply, OrderError> {
        bounded(self.records.departments.len(), MOST_DEPARTMENTS, "departments")?;
        self.put_department(now, order, id, name)
    }

    pub(crate) fn rename_department(
        &mut self,
        now: i64,
        order: &Order,
        id: DepartmentId,
        name: &str,
    ) -> Result<Reply, OrderError> {
        if !self.records.departments.contains_key(&id) {
            return Err(not_found("department", id));
        }
        self.put_department(now, order, id, name)
    }

    fn put_department(&mut self, now: i64, order: &Order, id: DepartmentId, name: &str) -> Result<Reply, OrderError> {
        if self.records.departments.values().any(|other| other.id != id && other.name == name) {
            return Err(taken("department", name));
        }
        let department = Department { id, name: name.to_owned() };
        let balance = self.journal.balance(Account::Department(id));
        let mut change = Change::new();
        write(&mut change, id, &department)?;
        let view = DepartmentView { id, name: name.to_owned(), balance };
        let reply = self.finish(now, order, change, Reply::Department(view))?;
        self.records.departments.insert(id, department);
        Ok(reply)
    }

    pub(crate) fn create_team(&mut self, now: i64, order: &Order, new: &NewTeam) -> Result<Reply, OrderError> {
        bounded(self.records.teams.len(), MOST_TEAMS, "teams")?;
        if self.records.teams.contains_key(&new.id) {
            return Err(OrderError::Conflict { message: format!("the team `{}` exists already", new.id) });
        }
        self.put_team(now, order, new)
    }

    pub(crate) fn change_team(&mut self, now: i64, order: &Order, new: &NewTeam) -> Result<Reply, OrderError> {
        let known = self.records.teams.get(&new.id).ok_or_else(|| not_found("team", new.id))?;
        if known.profile.department != new.department {
            return Err(invalid("a team stays in its department: return its credits and make another team there"));
        }
        self.put_team(now, order, new)
    }

    fn put_team(&mut self, now: i64, order: &Order, new: &NewTeam) -> Result<Reply, OrderError> {
        if !self.records.departments.contains_key(&new.department) {
            return Err(not_found("department", new.department));
        }
        let mut teams = self.records.teams.values();
        if teams.any(|other| other.profile.team != new.id && other.profile.name == new.name) {
            return Err(taken("team", &new.name));
        }
        if let Some(plan) = &new.on_demand {
            check_plan(plan)?;
        }
        if let Some(rules) = &new.pool_rules {
            check_rules(rules)?;
        }
        let mut profile = self.profile()?.clone();
        let team = team_profile(&mut profile, new);
        let topped_up = self.records.teams.get(&new.id).map(|known| known.topped_up).unwrap_or_default();
        let record = TeamRecord { profile: team.clone(), topped_up };
        let mut change = Change::new();
        write(&mut change, profile.organization, &profile)?;
        write(&mut change, new.id, &record)?;
        change.send(new.id.to_string(), Message::Team(team.clone()));
        let reply = self.finish(now, order, change, Reply::Team(team))?;
        self.records.profile = Some(profile);
        self.records.teams.insert(new.id, record);
        Ok(reply)
    }

    pub(crate) fn create_member(
        &mut self,
        now: i64,
        order: &Order,
        team: TeamId,
        member: &MemberProfile,
        email: &Option<String>,
    ) -> Result<Reply, OrderError> {
        bounded(self.records.members.len(), MOST_MEMBERS, "members")?;
        if !self.records.teams.contains_key(&team) {
            return Err(not_found("team", team));
        }
        if self.records.members.contains_key(&member.member) {
            return Err(OrderError::Conflict { message: format!("the member `{}` exists already", member.member) });
        }
        self.put_member(now, order, team, member, email)
    }

    pub(crate) fn change_member(
        &mut self,
        now: i64,
        order: &Order,
        member: &MemberProfile,
        email: &Option<String>,
    ) -> Result<Reply, OrderError> {
        let known = self.records.members.get(&member.member).ok_or_else(|| not_found("member", member.member))?;
        let team = known.team;
        self.put_member(now, order, team, member, email)
    }

    fn put_member(
        &mut self,
        now: i64,
        order: &Order,
        team: TeamId,
        member: &MemberProfile,
        email: &Option<String>,
    ) -> Result<Reply, OrderError> {
        let known = self.records.members.get(&member.member);
        // Another address may be another person's account at the provider.
        let link = known.filter(|known| known.email == *email).and_then(|known| known.link.clone());
        let shall_be = MemberRecord { team, profile: member.clone(), email: email.clone(), link, erased_ms: None };
        let mut plan = self.plan()?;
        let record = self.plan_member(&mut plan, shall_be)?;
        let reply = self.finish(now, order, plan.change()?, Reply::Member(record))?;
        self.keep(plan);
        Ok(reply)
    }
}

/// The team as its actor is told, under the directory's next version.
pub(crate) fn team_profile(profile: &mut Profile, new: &NewTeam) -> TeamProfile {
    profile.directory_version = profile.directory_version.saturating_add(1);
    TeamProfile {
        version: profile.directory_version,
        organization: profile.organization,
        department: new.department,
        team: new.id,
        name: new.name.clone(),
        time_zone: profile.general.time_zone.clone(),
        settings_version: profile.settings_version,
        on_demand: new.on_demand.clone(),
        pool_draw: new.pool_draw,
        pool_rules: new.pool_rules,
        models: new.models.clone(),
        addresses: new.addresses.clone(),
        organization_addresses: profile.general.addresses.clone(),
    }
}

fn check_plan(plan: &OnDemand) -> Result<(), OrderError> {
    if plan.chunk <= Millicredits::ZERO {
        return Err(invalid(format!("`chunk` of an allotment plan must be above zero, not `{}`", plan.chunk)));
    }
    if plan.low_water.is_negative() || plan.monthly_cap.is_some_and(Millicredits::is_negative) {
        return Err(invalid("`low_water` and `monthly_cap` of an allotment plan cannot be below zero"));
    }
    Ok(())
}

fn check_rules(rules: &PoolRules) -> Result<(), OrderError> {
    if rules.floor.is_negative() || rules.each.is_some_and(Millicredits::is_negative) {
        return Err(invalid("`each` and `floor` of pool rules cannot be below zero"));
    }
    Ok(())
}

fn taken(what: &str, name: &str) -> OrderError {
    OrderError::Conflict { message: format!("there is a {what} named `{name}` already") }
}

fn bounded(count: usize, most: usize, what: &str) -> Result<(), OrderError> {
    if count < most {
        return Ok(());
    }
    Err(OrderError::Conflict { message: format!("an organization can have {most} {what}") })
}
