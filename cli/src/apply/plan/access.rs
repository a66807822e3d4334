//! Service accounts and grants.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::Patch;
use super::{PlanError, Planner, Want, on_label, shown};
use crate::api::operations as ops;
use crate::apply::file::{Grant, To};
use crate::apply::state;
use crate::apply::term::Term;

impl Planner<'_> {
    pub(super) fn service_accounts(&mut self) -> Result<(), PlanError> {
        let (file, state) = (self.file, self.state);
        for there in &state.service_accounts {
            self.know(format!("service account {}", there.name), there.id)?;
        }
        for (name, account) in &file.service_accounts {
            let label = format!("service account {name}");
            let there = state.service_accounts.iter().find(|there| there.name == *name);
            if there.is_none() {
                self.make(&label, ops::CREATE_SERVICE_ACCOUNT, Vec::new(), vec![("name", Term::from(name))]);
            }
            let mut patch = Patch::new(&label);
            let disabled = there.is_some_and(|there| there.disabled_at.is_some());
            patch.compare(disabled, Want::new("disabled", &account.disabled));
            let id = self.id(&label)?;
            self.change(ops::CHANGE_SERVICE_ACCOUNT, vec![id], patch);
        }
        Ok(())
    }

    /// A grant is all that it says: another date is another grant.
    pub(super) fn grants(&mut self) -> Result<(), PlanError> {
        let (file, state) = (self.file, self.state);
        let mut wanted = Vec::new();
        for grant in &file.grants {
            let label = self.grant_label(grant);
            let (to, on, until) = (self.grantee(&grant.to)?, self.node(&grant.on)?, ms(grant.until.as_deref())?);
            let parts = (to.known(), shown(&json!(grant.role), ""), on.known(), until, sorted(&grant.only));
            if wanted.contains(&(to.clone(), on.clone(), parts.clone())) {
                return Err(PlanError::Twice(label));
            }
            if !state.grants.iter().any(|there| parts_of(there) == parts) {
                let mut body = vec![("to", to.clone()), ("role", Term::from(grant.role)), ("on", on.clone())];
                body.extend(grant.until.as_ref().map(|until| ("until", Term::from(until))));
                body.extend(grant.only.as_ref().map(|only| ("only", Term::from(only))));
                self.make(&label, ops::CREATE_GRANT, Vec::new(), body);
            }
            wanted.push((to, on, parts));
        }
        let is_wanted = |there: &state::Grant| wanted.iter().any(|(_, _, parts)| *parts == parts_of(there));
        let prune = self.options.prune;
        for gone in state.grants.iter().filter(|there| prune && !is_wanted(there)) {
            let what = format!("grant {} on {} to {}", gone.role, self.name(&gone.on), self.name(&gone.to));
            self.remove(what, ops::REVOKE_GRANT, vec![Term::from(gone.id)]);
        }
        Ok(())
    }

    /// The label of an id.
    fn name(&self, id: &str) -> String {
        let known = self.ids.iter().find(|(_, term)| **term == Term::from(id));
        known.map_or_else(|| id.to_owned(), |(label, _)| label.clone())
    }

    fn grantee(&self, to: &To) -> Result<Term, PlanError> {
        self.id(&to_label(to))
    }

    fn grant_label(&self, grant: &Grant) -> String {
        let role = shown(&json!(grant.role), "");
        let mut label = format!("grant {role} on {} to {}", on_label(&grant.on), to_label(&grant.to));
        if let Some(only) = &grant.only {
            label.push_str(&format!(" only {}", only.join(", ")));
        }
        if let Some(until) = &grant.until {
            label.push_str(&format!(" until {until}"));
        }
        label
    }
}

/// What makes a grant this one and no other.
type Parts = (Option<Value>, String, Option<Value>, Option<i64>, Option<Vec<String>>);

fn parts_of(there: &state::Grant) -> Parts {
    let until = ms(there.until.as_deref()).unwrap_or_default();
    (Some(json!(there.to)), there.role.clone(), Some(json!(there.on)), until, sorted(&there.only))
}

fn to_label(to: &To) -> String {
    match to {
        To::Member(path) => format!("member {path}"),
        To::ServiceAccount(name) => format!("service account {name}"),
    }
}

fn ms(time: Option<&str>) -> Result<Option<i64>, PlanError> {
    let read = |time: &str| time.parse::<Timestamp>().map(Timestamp::as_millisecond);
    time.map(|time| read(time).map_err(|_| PlanError::Time(time.to_owned()))).transpose()
}

fn sorted(only: &Option<Vec<String>>) -> Option<Vec<String>> {
    let mut only = only.clone()?;
    only.sort();
    Some(only)
}
