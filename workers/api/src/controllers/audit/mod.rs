//! The audit trail: reading it, taking it out of the house, and whether it
//! holds.

pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod verify;

use ::organization::protocol::{self as organization, Target};
use ::team::protocol as team;
use audit::{Record, Stretch};
use identity::{OrganizationId, TeamId};
use serde::Deserialize;

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

/// Whose trail is meant.
#[derive(Debug, Clone, Copy)]
enum Actor {
    Organization(OrganizationId),
    Team(TeamId),
}

impl Actor {
    /// Asks whether the caller may see it.
    async fn admitted(caller: Caller, action: Action, named: Option<&str>) -> Result<(Admin, Self), Problem> {
        let team: Option<TeamId> = named.and_then(|name| name.parse().ok());
        let target = team.map_or(Target::Organization, |id| Target::Team { id });
        let admin = caller.may(action, target).await?;
        match (team, named) {
            (Some(team), _) => Ok((admin, Self::Team(team))),
            (None, Some(name)) if name != admin.organization.to_string() => Err(Problem::not_found("actor", name)),
            (None, _) => {
                let organization = admin.organization;
                Ok((admin, Self::Organization(organization)))
            }
        }
    }

    fn name(self) -> String {
        match self {
            Self::Organization(id) => id.to_string(),
            Self::Team(id) => id.to_string(),
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
