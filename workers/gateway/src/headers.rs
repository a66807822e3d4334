//! What Alfred adds to an answer's headers. Those that protect an answer are
//! set where it leaves the worker (`edge/src/headers.mjs`).

use ledger::Millicredits;
use limits::{Unit, reset_text};
use team::protocol::RateState;
use worker::{ResponseBuilder, Result};

use crate::admit::Admitted;
use crate::refuse::Refusal;

/// The call's name, as Alfred's books have it.
pub(crate) const REQUEST_ID: &str = "x-alfred-request-id";
/// The same under the name that OpenAI's clients look for.
pub(crate) const X_REQUEST_ID: &str = "x-request-id";

/// When a call came and when it was paid for, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) received_ms: i64,
    pub(crate) admitted_ms: i64,
}

/// The head of an answer. A whole answer has its cost; a stream has its cost
/// in its last chunk, and the balance after the reservation here.
pub(crate) fn answer(
    call: &Admitted,
    content_type: &str,
    timing: Timing,
    opened_ms: i64,
    cost: Option<Millicredits>,
) -> Result<ResponseBuilder> {
    let balance = match cost {
        Some(cost) => call.reserved.balance.saturating_add(call.reserved.amount).saturating_sub(cost),
        None => call.reserved.balance,
    };
    let mut builder = ResponseBuilder::new()
        .with_header("content-type", content_type)?
        .with_header(REQUEST_ID, &call.request.to_string())?
        .with_header(X_REQUEST_ID, &call.request.to_string())?
        .with_header("x-alfred-balance-credits", &balance.max(Millicredits::ZERO).to_string())?
        .with_header("server-timing", &server_timing(timing, opened_ms))?;
    if let Some(cost) = cost {
        builder = builder.with_header("x-alfred-cost-credits", &cost.to_string())?;
    }
    for (name, value) in common(call) {
        builder = builder.with_header(name, &value)?;
    }
    Ok(builder)
}

/// The same for a call that was accepted and then failed upstream.
pub(crate) fn refused(refusal: &mut Refusal, call: &Admitted, cost: Millicredits) {
    let balance = call.reserved.balance.saturating_add(call.reserved.amount).saturating_sub(cost);
    refusal.header("x-alfred-balance-credits", balance.max(Millicredits::ZERO));
    refusal.header("x-alfred-cost-credits", cost);
    for (name, value) in common(call) {
        refusal.header(name, value);
    }
}

fn common(call: &Admitted) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    if let Some(tokens) = call.limited_to {
        headers.push(("x-alfred-output-limited", tokens.to_string()));
    }
    let mut rate = |state: Option<RateState>, unit: Unit| {
        if let Some(state) = state {
            let values = [state.limit.to_string(), state.remaining.to_string(), reset_text(state.reset_ms)];
            headers.extend(rate_names(unit).into_iter().zip(values));
        }
    };
    rate(call.reserved.rate_requests, Unit::Requests);
    rate(call.reserved.rate_tokens, Unit::Tokens);
    headers
}

/// OpenAI's headers for a rate limit: the limit, what it leaves, and in how
/// long it starts anew.
pub(crate) fn rate_names(unit: Unit) -> [&'static str; 3] {
    match unit {
        Unit::Requests => {
            ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"]
        }
        _ => ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
    }
}

/// How long Alfred took before the provider was called, and how long the
/// provider took to begin.
fn server_timing(timing: Timing, opened_ms: i64) -> String {
    let alfred = timing.admitted_ms.saturating_sub(timing.received_ms);
    let upstream = opened_ms.saturating_sub(timing.admitted_ms);
    format!("alfred;dur={alfred}, upstream;dur={upstream}")
}
