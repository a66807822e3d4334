//! Profiles: where Alfred is and a key for it, in the user's own folder.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// All profiles: the content of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profiles {
    /// By name.
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Profile>,
}

/// A place to work in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// Where Alfred listens.
    pub(crate) url: String,
    /// Whose key it is decides what may be done.
    pub(crate) key: String,
    /// For an operator's key: which organization is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization: Option<String>,
}

/// Where the profiles are.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = if cfg!(windows) { folder("APPDATA") } else { folder("XDG_CONFIG_HOME") };
    let parent = own.or_else(|| Some(folder("HOME")?.join(".config")));
    let parent = parent.ok_or_else(|| Failure::Here("there is no home folder: set HOME or XDG_CONFIG_HOME".into()))?;
    Ok(parent.join("alfred").join("profiles.toml"))
}

/// Reads them; none where there is no file.
pub(crate) fn read(path: &Path) -> Result<Profiles, Failure> {
    let here = |reason: &dyn std::fmt::Display| Failure::Here(format!("cannot read {}: {reason}", path.display()));
    match fs::read_to_string(path) {
        // What is wrong with it is not said: the message could show a key.
        Ok(text) => toml::from_str(&text).map_err(|_| here(&"log in again, after removing what is wrong in it")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Profiles::default()),
        Err(error) => Err(here(&error)),
    }
}

/// Writes them, readable by nobody else, in one step.
pub(crate) fn write(path: &Path, profiles: &Profiles) -> Result<(), Failure> {
    let here = |error: std::io::Error| Failure::Here(format!("cannot write {}: {error}", path.display()));
    let text = toml::to_string(profiles).map_err(|error| Failure::Here(error.to_string()))?;
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let folder = path.parent().unwrap_or(Path::new("."));
    create_private(folder).map_err(here)?;
    let written = write_private(&new, &text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written.map_err(here)
}

fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_for_nobody_else_and_read_again() {
        let folder = env::temp_dir().join(format!("alfred-cli-config-{}", std::process::id()));
        let path = folder.join("alfred/profiles.toml");
        assert_eq!(read(&path).unwrap(), Profiles::default());
        let profile = Profile { url: "http://127.0.0.1:8787".into(), key: "sk-alf-admin-x".into(), organization: None };
        let profiles = Profiles { profiles: BTreeMap::from([("default".to_owned(), profile)]) };
        for _ in 0..2 {
            write(&path, &profiles).unwrap();
        }
        assert_eq!(read(&path).unwrap(), profiles);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        for text in ["[profiles.x]\nkey = [\"sk-alf-secret\"]\nurl = ''", "profiles = 'sk-alf-secret'"] {
            fs::write(&path, text).unwrap();
            assert!(!read(&path).unwrap_err().to_string().contains("sk-alf-secret"));
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
