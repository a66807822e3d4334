//! What policies that only watch would have made of an act.

use serde::{Deserialize, Serialize};

/// What a decision comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may be done.
    Allowed,
    /// It may be done once somebody has approved it.
    ApprovalRequired,
    /// It may not be done.
    Forbidden,
}

impl Verdict {
    /// The text that records keep.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ApprovalRequired => "approval_required",
            Self::Forbidden => "forbidden",
        }
    }
}

/// What would have been decided if the policies in shadow mode decided too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// What it would have come to.
    pub decision: Verdict,
    /// Whether that is something else than what was decided.
    pub differs: bool,
    /// By which policies, those in shadow mode among them.
    pub policies: Vec<String>,
}
