//! An actor's database, which outlives the actor's memory and can be told to
//! fail.

use std::cell::Cell;
use std::rc::Rc;

use storage::{NativeStorage, Row, Storage, StorageError, Value};

/// How the next command's storage fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The statement after so many others fails.
    Statement(u64),
    /// A transaction's statements work, its commit does not.
    Commit,
    /// All is written, and then an error is reported.
    AfterCommit,
}

/// A handle on the database; copies share it.
#[derive(Clone)]
pub(crate) struct Disk(Rc<Inner>);

struct Inner {
    native: NativeStorage,
    armed: Cell<Option<Fault>>,
    fired: Cell<Option<Fault>>,
    in_transaction: Cell<bool>,
}

impl Disk {
    pub(crate) fn new() -> Result<Self, StorageError> {
        Ok(Self(Rc::new(Inner {
            native: NativeStorage::in_memory()?,
            armed: Cell::new(None),
            fired: Cell::new(None),
            in_transaction: Cell::new(false),
        })))
    }

    /// The database itself, which never fails: for the auditor.
    pub(crate) fn native(&self) -> &NativeStorage {
        &self.0.native
    }

    /// Rows that statements have changed so far, taken back ones included: if
    /// it is the same after a command, the command has written nothing.
    pub(crate) fn changes(&self) -> i64 {
        let rows = self.0.native.query("SELECT total_changes()", &[]);
        rows.ok().and_then(|rows| rows.first().and_then(|row| row.int(0).ok())).unwrap_or(-1)
    }

    pub(crate) fn arm(&self, fault: Option<Fault>) {
        self.0.armed.set(fault);
        self.0.fired.set(None);
    }

    /// Ends the danger; says which fault came true.
    pub(crate) fn disarm(&self) -> Option<Fault> {
        self.0.armed.set(None);
        self.0.fired.take()
    }

    fn fire(&self, fault: Fault) -> StorageError {
        self.0.armed.set(None);
        self.0.fired.set(Some(fault));
        StorageError::Sql(format!("told to fail: {fault:?}"))
    }
}

impl Storage for Disk {
    fn query(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, StorageError> {
        match self.0.armed.get() {
            Some(Fault::Statement(0)) => return Err(self.fire(Fault::Statement(0))),
            Some(Fault::Statement(left)) => self.0.armed.set(Some(Fault::Statement(left - 1))),
            // A statement outside of a transaction is one of its own.
            Some(fault) if !self.0.in_transaction.get() && !sql.starts_with("SELECT") => {
                if fault == Fault::AfterCommit {
                    self.0.native.query(sql, parameters)?;
                }
                return Err(self.fire(fault));
            }
            _ => {}
        }
        self.0.native.query(sql, parameters)
    }

    fn transaction<T, E: From<StorageError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let armed = self.0.armed.get();
        self.0.in_transaction.set(true);
        let result = self.0.native.transaction(|| {
            let value = body()?;
            if armed == Some(Fault::Commit) {
                return Err(self.fire(Fault::Commit).into());
            }
            Ok(value)
        });
        self.0.in_transaction.set(false);
        if armed == Some(Fault::AfterCommit) && result.is_ok() {
            return Err(self.fire(Fault::AfterCommit).into());
        }
        result
    }

    fn rows_written(&self) -> u64 {
        0
    }
}
