//! How many calls policies in shadow mode would have kept from being made.
//!
//! They are counted in the isolate, and the organization's actor is told of
//! all of a short while in one message. Nothing is written for a call.

use std::collections::BTreeMap;

use identity::OrganizationId;
use organization::protocol::{Command, Observed};
use runtime::Actors;
use worker::{Context, console_error};

use crate::gather::{GATHER_MS, Gather};
use crate::pause::wait;

thread_local! {
    static SEEN: Gather<OrganizationId, BTreeMap<String, u64>> = Gather::default();
}

/// Counts a call that is made, and that these policies in shadow mode would
/// not have permitted.
pub(crate) fn note(context: &Context, actors: &Actors, organization: OrganizationId, policies: Vec<String>) {
    if policies.is_empty() {
        return;
    }
    let count = |calls: &mut BTreeMap<String, u64>| {
        for name in policies {
            let count = calls.entry(name).or_default();
            *count = count.saturating_add(1);
        }
    };
    if SEEN.with(|seen| seen.add(organization, count)) {
        let actors = actors.clone();
        context.wait_until(async move {
            wait(GATHER_MS).await;
            tell(&actors, organization).await;
        });
    }
}

async fn tell(actors: &Actors, organization: OrganizationId) {
    let Some(calls) = SEEN.with(|seen| seen.take(&organization)) else { return };
    // Not kept for later: it is a count, and nobody decides by it.
    if let Err(error) = actors.organization(organization, &Command::Observe(Observed { calls })).await {
        console_error!("what policies in shadow mode would have decided in {organization}: {error}");
    }
}
