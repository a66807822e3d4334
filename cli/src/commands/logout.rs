//! `alfred logout`.

use crate::arguments::Globals;
use crate::config;
use crate::failure::Failure;

/// Forget a login. The key itself stays valid until it is revoked.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred logout
  alfred logout --profile staging")]
pub(crate) struct Arguments {}

/// Runs it.
pub(crate) fn run(_: &Arguments, globals: &Globals) -> Result<String, Failure> {
    let path = config::path()?;
    let mut profiles = config::read(&path)?;
    let name = &globals.profile;
    if profiles.profiles.remove(name).is_none() {
        return Err(Failure::Here(format!("nobody is logged in as `{name}`")));
    }
    config::write(&path, &profiles)?;
    Ok(format!("forgot the key of profile `{name}`\n"))
}
