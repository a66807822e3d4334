//! `cargo xtask rotate-master-key`: from one master secret to the next, while
//! calls go on.
//!
//! The deployment has both for a while, `MASTER_SECRET` and
//! `MASTER_SECRET_PREVIOUS`: what is sealed under either opens, what is sealed
//! anew is under the first. This has every organization's secrets sealed anew,
//! through the operator's API, and says when the previous one is not needed any
//! more. Stopped in the middle, it is run again.

mod local;
mod walk;

use anyhow::{Result, bail};

use crate::dev::State;
use crate::seed::api::Api;
use crate::support::console;
use crate::support::scripts::Script;
use walk::{Organization, Standing};

/// Replace the master secret, while calls go on.
///
/// Without --base-url it does so for `cargo xtask dev`, whose state folder has
/// the secrets. With it, it first says what to do with wrangler; then, with
/// --from, it has everything sealed under the new secret, and says what to do
/// afterwards. It can be run again at any time.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the deployment is, for example https://alfred.example.com.
    #[arg(long, requires = "operator_key")]
    base_url: Option<String>,
    /// The operator's key.
    #[arg(long, env = "ALFRED_OPERATOR_KEY", hide_env_values = true)]
    operator_key: Option<String>,
    /// The id of the master secret that shall go, as the first run says it.
    #[arg(long, requires = "base_url")]
    from: Option<String>,
    /// The environment that wrangler is to change.
    #[arg(long, default_value = "production")]
    env: String,
    /// The state folder of `cargo xtask dev`.
    #[arg(long, default_value = ".alfred")]
    state: State,
}

/// Runs the chore.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (Some(base_url), Some(operator_key)) = (&arguments.base_url, &arguments.operator_key) else {
        return local::run(&arguments.state);
    };
    let api = Api::new(base_url, operator_key);
    let organizations = walk::organizations(&api)?;
    let Some(from) = &arguments.from else {
        return describe(base_url, operator_key, &arguments.env, &organizations);
    };
    seal_anew(base_url, operator_key, &organizations, from)?;
    for line in after(from, &arguments.env) {
        println!("{line}");
    }
    Ok(())
}

/// Says what to do first.
fn describe(base_url: &str, operator_key: &str, env: &str, organizations: &[Organization]) -> Result<()> {
    let Some(first) = organizations.first() else {
        println!("There is no organization, so nothing is sealed: put another MASTER_SECRET in its place.");
        return Ok(());
    };
    let standing = walk::look(base_url, operator_key, first)?;
    for line in before(&standing, base_url, env) {
        println!("{line}");
    }
    Ok(())
}

/// Has every organization's secrets sealed under the secret that is not `from`.
fn seal_anew(base_url: &str, operator_key: &str, organizations: &[Organization], from: &str) -> Result<()> {
    let mut done = 0;
    console::step(&format!("sealing the secrets of {} organizations anew", organizations.len()), || {
        for (place, organization) in organizations.iter().enumerate() {
            let before = walk::look(base_url, operator_key, organization)?;
            check(&before, from)?;
            if before.left > 0 {
                let after = walk::reseal(base_url, operator_key, organization)?;
                done += before.left.saturating_sub(after.left);
                let of = organizations.len();
                console::note(&format!("{} of {of}: {} ({} secrets)", place + 1, organization.name, before.left));
            }
        }
        Ok(())
    })?;
    // Whoever changed a provider meanwhile may have written an old one back.
    console::step("looking whether anything is left", || {
        let mut left = 0;
        let mut lost = Vec::new();
        for organization in organizations {
            let standing = walk::look(base_url, operator_key, organization)?;
            check(&standing, from)?;
            left += standing.left;
            lost.extend(standing.unreadable.iter().map(|what| format!("{what} of {}", organization.id)));
        }
        if left > 0 {
            bail!("{left} secrets are still sealed under {from}: run this again");
        }
        if !lost.is_empty() {
            let them = lost.join(", ");
            bail!("secrets that open under neither master secret, so that they must be set again: {them}");
        }
        console::note(&format!("nothing is left; {done} secrets were sealed anew"));
        Ok(())
    })
}

/// Whether the deployment is where sealing anew makes sense.
fn check(standing: &Standing, from: &str) -> Result<()> {
    if standing.key == from {
        bail!("the deployment still seals under {from}: swap the secrets first (run this without --from for how)");
    }
    match &standing.previous_key {
        Some(previous) if previous != from => {
            bail!("MASTER_SECRET_PREVIOUS is {previous} and not {from}: what is sealed under {from} cannot be opened")
        }
        _ => Ok(()),
    }
}

fn before(standing: &Standing, base_url: &str, env: &str) -> Vec<String> {
    let Standing { key, previous_key, .. } = standing;
    let run = |from: &str| format!("cargo xtask rotate-master-key --base-url {base_url} --env {env} --from {from}");
    let have = format!("The deployment seals under the master secret {key}.");
    match previous_key {
        Some(previous) => vec![
            have,
            format!("It also opens what is sealed under {previous}. If that is the one that shall go:"),
            format!("     {}", run(previous)),
            "If it is the next one, go on with step 3:".to_owned(),
            swap(env),
            format!("  4. {}", run(key)),
        ],
        None => vec![
            format!("{have} To put another in its place:"),
            "  1. Make the next one and keep it safe; have the old one at hand.".to_owned(),
            "     NEW=\"$(openssl rand -base64 32)\"; read -rs OLD".to_owned(),
            "  2. Make it known everywhere before anything is sealed under it.".to_owned(),
            each(env, "printf %s \"$NEW\"", "put MASTER_SECRET_PREVIOUS"),
            swap(env),
            format!("  4. {}", run(key)),
        ],
    }
}

fn swap(env: &str) -> String {
    let both = r#"printf '{"MASTER_SECRET":"%s","MASTER_SECRET_PREVIOUS":"%s"}' "$NEW" "$OLD""#;
    format!(
        "  3. After half a minute, when every place has it, swap the two in each script.\n{}",
        each(env, both, "bulk")
    )
}

/// What `secret` is to do in each script that has the secret, with a value.
fn each(env: &str, value: &str, secret: &str) -> String {
    let line = |script: Script| {
        let pipe = if value.is_empty() { String::new() } else { format!("{value} | ") };
        format!("     {pipe}npx wrangler secret {secret} --config {} --env {env}", script.wrangler_toml())
    };
    Script::ALL.into_iter().filter(|script| script.has_master_secret()).map(line).collect::<Vec<_>>().join("\n")
}

fn after(from: &str, env: &str) -> Vec<String> {
    vec![
        format!("Nothing that is stored needs {from} any more. To end it, at the earliest in ten minutes:"),
        each(env, "", "delete MASTER_SECRET_PREVIOUS"),
        "Sessions go on. Only a POST with an Idempotency-Key that was first sent before the swap shows its secret"
            .to_owned(),
        "again no longer than that, so leave it for a week where scripts repeat those. Keep the old secret with your"
            .to_owned(),
        "backups: a database that is brought back as it was before needs it.".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(key: &str, previous: Option<&str>) -> Standing {
        let previous_key = previous.map(str::to_owned);
        Standing { key: key.to_owned(), previous_key, left: 0, unreadable: Vec::new() }
    }

    #[test]
    fn nothing_is_sealed_anew_in_the_wrong_direction() {
        for (key, previous, part) in [
            ("new", Some("old"), None),
            ("new", None, None),
            ("old", None, Some("still seals under old")),
            ("old", Some("new"), Some("still seals under old")),
            ("new", Some("other"), Some("MASTER_SECRET_PREVIOUS is other and not old")),
        ] {
            let checked = check(&standing(key, previous), "old").map_err(|error| error.to_string());
            match part {
                None => assert_eq!(checked, Ok(())),
                Some(part) => assert!(checked.clone().unwrap_err().contains(part), "{checked:?}"),
            }
        }
    }

    #[test]
    fn each_step_can_be_pasted() {
        let lines = before(&standing("1111", None), "https://alfred.example", "staging").join("\n");
        for part in [
            r#"printf %s "$NEW" | npx wrangler secret put MASTER_SECRET_PREVIOUS --config workers/edge/wrangler.toml --env staging"#,
            r#"printf '{"MASTER_SECRET":"%s","MASTER_SECRET_PREVIOUS":"%s"}' "$NEW" "$OLD" | npx wrangler secret bulk --config workers/management/wrangler.toml --env staging"#,
            "cargo xtask rotate-master-key --base-url https://alfred.example --env staging --from 1111",
        ] {
            assert!(lines.contains(part), "{part} is not in\n{lines}");
        }
        let swapped = before(&standing("2222", Some("1111")), "https://alfred.example", "staging").join("\n");
        assert!(swapped.contains("--from 1111"), "{swapped}");
        let ended =
            "npx wrangler secret delete MASTER_SECRET_PREVIOUS --config workers/edge/wrangler.toml --env staging";
        assert!(after("1111", "staging").join("\n").contains(ended));
    }
}
