//! The actors under test, each on a disk that survives its crashes, and the
//! shells that the edge puts around them.
//!
//! **The rule for every shell**: after any storage failure the actor's memory
//! is thrown away and built again from the database, because a failure may be
//! reported after everything was written. `host` and `organization_host` do
//! so, whatever the command was.

mod alarm;
mod disk;
mod organization_host;
mod organization_shell;
mod team_host;
mod team_shell;

use identity::{OrganizationId, TeamId};

pub(crate) use alarm::ring;
pub(crate) use disk::{Disk, Fault};
pub(crate) use organization_host::OrganizationHost;
pub(crate) use team_host::TeamHost;

/// An actor's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Name {
    Organization(OrganizationId),
    Team(TeamId),
}

impl Name {
    /// The actor of an outbox's target.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::Team).or_else(|_| text.parse().map(Self::Organization)).ok()
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Organization(id) => write!(f, "{id}"),
            Self::Team(id) => write!(f, "{id}"),
        }
    }
}

/// Handles one request that the network delivered, and answers.
pub(crate) async fn serve(
    world: std::rc::Rc<crate::world::World>,
    to: Name,
    call: u64,
    request: crate::network::Request,
) {
    use crate::network::{Answer, Request};
    let answer = match (to, request) {
        (Name::Team(id), Request::Team(command)) => team_shell::serve(&world, id, *command).await.map(Answer::Team),
        (Name::Organization(id), Request::Organization(command)) => {
            organization_shell::serve(&world, id, *command).await.map(Answer::Organization)
        }
        _ => None,
    };
    if let Some(answer) = answer {
        world.answer(call, answer);
    }
}
