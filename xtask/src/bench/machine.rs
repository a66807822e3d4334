//! Where and when it was measured: numbers mean nothing without it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::support::{process, workspace};

/// The machine and what was measured on it.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub(super) date: String,
    pub(super) commit: String,
    pub(super) build: String,
    pub(super) quick: bool,
    pub(super) cpu: String,
    pub(super) cores: usize,
    /// Over 1, 5 and 15 minutes, at the start.
    pub(super) load_average: String,
    pub(super) system: String,
    pub(super) rustc: String,
    pub(super) node: String,
    pub(super) miniflare: String,
    pub(super) workerd: String,
}

/// Looks at the machine.
pub(super) fn look(build: &Path, quick: bool) -> Result<Machine> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).and_then(|line| line.split_once(':'));
    let ask = r#"import { createRequire } from "node:module";
        const require = createRequire(`${process.cwd()}/xtask/node/`);
        const version = (name) => require(`${name}/package.json`).version;
        console.log([new Date().toISOString(), process.version, version("miniflare"), version("workerd")].join("\n"));"#;
    let mut node = Command::new("node");
    node.current_dir(workspace::root()).args(["--input-type=module", "--eval", ask]);
    let said = process::output(&mut node)?;
    let mut said = said.lines().map(str::to_owned);
    let mut next = || said.next().context("node said too little");
    Ok(Machine {
        date: next()?,
        node: next()?,
        miniflare: next()?,
        workerd: next()?,
        commit: commit(),
        build: workspace::shown(build),
        quick,
        cpu: cpu.map_or("unknown", |(_, name)| name.trim()).to_owned(),
        cores: std::thread::available_parallelism()?.get(),
        load_average: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        system: format!("{} {}", std::env::consts::OS, read("/proc/sys/kernel/osrelease").trim()),
        rustc: process::output(Command::new("rustc").arg("--version").current_dir(workspace::root()))?
            .trim()
            .to_owned(),
    })
}

/// The commit, and whether the working tree has more.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        process::output(Command::new("git").args(arguments).current_dir(workspace::root()))
            .map(|text| text.trim().to_owned())
    };
    match (git(&["rev-parse", "--short", "HEAD"]), git(&["status", "--porcelain"])) {
        (Ok(commit), Ok(changes)) if changes.is_empty() => commit,
        (Ok(commit), _) => format!("{commit} and changes"),
        _ => "unknown".to_owned(),
    }
}

/// The kind of file system that a folder is on.
pub(super) fn file_system(folder: &Path) -> String {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let holding = fields.filter_map(|fields| match fields.as_slice() {
        [_, point, kind, ..] if folder.starts_with(point) => Some((point.len(), (*kind).to_owned())),
        _ => None,
    });
    holding.max().map_or_else(|| "unknown file system".to_owned(), |(_, kind)| kind)
}

/// What a process has computed since it was started, in steps of 10 ms; none
/// where the system does not say.
pub(super) fn cpu_ms(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in brackets, which may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    let (user, system) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    // 100 ticks a second on every Linux.
    Some((user + system) * 10.0)
}
