//! Whose journal and audit trail, as the API names them.

use std::fmt;
use std::str::FromStr;

use identity::{OrganizationId, TeamId};
use serde::{Deserialize, Deserializer};

/// An actor: the organization's or a team's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actor {
    /// The organization's.
    Organization(OrganizationId),
    /// A team's.
    Team(TeamId),
}

/// A text that names no actor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` has no journal: use the organization's id or a team's")]
pub(crate) struct ActorError(String);

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => id.fmt(f),
            Self::Team(id) => id.fmt(f),
        }
    }
}

impl FromStr for Actor {
    type Err = ActorError;

    fn from_str(text: &str) -> Result<Self, ActorError> {
        let organization = text.parse().map(Self::Organization);
        organization.or_else(|_| text.parse().map(Self::Team)).map_err(|_| ActorError(text.chars().take(80).collect()))
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form() {
        for text in ["org_00000000000000000000000001", "team_00000000000000000000000001"] {
            assert_eq!(text.parse::<Actor>().unwrap().to_string(), text);
        }
        for text in
            ["", "org", "treasury", "team_1", "dep_00000000000000000000000001", "org_00000000000000000000000001 "]
        {
            assert!(text.parse::<Actor>().is_err(), "{text}");
        }
    }
}
