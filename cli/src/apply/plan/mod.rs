//! What is to be done so that what is there is what a file says.
//!
//! Pure: a file and the state go in, steps come out, in an order in which each
//! finds what it needs. Nothing is decided later; the ids of what is made are
//! all that is filled in.

mod access;
mod fields;
mod policies;
mod prices;
mod providers;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::fmt;

use super::file::{self, File, On};
use super::state::{self, State};
use super::term::Term;
use crate::api::{Operation, operations as ops};
use fields::{Want, shown};

/// All steps.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
}

/// One request, and what it changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// Never none.
    pub(crate) changes: Vec<Change>,
    pub(crate) operation: &'static Operation,
    /// For the path.
    pub(crate) ids: Vec<Term>,
    pub(crate) body: Option<Term>,
    /// Under which label later steps ask for the id of what it makes.
    pub(crate) makes: Option<String>,
}

/// One line of the diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) sign: Sign,
    /// `team Research/Vision`.
    pub(crate) what: String,
    /// Of a change: which field, from what, to what.
    pub(crate) field: Option<(String, String, String)>,
}

/// What happens to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Make,
    Change,
    Remove,
}

/// How far a plan goes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Remove what the file does not have and can be removed.
    pub(crate) prune: bool,
    /// Send providers' keys that are there already.
    pub(crate) send_keys: bool,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    /// Names are the identity, and this one is not one thing.
    #[error("there are several of `{0}`: give them different names first, for a file knows them by name")]
    Ambiguous(String),
    /// The file says it twice.
    #[error("the file has `{0}` twice")]
    Twice(String),
    /// The file means something that it does not have and Alfred neither.
    #[error("there is no {0}, neither in the file nor in the organization")]
    Unknown(String),
    /// Teams stay in their department.
    #[error("the team `{team}` is in the department `{department}`, and a team cannot be moved")]
    Moved { team: String, department: String },
    /// It cannot be made without.
    #[error("{what} is new and needs `{field}`")]
    Missing { what: String, field: &'static str },
    /// A time that is none.
    #[error("`{0}` is no time: write it like 2027-01-01T00:00:00Z")]
    Time(String),
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Make => "+",
            Self::Change => "~",
            Self::Remove => "-",
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sign, self.what)?;
        match &self.field {
            Some((field, from, to)) => write!(f, " {field}: {from} -> {to}"),
            None => Ok(()),
        }
    }
}

impl Plan {
    /// All changes, in order.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.steps.iter().flat_map(|step| &step.changes)
    }

    /// The names of all variables of the environment that it takes.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        self.steps.iter().filter_map(|step| step.body.as_ref()).flat_map(Term::secrets).collect()
    }
}

/// Compares a file with what is there.
pub(crate) fn plan(file: &File, state: &State, options: Options) -> Result<Plan, PlanError> {
    let mut planner = Planner { file, state, options, ids: BTreeMap::new(), steps: Vec::new(), removals: Vec::new() };
    planner.organization();
    planner.know_the_tree()?;
    planner.tree()?;
    planner.providers()?;
    planner.prices()?;
    planner.service_accounts()?;
    planner.grants()?;
    planner.policies()?;
    // What was put down last goes first: a policy may mean what follows.
    planner.steps.extend(planner.removals.into_iter().rev());
    Ok(Plan { steps: planner.steps })
}

/// A plan that is being made.
struct Planner<'a> {
    file: &'a File,
    state: &'a State,
    options: Options,
    /// Of everything that others refer to, by label.
    ids: BTreeMap<String, Term>,
    steps: Vec<Step>,
    removals: Vec<Step>,
}

impl Planner<'_> {
    /// Something is made; under its label others find it.
    fn make(&mut self, label: &str, operation: &'static Operation, ids: Vec<Term>, body: Vec<(&'static str, Term)>) {
        self.ids.insert(label.to_owned(), Term::Made(label.to_owned()));
        self.steps.push(Step {
            changes: vec![Change { sign: Sign::Make, what: label.to_owned(), field: None }],
            operation,
            ids,
            body: Some(Term::Object(body)),
            makes: Some(label.to_owned()),
        });
    }

    /// Something is changed, if there is anything to change.
    fn change(&mut self, operation: &'static Operation, ids: Vec<Term>, patch: fields::Patch) {
        if !patch.changes.is_empty() {
            let body = Some(Term::Object(patch.body));
            self.steps.push(Step { changes: patch.changes, operation, ids, body, makes: None });
        }
    }

    /// Something is removed, after everything else.
    fn remove(&mut self, what: String, operation: &'static Operation, ids: Vec<Term>) {
        let changes = vec![Change { sign: Sign::Remove, what, field: None }];
        self.removals.push(Step { changes, operation, ids, body: None, makes: None });
    }

    /// The id of what a label means.
    fn id(&self, label: &str) -> Result<Term, PlanError> {
        self.ids.get(label).cloned().ok_or_else(|| PlanError::Unknown(label.to_owned()))
    }

    /// Something that is there gets its label.
    fn know(&mut self, label: String, id: impl fmt::Display) -> Result<(), PlanError> {
        match self.ids.insert(label.clone(), Term::from(id.to_string())) {
            None => Ok(()),
            Some(_) => Err(PlanError::Ambiguous(label)),
        }
    }

    /// The id of a node.
    fn node(&self, on: &On) -> Result<Term, PlanError> {
        self.id(&on_label(on))
    }

    fn organization(&mut self) {
        let Some(there) = &self.state.organization else { return };
        self.ids.insert("organization".to_owned(), Term::from(there.id));
        let Some(file) = &self.file.organization else { return };
        let mut patch = fields::Patch::new("organization");
        patch.compare(&there.name, Want::new("name", &file.name));
        let mut settings = fields::Patch::new("organization");
        let (have, all) = (&there.settings, &mut settings);
        all.compare(&have.time_zone, Want::new("time_zone", &file.time_zone));
        all.compare(&have.help, Want::text_or_none("help", &file.help));
        all.compare(&have.output_limit, Want::new("output_limit", &file.output_limit));
        all.compare(have.usd_per_million_credits, Want::new("usd_per_million_credits", &file.usd_per_million_credits));
        let addresses = file.addresses.as_ref().map(|addresses| addresses.as_option());
        all.compare(&have.addresses, Want::or("addresses", addresses, "all"));
        all.compare(&have.leaver_credits, Want::new("leaver_credits", &file.leaver_credits));
        let retention = retention(&there.settings.retention, file.retention.as_ref());
        if !retention.changes.is_empty() {
            settings.changes.extend(retention.changes);
            settings.body.push(("retention", Term::Object(retention.body)));
        }
        if !settings.changes.is_empty() {
            patch.changes.extend(settings.changes);
            patch.body.push(("settings", Term::Object(settings.body)));
        }
        self.change(ops::CHANGE_ORGANIZATION, Vec::new(), patch);
    }
}

/// For how long records are kept.
fn retention(have: &state::Retention, file: Option<&file::Retention>) -> fields::Patch {
    let mut patch = fields::Patch::new("organization retention");
    let Some(file) = file else { return patch };
    for (name, have, days) in [
        ("requests", have.requests, file.requests),
        ("usage", have.usage, file.usage),
        ("audit_details", have.audit_details, file.audit_details),
        ("notifications", have.notifications, file.notifications),
        ("dead_letters", have.dead_letters, file.dead_letters),
        ("sessions", have.sessions, file.sessions),
    ] {
        patch.compare(have, Want::or(name, days.map(|days| Some(days).filter(|days| *days > 0)), "for ever"));
    }
    patch
}

/// How a node is called.
fn on_label(on: &On) -> String {
    match on {
        On::Organization => "organization".to_owned(),
        On::Department(name) => format!("department {name}"),
        On::Team(path) => format!("team {path}"),
    }
}
