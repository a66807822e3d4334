//! The first person, or the one who helps when the provider is out of order.

use events::{Message, PoolDraw};
use identity::{Principal, TeamId};
use journal::Change;
use policy::{Grant, Grantee, Node, Role};
use serde_json::json;
use storage::Storage;

use super::enter::{announce, same_address};
use super::{note, storage};
use crate::Organization;
use crate::directory::team_profile;
use crate::organization::write;
use crate::protocol::{Entered, NewTeam, SessionError, SetUp};
use crate::records::{self, Department, Profile, SETUP, TeamRecord};

/// How long the first session goes on: a working day.
const LASTS_MS: i64 = 12 * 60 * 60 * 1000;
/// Where administrators are who are in no team yet.
const DEPARTMENT: &str = "Administration";
const TEAM: &str = "Administrators";

/// A team that is made on the way.
struct Home {
    department: Option<Department>,
    team: TeamRecord,
}

impl<S: Storage> Organization<S> {
    pub(super) fn set_up(&mut self, now: i64, set_up: &SetUp) -> Result<Entered, SessionError> {
        let token = self.records.setup.as_ref().ok_or(SessionError::UnknownToken)?;
        if token.hash != set_up.token || token.expires_ms <= now {
            return Err(SessionError::UnknownToken);
        }
        let mut profile = self.records.profile.clone().ok_or(SessionError::NotConfigured)?;
        let root = profile.organization;
        let mut change = Change::new();
        let (sql, values) = records::remove(SETUP);
        change.write(sql, values);
        let mut members = self.records.members.values();
        let known =
            members.find(|member| member.email.as_ref().is_some_and(|email| same_address(email, &set_up.email)));
        let (record, home) = match known.cloned() {
            Some(known) if known.profile.status != events::MemberStatus::Active => return Err(SessionError::Suspended),
            Some(known) => (known, None),
            None => {
                let (team, home) = self.home(&mut change, &mut profile, set_up)?;
                let blank = self.blank_member(set_up.member, team, set_up.name.clone(), set_up.email.clone())?;
                (announce(&mut change, &mut profile, blank), home)
            }
        };
        let member = record.profile.member;
        let grant = Grant {
            id: set_up.grant,
            to: Grantee::Member(member),
            role: Role::OrganizationAdmin,
            on: Node::Organization(root),
            until_ms: None,
            only: None,
            lender: None,
            by: Principal::System,
            by_groups: false,
            created_ms: now,
        };
        let is_admin = self.has_of_their_own(now, member, grant.role, grant.on);
        if !is_admin {
            profile.policy_version = profile.policy_version.saturating_add(1);
            write(&mut change, grant.id, &grant).map_err(storage)?;
        }
        write(&mut change, root, &profile).map_err(storage)?;
        write(&mut change, member, &record).map_err(storage)?;
        let begun = self.begin(now, member, &set_up.session, now.saturating_add(LASTS_MS), &set_up.by);
        begun.write(&mut change)?;
        let after = json!({"member": record.profile.name, "email": record.email, "team": record.team});
        let draft = note(&set_up.by, "set_up", (member, set_up.session.id), Some(after));
        change.audit(draft);
        self.commit(now, change).map_err(storage)?;
        self.records.setup = None;
        self.records.profile = Some(profile);
        if let Some(Home { department, team }) = home {
            self.records.departments.extend(department.map(|department| (department.id, department)));
            self.records.teams.insert(team.profile.team, team);
        }
        self.records.members.insert(member, record.clone());
        if !is_admin {
            self.records.grants.insert(grant.id, grant);
        }
        let session = self.keep_session(begun);
        Ok(Entered { member: record, session })
    }

    /// The administrators' team, made if it is not there.
    fn home(
        &self,
        change: &mut Change,
        profile: &mut Profile,
        set_up: &SetUp,
    ) -> Result<(TeamId, Option<Home>), SessionError> {
        if let Some(known) = self.records.teams.values().find(|team| team.profile.name == TEAM) {
            return Ok((known.profile.team, None));
        }
        let known = self.records.departments.values().find(|department| department.name == DEPARTMENT);
        let department = match known {
            Some(_) => None,
            None => Some(Department { id: set_up.department, name: DEPARTMENT.to_owned() }),
        };
        if let Some(department) = &department {
            write(change, department.id, department).map_err(storage)?;
        }
        let new = NewTeam {
            id: set_up.team,
            department: known.map_or(set_up.department, |department| department.id),
            name: TEAM.to_owned(),
            on_demand: None,
            pool_draw: PoolDraw::default(),
            pool_rules: None,
            models: None,
            addresses: None,
        };
        let team = TeamRecord { profile: team_profile(profile, &new), topped_up: Default::default() };
        write(change, new.id, &team).map_err(storage)?;
        change.send(new.id.to_string(), Message::Team(team.profile.clone()));
        Ok((new.id, Some(Home { department, team })))
    }
}
