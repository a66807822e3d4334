//! The name under which an object is reached.
//!
//! The runtime tells it to an object that a request has woken, but not to one
//! that its own alarm has woken, and then not to the requests that follow
//! either. So an object keeps its name in its database, from its beginning.

use storage::{Storage, StorageError};
use worker::State;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS own_name (name TEXT NOT NULL) STRICT";
const KEEP: &str = "INSERT INTO own_name (name) SELECT ? WHERE NOT EXISTS (SELECT * FROM own_name)";

/// Keeps the name of an object that comes into being.
///
/// # Errors
/// When the database fails.
pub(crate) fn keep(store: &impl Storage, name: &str) -> Result<(), StorageError> {
    store.execute(TABLE, &[])?;
    store.execute(KEEP, &[name.into()]).map(drop)
}

/// The name, from the runtime or else from the database. An object that never
/// came into being has no table, and no alarm that could ask.
pub(crate) fn of(state: &State, store: &impl Storage) -> Option<String> {
    state.id().name().or_else(|| {
        let rows = store.query("SELECT name FROM own_name", &[]).ok()?;
        rows.first()?.text(0).ok().map(str::to_owned)
    })
}
