//! Policies by what they are asked about.

use cedar_policy::{Policy, PolicySet};
use serde_json::Value;

use crate::{Kind, PolicyError};

/// Policies, parsed. An organization's own that do not name the type of reports
/// are asked about the node or the person that a report is about: so those
/// that were written before there was the type mean what they meant, also
/// where they look at the type or the id of the resource.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    all: PolicySet,
    about_reports: PolicySet,
    /// `None` where there are none.
    about_subjects: Option<PolicySet>,
}

impl Policies {
    /// The roles' policies, which are written for reports.
    pub(crate) fn built_in(all: PolicySet) -> Self {
        Self { about_reports: all.clone(), all, about_subjects: None }
    }

    /// Adds one of an organization's own.
    pub(crate) fn add(&mut self, policy: Policy) -> Result<(), PolicyError> {
        let some = match names_reports(&policy) {
            true => &mut self.about_reports,
            false => self.about_subjects.get_or_insert_default(),
        };
        let failed = |error: cedar_policy::PolicySetError| PolicyError::Syntax(error.to_string());
        some.add(policy.clone()).map_err(failed)?;
        self.all.add(policy).map_err(failed)
    }

    /// All of them.
    pub(crate) const fn all(&self) -> &PolicySet {
        &self.all
    }

    /// Those that are asked about a report.
    pub(crate) const fn about_reports(&self) -> &PolicySet {
        &self.about_reports
    }

    /// Those that are asked about what a report is about.
    pub(crate) const fn about_subjects(&self) -> Option<&PolicySet> {
        self.about_subjects.as_ref()
    }
}

/// Whether a policy names the type, with `is` or in an id. A text that has the
/// word may have it in a comment or an annotation, so its tree decides.
fn names_reports(policy: &Policy) -> bool {
    let name = Kind::Report.as_str();
    policy.to_string().contains(name) && policy.to_json().is_ok_and(|tree| names(&tree, name))
}

fn names(tree: &Value, name: &str) -> bool {
    match tree {
        Value::Object(fields) => fields.iter().any(|(field, value)| {
            // Types stand here only, as texts; fields of a record have trees.
            let is_type = matches!(field.as_str(), "type" | "entity_type");
            (is_type && value.as_str() == Some(name)) || names(value, name)
        }),
        Value::Array(values) => values.iter().any(|value| names(value, name)),
        _ => false,
    }
}
