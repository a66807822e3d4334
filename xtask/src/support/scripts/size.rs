//! The size gate: every megabyte is start-up time, everywhere in the world.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Script;
use crate::support::console;

/// 3 MB, compressed, for each script: the budget in the design.
const BUDGET: usize = 3_000_000;

/// A script's size in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) raw: usize,
    pub(crate) gzipped: usize,
}

/// How big the script in a folder is.
pub(crate) fn of(folder: &Path) -> Result<Size> {
    let mut size = Size { raw: 0, gzipped: 0 };
    for name in ["index.js", "index_bg.wasm"] {
        let bytes = fs::read(folder.join(name))?;
        size.raw += bytes.len();
        size.gzipped += gzipped(&bytes)?;
    }
    Ok(size)
}

/// Says how big each script is and fails where one is over budget.
pub(super) fn check(build: &Path) -> Result<()> {
    let mut over = Vec::new();
    for script in Script::ALL {
        let (name, Size { raw, gzipped }) = (script.name(), of(&build.join(script.name()))?);
        let share = gzipped * 100 / BUDGET;
        console::note(&format!("{name}: {} KB, {} KB gz ({share} % of the budget)", raw / 1000, gzipped / 1000));
        if gzipped > BUDGET {
            over.push(name);
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    bail!("over the budget of {} KB gz: {}", BUDGET / 1000, over.join(", "))
}

fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}
