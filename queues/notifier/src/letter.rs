//! What a dead letter of the queue `alfred-notifications` says.

use identity::OrganizationId;
use serde::{Deserialize, Serialize};

use crate::Job;

/// What nobody sends any more by itself: ids and the reason, and nothing
/// personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Letter {
    /// A delivery that has come to an end.
    Delivery {
        /// Which.
        delivery: String,
        /// `failed` or `uncertain`.
        state: String,
        /// Why.
        error: String,
    },
    /// A message that the queue gave up on.
    Job(Job),
}

impl Letter {
    /// What does it again.
    #[must_use]
    pub fn job(self, organization: OrganizationId) -> Job {
        match self {
            Self::Delivery { delivery, .. } => Job::Deliver { organization, id: delivery },
            Self::Job(job) => job,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_become_jobs() {
        let organization = OrganizationId::from_u128(1);
        let deliver = |id: &str| Job::Deliver { organization, id: id.to_owned() };
        for (text, expected) in [
            (r#"{"delivery":"d","error":"no","state":"failed"}"#.to_owned(), Some(deliver("d"))),
            (serde_json::to_string(&deliver("d")).unwrap(), Some(deliver("d"))),
            ("{}".to_owned(), None),
            (r#"{"version":1,"entries":[]}"#.to_owned(), None),
        ] {
            let letter = serde_json::from_str::<Letter>(&text).ok();
            assert_eq!(letter.map(|letter| letter.job(organization)), expected, "{text}");
        }
    }
}
