//! By what an act came.

use identity::Principal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Detail, Draft, Outcome, Salt, Shadow};

/// By what an act came: the request, where that came from, and why it was
/// allowed. It travels with the act to the actor that carries it out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attribution {
    /// The operation's name, where the act's own would be another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The request's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Where it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the client said that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The policies that determined whether it was allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Which version of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<u64>,
    /// What policies in shadow mode would have made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    /// Who shall be told of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
    /// What policies were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Value>,
    /// Random bits for the detail; without them there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
}

/// A resource before and after an act, without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// As it was.
    pub before: Option<Value>,
    /// As it is.
    pub after: Option<Value>,
}

impl Attribution {
    /// A record of an act that came by this.
    #[must_use]
    pub fn draft(&self, act: &str, who: Option<Principal>, outcome: Outcome, changed: Changed) -> Draft {
        let detail = self.salt.map(|salt| Detail {
            address: self.address.clone(),
            user_agent: self.user_agent.clone(),
            before: changed.before,
            after: changed.after,
            question: self.question.clone(),
            ..Detail::new(salt)
        });
        Draft {
            action: self.action.clone().unwrap_or_else(|| act.to_owned()),
            outcome,
            who,
            request: self.request.clone(),
            policies: self.policies.clone(),
            policy_version: self.policy_version,
            shadow: self.shadow.clone(),
            notify: self.notify.clone(),
            detail,
            ..Draft::default()
        }
    }
}
