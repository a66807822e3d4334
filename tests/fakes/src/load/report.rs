//! What came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Calls that were answered, whatever the status.
    pub requests: u64,
    /// How many answers had which status.
    pub statuses: BTreeMap<u16, u64>,
    /// Calls that were not answered to the end, by what happened: `connect`,
    /// `send`, `body`, `timeout`.
    pub errors: BTreeMap<String, u64>,
    /// Streams with status 200 that did not end in `[DONE]`.
    pub unfinished_streams: u64,
    /// From the first measured call to the end of the last.
    pub seconds: f64,
    /// Answered calls a second.
    pub throughput: f64,
    /// From when the call was due (with a rate) or sent (without) to the last
    /// byte of its answer.
    pub latency_us: Latency,
    /// From when the call was sent, which leaves out what a slow target kept
    /// waiting. Only with a rate.
    pub service_us: Option<Latency>,
    /// From when the call was due or sent to the first byte of the body. Only
    /// of streams.
    pub first_byte_us: Option<Latency>,
    /// What the target said of its own time in `server-timing`, by name.
    pub server_timing_us: BTreeMap<String, Latency>,
    /// Calls that were due but never sent, because all connections were busy
    /// to the end. Only with a rate.
    pub unsent: Option<u64>,
    /// The sum over the answers' `x-alfred-cost-credits`, in millicredits.
    pub cost_millicredits: i64,
    /// How many answers had the header.
    pub costs: u64,
    /// How many of them could not be read; they are not in the sum.
    pub costs_unreadable: u64,
}

/// Exact quantiles, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50: u32,
    /// 90 of 100 are not above it.
    pub p90: u32,
    /// 99 of 100 are not above it.
    pub p99: u32,
    /// 999 of 1000 are not above it.
    pub p999: u32,
    /// The worst.
    pub max: u32,
}

impl Latency {
    /// Of all recorded values, which are sorted on the way.
    pub(crate) fn of(values: &mut [u32]) -> Self {
        values.sort_unstable();
        let quantile = |per_mille: usize| {
            // The nearest rank: the smallest value that so many are not above.
            let rank = (values.len() * per_mille).div_ceil(1000);
            values.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Self { p50: quantile(500), p90: quantile(900), p99: quantile(990), p999: quantile(999), max: quantile(1000) }
    }
}

/// Microseconds; more than 71 minutes are as long as none.
pub(crate) fn micros(time: Duration) -> u32 {
    time.as_micros().try_into().unwrap_or(u32::MAX)
}

/// What one worker saw.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) report: Report,
    pub(crate) latency: Vec<u32>,
    pub(crate) service: Vec<u32>,
    pub(crate) first_byte: Vec<u32>,
    pub(crate) timing: BTreeMap<String, Vec<u32>>,
}

impl Tally {
    pub(crate) fn error(&mut self, kind: &'static str) {
        *self.report.errors.entry(kind.to_owned()).or_default() += 1;
    }

    pub(crate) fn cost(&mut self, cost: Option<i64>) {
        self.report.costs += 1;
        match cost.and_then(|cost| self.report.cost_millicredits.checked_add(cost)) {
            Some(sum) => self.report.cost_millicredits = sum,
            None => self.report.costs_unreadable += 1,
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.latency.extend(other.latency);
        self.service.extend(other.service);
        self.first_byte.extend(other.first_byte);
        for (name, times) in other.timing {
            self.timing.entry(name).or_default().extend(times);
        }
        let (mine, theirs) = (&mut self.report, other.report);
        mine.requests += theirs.requests;
        mine.unfinished_streams += theirs.unfinished_streams;
        mine.costs += theirs.costs;
        mine.costs_unreadable += theirs.costs_unreadable;
        mine.cost_millicredits = mine.cost_millicredits.saturating_add(theirs.cost_millicredits);
        for (status, count) in theirs.statuses {
            *mine.statuses.entry(status).or_default() += count;
        }
        for (kind, count) in theirs.errors {
            *mine.errors.entry(kind).or_default() += count;
        }
    }

    pub(crate) fn finish(mut self, time: Duration, open_loop: bool, stream: bool) -> Report {
        let mut report = self.report;
        report.seconds = time.as_secs_f64();
        #[expect(clippy::as_conversions, reason = "the compiler has no other; exact below 2^53 calls")]
        let requests = report.requests as f64;
        report.throughput = if time.is_zero() { 0.0 } else { requests / report.seconds };
        report.latency_us = Latency::of(&mut self.latency);
        report.service_us = open_loop.then(|| Latency::of(&mut self.service));
        report.server_timing_us =
            self.timing.iter_mut().map(|(name, times)| (name.clone(), Latency::of(times))).collect();
        report.first_byte_us = stream.then(|| Latency::of(&mut self.first_byte));
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let mut values: Vec<u32> = (1..=1000).rev().collect();
        assert_eq!(Latency::of(&mut values), Latency { p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 });
        assert_eq!(Latency::of(&mut [7]), Latency { p50: 7, p90: 7, p99: 7, p999: 7, max: 7 });
        assert_eq!(Latency::of(&mut []), Latency::default());
    }
}
