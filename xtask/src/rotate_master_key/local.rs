//! The same for `cargo xtask dev`: its secrets are in the state folder.

use anyhow::{Context, Result, bail};
use vault::KeyId;

use super::{seal_anew, walk};
use crate::dev::{Secrets, State};
use crate::seed::api::Api;
use crate::support::console;

/// 256 bits.
const BYTES: usize = 32;

/// Begins, or goes on where the last run ended.
pub(super) fn run(state: &State) -> Result<()> {
    let secrets = state.secrets()?;
    let Some(previous) = &secrets.previous else { return begin(state, &secrets) };
    let (from, to) = (KeyId::of(previous).to_string(), KeyId::of(&secrets.master).to_string());
    let run = state.run()?.context("nothing runs on this state: start `cargo xtask dev`, then run this again")?;
    let api = Api::new(&run.base_url, &secrets.operator_key);
    let organizations = walk::organizations(&api)?;
    if let Some(first) = organizations.first() {
        let standing = walk::look(&run.base_url, &secrets.operator_key, first)?;
        if standing.key != to {
            bail!("`cargo xtask dev` has not been restarted since {to} was made: restart it, then run this again");
        }
    }
    seal_anew(&run.base_url, &secrets.operator_key, &organizations, &from)?;
    state.write_secrets(&Secrets { previous: None, ..secrets })?;
    console::note(&format!("{} has no MASTER_SECRET_PREVIOUS any more", state.secrets_path().display()));
    Ok(())
}

fn begin(state: &State, secrets: &Secrets) -> Result<()> {
    let master = random()?;
    let (from, to) = (KeyId::of(&secrets.master), KeyId::of(&master));
    let previous = Some(secrets.master.clone());
    state.write_secrets(&Secrets { master, previous, ..secrets.clone() })?;
    console::note(&format!("{} has a new master secret, {to}, beside {from}", state.secrets_path().display()));
    console::note("(re)start `cargo xtask dev`, then run this again");
    Ok(())
}

fn random() -> Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_begins_in_the_state_folder() {
        let folder = std::env::temp_dir().join(format!("alfred-rotate-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let state: State = folder.to_str().unwrap().parse().unwrap();
        assert!(state.secrets().is_err());
        let text = r#"{"OPERATOR_KEY":"op-1","MASTER_SECRET":"the first of the master secrets!","OTHER":"stays"}"#;
        std::fs::write(state.secrets_path(), text).unwrap();
        run(&state).unwrap();
        let begun = state.secrets().unwrap();
        assert_eq!(begun.previous.as_deref(), Some("the first of the master secrets!"));
        assert_eq!((begun.master.len(), begun.operator_key.as_str()), (64, "op-1"));
        // A second run does not throw the first secret away.
        let error = run(&state).unwrap_err().to_string();
        assert!(error.contains("start `cargo xtask dev`"), "{error}");
        assert_eq!(state.secrets().unwrap().previous, begun.previous);
        assert!(std::fs::read_to_string(state.secrets_path()).unwrap().contains("OTHER"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
