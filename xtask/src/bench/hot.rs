//! One team at a steady load, half of what it must be able to bear: how long
//! its reserves take.
//!
//! Calls are due at fixed times, whatever the answers do, and their time
//! counts from when they were due. Of the reserve itself the worker says in
//! `server-timing` how long it took, in whole milliseconds, from the request's
//! arrival until the team's actor had answered: reading and pricing the body
//! are in it. The whole call is an upper bound that needs no trust in that.

use anyhow::Result;
use serde::Serialize;

use super::cells::Plan;
use super::fakes::{Latency, Load};
use super::stage::{Stage, Way};

/// Half of the calls a second that a hot team must bear.
const RATE: u32 = 250;

/// A hot team's times.
#[derive(Debug, Serialize)]
pub(super) struct Hot {
    pub(super) rate: u32,
    pub(super) calls: u64,
    /// Calls that could not even be sent in time.
    pub(super) unsent: u64,
    pub(super) reserve_us: Latency,
    pub(super) call_us: Latency,
    pub(super) failure: Option<String>,
}

/// Measures it.
pub(super) fn measure(stage: &mut Stage<'_>, plan: &Plan) -> Result<Hot> {
    let load = Load {
        url: "",
        keys: "".as_ref(),
        body: "".as_ref(),
        concurrency: 64,
        seconds: plan.hot_seconds + 1.0,
        calls: None,
        warmup: u64::from(RATE),
        rate: Some(RATE),
        stream: false,
    };
    let outcome = stage.load(Way::OneTeam, &load)?;
    Ok(Hot {
        rate: RATE,
        calls: outcome.requests,
        unsent: outcome.unsent.unwrap_or_default(),
        reserve_us: outcome.server_timing_us.get("alfred").copied().unwrap_or_default(),
        call_us: outcome.latency_us,
        failure: outcome.failure(),
    })
}
