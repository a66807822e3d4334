//! What a call came to goes to the team's actor: always, and until it is
//! heard.

use actors::{ActorError, Actors};
use identity::{RequestId, TeamId};
use ledger::{Metered, Millicredits, Outcome};
use team::protocol::{Answer, Command, Settle, SettleError, Tokens};
use worker::{Context, console_error};

use crate::admit::Admitted;
use crate::measure::Measured;
use crate::pause::wait;

/// Tried after 0, 0.2, 0.6, 1.4, 3, 6.2, 12.6 s: within the 30 s that a worker
/// has after its answer. What is not heard by then expires, and is paid at
/// what was last reported.
const ATTEMPTS: u32 = 7;
const FIRST_PAUSE_MS: i64 = 200;

/// A call that failed before there was an answer.
pub(crate) fn released(call: &Admitted) -> Settle {
    release(call.request, Outcome::UpstreamFailed)
}

/// A call that came to something.
pub(crate) fn measured(call: &Admitted, outcome: Outcome, measured: Measured) -> Settle {
    Settle {
        request: call.request,
        outcome,
        metered: measured.metered,
        cost: measured.cost,
        tokens: measured.tokens,
        reconcile: measured.reconcile,
    }
}

fn release(request: RequestId, outcome: Outcome) -> Settle {
    Settle {
        request,
        outcome,
        metered: Metered::Nothing,
        cost: Millicredits::ZERO,
        tokens: Tokens::default(),
        reconcile: false,
    }
}

/// Lets go of a reservation that may have been made, for a call that is not
/// made.
pub(crate) fn abandon(context: &Context, actors: &Actors, team: TeamId, request: RequestId) {
    let actors = actors.clone();
    context.wait_until(async move { send(&actors, team, release(request, Outcome::UpstreamFailed)).await });
}

/// Sends a settle until it is heard.
pub(crate) async fn send(actors: &Actors, team: TeamId, settle: Settle) {
    let command = Command::Settle(settle);
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            wait(FIRST_PAUSE_MS << (attempt - 1)).await;
        }
        match actors.team(team, &command).await {
            Ok(Answer::Settle(Ok(_) | Err(SettleError::UnknownReservation))) => return,
            Ok(Answer::Settle(Err(error @ SettleError::NegativeCost))) => {
                console_error!("settle for {team}: {error}");
                return;
            }
            Ok(answer) => console_error!("settle for {team}, attempt {attempt}: {answer:?}"),
            Err(error @ ActorError::Unreadable(_)) => {
                console_error!("settle for {team}: {error}");
                return;
            }
            Err(error) => console_error!("settle for {team}, attempt {attempt}: {error}"),
        }
    }
}
