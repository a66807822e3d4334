//! Tokens of workloads, which stand in place of keys.

use std::cell::RefCell;
use std::collections::HashMap;

use identity::{ApiKey, OrganizationId, RequestId, WorkloadId};
use issuers::Fault;
use issuers::address::Reach;
use issuers::workload::{Trust, accept, organization};
use organization::{StandsFor, Workload};
use runtime::{Actors, now_ms};
use sha2::{Digest, Sha256};
use worker::{Env, Headers};

use crate::refuse::Refusal;
use crate::refused;
use crate::settings;

/// For how long a token that was verified is not verified again. Whether its
/// key works is asked with each call.
const REMEMBERED_MS: i64 = 5 * 60 * 1000;
/// Tokens that one isolate remembers; about 100 bytes each.
const MOST_TOKENS: usize = 10_000;

thread_local! {
    static VERIFIED: RefCell<HashMap<[u8; 32], (WorkloadId, i64)>> = RefCell::default();
}

/// Whether a text may be a token: keys begin otherwise.
pub(crate) fn is_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.matches('.').count() == 2
}

/// The key behind a token.
pub(crate) async fn key(
    token: &str,
    (request, headers): (RequestId, &Headers),
    env: &Env,
    actors: &Actors,
) -> Result<ApiKey, Refusal> {
    let Some(id) = organization(token) else {
        return Err(Refusal::invalid_key("it is a token whose audience is not `urn:alfred:org_…`"));
    };
    let digest: [u8; 32] = Sha256::digest(token).into();
    let mut prepared = settings::get(actors, id).await?;
    let now = now_ms();
    let remembered = VERIFIED.with_borrow(|all| all.get(&digest).copied()).filter(|(_, until)| now < *until);
    if let Some((workload, _)) = remembered
        && let Some(workload) = prepared.settings.workloads.iter().find(|known| known.id == workload)
    {
        return stands_for(id, workload);
    }
    let mut accepted = verify(token, id, &prepared.settings.workloads, env).await;
    if matches!(accepted, Err(Fault::NotTrusted(_) | Fault::Unmet(_))) {
        // The newest settings may have what these have not.
        prepared = settings::refresh(actors, id).await?;
        accepted = verify(token, id, &prepared.settings.workloads, env).await;
    }
    let (place, expires_ms) = match accepted {
        Ok(accepted) => accepted,
        Err(fault) => {
            let refusal = refusal(fault);
            refused::token(actors, id, (request, headers), &refusal).await;
            return Err(refusal);
        }
    };
    let workload = prepared.settings.workloads.get(place).ok_or_else(Refusal::internal)?;
    VERIFIED.with_borrow_mut(|all| {
        if all.len() >= MOST_TOKENS {
            all.clear();
        }
        all.insert(digest, (workload.id, expires_ms.min(now.saturating_add(REMEMBERED_MS))));
    });
    stands_for(id, workload)
}

async fn verify(token: &str, id: OrganizationId, workloads: &[Workload], env: &Env) -> Result<(usize, i64), Fault> {
    let trusts = workloads.iter().map(|workload| Trust { issuer: &workload.issuer, rules: &workload.rules });
    let trusts: Vec<Trust<'_>> = trusts.collect();
    accept(token, id, &trusts, Reach::of(env)).await
}

fn stands_for(organization: OrganizationId, workload: &Workload) -> Result<ApiKey, Refusal> {
    match workload.stands_for {
        StandsFor::Key { team, .. } => Ok(ApiKey::of_workload(organization, team, workload.id)),
        StandsFor::ServiceKey { .. } => {
            Err(Refusal::invalid_key("it is a token of a service account, which manages and does not call models"))
        }
    }
}

fn refusal(fault: Fault) -> Refusal {
    match fault {
        Fault::Unreachable { .. } | Fault::Status { .. } => {
            worker::console_error!("an issuer of workloads' tokens: {fault}");
            Refusal::busy(5)
        }
        fault => Refusal::invalid_key(&fault.to_string()),
    }
}
