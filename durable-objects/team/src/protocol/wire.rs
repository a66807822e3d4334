//! Commands and answers as text. It is here and not where they are sent so
//! that their code is made once, with this crate's own optimization.

use serde_json::Result;

use super::{Answer, Command};

impl Command {
    /// As it is sent.
    ///
    /// # Errors
    /// None that a command can have.
    pub fn write(&self) -> Result<String> {
        serde_json::to_string(self)
    }

    /// As it was sent.
    ///
    /// # Errors
    /// When it is none, or one of a newer version.
    pub fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text)
    }
}

impl Answer {
    /// As it is sent.
    ///
    /// # Errors
    /// None that an answer can have.
    pub fn write(&self) -> Result<String> {
        serde_json::to_string(self)
    }

    /// As it was sent.
    ///
    /// # Errors
    /// When it is none, or one of a newer version.
    pub fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text)
    }
}
