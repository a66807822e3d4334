//! Packing: from what cargo compiled to the two files of a script.
//!
//! What `worker-build` does, without it: it would have to be compiled together
//! with OpenSSL's bindings (for downloads that are not wanted here), and its
//! shim lets a dead instance's promises into the next one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Profile, Script};
use crate::support::process;
use crate::support::tools::{crates, node};

/// Exactly what rustc and wasm-bindgen use, so that a newer wasm-opt never
/// writes what the runtime cannot read yet.
const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-exception-handling",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The tools, installed.
pub(super) struct Packer {
    wasm_bindgen: PathBuf,
    /// For a release only: it takes a minute.
    wasm_opt: Option<PathBuf>,
    esbuild: PathBuf,
}

impl Packer {
    /// Installs what is missing.
    pub(super) fn ensure(profile: Profile) -> Result<Self> {
        let packages = node::packages()?;
        Ok(Self {
            wasm_bindgen: crates::wasm_bindgen()?,
            wasm_opt: (profile == Profile::Release).then(|| packages.program("wasm-opt")),
            esbuild: packages.program("esbuild"),
        })
    }

    /// What a step of packing says that it does.
    pub(super) fn description(&self, script: Script) -> String {
        let tools = if self.wasm_opt.is_some() { "wasm-bindgen, wasm-opt, esbuild" } else { "wasm-bindgen, esbuild" };
        format!("packing {} ({tools})", script.name())
    }

    /// The files that a packed folder is made of.
    pub(super) fn inputs(&self, script: Script, wasm: &Path) -> Vec<PathBuf> {
        script.sources().into_iter().chain([wasm.to_owned()]).collect()
    }

    /// The paths name the versions.
    pub(super) fn versions(&self) -> String {
        let tools = [Some(&self.wasm_bindgen), self.wasm_opt.as_ref(), Some(&self.esbuild)];
        tools.into_iter().flatten().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n")
    }

    /// Writes `index.js` and `index_bg.wasm` into the folder.
    pub(super) fn pack(&self, script: Script, wasm: &Path, folder: &Path) -> Result<()> {
        let parts = folder.join("parts");
        if parts.exists() {
            fs::remove_dir_all(&parts)?;
        }
        self.bind(wasm, &parts)?;
        import_as_workers_do(&parts.join("index.js"))?;
        for source in script.sources() {
            fs::copy(&source, parts.join(source.file_name().context("a source without a name")?))?;
        }
        self.optimize(&parts.join("index_bg.wasm"), &folder.join("index_bg.wasm"))?;
        self.bundle(&parts, &folder.join("index.js"))?;
        Ok(fs::remove_dir_all(&parts)?)
    }

    /// Writes the JavaScript through which Rust and the runtime call each
    /// other, able to start the program again after a trap.
    fn bind(&self, wasm: &Path, parts: &Path) -> Result<()> {
        let mut command = Command::new(&self.wasm_bindgen);
        command.arg(wasm).arg("--out-dir").arg(parts).args(["--out-name", "index"]);
        command.args(["--target", "module", "--no-typescript"]);
        command.args(["--experimental-reset-state-function", "--force-enable-abort-handler"]);
        process::run_quietly(&mut command)
    }

    fn optimize(&self, from: &Path, to: &Path) -> Result<()> {
        let Some(wasm_opt) = &self.wasm_opt else {
            fs::rename(from, to)?;
            return Ok(());
        };
        let mut command = Command::new(wasm_opt);
        // Without the names of functions: they are a tenth of the script, and
        // a panic says its file and line anyway.
        command.arg(from).arg("-O").args(WASM_FEATURES).arg("-o").arg(to);
        process::run_quietly(&mut command)
    }

    fn bundle(&self, parts: &Path, to: &Path) -> Result<()> {
        let mut command = Command::new(&self.esbuild);
        command.args(["./entry.js", "--bundle", "--minify", "--format=esm", "--log-level=warning"]);
        command.args(["--external:./index_bg.wasm", "--external:cloudflare:*"]);
        command.arg("--log-override:import-is-undefined=error");
        command.arg(format!("--outfile={}", to.display())).current_dir(parts);
        process::run_quietly(&mut command)
    }
}

/// The runtime gives the compiled module to a plain `import`, and does not know
/// the standard's `import source` yet.
fn import_as_workers_do(path: &Path) -> Result<()> {
    let module = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let changed = module.replace("import source ", "import ");
    if changed == module {
        bail!("{} has no `import source`: did wasm-bindgen change?", path.display())
    }
    Ok(fs::write(path, changed)?)
}
