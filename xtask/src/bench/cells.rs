//! Calls in rounds: each way in turn, so that noise hits all of them.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::fakes::{Latency, Load, Outcome};
use super::numbers::Spread;
use super::stage::{Stage, Way};
use crate::support::console;

/// How long everything takes.
pub(super) struct Plan {
    pub(super) rounds: u32,
    pub(super) disk_rounds: u32,
    /// Of Alfred's measured calls in a round; the others take half of it.
    pub(super) seconds: f64,
    /// Before they are measured: longer than entries wait for the queue, so
    /// that the way to D1 is as busy as it will be.
    pub(super) warm_seconds: f64,
    pub(super) hot_seconds: f64,
    pub(super) counted_calls: u64,
    /// Of one call a second.
    pub(super) quiet_seconds: u64,
    pub(super) entries: u64,
    pub(super) starts: u32,
}

impl Plan {
    pub(super) const FULL: Self = Self {
        rounds: 3,
        disk_rounds: 2,
        seconds: 1.6,
        warm_seconds: 1.1,
        hot_seconds: 8.0,
        counted_calls: 1000,
        quiet_seconds: 20,
        entries: 1_000_000,
        starts: 5,
    };
    pub(super) const QUICK: Self = Self {
        rounds: 2,
        disk_rounds: 1,
        seconds: 0.4,
        warm_seconds: 0.2,
        hot_seconds: 3.0,
        counted_calls: 400,
        quiet_seconds: 8,
        entries: 100_000,
        starts: 2,
    };
}

const WAYS: [Way; 5] = [Way::Direct, Way::PassThrough, Way::OneObject, Way::OneTeam, Way::FiftyTeams];
const CONCURRENCIES: [u32; 3] = [1, 8, 32];

/// One line of the table.
#[derive(Debug, Serialize)]
pub(super) struct Cell {
    /// Where the actors' state is: `memory` or `disk`.
    pub(super) state: &'static str,
    pub(super) stream: bool,
    pub(super) concurrency: u32,
    pub(super) way: Way,
    pub(super) calls: u64,
    pub(super) throughput: Spread,
    pub(super) p50_us: Spread,
    pub(super) p90_us: Spread,
    pub(super) p99_us: Spread,
    /// What the worker's process computed for each call.
    pub(super) cpu_us: Spread,
    /// To the pass-through's, round by round; none for the others.
    pub(super) ratios: Option<Ratios>,
    pub(super) failures: Vec<String>,
}

/// A way's to the pass-through's.
#[derive(Debug, Serialize)]
pub(super) struct Ratios {
    pub(super) throughput: Spread,
    pub(super) cpu: Spread,
    pub(super) total_p50: Spread,
    pub(super) total_p99: Spread,
    /// Less what the same calls take without any worker.
    pub(super) added_p50: Spread,
    pub(super) added_p99: Spread,
}

/// Measures all cells with the state in one place.
pub(super) fn measure(stage: &mut Stage<'_>, state: &'static str, plan: &Plan, rounds: u32) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for stream in [false, true] {
        for concurrency in CONCURRENCIES {
            let kind = if stream { "streams" } else { "whole answers" };
            let what = format!("{state}: {kind}, {concurrency} at a time");
            cells.extend(console::step(&what, || group(stage, (state, stream, concurrency), plan, rounds))?);
        }
    }
    Ok(cells)
}

/// The ways of one kind of call, in turn.
fn group(
    stage: &mut Stage<'_>,
    (state, stream, concurrency): (&'static str, bool, u32),
    plan: &Plan,
    rounds: u32,
) -> Result<Vec<Cell>> {
    let mut outcomes: BTreeMap<Way, Vec<Outcome>> = BTreeMap::new();
    let mut paces: BTreeMap<Way, f64> = BTreeMap::new();
    let load = |seconds, warmup| Load {
        url: "",
        keys: "".as_ref(),
        body: "".as_ref(),
        concurrency,
        seconds,
        calls: None,
        warmup,
        rate: None,
        stream,
    };
    // Not measured: opens what has to be opened, and tells how fast it goes.
    for way in WAYS {
        paces.insert(way, stage.load(way, &load(0.3, 0))?.throughput);
    }
    for _ in 0..rounds {
        for way in WAYS {
            let through_alfred = matches!(way, Way::OneTeam | Way::FiftyTeams);
            let part = if through_alfred { 1.0 } else { 0.5 };
            let (warm, seconds) = (plan.warm_seconds * part, plan.seconds * part);
            let pace = paces.get(&way).copied().unwrap_or_default();
            let outcome = stage.load(way, &load(warm + seconds, whole(pace * warm)))?;
            paces.insert(way, outcome.throughput);
            outcomes.entry(way).or_default().push(outcome);
        }
        // What is still on its way to D1 is not charged to the next round.
        stage.wait_until_quiet()?;
    }
    let of = |way: Way| outcomes.get(&way).map_or(&[][..], Vec::as_slice);
    let (direct, passed) = (of(Way::Direct), of(Way::PassThrough));
    let cell = |way| {
        let own = of(way);
        let ratios = (way > Way::PassThrough).then(|| ratios(own, passed, direct));
        cell((state, stream, concurrency, way), own, ratios)
    };
    Ok(WAYS.map(cell).into())
}

fn cell(
    (state, stream, concurrency, way): (&'static str, bool, u32, Way),
    outcomes: &[Outcome],
    ratios: Option<Ratios>,
) -> Cell {
    let spread = |of: fn(&Outcome) -> f64| Spread::of(outcomes.iter().map(of));
    Cell {
        state,
        stream,
        concurrency,
        way,
        calls: outcomes.iter().map(|outcome| outcome.requests).sum(),
        throughput: spread(|outcome| outcome.throughput),
        p50_us: spread(|outcome| outcome.latency_us.p50),
        p90_us: spread(|outcome| outcome.latency_us.p90),
        p99_us: spread(|outcome| outcome.latency_us.p99),
        cpu_us: spread(Outcome::cpu_us),
        ratios,
        failures: outcomes.iter().filter_map(Outcome::failure).collect(),
    }
}

fn ratios(own: &[Outcome], passed: &[Outcome], direct: &[Outcome]) -> Ratios {
    let each = |ratio: &dyn Fn(&Outcome, &Outcome, &Outcome) -> f64| {
        let rounds = own.iter().zip(passed).zip(direct);
        Spread::of(rounds.map(|((own, passed), direct)| ratio(own, passed, direct)))
    };
    let total = |of: fn(&Latency) -> f64| each(&|own, passed, _| of(&own.latency_us) / of(&passed.latency_us));
    let added = |of: fn(&Latency) -> f64| {
        each(&|own, passed, direct| {
            let without = of(&direct.latency_us);
            let passed = of(&passed.latency_us) - without;
            // A pass-through that adds nothing measurable cannot be compared with.
            if passed > 0.0 { (of(&own.latency_us) - without) / passed } else { f64::NAN }
        })
    };
    Ratios {
        throughput: each(&|own, passed, _| own.throughput / passed.throughput),
        cpu: each(&|own, passed, _| own.cpu_us() / passed.cpu_us()),
        total_p50: total(|latency| latency.p50),
        total_p99: total(|latency| latency.p99),
        added_p50: added(|latency| latency.p50),
        added_p99: added(|latency| latency.p99),
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of calls, from zero to some thousands; the language has no other conversion"
)]
fn whole(calls: f64) -> u64 {
    calls.max(0.0) as u64
}
