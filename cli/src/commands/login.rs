//! `alfred login`.

use std::io::{IsTerminal as _, Write as _};

use super::whoami::{Who, identify};
use crate::api::Api;
use crate::arguments::Globals;
use crate::config::{self, Profile};
use crate::failure::Failure;

/// Remember where Alfred is and a key for it.
///
/// The key is asked for on a terminal and read from standard input otherwise. It is checked, and stored in a file that
/// only you can read.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred login --url https://alfred.example.com
  alfred login --url https://staging.example.com --profile staging < key.txt")]
pub(crate) struct Arguments {}

/// Runs it.
pub(crate) fn run(_: &Arguments, globals: &Globals) -> Result<String, Failure> {
    let url = match &globals.url {
        Some(url) => url.trim().trim_end_matches('/').to_owned(),
        None if std::io::stdin().is_terminal() => line("URL: ")?,
        None => return Err(Failure::Usage("say where Alfred is, with --url".to_owned())),
    };
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Failure::Usage(format!("`{url}` is no address like https://alfred.example.com")));
    }
    let key = match &globals.key {
        Some(key) => key.trim().to_owned(),
        None if std::io::stdin().is_terminal() => {
            rpassword::prompt_password("Key: ").map_err(|error| Failure::Here(error.to_string()))?.trim().to_owned()
        }
        None => line("")?,
    };
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::Usage("that is no key: it has visible ASCII characters only".to_owned()));
    }
    let who = identify(&Api::new(&url, &key, globals.organization.clone()))?;
    let path = config::path()?;
    let mut profiles = config::read(&path)?;
    let profile = Profile { url: url.clone(), key, organization: globals.organization.clone() };
    profiles.profiles.insert(globals.profile.clone(), profile);
    config::write(&path, &profiles)?;
    let name = &globals.profile;
    Ok(format!("{} at {url}; stored as profile `{name}` in {}\n", Who::line(&who), path.display()))
}

fn line(question: &str) -> Result<String, Failure> {
    let here = |error: std::io::Error| Failure::Here(error.to_string());
    let mut err = std::io::stderr();
    err.write_all(question.as_bytes()).and_then(|()| err.flush()).map_err(here)?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(here)?;
    Ok(line.trim().to_owned())
}
