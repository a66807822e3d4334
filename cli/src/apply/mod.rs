//! An organization's configuration as a file, compared with what is there.
//!
//! `file` is what was written, `state` what is there; `plan` compares them
//! without asking anybody; `run` sends what the plan says; `export` writes what
//! is there as a file.

pub(crate) mod export;
pub(crate) mod file;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod state;
mod term;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod words;
