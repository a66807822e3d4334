//! Where things are in the clone.

use std::path::{Path, PathBuf};

/// The root of the clone.
///
/// `cargo run` names the package's folder at run time; what was compiled in is
/// the answer for whoever starts the binary directly. They differ when clones
/// share a target folder.
pub(crate) fn root() -> PathBuf {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.parent().map_or(package.clone(), Path::to_path_buf)
}

/// A path in the clone.
pub(crate) fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// A path as people want to read it: relative to the root if it is in there.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
