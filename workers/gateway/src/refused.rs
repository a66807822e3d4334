//! Calls that are refused here, for the audit trail. What the team's actor
//! refuses it records by itself.
//!
//! Refused is who is not allowed to or lacks credits; a request that cannot be
//! read is a mistake and no attempt at anything.

use std::cell::RefCell;
use std::collections::HashMap;

use audit::{Attribution, Outcome, Salt};
use identity::{ApiKey, OrganizationId, RequestId, TeamId};
use runtime::{Actors, now_ms, random_u128};
use team::protocol::{Command, Refused};
use worker::{Context, Headers, console_error};

use crate::authenticate::address;
use crate::gather::{GATHER_MS, Gather};
use crate::pause::wait;
use crate::refuse::Refusal;

/// Refusals that differ travel in one message up to so many, and are then told
/// at once.
const MOST_TOGETHER: usize = 50;

/// An organization is told of a token that was not accepted so often at most.
const TOKENS_EVERY_MS: i64 = 10_000;

thread_local! {
    static SEEN: Gather<TeamId, Vec<Refused>> = Gather::default();
    static TOKENS: RefCell<HashMap<OrganizationId, i64>> = RefCell::default();
}

/// Takes note of a call by a key that was refused, for the team.
pub(crate) fn note(
    (context, actors): (&Context, &Actors),
    (request, key, headers): (RequestId, &ApiKey, &Headers),
    model: Option<&str>,
    refusal: &Refusal,
) {
    let Some(outcome) = outcome(refusal) else { return };
    let new = Refused {
        request,
        key: key.hash,
        address: address(headers),
        model: model.map(str::to_owned),
        outcome,
        code: refusal.code.to_string(),
        why: None,
        limit: None,
        policies: refusal.policies.clone(),
        policy_version: None,
        times: 1,
    };
    let team = key.team;
    let mut is_full = false;
    let first = SEEN.with(|seen| {
        seen.add(team, |gathered| {
            gather(gathered, new);
            is_full = gathered.len() >= MOST_TOGETHER;
        })
    });
    if first || is_full {
        let actors = actors.clone();
        context.wait_until(async move {
            if !is_full {
                wait(GATHER_MS).await;
            }
            tell(&actors, team).await;
        });
    }
}

/// Of those that are alike the last one, and how many.
fn gather(gathered: &mut Vec<Refused>, new: Refused) {
    let alike = |known: &&mut Refused| (known.key, &known.code) == (new.key, &new.code);
    match gathered.iter_mut().find(alike) {
        Some(known) => *known = Refused { times: known.times.saturating_add(new.times), ..new },
        None => gathered.push(new),
    }
}

async fn tell(actors: &Actors, team: TeamId) {
    let Some(gathered) = SEEN.with(|seen| seen.take(&team)) else { return };
    let commands = gathered.into_iter().map(|refused| Command::Refused(Box::new(refused))).collect();
    if let Err(error) = actors.team(team, &Command::Together(commands)).await {
        console_error!("what was refused in {team}: {error}");
    }
}

/// Whether it is recorded, and as what.
const fn outcome(refusal: &Refusal) -> Option<Outcome> {
    match refusal.status {
        401 | 403 => Some(Outcome::Denied),
        402 | 429 => Some(Outcome::Failed),
        _ => None,
    }
}

/// Tells the organization of a workload's token that was not accepted. Whoever
/// sends many makes no more messages than one in a while.
pub(crate) async fn token(
    actors: &Actors,
    organization: OrganizationId,
    (request, headers): (RequestId, &Headers),
    refusal: &Refusal,
) {
    let now = now_ms();
    let is_told = TOKENS.with_borrow_mut(|told| {
        told.retain(|_, at_ms| now.saturating_sub(*at_ms) < TOKENS_EVERY_MS);
        told.insert(organization, now).is_some()
    });
    if outcome(refusal).is_none() || is_told {
        return;
    }
    let by = Attribution {
        action: Some("use_model".to_owned()),
        request: Some(request.to_string()),
        address: address(headers).map(|address| address.to_string()),
        user_agent: headers.get("user-agent").ok().flatten(),
        salt: random_u128().ok().map(Salt::from_u128),
        ..Attribution::default()
    };
    let (channel, member, code) = (None, None, refusal.code.to_string());
    let refused = organization::protocol::Refused { channel, member, code, by };
    let command = organization::protocol::Command::Refuse(refused);
    if let Err(error) = actors.organization(organization, &command).await {
        console_error!("recording a token that was not accepted: {error}");
    }
}
