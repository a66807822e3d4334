//! People who order something, and repeat it until they are answered.

use std::rc::Rc;

use identity::{OrganizationId, TeamId};
use journal::Idempotency;

use crate::world::World;

/// Nobody tries for days: actors remember replies for a week only.
const PATIENCE_MS: i64 = 3_600_000;

/// An order for one of the actors.
#[derive(Clone)]
pub(crate) enum Directive {
    Team(TeamId, team::protocol::Order),
    Organization(OrganizationId, organization::protocol::Order),
}

/// What an attempt came to.
#[derive(PartialEq, Eq)]
enum Heard {
    Nothing,
    Answer,
}

/// Orders until it is answered; now and then once more, and now and then
/// something else under the same key.
pub(crate) async fn carry_out(world: Rc<World>, directive: Directive, other: Option<Directive>) {
    let began = world.now();
    let patient = || (world.now() - began).abs() < PATIENCE_MS;
    for _ in 0..5 {
        if !patient() || send(&world, &directive).await == Heard::Answer {
            break;
        }
    }
    if world.percent(6) {
        world.sleep(30).await;
        if patient() {
            send(&world, &directive).await;
        }
    }
    if let Some(other) = other.filter(|_| patient()) {
        send(&world, &other).await;
    }
}

async fn send(world: &World, directive: &Directive) -> Heard {
    let in_doubt = match directive {
        Directive::Team(team, order) => {
            use team::protocol::{Answer, Command, OrderError};
            let answer = world.ask_team(*team, Command::Order(Box::new(order.clone()))).await;
            matches!(answer, None | Some(Answer::Order(Err(OrderError::Storage))))
        }
        Directive::Organization(organization, order) => {
            use organization::protocol::{Answer, Command, OrderError};
            let answer = world.ask_organization(*organization, Command::Order(Box::new(order.clone()))).await;
            matches!(answer, None | Some(Answer::Order(Err(OrderError::Storage))))
        }
    };
    // Only what is known when it is repeated may be repeated.
    if in_doubt && directive.idempotency().is_some() { Heard::Nothing } else { Heard::Answer }
}

impl Directive {
    fn idempotency(&self) -> Option<&Idempotency> {
        match self {
            Self::Team(_, order) => order.idempotency.as_ref(),
            Self::Organization(_, order) => order.idempotency.as_ref(),
        }
    }
}
