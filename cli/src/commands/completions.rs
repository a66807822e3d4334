//! `alfred completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::failure::Failure;

/// Print what makes a shell complete commands and options.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred completions bash > ~/.local/share/bash-completion/completions/alfred
  alfred completions fish > ~/.config/fish/completions/alfred.fish
  alfred completions zsh > ~/.zfunc/_alfred")]
pub(crate) struct Arguments {
    /// Which shell
    shell: Shell,
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments) -> Result<String, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::arguments::Arguments::command(), "alfred", &mut script);
    String::from_utf8(script).map_err(|error| Failure::Here(error.to_string()))
}
