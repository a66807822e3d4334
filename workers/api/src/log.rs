//! The runtime's log; a native test has the error output instead.

use std::fmt::Display;

/// Something that somebody should look at.
pub(crate) fn error(what: impl Display) {
    #[cfg(target_arch = "wasm32")]
    worker::console_error!("api: {what}");
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("api: {what}");
}
