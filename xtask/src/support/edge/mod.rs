//! Building the one deployable: workers/edge to `build/<profile>/`.

mod exports;
mod size;
mod stamp;

pub(crate) use size::of as size;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::support::tools::{crates, node, rust};
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
    let tools = Tools::ensure()?;
    let folder = profile.folder();
    fs::create_dir_all(&folder)?;
    let _lock = cache::lock(&folder.join(".lock"))?;

    let wasm = console::step(&format!("compiling the edge ({})", profile.cargo()), || compile(profile))?;
    let stamp = stamp::of(&wasm, &tools.versions()).context("cannot read what was compiled")?;
    if stamp::is_current(&folder, &stamp) {
        console::note("nothing changed since it was last packed");
    } else {
        console::step(packing(profile), || pack(profile, &tools, &folder))?;
        stamp::write(&folder, &stamp)?;
    }
    exports::check(&folder, &WranglerToml::read()?)?;
    if profile == Profile::Release {
        size::check(&folder)?;
    }
    Ok(folder)
}

fn packing(profile: Profile) -> &'static str {
    match profile {
        Profile::Dev => "packing it (wasm-bindgen, esbuild)",
        Profile::Release => "packing it (wasm-bindgen, wasm-opt, esbuild)",
    }
}

/// What worker-build needs; it would download its own from GitHub otherwise.
struct Tools {
    worker_build: PathBuf,
    wasm_bindgen: PathBuf,
    wasm_opt: PathBuf,
    esbuild: PathBuf,
}

impl Tools {
    fn ensure() -> Result<Self> {
        let packages = node::packages()?;
        Ok(Self {
            worker_build: crates::worker_build()?,
            wasm_bindgen: crates::wasm_bindgen()?,
            wasm_opt: packages.program("wasm-opt"),
            esbuild: packages.program("esbuild"),
        })
    }

    /// The paths name the versions.
    fn versions(&self) -> String {
        [&self.worker_build, &self.wasm_bindgen, &self.wasm_opt, &self.esbuild]
            .map(|path| path.to_string_lossy())
            .join("\n")
    }
}

/// Compiles to wasm and returns the path. Cargo knows what changed.
fn compile(profile: Profile) -> Result<PathBuf> {
    let arguments = ["build", "--package", "edge", "--lib", "--target", rust::WASM, "--profile", profile.cargo()];
    // worker-build compiles with this variable; without it here, it and this
    // would each throw away what the other compiled.
    process::run(rust::cargo().args(arguments).env("WASM_BINDGEN_USE_JS_SYS", "1"))?;
    Ok(rust::target_folder()?.join(rust::WASM).join(profile.cargo()).join("edge.wasm"))
}

fn pack(profile: Profile, tools: &Tools, folder: &Path) -> Result<()> {
    stamp::remove(folder)?;
    let mut command = Command::new(&tools.worker_build);
    command.arg(workspace::path("workers/edge")).arg("--out-dir").arg(folder);
    command.args(["--profile", profile.cargo()]);
    if profile == Profile::Dev {
        command.arg("--no-opt");
    }
    command.env("WASM_BINDGEN_BIN", &tools.wasm_bindgen);
    command.env("WASM_OPT_BIN", &tools.wasm_opt);
    command.env("ESBUILD_BIN", &tools.esbuild);
    process::run_quietly(&mut command)
}
