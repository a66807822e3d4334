//! The trait over a Durable Object's SQLite.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::{SqlStorage, SqlStorageValue, State};

use crate::{MAX_SAFE_INTEGER, Row, Storage, StorageError, Value};

/// The SQLite of the object that runs this code.
pub struct DurableStorage {
    sql: SqlStorage,
    raw: RawStorage,
    rows_written: Rc<Cell<u64>>,
}

impl DurableStorage {
    /// The storage of the object with this state.
    #[must_use]
    pub fn new(state: &State) -> Self {
        let storage = state.storage();
        let raw = storage.as_raw().unchecked_ref::<RawStorage>().clone();
        Self { sql: storage.sql(), raw, rows_written: Rc::default() }
    }
}

mod binding {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        /// `DurableObjectStorage`, of which the worker crate leaves out
        /// `transactionSync`.
        #[derive(Clone)]
        pub(super) type RawStorage;

        #[wasm_bindgen(method, catch, js_name = transactionSync)]
        pub(super) fn transaction_sync(
            this: &RawStorage,
            body: &mut dyn FnMut() -> Result<JsValue, JsValue>,
        ) -> Result<JsValue, JsValue>;
    }
}
use binding::RawStorage;

impl Storage for DurableStorage {
    fn query(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, StorageError> {
        let parameters = parameters.iter().map(bind).collect::<Result<Vec<_>, _>>()?;
        let cursor = self.sql.exec(sql, parameters).map_err(refused)?;
        let rows = cursor
            .raw()
            .map(|row| row.map_err(refused)?.into_iter().map(read).collect::<Result<_, _>>().map(Row))
            .collect();
        // Known only once the cursor has been drained.
        let written = u64::try_from(cursor.rows_written()).unwrap_or(0);
        self.rows_written.set(self.rows_written.get().saturating_add(written));
        rows
    }

    fn transaction<T, E: From<StorageError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut body = Some(body);
        let result: RefCell<Option<Result<T, E>>> = RefCell::new(None);
        let committed = self.raw.transaction_sync(&mut || {
            let Some(body) = body.take() else {
                return Err(JsValue::from_str("a transaction's body runs once"));
            };
            let outcome = body();
            // Only a thrown error takes the writes back.
            let failed = outcome.is_err();
            result.replace(Some(outcome));
            if failed { Err(JsValue::from_str("rolled back")) } else { Ok(JsValue::UNDEFINED) }
        });
        match (result.into_inner(), committed) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(_)) => Ok(value),
            (_, Err(error)) => Err(StorageError::Sql(format!("the transaction failed: {error:?}")).into()),
            (None, Ok(_)) => Err(StorageError::Sql("the transaction did not run".to_owned()).into()),
        }
    }

    fn rows_written(&self) -> u64 {
        self.rows_written.get()
    }
}

fn bind(value: &Value) -> Result<SqlStorageValue, StorageError> {
    Ok(match value {
        Value::Null => SqlStorageValue::Null,
        Value::Int(value) if value.unsigned_abs() > MAX_SAFE_INTEGER.unsigned_abs() => {
            return Err(StorageError::Precision(value.to_string()));
        }
        Value::Int(value) => SqlStorageValue::Integer(*value),
        Value::Text(text) => SqlStorageValue::String(text.clone()),
    })
}

fn read(value: SqlStorageValue) -> Result<Value, StorageError> {
    match value {
        SqlStorageValue::Null => Ok(Value::Null),
        SqlStorageValue::Integer(value) => Ok(Value::Int(value)),
        SqlStorageValue::String(text) => Ok(Value::Text(text)),
        SqlStorageValue::Float(value) => Err(StorageError::Precision(value.to_string())),
        SqlStorageValue::Boolean(_) | SqlStorageValue::Blob(_) => {
            Err(StorageError::Sql("booleans and blobs are not used".to_owned()))
        }
    }
}

fn refused(error: worker::Error) -> StorageError {
    StorageError::Sql(error.to_string())
}
