//! How many calls policies in shadow mode would have kept from being made.
//!
//! They are counted in the isolate, and the organization's actor is told of
//! all of a short while in one message, which no call waits for. Nothing is
//! written for a call; what an isolate that ends has not told is lost.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use identity::OrganizationId;
use organization::protocol::{Command, Observed};
use runtime::{Actors, now_ms};
use worker::{Context, console_error};

use crate::pause::wait;

/// Counts of so long travel together.
const GATHER_MS: i64 = 2000;

/// Who was to tell them may have been cut off; then another call does.
const OVERDUE_MS: i64 = 10_000;

thread_local! {
    static SEEN: RefCell<HashMap<OrganizationId, Seen>> = RefCell::default();
}

#[derive(Default)]
struct Seen {
    calls: BTreeMap<String, u64>,
    since_ms: i64,
}

/// Counts a call that is made, and that these policies in shadow mode would
/// not have permitted.
pub(crate) fn note(context: &Context, actors: &Actors, organization: OrganizationId, policies: Vec<String>) {
    if policies.is_empty() {
        return;
    }
    let now = now_ms();
    let tells = SEEN.with_borrow_mut(|seen| {
        let seen = seen.entry(organization).or_default();
        let tells = seen.calls.is_empty() || now.saturating_sub(seen.since_ms) > OVERDUE_MS;
        if tells {
            seen.since_ms = now;
        }
        for name in policies {
            let count = seen.calls.entry(name).or_default();
            *count = count.saturating_add(1);
        }
        tells
    });
    if tells {
        let actors = actors.clone();
        context.wait_until(async move {
            wait(GATHER_MS).await;
            tell(&actors, organization).await;
        });
    }
}

async fn tell(actors: &Actors, organization: OrganizationId) {
    let seen = SEEN.with_borrow_mut(|seen| seen.remove(&organization));
    let Some(Seen { calls, .. }) = seen else { return };
    // Not kept for later: it is a count, and nobody decides by it.
    if let Err(error) = actors.organization(organization, &Command::Observe(Observed { calls })).await {
        console_error!("what policies in shadow mode would have decided in {organization}: {error}");
    }
}
