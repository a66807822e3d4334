//! The tools that chores run, each installed on first use.

pub(crate) mod crates;
pub(crate) mod node;
pub(crate) mod python;
pub(crate) mod rust;
