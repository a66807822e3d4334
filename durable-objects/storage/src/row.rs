//! One row of an answer, read by place.

use crate::{StorageError, Value};

/// One row of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    fn value(&self, column: usize) -> &Value {
        self.0.get(column).unwrap_or(&Value::Null)
    }

    /// An integer below 2^53.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn int(&self, column: usize) -> Result<i64, StorageError> {
        match self.value(column) {
            Value::Int(value) => Ok(*value),
            _ => Err(StorageError::Column { column, expected: "an integer" }),
        }
    }

    /// A count or sequence.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn count(&self, column: usize) -> Result<u64, StorageError> {
        u64::try_from(self.int(column)?).map_err(|_| StorageError::Column { column, expected: "a count" })
    }

    /// Any 64-bit integer, which the statement has cast to text.
    ///
    /// # Errors
    /// When the column is not the text of one.
    pub fn exact(&self, column: usize) -> Result<i64, StorageError> {
        self.text(column)?
            .parse()
            .map_err(|_| StorageError::Column { column, expected: "a 64-bit integer cast to text" })
    }

    /// A text.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn text(&self, column: usize) -> Result<&str, StorageError> {
        self.optional_text(column)?.ok_or(StorageError::Column { column, expected: "a text" })
    }

    /// A text or NULL.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn optional_text(&self, column: usize) -> Result<Option<&str>, StorageError> {
        match self.value(column) {
            Value::Text(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            Value::Int(_) => Err(StorageError::Column { column, expected: "a text" }),
        }
    }

    /// A text that reads as `T`.
    ///
    /// # Errors
    /// When it does not.
    pub fn parse<T>(&self, column: usize, what: &'static str) -> Result<T, StorageError>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        self.text(column)?.parse().map_err(|error: T::Err| StorageError::Corrupt { what, error: error.to_string() })
    }
}
