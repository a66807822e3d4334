//! The management API from the command line: the binary `alfred`.
//!
//! In scope: asking the API and showing what it answers, for people as tables
//! and for scripts as the API's own JSON; profiles with keys; names in place of
//! ids; sending again what may be sent again; an organization's configuration
//! as a file, which is compared with what is there and applied.
//!
//! Out of scope: deciding anything about credits or permissions, which is
//! Alfred's to do; calling models, for which there are OpenAI's clients; what
//! only an operator does (organizations, issuing credits, dead letters) and
//! admin keys; credits and keys in the configuration file: a balance is not
//! configuration, and a secret that is made must be shown to somebody.
//!
//! [`apply`] is pure inside: `apply::plan` compares a file with what is there
//! and says what is to be sent. What this crate knows of the API, its
//! operations, the fields that it shows and those that it sends, is held
//! against `workers/api/openapi.json` by tests (`document`).
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]

mod api;
mod apply;
mod arguments;
mod commands;
mod config;
mod directory;
#[cfg(test)]
mod document;
mod failure;
mod output;
mod session;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;

/// What a command came to: all of what goes to standard output, and the exit code.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) text: String,
    pub(crate) code: u8,
}

impl From<String> for Done {
    fn from(text: String) -> Self {
        Self { text, code: 0 }
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    match Arguments::parse().run() {
        Ok(done) => {
            print(&done.text);
            ExitCode::from(done.code)
        }
        Err(failure) => {
            let _ = writeln!(
                std::io::stderr(),
                "{}",
                failure.to_string().lines().map(output::plain).collect::<Vec<_>>().join("\n")
            );
            failure.exit_code()
        }
    }
}

/// Writes to standard output. Whoever reads it may have seen enough and left.
/// Answers whether anybody still does.
pub(crate) fn print(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}
