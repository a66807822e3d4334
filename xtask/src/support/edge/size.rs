//! The size gate: every megabyte is start-up time, everywhere in the world.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::console;

/// 3 MB, compressed: the budget in the design, and what the smallest plan takes.
const BUDGET: usize = 3_000_000;

/// A script's size in bytes.
pub(crate) struct Size {
    pub(crate) raw: usize,
    pub(crate) gzipped: usize,
}

/// How big a built script is.
pub(crate) fn of(folder: &Path) -> Result<Size> {
    let mut size = Size { raw: 0, gzipped: 0 };
    for name in ["index.js", "index_bg.wasm"] {
        let bytes = fs::read(folder.join(name))?;
        size.raw += bytes.len();
        size.gzipped += gzipped(&bytes)?;
    }
    Ok(size)
}

/// Says how big the script is and fails over budget.
pub(super) fn check(folder: &Path) -> Result<()> {
    let Size { raw, gzipped } = of(folder)?;
    let share = gzipped * 100 / BUDGET;
    console::note(&format!("script: {} KB, {} KB gz ({share} % of the budget)", raw / 1000, gzipped / 1000));
    if gzipped > BUDGET {
        bail!("the script is over its budget of {} KB gz", BUDGET / 1000)
    }
    Ok(())
}

fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}
