//! The tables.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::budgets;
use super::cells::Cell;
use super::growth::Growth;
use super::hot::Hot;
use super::machine::Machine;
use super::numbers::ms;
use super::policies::Policies;
use super::rows::Rows;
use super::script::Measured;
use super::stage::Way;

/// Everything that was measured in a run.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) cells: Vec<Cell>,
    pub(super) hot: Option<Hot>,
    pub(super) rows: Vec<Rows>,
    pub(super) policies: Option<Policies>,
    pub(super) growth: Option<Growth>,
    pub(super) scripts: Option<Vec<Measured>>,
    /// What went wrong: then the numbers mean nothing.
    pub(super) failures: Vec<String>,
}

impl Report {
    pub(super) fn new(machine: Machine) -> Self {
        Self {
            machine,
            cells: Vec::new(),
            hot: None,
            rows: Vec::new(),
            policies: None,
            growth: None,
            scripts: None,
            failures: Vec::new(),
        }
    }

    pub(super) fn add_cells(&mut self, cells: Vec<Cell>) {
        for cell in &cells {
            let place = format!("{}, {}, c = {}", cell.state, way(cell.way), cell.concurrency);
            self.failures.extend(cell.failures.iter().map(|failure| format!("{place}: {failure}")));
        }
        self.cells.extend(cells);
    }

    /// Where and when.
    pub(super) fn print_head(&self) {
        let Machine { date, commit, build, cpu, cores, load_average, system, rustc, node, miniflare, workerd, quick } =
            &self.machine;
        println!("{date}, commit {commit}, {build}{}", if *quick { ", quick: not to be quoted" } else { "" });
        println!("{cpu}, {cores} cores, {system}, load average {load_average}");
        println!("{rustc}, node {node}, miniflare {miniflare}, workerd {workerd}");
    }

    /// Everything.
    pub(super) fn print(&mut self) {
        let hot = self.hot.iter().filter_map(|hot| hot.failure.clone());
        let rows = self.rows.iter().filter_map(|rows| rows.failure.clone());
        let more: Vec<_> = hot.chain(rows).collect();
        self.failures.extend(more);
        println!();
        self.print_head();
        self.print_cells();
        self.print_rest();
        println!("\n{:<46} {:<7} measured", "budget", "");
        for verdict in budgets::judge(self) {
            let kept = if verdict.kept { "kept" } else { "MISSED" };
            println!("{:<46} {kept:<7} {}", verdict.budget, verdict.measured);
        }
    }

    fn print_cells(&self) {
        let mut group = None;
        for cell in &self.cells {
            let this = (cell.state, cell.stream, cell.concurrency);
            if group.replace(this) != Some(this) {
                let kind = if cell.stream { "streams" } else { "whole answers" };
                println!("\n{}, {kind}, c = {}", cell.state, cell.concurrency);
                println!(
                    "  {:<16} {:>20} {:>7} {:>7} {:>7} {:>7}   {:>6} {:>5} {:>6} {:>6}   {:>14} {:>14}",
                    "",
                    "calls a second",
                    "p50 ms",
                    "p90 ms",
                    "p99 ms",
                    "CPU µs",
                    "rate",
                    "CPU",
                    "p50",
                    "p99",
                    "added p50",
                    "added p99"
                );
            }
            print!(
                "  {:<16} {:>20} {:>7} {:>7} {:>7} {:>7.0}",
                way(cell.way),
                cell.throughput.shown(0),
                ms(cell.p50_us.median),
                ms(cell.p90_us.median),
                ms(cell.p99_us.median),
                cell.cpu_us.median
            );
            match &cell.ratios {
                None => println!(),
                Some(ratios) => println!(
                    "   {:>5.2}x {:>4.1}x {:>5.1}x {:>5.1}x   {:>14} {:>14}",
                    ratios.throughput.median,
                    ratios.cpu.median,
                    ratios.total_p50.median,
                    ratios.total_p99.median,
                    ratios.added_p50.shown(1),
                    ratios.added_p99.shown(1)
                ),
            }
        }
        if !self.cells.is_empty() {
            println!(
                "\nEach number is the median of the rounds, with the lowest and the highest round in brackets.\n\
                 `+ one object` is a pass-through in JavaScript that asks a Durable Object first, which writes\n\
                 three rows: the least that a call costs in this runtime if it may not overspend.\n\
                 Ratios are to the pass-through of the same round; `added` is what is left of both\n\
                 after the time of the same quantile without any worker was taken off. `CPU` is what the worker's\n\
                 process computed for each call, actors, queue and D1 included."
            );
        }
    }

    fn print_rest(&self) {
        if let Some(hot) = &self.hot {
            println!("\none team at {} calls a second, {} calls, {} never sent", hot.rate, hot.calls, hot.unsent);
            for (name, times) in [("reserve (server-timing, whole ms)", hot.reserve_us), ("whole call", hot.call_us)] {
                println!(
                    "  {name:<34} p50 {} ms, p90 {} ms, p99 {} ms, max {} ms",
                    ms(times.p50),
                    ms(times.p90),
                    ms(times.p99),
                    ms(times.max)
                );
            }
        }
        if let Some(growth) = &self.growth {
            println!("\na team natively, after {} entries ({} MB)", growth.entries, growth.bytes / 1_000_000);
            for (name, times) in [("new journal", &growth.new), ("long journal", &growth.old)] {
                println!(
                    "  {name:<14} reserve {:.1} µs, settle {:.1} µs, waking up {:.1} ms",
                    times.reserve,
                    times.settle,
                    times.wake / 1000.0
                );
            }
        }
    }

    /// Writes all numbers as JSON.
    pub(super) fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
    }
}

fn way(way: Way) -> &'static str {
    match way {
        Way::Direct => "no worker",
        Way::PassThrough => "pass-through",
        Way::OneObject => "+ one object",
        Way::OneTeam => "Alfred, 1 team",
        Way::FiftyTeams => "Alfred, 50 teams",
    }
}
