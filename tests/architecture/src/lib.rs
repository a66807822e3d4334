//! House rules as tests, so that they hold without anybody watching.
//!
//! In scope: which crate may know which, what a pure crate may not contain,
//! what each crate's documentation says, and what the deployable must export.
//!
//! Out of scope: what clippy can say.
