//! Policies of an organization's own.

use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PolicyId as CedarId, PolicySet, ValidationMode, Validator,
};
use serde::{Deserialize, Serialize};

use crate::Action;
use crate::schema::schema;

/// A policy's text may be so long: 50 of them are then read in milliseconds.
pub const LONGEST_TEXT: usize = 10_000;

/// So many policies an organization may have; the time that a decision takes
/// grows with them.
pub const MOST_RULES: usize = 100;

/// Whom `@notify` names has so many characters at most.
const LONGEST_RECIPIENT: usize = 64;

/// On a policy that forbids until `context.approved`: by whom it can be.
pub(crate) const NEEDS_APPROVAL: &str = "needs_approval";
/// Who is told when the policy determined a decision.
pub(crate) const NOTIFY: &str = "notify";
/// Annotations that mean something, or say something to people.
const KNOWN: [&str; 4] = [NEEDS_APPROVAL, NOTIFY, "id", "description"];

/// Whether a policy decides or only watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It decides.
    #[default]
    Enforce,
    /// It is evaluated and does not decide.
    Shadow,
}

/// One policy, as the engine gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What decisions name it by.
    pub id: String,
    /// One or more policies in Cedar.
    pub text: String,
    /// Whether it decides.
    #[serde(default)]
    pub mode: Mode,
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is no Cedar.
    #[error("the policy cannot be read: {0}")]
    Syntax(String),
    /// It does not fit the schema.
    #[error("the policy does not fit the schema (`GET /api/v1/policies/schema`): {0}")]
    Schema(String),
    /// It has an annotation that means nothing.
    #[error("`@{0}` is not known: use @needs_approval, @notify, @description or @id")]
    Annotation(String),
    /// It would tell nobody that can be told.
    #[error(
        "`@notify` names a group or a channel, in 1 to {LONGEST_RECIPIENT} characters without `@`, not `{0}`: an address is personal and would stay in the audit trail"
    )]
    Recipient(String),
    /// What it permits would need no approval.
    #[error(
        "`@needs_approval` belongs on a policy that forbids: `forbid (…) when {{ … }} unless {{ context.approved }};`"
    )]
    Approval,
    /// It is too long, or there are too many.
    #[error("{0}")]
    TooMuch(String),
    /// Our own fault.
    #[error("the built-in policies are broken: {0}")]
    Internal(String),
}

impl Rule {
    /// Its policies, each under the rule's name and its number.
    ///
    /// # Errors
    /// When the text is no Cedar or too long.
    pub(crate) fn policies(&self) -> Result<Vec<Policy>, PolicyError> {
        if self.text.len() > LONGEST_TEXT {
            return Err(PolicyError::TooMuch(format!("a policy can have {LONGEST_TEXT} bytes")));
        }
        let set: PolicySet = self.text.parse().map_err(|error| syntax(&error))?;
        if set.num_of_templates() > 0 {
            return Err(PolicyError::Syntax("templates (`?principal`) cannot be used".to_owned()));
        }
        let mut policies: Vec<Policy> = set.policies().cloned().collect();
        if policies.is_empty() {
            return Err(PolicyError::Syntax("there is no policy in it".to_owned()));
        }
        // Cedar names them policy0, policy1 … in the order of the text.
        policies.sort_by_key(|policy| {
            let name = policy.id().to_string();
            (name.len(), name)
        });
        let one = policies.len() == 1;
        let named = policies.iter().enumerate().map(|(place, policy)| {
            let name = if one { self.id.clone() } else { format!("{}.{}", self.id, place.saturating_add(1)) };
            policy.new_id(CedarId::new(name))
        });
        Ok(named.collect())
    }

    /// Whether it can have a say in an action.
    #[must_use]
    pub fn concerns(&self, action: Action) -> bool {
        let names = [action.as_str(), action.area().as_str()];
        let named = |uid: &EntityUid| names.contains(&uid.id().unescaped());
        let concerned = |policy: &Policy| match policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => named(&uid),
            ActionConstraint::In(uids) => uids.iter().any(named),
        };
        self.policies().is_ok_and(|policies| policies.iter().any(concerned))
    }

    /// Checks the text as strictly as can be, before it is stored.
    ///
    /// # Errors
    /// [`PolicyError`]; its message says what is wrong and where.
    pub fn check(&self) -> Result<(), PolicyError> {
        let policies = self.policies()?;
        for policy in &policies {
            if let Some((name, _)) = policy.annotations().find(|(name, _)| !KNOWN.contains(name)) {
                return Err(PolicyError::Annotation(name.to_owned()));
            }
            if let Some(name) = policy.annotation(NOTIFY).filter(|name| !is_recipient(name)) {
                return Err(PolicyError::Recipient(name.chars().take(80).collect()));
            }
            if policy.effect() == Effect::Permit && policy.annotation(NEEDS_APPROVAL).is_some() {
                return Err(PolicyError::Approval);
            }
        }
        let set = PolicySet::from_policies(policies).map_err(|error| PolicyError::Syntax(error.to_string()))?;
        let outcome = Validator::new(schema()?.clone()).validate(&set, ValidationMode::Strict);
        let errors: Vec<String> = outcome.validation_errors().map(ToString::to_string).collect();
        if errors.is_empty() { Ok(()) } else { Err(PolicyError::Schema(errors.join("; "))) }
    }
}

/// Names go into the audit trail's hash, which is for ever: no address of a
/// person's is among them.
fn is_recipient(name: &str) -> bool {
    let length = name.chars().count();
    (1..=LONGEST_RECIPIENT).contains(&length) && !name.contains(|c: char| c == '@' || c.is_control())
}

fn syntax(error: &cedar_policy::ParseErrors) -> PolicyError {
    PolicyError::Syntax(error.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}
