//! Building the one deployable: workers/edge to `build/<profile>/`.

mod exports;
mod pack;
mod size;
mod stamp;

pub(crate) use size::of as size;

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use self::pack::Packer;
use crate::support::tools::rust;
use crate::support::wrangler_toml::WranglerToml;
use crate::support::{cache, console, process, workspace};

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

/// Builds, unless nothing changed, and checks what was built. Returns its folder.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    rust::ensure_wasm()?;
    let packer = Packer::ensure(profile)?;
    let folder = profile.folder();
    fs::create_dir_all(&folder)?;
    let _lock = cache::lock(&folder.join(".lock"))?;

    let wasm = console::step(&format!("compiling the edge ({})", profile.cargo()), || compile(profile))?;
    let stamp = stamp::of(&packer.inputs(&wasm), &packer.versions())?;
    if stamp::is_current(&folder, &stamp) {
        console::note("nothing changed since it was last packed");
    } else {
        stamp::remove(&folder)?;
        console::step(packer.description(), || packer.pack(&wasm, &folder))?;
        stamp::write(&folder, &stamp)?;
    }
    exports::check(&folder, &WranglerToml::read()?)?;
    if profile == Profile::Release {
        size::check(&folder)?;
    }
    Ok(folder)
}

/// Compiles to wasm and returns the path. Cargo knows what changed.
fn compile(profile: Profile) -> Result<PathBuf> {
    let arguments = ["build", "--package", "edge", "--lib", "--target", rust::WASM, "--profile", profile.cargo()];
    // The worker crate takes its futures from js-sys; so must what the macros write.
    process::run(rust::cargo().args(arguments).env("WASM_BINDGEN_USE_JS_SYS", "1"))?;
    Ok(rust::target_folder()?.join(rust::WASM).join(profile.cargo()).join("edge.wasm"))
}
