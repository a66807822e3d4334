//! What a call came to.

use identity::{RequestId, TeamId};
use ledger::{Metered, Millicredits, Outcome};
use runtime::Actors;
use team::protocol::{Settle, Tokens};
use worker::Context;

use crate::admit::Admitted;
use crate::courier;
use crate::measure::Measured;

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
        ended_ago_ms: 0,
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
        ended_ago_ms: 0,
    }
}

/// Lets go of a reservation that may have been made, for a call that is not
/// made.
pub(crate) fn abandon(context: &Context, actors: &Actors, team: TeamId, request: RequestId) {
    let actors = actors.clone();
    context.wait_until(async move { courier::settle(&actors, team, release(request, Outcome::UpstreamFailed)).await });
}
