//! The budgets of the design, and whether they are kept.

use super::cells::Cell;
use super::numbers::ms;
use super::report::Report;
use super::stage::Way;

/// What was measured for one budget.
pub(super) struct Verdict {
    pub(super) budget: &'static str,
    pub(super) kept: bool,
    pub(super) measured: String,
}

/// All budgets for which there are numbers.
pub(super) fn judge(report: &Report) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut verdict = |budget, kept, measured| verdicts.push(Verdict { budget, kept, measured });
    let memory: Vec<&Cell> = report.cells.iter().filter(|cell| cell.state == "memory").collect();
    if !memory.is_empty() {
        let (p50, kept) = ratios(&memory, |_| true, 2.0, |cell| Some(cell.ratios.as_ref()?.added_p50.median));
        verdict("added time, p50, in memory: at most 2x", kept, p50);
        let (p99, kept) = ratios(&memory, |_| true, 2.0, |cell| Some(cell.ratios.as_ref()?.added_p99.median));
        verdict("added time, p99, in memory: at most 2x", kept, p99);
        let (fifty, kept) = throughputs(&memory);
        verdict("throughput, 50 teams, c = 32: at least 0.5x", kept, fifty);
        let hot = memory.iter().filter(|cell| cell.way == Way::OneTeam && !cell.stream);
        let most = hot.map(|cell| cell.throughput.median).fold(0.0, f64::max);
        verdict("one hot team: at least 500 calls a second", most >= 500.0, format!("{most:.0} a second"));
    }
    if let Some(hot) = &report.hot {
        let said = format!(
            "{} ms by the worker's clock, {} ms the whole call, at {} a second",
            ms(hot.reserve_us.p99),
            ms(hot.call_us.p99),
            hot.rate
        );
        verdict("reserve, p99, at half that load: under 10 ms", hot.reserve_us.p99 < 10_000.0 && hot.unsent == 0, said);
    }
    for rows in &report.rows {
        verdict(
            "rows written a call, in the actor: at most 5",
            rows.actor <= 5.0,
            format!("{:.2} ({}, {} calls; its later deletion included)", rows.actor, rows.load, rows.calls),
        );
        let tables: Vec<_> = rows.d1_tables.iter().map(|table| format!("{} {}", table.name, table.rows)).collect();
        verdict(
            "rows written a call, in D1: at most 2",
            rows.d1 <= 2.0,
            format!("{:.2} ({}, {} calls: {})", rows.d1, rows.load, rows.calls, tables.join(", ")),
        );
    }
    if let Some(policies) = &report.policies {
        let said = format!(
            "{:.0} µs in the runtime, {:.0} µs natively, at {} policies ({} decisions); parsing them natively {:.1} ms",
            policies.runtime_us,
            policies.native_us,
            policies.policies,
            policies.decisions,
            policies.parse_us / 1000.0
        );
        verdict("a decision at 50 policies: at most 0.2 ms", policies.runtime_us <= 200.0, said);
    }
    if let Some(growth) = &report.growth {
        let ratio = growth.old.reserve / growth.new.reserve;
        let said = format!(
            "{ratio:.2}x: {:.1} µs in a new journal, {:.1} µs after {} entries",
            growth.new.reserve, growth.old.reserve, growth.entries
        );
        verdict("growth of a reserve: within 1.3x", ratio <= 1.3, said);
    }
    for script in report.scripts.iter().flatten() {
        let size = format!("{}: {} KB gz, {} KB", script.name, script.gzipped_bytes / 1000, script.bytes / 1000);
        verdict("script: at most 3 MB gz", script.gzipped_bytes <= 3_000_000, size);
        let start = format!("{}: {} ms beyond one that does nothing", script.name, script.start_ms.shown(0));
        verdict("script: starts in under 100 ms", script.start_ms.median < 100.0, start);
    }
    verdicts
}

/// The ratios of all cells in a line, and whether none is above the budget.
fn ratios(
    cells: &[&Cell],
    wanted: impl Fn(&Cell) -> bool,
    most: f64,
    ratio: impl Fn(&Cell) -> Option<f64>,
) -> (String, bool) {
    let mut kept = true;
    let mut said = Vec::new();
    for (name, stream) in [("whole", false), ("stream", true)] {
        for (teams, way) in [("1 team", Way::OneTeam), ("50 teams", Way::FiftyTeams)] {
            let these = cells.iter().filter(|cell| cell.stream == stream && cell.way == way && wanted(cell));
            let values: Vec<(u32, f64)> = these.filter_map(|cell| Some((cell.concurrency, ratio(cell)?))).collect();
            kept &= values.iter().all(|(_, value)| *value <= most);
            let values: Vec<_> = values.iter().map(|(_, value)| format!("{value:.1}")).collect();
            said.push(format!("{name}, {teams}: {}", values.join(" ")));
        }
    }
    (format!("{} (c = 1 8 32)", said.join("; ")), kept)
}

fn throughputs(cells: &[&Cell]) -> (String, bool) {
    let these = cells.iter().filter(|cell| cell.concurrency == 32 && cell.way == Way::FiftyTeams);
    let values: Vec<(bool, f64)> =
        these.filter_map(|cell| Some((cell.stream, cell.ratios.as_ref()?.throughput.median))).collect();
    let said: Vec<_> = values
        .iter()
        .map(|(stream, value)| format!("{} {value:.2}x", if *stream { "stream" } else { "whole" }))
        .collect();
    (said.join(", "), values.iter().all(|(_, value)| *value >= 0.5))
}
