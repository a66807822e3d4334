//! What was decided.

use audit::{Shadow, Verdict};
use serde::{Deserialize, Serialize};

/// What was decided, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// Which policies determined that; none when no policy permits it.
    pub policies: Vec<String>,
    /// Where it is not allowed, but would be if somebody of each of these
    /// chains approved: policies that forbid it say so with `@needs_approval`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<String>,
    /// The same where nothing permits it: whose approval it would need even if
    /// somebody did who may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needed_besides: Vec<String>,
    /// Who shall be told: policies that determined it say so with `@notify`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
    /// Policies that could not be evaluated. Then nothing is allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// What it would be if the policies in shadow mode decided too, where they
    /// have a say in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<Shadow>,
}

impl Decision {
    /// Nothing is allowed, for what could not be evaluated.
    pub(crate) fn broken(error: String) -> Self {
        Self { errors: vec![error], ..Self::default() }
    }

    /// This and what other policies say about the same: what either forbids is
    /// not allowed, and what either permits is, if neither forbids it.
    pub(crate) fn and(self, other: Self) -> Self {
        let has_reasons = |one: &Self| !one.policies.is_empty() || !one.errors.is_empty();
        let forbids = |one: &Self| !one.allowed && has_reasons(one);
        let (mut determining, rest) = match (forbids(&self), forbids(&other)) {
            (true, true) => (self, Some(other)),
            (true, false) => (self, None),
            (false, true) => (other, None),
            (false, false) if self.allowed => (self, other.allowed.then_some(other)),
            (false, false) => (other, None),
        };
        if let Some(rest) = rest {
            let lists = [
                (&mut determining.policies, rest.policies),
                (&mut determining.approvals, rest.approvals),
                (&mut determining.notify, rest.notify),
                (&mut determining.errors, rest.errors),
            ];
            for (list, more) in lists {
                list.extend(more);
                list.sort();
                list.dedup();
            }
        }
        determining
    }

    /// What it comes to.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match (self.allowed, self.approvals.is_empty()) {
            (true, _) => Verdict::Allowed,
            (false, false) => Verdict::ApprovalRequired,
            (false, true) => Verdict::Forbidden,
        }
    }
}
