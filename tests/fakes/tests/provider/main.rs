//! The fake provider, mode by mode.

mod answers;
mod faults;
mod support;
