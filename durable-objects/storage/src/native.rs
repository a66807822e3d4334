//! The trait over rusqlite, as strict as the platform.

use std::cell::Cell;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};

use crate::{MAX_SAFE_INTEGER, Row, Storage, StorageError, Value};

/// A SQLite database in memory or in a file, which carries integers no better
/// than a Durable Object does.
pub struct NativeStorage {
    connection: Connection,
    in_transaction: Cell<bool>,
}

impl NativeStorage {
    /// A new database in memory.
    ///
    /// # Errors
    /// When SQLite cannot make one.
    pub fn in_memory() -> Result<Self, StorageError> {
        Connection::open_in_memory().map(Self::new).map_err(refused)
    }

    /// A database in a file, made if it is not there.
    ///
    /// # Errors
    /// When SQLite cannot open it.
    pub fn file(path: &Path) -> Result<Self, StorageError> {
        Connection::open(path).map(Self::new).map_err(refused)
    }

    fn new(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(64);
        Self { connection, in_transaction: Cell::new(false) }
    }

    /// Runs several statements at once: migrations.
    ///
    /// # Errors
    /// When SQLite refuses one.
    pub fn batch(&self, sql: &str) -> Result<(), StorageError> {
        self.connection.execute_batch(sql).map_err(refused)
    }
}

impl Storage for NativeStorage {
    fn query(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, StorageError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(refused)?;
        for value in parameters {
            if let Value::Int(value) = value
                && value.unsigned_abs() > MAX_SAFE_INTEGER.unsigned_abs()
            {
                return Err(StorageError::Precision(value.to_string()));
            }
        }
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(parameters)).map_err(refused)?;
        let mut answer = Vec::new();
        while let Some(row) = rows.next().map_err(refused)? {
            let values = (0..columns).map(|column| read(row.get_ref(column).map_err(refused)?));
            answer.push(Row(values.collect::<Result<_, _>>()?));
        }
        Ok(answer)
    }

    fn transaction<T, E: From<StorageError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if self.in_transaction.replace(true) {
            return Err(StorageError::Sql("transactions do not nest".to_owned()).into());
        }
        let result = (|| {
            self.batch("BEGIN IMMEDIATE")?;
            match body() {
                Ok(value) => {
                    self.batch("COMMIT")?;
                    Ok(value)
                }
                Err(error) => {
                    self.batch("ROLLBACK")?;
                    Err(error)
                }
            }
        })();
        self.in_transaction.set(false);
        result
    }

    fn rows_written(&self) -> u64 {
        0
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            // As the platform does: a JavaScript number is bound as a double.
            #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "checked to be below 2^53")]
            Self::Int(value) => ToSqlOutput::Borrowed(ValueRef::Real(*value as f64)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

fn read(value: ValueRef<'_>) -> Result<Value, StorageError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) if value.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs() => Ok(Value::Int(value)),
        ValueRef::Integer(value) => Err(StorageError::Precision(value.to_string())),
        ValueRef::Real(value) => {
            // The platform does not tell 1.0 from 1 either.
            let text = format!("{value:.0}");
            match text.parse::<i64>() {
                Ok(integer) if value.fract() == 0.0 && integer.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs() => {
                    Ok(Value::Int(integer))
                }
                _ => Err(StorageError::Precision(value.to_string())),
            }
        }
        ValueRef::Text(bytes) => Ok(Value::Text(String::from_utf8_lossy(bytes).into_owned())),
        ValueRef::Blob(_) => Err(StorageError::Sql("blobs are not used".to_owned())),
    }
}

fn refused(error: rusqlite::Error) -> StorageError {
    StorageError::Sql(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage() -> NativeStorage {
        let storage = NativeStorage::in_memory().unwrap();
        storage.batch("CREATE TABLE t (n INTEGER NOT NULL, name TEXT) STRICT").unwrap();
        storage
    }

    #[test]
    fn sixty_four_bits_survive_through_casts_only() {
        let storage = storage();
        for value in [0, 1, -1, MAX_SAFE_INTEGER + 2, i64::MAX, i64::MIN] {
            storage.execute("DELETE FROM t", &[]).unwrap();
            storage.execute("INSERT INTO t (n) VALUES (CAST(? AS INTEGER))", &[Value::exact(value)]).unwrap();
            let rows = storage.query("SELECT CAST(n AS TEXT) FROM t", &[]).unwrap();
            assert_eq!(rows[0].exact(0), Ok(value));
        }
        // The last one is too large to be read without its cast.
        assert!(matches!(storage.query("SELECT n FROM t", &[]), Err(StorageError::Precision(_))));
        assert!(matches!(
            storage.execute("INSERT INTO t (n) VALUES (?)", &[Value::Int(i64::MAX)]),
            Err(StorageError::Precision(_))
        ));
    }

    #[test]
    fn an_error_takes_all_writes_back() {
        let storage = storage();
        let result: Result<(), StorageError> = storage.transaction(|| {
            storage.execute("INSERT INTO t (n) VALUES (1)", &[])?;
            Err(StorageError::Sql("no".into()))
        });
        assert!(result.is_err());
        assert!(storage.query("SELECT n FROM t", &[]).unwrap().is_empty());
        let nested: Result<(), StorageError> = storage.transaction(|| storage.transaction(|| Ok(())));
        assert!(nested.is_err());
        storage.transaction(|| storage.execute("INSERT INTO t (n) VALUES (1)", &[])).unwrap();
        assert_eq!(storage.query("SELECT n FROM t", &[]).unwrap().len(), 1);
    }
}
