//! The audit trail: reading it, taking it out of the house, and whether it
//! holds.

pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod person;
pub(crate) mod verify;

use ::organization::protocol::{self as organization, Target};
use ::team::protocol as team;
use audit::{Record, Stretch};
use serde::Deserialize;

use crate::actor::Actor;
use crate::app::{App, unexpected};
use crate::extract::{Action, Admin, Caller};
use crate::problem::Problem;

/// Records that an actor or D1 is asked for at once.
const AT_ONCE: u32 = 200;

const ROW: &str = "SELECT json_object('id', id, 'time_ms', time_ms, 'actor', actor, 'sequence', sequence,
    'action', action, 'outcome', outcome, 'code', code, 'who', who, 'on_behalf_of', on_behalf_of, 'resource', resource,
    'reference', reference, 'request', request, 'policies', json(coalesce(policies, '[]')),
    'policy_version', policy_version, 'shadow', json(shadow),
    'notify', json(coalesce(notify, '[]')), 'erases', json(erases), 'digest', digest, 'detail', json(detail), 'hash', hash)
    AS row FROM ";

/// A record as D1 has it, with the actor's name.
#[derive(Debug, Deserialize)]
struct Row {
    actor: String,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

impl Row {
    fn record(self) -> Result<Record, Problem> {
        serde_json::from_value(serde_json::Value::Object(self.rest)).map_err(Problem::internal)
    }
}

impl Actor {
    /// Asks whether the caller may see the trail that is named; the organization's if none is.
    async fn admitted(caller: Caller, action: Action, named: Option<Self>) -> Result<(Admin, Self), Problem> {
        let target = match named {
            Some(Self::Team(id)) => Target::Team { id },
            Some(Self::Organization(_)) | None => Target::Organization,
        };
        let admin = caller.may(action, target).await?;
        let own = Self::Organization(admin.organization);
        match named.unwrap_or(own) {
            Self::Organization(other) if other != admin.organization => Err(Problem::not_found("organization", other)),
            actor => Ok((admin, actor)),
        }
    }

    /// The actor's own records after one, oldest first.
    async fn after(self, app: &App, after: u64) -> Result<Stretch, Problem> {
        match self {
            Self::Organization(id) => {
                let question = organization::Question::Trail { after, limit: AT_ONCE };
                match app.ask_organization(id, question).await? {
                    organization::Answer::Trail(stretch) => Ok(stretch?),
                    _ => Err(unexpected()),
                }
            }
            Self::Team(id) => {
                let question = team::Question::Trail { after, limit: AT_ONCE };
                match app.actors()?.team(id, &team::Command::Ask(question)).await? {
                    team::Answer::Trail(stretch) => Ok(stretch?),
                    _ => Err(unexpected()),
                }
            }
        }
    }
}
