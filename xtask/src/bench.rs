//! `cargo xtask bench`: what Alfred costs, beside a pass-through that does
//! nothing.
//!
//! A measurement, not a test: whatever the verdict, it succeeds, unless a call
//! failed or the books do not add up afterwards. Both workers run in the same
//! runtime behind the same kind of socket, in front of the same provider, and
//! take turns in short rounds, so that whatever else the machine does hits
//! both. Loopback only.

mod budgets;
mod cells;
mod company;
mod fakes;
mod growth;
mod hot;
mod machine;
mod numbers;
mod policies;
mod report;
mod rows;
mod script;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::support::scripts::{self, Profile};
use crate::support::tools::{node, rust};
use crate::support::{console, workspace};
use cells::Plan;
use fakes::Fakes;
use report::Report;
use stage::Stage;

/// Measure Alfred beside a bare pass-through worker, and compare with the budgets.
///
/// Takes about seven minutes, with --quick about two, and builds what it needs
/// first. Let nothing else run meanwhile.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Short rounds and a short journal: to see that it works.
    #[arg(long)]
    quick: bool,
    /// Only these parts; can be given more than once.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Where the numbers are written as JSON; bench.json in the target folder if left out.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// A folder in memory, for states that wait for no disk.
    #[arg(long, value_name = "FOLDER", default_value = "/dev/shm")]
    memory: PathBuf,
    /// A folder on a disk; the target folder if left out.
    #[arg(long, value_name = "FOLDER")]
    disk: Option<PathBuf>,
    /// Measure this build of the scripts instead of building one.
    #[arg(long, value_name = "FOLDER")]
    build: Option<PathBuf>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Calls with the actors' state in memory, one hot team, rows written, decisions of policies
    Memory,
    /// Calls with the actors' state on a disk
    Disk,
    /// Reserves against the length of the journal
    Growth,
    /// The scripts' sizes and starts
    Script,
}

/// Runs the chore.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let wants = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    node::packages()?;
    let build = match &arguments.build {
        Some(folder) => fs::canonicalize(folder).with_context(|| format!("cannot find {}", folder.display()))?,
        None => scripts::build(Profile::Release)?,
    };
    let fakes = Fakes::build()?;
    let growth = if wants(Part::Growth) { Some(growth::build()?) } else { None };
    let decide = if wants(Part::Memory) { Some(policies::build()?) } else { None };
    let target = rust::target_folder()?;
    let plan = if arguments.quick { Plan::QUICK } else { Plan::FULL };

    let mut report = Report::new(machine::look(&build, arguments.quick)?);
    report.print_head();
    if wants(Part::Script) {
        report.scripts = Some(in_folder(&arguments.memory, |folder| script::measure(&build, folder, plan.starts))?);
    }
    if let Some(program) = growth {
        report.growth = Some(in_folder(&arguments.memory, |folder| growth::measure(&program, folder, plan.entries))?);
    }
    if wants(Part::Memory) {
        calls(&arguments.memory, "memory", (&build, &fakes, &plan), decide.as_deref(), &mut report)?;
    }
    if wants(Part::Disk) {
        let disk = arguments.disk.clone().unwrap_or_else(|| target.clone());
        calls(&disk, "disk", (&build, &fakes, &plan), None, &mut report)?;
    }
    report.print();
    let file = arguments.json.clone().unwrap_or_else(|| target.join("bench.json"));
    report.write(&file)?;
    console::note(&format!("all numbers: {}", workspace::shown(&file)));
    match report.failures.len() {
        0 => Ok(()),
        _ => bail!("this is not what it should be:\n  {}", report.failures.join("\n  ")),
    }
}

/// Everything that is measured with calls, on a state in one folder.
fn calls(
    parent: &Path,
    name: &'static str,
    (build, fakes, plan): (&Path, &Fakes, &Plan),
    decide: Option<&Path>,
    report: &mut Report,
) -> Result<()> {
    in_folder(parent, |folder| {
        let mut stage =
            console::step(&format!("setting the stage ({name}: {})", machine::file_system(parent)), || {
                Stage::set(folder, build, fakes)
            })?;
        let rounds = if name == "memory" { plan.rounds } else { plan.disk_rounds };
        let cells = cells::measure(&mut stage, name, plan, rounds)?;
        report.add_cells(cells);
        if name == "memory" {
            report.hot = Some(console::step("a hot team at half its load", || hot::measure(&mut stage, plan))?);
            report.rows = console::step("counting rows written", || rows::measure(&mut stage, plan))?;
        }
        if let Some(program) = decide {
            let measured = console::step("decisions at 50 policies", || policies::measure(program, &stage))?;
            report.policies = Some(measured);
        }
        report.failures.extend(stage.check_books()?.into_iter().map(|failure| format!("{name}: {failure}")));
        stage.clear()
    })
}

/// Works in a new folder, and removes it.
fn in_folder<T>(parent: &Path, work: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let folder = parent.join(format!("alfred-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let done = work(&folder);
    let removed = fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()));
    done.and_then(|value| removed.map(|()| value))
}
