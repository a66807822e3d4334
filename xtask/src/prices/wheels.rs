//! Fetches the two packages and reads them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use pricing::file::Source;
use serde::Deserialize;
use serde_json::Value;

/// The package that the prices come from.
pub(super) const PRICES: &str = "genai-prices";
/// The package that the sizes come from.
pub(super) const LITELLM: &str = "litellm";

/// What the packages hold.
#[derive(Deserialize)]
pub(super) struct Wheels {
    today: String,
    /// A list of providers, each with a list of models.
    pub(super) prices: Value,
    pub(super) prices_version: String,
    pub(super) prices_licence: String,
    /// An object of models by name.
    pub(super) litellm: Value,
    pub(super) litellm_version: String,
    pub(super) litellm_licence: String,
}

/// Downloads the newest packages into an empty directory and reads them.
pub(super) fn fetch(directory: &Path) -> Result<Wheels> {
    if directory.exists() {
        std::fs::remove_dir_all(directory)?;
    }
    std::fs::create_dir_all(directory)?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]);
    let status = pip.arg(directory).args([PRICES, LITELLM]).status().context("running pip")?;
    ensure!(status.success(), "pip could not download the packages");

    let mut python = Command::new("python3");
    let output = python.args(["-c", include_str!("read_wheels.py")]).arg(directory).output()?;
    ensure!(output.status.success(), "reading the packages: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("reading the packages")
}

impl Wheels {
    /// The day to stamp: today, or the day on which these very versions were
    /// first retrieved, so that a second run changes nothing.
    pub(super) fn retrieved(&self, old: &[Source]) -> String {
        let same =
            |name: &str, version: &str| old.iter().find(|source| source.name == name && source.version == version);
        match (same(PRICES, &self.prices_version), same(LITELLM, &self.litellm_version)) {
            (Some(prices), Some(_)) => prices.retrieved.clone(),
            _ => self.today.clone(),
        }
    }

    /// Midnight UTC at the start of a day written as year-month-day.
    pub(super) fn day_ms(&self, day: &str) -> Result<i64> {
        let numbers: Vec<i64> = day.split('-').map(str::parse).collect::<Result<_, _>>()?;
        let [year, month, day] = numbers[..] else { anyhow::bail!("`{day}` is not a day") };
        // Days since 1970 in the Gregorian calendar, counted from March so
        // that the leap day is a year's last.
        let shifted = if month <= 2 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468;
        Ok(days * 86_400_000)
    }
}
