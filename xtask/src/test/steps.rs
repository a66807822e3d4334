//! The steps, cheapest first.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::support::scripts::{self, Profile, Script};
use crate::support::tools::{node, python, rust};
use crate::support::{process, workspace};

/// A step, in the order in which they run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Step {
    /// Formatting
    Fmt,
    /// Lints of everything that runs natively, tests included
    Clippy,
    /// Lints of what runs in the edge's runtime
    ClippyWasm,
    /// Unit, contract, schema and architecture tests, and a short simulation
    Native,
    /// The release build: its exports and its size
    Build,
    /// The local runtime's own scripts
    Scripts,
    /// The release build in workerd, from outside
    EndToEnd,
    /// The OpenAI SDK for Python against it
    Python,
    /// The OpenAPI document, and requests made of it against the API
    Schema,
}

impl Step {
    /// What it is called on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// What it is about.
    pub(super) fn what(self) -> String {
        let help = self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }

    /// Runs it.
    pub(super) fn run(self) -> Result<()> {
        match self {
            Self::Fmt => process::run(rust::cargo().args(["fmt", "--all", "--check"])),
            Self::Clippy => {
                process::run(rust::cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
            }
            Self::ClippyWasm => {
                rust::ensure_wasm()?;
                let mut cargo = rust::cargo();
                cargo.args(["clippy", "--target", rust::WASM]);
                for script in Script::ALL {
                    cargo.args(["--package", script.name()]);
                }
                process::run(cargo.args(["--", "--deny", "warnings"]).env("WASM_BINDGEN_USE_JS_SYS", "1"))
            }
            Self::Native => process::run(rust::cargo().args(["test", "--workspace", "--quiet"])),
            Self::Build => scripts::build(Profile::Release).map(drop),
            Self::Scripts => node_tests("xtask/node", &mut node::node()),
            Self::EndToEnd => end_to_end("tests/end-to-end", |_| Ok(())),
            Self::Python => with_python("tests/end-to-end/python"),
            Self::Schema => with_python("tests/end-to-end/schema"),
        }
    }
}

/// Runs a folder's tests against the release build.
fn end_to_end(folder: &str, prepare: impl FnOnce(&mut Command) -> Result<()>) -> Result<()> {
    let build = scripts::build(Profile::Release)?;
    process::run(rust::cargo().args(["build", "--quiet", "--package", "fakes", "--package", "alfred"]))?;
    let programs = rust::target_folder()?.join("debug");
    let mut command = node::node();
    command.env("ALFRED_BUILD", build).env("ALFRED_XTASK", std::env::current_exe()?);
    command.env("ALFRED_FAKES", programs.join("fakes")).env("ALFRED_CLI", programs.join("alfred"));
    prepare(&mut command)?;
    node_tests(folder, &mut command)
}

/// The same with the Python packages that the folder asks for.
fn with_python(folder: &str) -> Result<()> {
    end_to_end(folder, |command| {
        command.env("ALFRED_PYTHON", python::environment(folder)?);
        Ok(())
    })
}

fn node_tests(folder: &str, command: &mut Command) -> Result<()> {
    node::packages()?;
    let files = test_files(folder)?;
    if files.is_empty() {
        bail!("{folder} has no tests")
    }
    process::run(command.args(["--test", "--test-reporter", "spec"]).args(files))
}

/// The `*.test.mjs` in a folder. (Node learned to search for itself in version 21.)
fn test_files(folder: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(workspace::path(folder)).with_context(|| format!("cannot read {folder}"))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    Ok(files)
}
