//! Why a command did not do what was asked.

use std::process::ExitCode;

/// What goes wrong, in words for people; how scripts hear of it is the exit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Alfred refused it: its problem document. Asking again does not help,
    /// beyond what [`crate::api`] has tried already.
    #[error("{title}: {detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What kind of problem.
        title: String,
        /// What exactly, and what to do.
        detail: String,
    },
    /// Nobody answers there.
    #[error("Alfred does not answer on {url}: {reason}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the network says.
        reason: String,
    },
    /// Somebody answers, and it is not Alfred or not one that this client knows.
    #[error("{url} answered something that is not Alfred's: {reason}")]
    Unreadable {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The command line asks for what there is not.
    #[error("{0}")]
    Usage(String),
    /// Files, the environment, the terminal.
    #[error("{0}")]
    Here(String),
}

impl Failure {
    /// Whether it may be over by itself.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Refused { status: 429 | 503, .. })
    }

    /// As clap has it: 2 where the command line is wrong, 1 otherwise.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            _ => ExitCode::from(1),
        }
    }
}
