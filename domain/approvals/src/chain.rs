//! Chains: who must approve, in which order.

use std::fmt;
use std::str::FromStr;

use identity::MemberId;
use policy::Role;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who can approve a step: whoever has a role where the credits come from, or
/// above, or one person. Its text is the role's name or the member's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Approver {
    /// Whoever has this role there, their own or lent.
    Role(Role),
    /// This person.
    Member(MemberId),
}

/// A text that names no approver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a role nor the id of a member")]
pub struct ApproverError(String);

/// How many of a step's approvers must approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One of them.
    #[default]
    Any,
    /// Each of them, each a person of its own.
    All,
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How many of them.
    #[serde(default)]
    pub mode: Mode,
    /// Who.
    pub of: Vec<Approver>,
}

/// Who must approve, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// What policies call it.
    pub name: String,
    /// One after the other.
    pub steps: Vec<Step>,
    /// What was not approved by then is over, in hours.
    #[serde(default = "usual_hours")]
    pub expires_hours: u32,
    /// After so many hours others can approve as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_after_hours: Option<u32>,
    /// Who then can; whoever administers the organization if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_to: Option<Approver>,
}

/// Three days: a weekend and a morning.
const USUAL_HOURS: u32 = 72;

const fn usual_hours() -> u32 {
    USUAL_HOURS
}

/// A chain that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// It has no name, or one that is too long.
    #[error("a chain needs a name of 1 to 100 characters, not `{0}`")]
    Name(String),
    /// It has no step, or too many.
    #[error("the chain `{name}` has {steps} steps: it needs 1 to {most}")]
    Steps {
        /// Which chain.
        name: String,
        /// How many it has.
        steps: usize,
        /// How many it may have.
        most: usize,
    },
    /// A step has nobody, or too many.
    #[error("step {step} of the chain `{name}` has {approvers} approvers: it needs 1 to {most}")]
    Approvers {
        /// Which chain.
        name: String,
        /// Which step, from 1.
        step: usize,
        /// How many it has.
        approvers: usize,
        /// How many it may have.
        most: usize,
    },
    /// It ends at once, or never.
    #[error("the chain `{name}` must expire after 1 to {most} hours, and escalate before")]
    Hours {
        /// Which chain.
        name: String,
        /// The longest time.
        most: u32,
    },
}

impl Chain {
    /// More steps than that nobody waits for.
    pub const MOST_STEPS: usize = 10;
    /// More approvers of one step than a message can name.
    pub const MOST_APPROVERS: usize = 20;
    /// A month.
    pub const MOST_HOURS: u32 = 31 * 24;

    /// A chain of one step: whoever has this role.
    #[must_use]
    pub fn of_role(role: Role) -> Self {
        Self {
            name: role.as_str().to_owned(),
            steps: vec![Step { mode: Mode::Any, of: vec![Approver::Role(role)] }],
            expires_hours: USUAL_HOURS,
            escalate_after_hours: None,
            escalate_to: None,
        }
    }

    /// Whether it can work.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(&self) -> Result<(), ChainError> {
        let name = self.name.clone();
        if name.trim().is_empty() || name.chars().count() > 100 {
            return Err(ChainError::Name(name.chars().take(100).collect()));
        }
        let steps = self.steps.len();
        if steps == 0 || steps > Self::MOST_STEPS {
            return Err(ChainError::Steps { name, steps, most: Self::MOST_STEPS });
        }
        for (place, step) in self.steps.iter().enumerate() {
            let approvers = step.of.len();
            if approvers == 0 || approvers > Self::MOST_APPROVERS {
                let step = place.saturating_add(1);
                return Err(ChainError::Approvers { name, step, approvers, most: Self::MOST_APPROVERS });
            }
        }
        let escalates = self.escalate_after_hours.is_none_or(|hours| hours < self.expires_hours);
        if self.expires_hours == 0 || self.expires_hours > Self::MOST_HOURS || !escalates {
            return Err(ChainError::Hours { name, most: Self::MOST_HOURS });
        }
        Ok(())
    }
}

impl fmt::Display for Approver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => f.write_str(role.as_str()),
            Self::Member(id) => id.fmt(f),
        }
    }
}

impl FromStr for Approver {
    type Err = ApproverError;

    fn from_str(text: &str) -> Result<Self, ApproverError> {
        let role = Role::ALL.iter().find(|role| role.as_str() == text).copied().map(Self::Role);
        let found = role.or_else(|| text.parse().map(Self::Member).ok());
        found.ok_or_else(|| ApproverError(text.chars().take(80).collect()))
    }
}

impl Serialize for Approver {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Approver {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_pinned() {
        let text = r#"{"name":"large","steps":[{"of":["team_manager"]},{"mode":"all","of":["finance","mem_00000000000000000000000001"]}],"escalate_after_hours":24}"#;
        let chain: Chain = serde_json::from_str(text).unwrap();
        assert_eq!(chain.check(), Ok(()));
        assert_eq!(chain.expires_hours, 72);
        assert_eq!(chain.steps[1].of[1], Approver::Member(MemberId::from_u128(1)));
        let again = serde_json::to_string(&chain).unwrap();
        assert_eq!(serde_json::from_str::<Chain>(&again).unwrap(), chain);
        assert!("nobody".parse::<Approver>().is_err());
    }

    #[test]
    fn what_cannot_work_is_named() {
        let chain = Chain::of_role(Role::Finance);
        let wrong = |change: fn(&mut Chain)| {
            let mut chain = chain.clone();
            change(&mut chain);
            chain.check().map_err(|error| error.to_string())
        };
        assert_eq!(wrong(|_| ()), Ok(()));
        for (change, part) in [
            ((|chain| chain.name.clear()) as fn(&mut Chain), "needs a name"),
            (|chain| chain.steps.clear(), "has 0 steps"),
            (|chain| chain.steps[0].of.clear(), "step 1 of the chain `finance` has 0 approvers"),
            (|chain| chain.expires_hours = 0, "must expire"),
            (|chain| chain.expires_hours = 1000, "must expire"),
            (|chain| chain.escalate_after_hours = Some(72), "escalate before"),
        ] {
            let error = wrong(change).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
