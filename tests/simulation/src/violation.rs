//! What the auditor has to complain about.

use std::fmt;

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which check noticed.
    pub check: &'static str,
    /// What it saw.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.detail)
    }
}

/// What a check answers.
pub(crate) type Checked<T = ()> = Result<T, Violation>;

/// Complains unless `holds`.
pub(crate) fn ensure(holds: bool, check: &'static str, detail: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation { check, detail: detail() }) }
}

/// Complains.
pub(crate) fn violated<T>(check: &'static str, detail: impl Into<String>) -> Checked<T> {
    Err(Violation { check, detail: detail.into() })
}
