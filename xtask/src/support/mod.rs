//! What the chores share.

pub(crate) mod cache;
pub(crate) mod cargo_lock;
pub(crate) mod console;
pub(crate) mod process;
pub(crate) mod scripts;
pub(crate) mod tools;
pub(crate) mod workspace;
