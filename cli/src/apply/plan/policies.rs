//! The organization's own policies, by name.

use serde_json::json;

use super::fields::Patch;
use super::{PlanError, Planner, Want, shown};
use crate::api::operations as ops;
use crate::apply::file::{Policy, Setting};
use crate::apply::state::{self, PolicySource};
use crate::apply::term::Term;

impl Planner<'_> {
    pub(super) fn policies(&mut self) -> Result<(), PlanError> {
        let (file, state) = (self.file, self.state);
        for (name, policy) in &file.policies {
            let label = format!("policy {name}");
            let there = state.policies.iter().find(|there| there.name == *name);
            let source = self.source(policy)?;
            let missing = || PlanError::Missing { what: label.clone(), field: "cedar` or `setting" };
            match there {
                Some(there) => {
                    let patch = change(&label, policy, source, there);
                    self.change(ops::CHANGE_POLICY, vec![Term::from(there.id)], patch);
                }
                None => {
                    let mut body = vec![("name", Term::from(name)), source.ok_or_else(missing)?];
                    body.extend(Want::new("mode", &policy.mode).term());
                    self.make(&label, ops::CREATE_POLICY, Vec::new(), body);
                }
            }
        }
        let prune = self.options.prune;
        for gone in state.policies.iter().filter(|there| prune && !file.policies.contains_key(&there.name)) {
            self.remove(format!("policy {}", gone.name), ops::REMOVE_POLICY, vec![Term::from(gone.id)]);
        }
        Ok(())
    }

    /// What the file says that it says.
    fn source(&self, policy: &Policy) -> Result<Option<(&'static str, Term)>, PlanError> {
        match (&policy.cedar, &policy.setting) {
            (Some(cedar), _) => Ok(Some(("cedar", Term::from(cedar)))),
            (None, Some(setting)) => Ok(Some(("setting", self.setting(setting)?))),
            (None, None) => Ok(None),
        }
    }

    fn setting(&self, setting: &Setting) -> Result<Term, PlanError> {
        let mut fields = vec![("kind", Term::from(&setting.kind))];
        if let Some(on) = &setting.on {
            fields.push(("on", self.node(on)?));
        }
        fields.extend(setting.most.map(|most| ("most", Term::from(most))));
        fields.extend(setting.most_a_day.map(|most| ("most_a_day", Term::from(most))));
        fields.extend(setting.within.as_ref().map(|within| ("within", Term::from(within))));
        fields.extend(setting.approval.as_ref().map(|approval| ("approval", Term::from(approval))));
        fields.extend(setting.allowed.map(|allowed| ("allowed", Term::from(allowed))));
        fields.extend(setting.only.as_ref().map(|only| ("only", Term::from(only))));
        if let Some(members) = &setting.members {
            let ids = members.iter().map(|path| self.id(&format!("member {path}")));
            fields.push(("members", Term::List(ids.collect::<Result<_, _>>()?)));
        }
        Ok(Term::Object(fields))
    }
}

/// A policy is put as a whole, in the place of the version that was compared.
fn change(label: &str, policy: &Policy, source: Option<(&'static str, Term)>, there: &state::Policy) -> Patch {
    let mut patch = Patch::new(label);
    patch.compare(&there.mode, Want::new("mode", &policy.mode));
    let have = match &there.source {
        PolicySource::Cedar(text) => ("cedar", json!(text)),
        PolicySource::Setting(setting) => {
            // Whether a value keeps the order of its fields is up to other crates.
            let mut setting = json!(setting);
            setting.sort_all_objects();
            ("setting", setting)
        }
    };
    let source = source.unwrap_or((have.0, Term::Value(have.1.clone())));
    let same = source.0 == have.0 && source.1.known().as_ref() == Some(&have.1);
    if !same {
        let to = source.1.known().map_or_else(|| "(of what is new)".to_owned(), |value| shown(&value, "none"));
        patch.note(source.0, shown(&have.1, "none"), to);
    }
    let mode = policy.mode.map_or_else(|| Term::from(&there.mode), Term::from);
    patch.body =
        vec![("name", Term::from(&there.name)), source, ("mode", mode), ("version", Term::from(there.version))];
    patch
}
