//! Departments, teams, members and their limits.

use limits::{Limit, LimitAmount};
use serde_json::{Value, json};

use super::fields::Patch;
use super::{PlanError, Planner, Want, shown};
use crate::api::operations as ops;
use crate::apply::file;
use crate::apply::state::{self, LimitSubject, State};
use crate::apply::term::Term;

impl Planner<'_> {
    /// Gives everything that is there its label.
    pub(super) fn know_the_tree(&mut self) -> Result<(), PlanError> {
        let state = self.state;
        for department in &state.departments {
            self.know(format!("department {}", department.name), department.id)?;
            for team in state.teams.iter().filter(|team| team.department_id == department.id) {
                let path = format!("{}/{}", department.name, team.name);
                self.know(format!("team {path}"), team.id)?;
                for member in state.members.iter().filter(|member| member.team_id == team.id) {
                    self.know_member(&format!("{path}/{}", member.name), member)?;
                }
            }
        }
        Ok(())
    }

    /// Two members may have one name: an error only if the file means them.
    fn know_member(&mut self, path: &str, member: &state::Member) -> Result<(), PlanError> {
        let means = |(name, department): (&String, &file::Department)| {
            department.teams.iter().any(|(team, one)| {
                one.members.contains_key(&member.name) && path == format!("{name}/{team}/{}", member.name)
            })
        };
        match self.know(format!("member {path}"), member.id) {
            Err(error) if self.file.departments.iter().any(means) => Err(error),
            _ => Ok(()),
        }
    }

    /// What the file says of it.
    pub(super) fn tree(&mut self) -> Result<(), PlanError> {
        let file = self.file;
        for (name, department) in &file.departments {
            let label = format!("department {name}");
            if !self.ids.contains_key(&label) {
                self.make(&label, ops::CREATE_DEPARTMENT, Vec::new(), vec![("name", Term::from(name))]);
            }
            for (team_name, team) in &department.teams {
                self.team(name, team_name, team)?;
            }
        }
        Ok(())
    }

    fn team(&mut self, department: &str, name: &str, file: &file::Team) -> Result<(), PlanError> {
        let state = self.state;
        let path = format!("{department}/{name}");
        let label = format!("team {path}");
        let plan = file.allotment_plan.as_ref().map(|plan| plan.as_option().map(plan_value));
        let rules = file.pool_rules.as_ref().map(|rules| rules.as_option().map(|rules| json!(rules)));
        let wants = [
            Want::or("allotment_plan", plan, "by hand"),
            Want::new("pool_draw", &file.pool_draw),
            Want::or("pool_rules", rules, "none"),
            Want::or("models", file.models.as_ref().map(|models| models.as_option()), "all"),
            Want::or("addresses", file.addresses.as_ref().map(|addresses| addresses.as_option()), "all"),
        ];
        // A team's name is unique in the organization.
        let there = state.teams.iter().find(|team| team.name == name);
        match there {
            Some(there) => {
                let own = state.departments.iter().find(|one| one.id == there.department_id);
                if let Some(own) = own.filter(|own| own.name != department) {
                    return Err(PlanError::Moved { team: name.to_owned(), department: own.name.clone() });
                }
                let mut patch = Patch::new(&label);
                let have = json!(there);
                let fields = ["allotment_plan", "pool_draw", "pool_rules", "models", "addresses"];
                for (want, field) in wants.into_iter().zip(fields) {
                    patch.compare(have.get(field), want);
                }
                self.change(ops::CHANGE_TEAM, vec![Term::from(there.id)], patch);
            }
            None => {
                let mut body =
                    vec![("department_id", self.id(&format!("department {department}"))?), ("name", Term::from(name))];
                body.extend(wants.into_iter().filter_map(Want::term));
                self.make(&label, ops::CREATE_TEAM, Vec::new(), body);
            }
        }
        let team = self.id(&label)?;
        let subject = Term::from(json!({ "type": "team" }));
        let own: Vec<&state::Limit> = limits_of(state, there).filter(|one| one.subject == LimitSubject::Team).collect();
        self.limits(&path, &team, subject, &file.limits, &own)?;
        for (member_name, member) in &file.members {
            self.member(&path, &team, there, member_name, member)?;
        }
        Ok(())
    }

    fn member(
        &mut self,
        team_path: &str,
        team: &Term,
        team_there: Option<&state::Team>,
        name: &str,
        file: &file::Member,
    ) -> Result<(), PlanError> {
        let state = self.state;
        let path = format!("{team_path}/{name}");
        let label = format!("member {path}");
        let email = Want::text_or_none("email", &file.email);
        let models = Want::or("models", file.models.as_ref().map(|models| models.as_option()), "all");
        let status = Want::new("status", &file.status);
        let of_team = |member: &&state::Member| team_there.is_some_and(|team| member.team_id == team.id);
        let there = state.members.iter().filter(of_team).find(|member| member.name == name);
        let mut patch = Patch::new(&label);
        match there {
            Some(there) => {
                patch.compare(&there.email, email);
                patch.compare(&there.status, status);
                patch.compare(&there.models, models);
            }
            None => {
                let mut body = vec![("team_id", team.clone()), ("name", Term::from(name))];
                body.extend([email, models].into_iter().filter_map(Want::term));
                self.make(&label, ops::CREATE_MEMBER, Vec::new(), body);
                // Whoever is new is active at first.
                patch.compare("active", status);
            }
        }
        let id = self.id(&label)?;
        self.change(ops::CHANGE_MEMBER, vec![id.clone()], patch);
        let own =
            |limit: &&state::Limit| there.is_some_and(|there| limit.subject == LimitSubject::Member { id: there.id });
        let own: Vec<&state::Limit> = limits_of(state, team_there).filter(own).collect();
        let subject = Term::Object(vec![("type", Term::from("member")), ("id", id)]);
        self.limits(&path, team, subject, &file.limits, &own)
    }

    /// The limits of one subject: kind, window and unit are the identity.
    fn limits(
        &mut self,
        path: &str,
        team: &Term,
        subject: Term,
        file: &[Limit],
        there: &[&state::Limit],
    ) -> Result<(), PlanError> {
        let is = |one: &Limit, other: &state::Limit| {
            let one = json!(one);
            [("kind", &other.kind), ("window", &other.window), ("unit", &other.unit)]
                .iter()
                .all(|(field, text)| one.get(*field).and_then(Value::as_str) == Some(text.as_str()))
        };
        for (place, limit) in file.iter().enumerate() {
            let label = format!("limit {path} {} per {} in {}", limit.kind(), word(limit.window()), word(limit.unit()));
            let same = |other: &Limit| {
                (other.kind(), other.window(), other.unit()) == (limit.kind(), limit.window(), limit.unit())
            };
            if file.iter().take(place).any(same) {
                return Err(PlanError::Twice(label));
            }
            let amount = LimitAmount::new(limit.unit(), limit.amount());
            match there.iter().find(|other| is(limit, other)) {
                Some(other) => {
                    let mut patch = Patch::new(&label);
                    patch.compare(other.amount, Want::new("amount", &Some(amount)));
                    self.change(ops::CHANGE_LIMIT, vec![team.clone(), Term::from(other.id)], patch);
                }
                None => {
                    let body = vec![
                        ("subject", subject.clone()),
                        ("kind", Term::from(limit.kind())),
                        ("window", Term::from(limit.window())),
                        ("unit", Term::from(limit.unit())),
                        ("amount", Term::from(amount)),
                    ];
                    self.make(&format!("{label}: {amount}"), ops::CREATE_LIMIT, vec![team.clone()], body);
                }
            }
        }
        let prune = self.options.prune;
        for other in there.iter().filter(|other| prune && !file.iter().any(|one| is(one, other))) {
            let what = format!("limit {path} {} per {} in {}: {}", other.kind, other.window, other.unit, other.amount);
            self.remove(what, ops::REMOVE_LIMIT, vec![team.clone(), Term::from(other.id)]);
        }
        Ok(())
    }
}

/// A team's limits, whoever they are on.
fn limits_of<'a>(state: &'a State, team: Option<&state::Team>) -> impl Iterator<Item = &'a state::Limit> + use<'a> {
    let id = team.map(|team| team.id);
    state.limits.iter().filter(move |limit| Some(limit.team_id) == id)
}

fn word(value: impl serde::Serialize) -> String {
    shown(&json!(value), "")
}

fn plan_value(plan: &file::AllotmentPlan) -> Value {
    json!({ "chunk": plan.chunk, "low_water": plan.low_water, "monthly_cap": plan.monthly_cap })
}
