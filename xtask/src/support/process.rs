//! Running other programs, with errors that say what to install.

use std::io::ErrorKind;
use std::process::{Child, Command, Output};

use anyhow::{Context, Error, Result, anyhow, bail};

/// Runs a command with this process's own input and output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| cannot_start(command, error))?;
    if status.success() {
        return Ok(());
    }
    bail!("`{}` failed ({status})", shown(command))
}

/// Runs a command silently; its output is shown if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    succeeded(command).map(drop)
}

/// Runs a command silently and returns what it printed on standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = succeeded(command)?;
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed something that is not text", shown(command)))
}

/// Starts a command without waiting for it.
pub(crate) fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|error| cannot_start(command, error))
}

fn succeeded(command: &mut Command) -> Result<Output> {
    let output = command.output().map_err(|error| cannot_start(command, error))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    bail!("`{}` failed ({}):\n{}", shown(command), output.status, said.trim_end())
}

fn cannot_start(command: &Command, error: std::io::Error) -> Error {
    let program = command.get_program().to_string_lossy().into_owned();
    if error.kind() != ErrorKind::NotFound {
        return Error::new(error).context(format!("cannot start `{program}`"));
    }
    let hint = match program.as_str() {
        "node" | "npm" => "install Node.js 20.10 or newer, with npm (https://nodejs.org)",
        "cargo" | "rustc" | "rustup" => "install Rust with rustup (https://rustup.rs)",
        "python3" => "install Python 3.9 or newer, with its venv module",
        _ => "install it, or check PATH",
    };
    anyhow!("`{program}` was not found: {hint}")
}

/// A command as one could type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_one_types_them() {
        let mut command = Command::new("node");
        command.args(["--eval", "it's", "a=b", ""]);
        assert_eq!(shown(&command), r"node --eval 'it'\''s' a=b ''");
    }

    #[test]
    fn a_missing_program_says_what_to_install() {
        let error = cannot_start(&Command::new("npm"), ErrorKind::NotFound.into());
        assert!(error.to_string().contains("install Node.js"), "{error}");
    }

    #[test]
    fn a_failure_shows_what_was_said() {
        let error = run_quietly(Command::new("rustc").arg("--no-such-flag")).unwrap_err().to_string();
        assert!(error.contains("rustc --no-such-flag") && error.contains("no-such-flag'"), "{error}");
    }
}
