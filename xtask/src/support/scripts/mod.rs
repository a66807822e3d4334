//! Building what is deployed: four scripts, each to a folder of its own in
//! `build/<profile>/`.

mod exports;
mod pack;
mod size;
mod stamp;
pub(crate) mod wrangler_toml;

pub(crate) use size::of as size;

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use self::pack::Packer;
use self::wrangler_toml::WranglerToml;
use crate::support::tools::rust;
use crate::support::{cache, console, process, workspace};

const MASTER_SECRET: &str = "MASTER_SECRET";

/// One of the scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Script {
    /// The Durable Objects.
    Actors,
    /// Queues and crons.
    Background,
    /// The management API.
    Management,
    /// Calls of models.
    Edge,
}

impl Script {
    /// All of them, each after those that it names, and who reads a queue
    /// before the API that writes to it: the order of deployment.
    pub(crate) const ALL: [Self; 4] = [Self::Actors, Self::Background, Self::Management, Self::Edge];

    /// The name of its crate, and of its folders.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Actors => "actors",
            Self::Background => "background",
            Self::Management => "management",
            Self::Edge => "edge",
        }
    }

    /// What it is deployed with.
    pub(crate) fn wrangler_toml(self) -> String {
        format!("workers/{}/wrangler.toml", self.name())
    }

    /// The secrets that it must have. Locally, xtask/node/secrets.mjs makes
    /// them.
    pub(crate) const fn secrets(self) -> &'static [&'static str] {
        match self {
            Self::Actors => &[],
            Self::Management => &["OPERATOR_KEY", MASTER_SECRET],
            Self::Background | Self::Edge => &[MASTER_SECRET],
        }
    }

    /// Whether it seals or opens secrets.
    pub(crate) fn has_master_secret(self) -> bool {
        self.secrets().contains(&MASTER_SECRET)
    }

    /// What is packed beside what the compiler writes.
    fn sources(self) -> Vec<PathBuf> {
        let own = |name: &str| workspace::path(&format!("workers/{}/src/{name}", self.name()));
        let mut sources = vec![own("entry.js"), workspace::path("workers/runtime/src/instance.mjs")];
        if self == Self::Edge {
            sources.push(own("headers.mjs"));
        }
        sources
    }
}

/// How to build.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Seconds: lightly optimized, not shrunk.
    Dev,
    /// Minutes: what is deployed.
    Release,
}

impl Profile {
    fn cargo(self) -> &'static str {
        match self {
            Self::Dev => "edge-dev",
            Self::Release => "release",
        }
    }

    /// The folder that it is built into. Each profile has its own, so that
    /// going from one to the other and back builds nothing.
    pub(crate) fn folder(self) -> PathBuf {
        workspace::path(match self {
            Self::Dev => "build/dev",
            Self::Release => "build/release",
        })
    }
}

/// Builds, unless nothing changed, and checks what was built. Returns the
/// folder with a folder for each script.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    rust::ensure_wasm()?;
    let packer = Packer::ensure(profile)?;
    let folder = profile.folder();
    fs::create_dir_all(&folder)?;
    let _lock = cache::lock(&folder.join(".lock"))?;

    console::step(&format!("compiling the scripts ({})", profile.cargo()), || compile(profile))?;
    for script in Script::ALL {
        let own = folder.join(script.name());
        fs::create_dir_all(&own)?;
        let wasm = compiled(script, profile)?;
        let stamp = stamp::of(&packer.inputs(script, &wasm), &packer.versions())?;
        if stamp::is_current(&own, &stamp) {
            console::note(&format!("{}: nothing changed since it was last packed", script.name()));
        } else {
            stamp::remove(&own)?;
            console::step(&packer.description(script), || packer.pack(script, &wasm, &own))?;
            stamp::write(&own, &stamp)?;
        }
        exports::check(script, &own, &WranglerToml::read(script)?)?;
    }
    if profile == Profile::Release {
        size::check(&folder)?;
    }
    Ok(folder)
}

/// Compiles to wasm. Cargo knows what changed.
fn compile(profile: Profile) -> Result<()> {
    let mut cargo = rust::cargo();
    cargo.args(["build", "--lib", "--target", rust::WASM, "--profile", profile.cargo()]);
    for script in Script::ALL {
        cargo.args(["--package", script.name()]);
    }
    // The worker crate takes its futures from js-sys; so must what the macros write.
    process::run(cargo.env("WASM_BINDGEN_USE_JS_SYS", "1"))
}

/// What the compiler wrote.
fn compiled(script: Script, profile: Profile) -> Result<PathBuf> {
    let folder = rust::target_folder()?.join(rust::WASM).join(profile.cargo());
    Ok(folder.join(format!("{}.wasm", script.name())))
}
