//! A small SQL trait: a Durable Object's SQLite in production, rusqlite in
//! native tests, the same statements in both.
//!
//! In scope: running statements, transactions, and carrying 64-bit integers
//! safely over a boundary that only knows doubles.
//!
//! Out of scope: what is stored. Migrations are the caller's
//! `CREATE TABLE IF NOT EXISTS`.
//!
//! **Integers.** A Durable Object hands numbers over as doubles, exact only
//! below 2^53. Sequences, times and counts stay below that and use
//! [`Value::Int`]; amounts of credits need all 64 bits and travel as text:
//! written as `CAST(? AS INTEGER)` with [`Value::exact`], read as
//! `CAST(column AS TEXT)` with [`Row::exact`]. The native storage is as strict
//! as the platform, so that a forgotten cast fails in a native test.

mod row;
mod value;

#[cfg(target_arch = "wasm32")]
mod durable;
#[cfg(not(target_arch = "wasm32"))]
mod native;

#[cfg(target_arch = "wasm32")]
pub use durable::DurableStorage;
#[cfg(not(target_arch = "wasm32"))]
pub use native::NativeStorage;
pub use row::Row;
pub use value::{MAX_SAFE_INTEGER, Value};

/// Why a statement failed. Always our fault or the platform's, never the
/// caller's: it becomes a logged 500.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// SQLite refused the statement.
    #[error("the database refused a statement: {0}")]
    Sql(String),
    /// An integer would lose digits on its way.
    #[error("the integer {0} does not survive the way through a double")]
    Precision(String),
    /// A column holds something else than the code expects.
    #[error("column {column} of a row is not {expected}")]
    Column {
        /// Its place in the row, from 0.
        column: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// What was stored cannot be read back.
    #[error("a stored {what} cannot be read: {error}")]
    Corrupt {
        /// What kind of record.
        what: &'static str,
        /// Why not.
        error: String,
    },
}

/// A database of one actor.
pub trait Storage {
    /// Runs one statement and gives all its rows.
    ///
    /// # Errors
    /// [`StorageError`] when the database refuses it.
    fn query(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, StorageError>;

    /// Runs one statement that gives no rows.
    ///
    /// # Errors
    /// [`StorageError`] when the database refuses it.
    fn execute(&self, sql: &str, parameters: &[Value]) -> Result<(), StorageError> {
        self.query(sql, parameters).map(drop)
    }

    /// Runs `body` in one transaction: all of its writes or, when it answers
    /// with an error, none. Transactions do not nest.
    ///
    /// # Errors
    /// Whatever `body` answers, or [`StorageError`].
    fn transaction<T, E: From<StorageError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E>;

    /// Rows written so far, counted as the platform bills them (each index
    /// counts), where the platform tells; otherwise 0.
    fn rows_written(&self) -> u64;
}
