//! Queries on D1's projection, with bound parameters only.
//!
//! Each query answers one column, `row`, with one JSON text: numbers stay
//! exact (SQLite writes integers of 64 bits in full, JavaScript's numbers
//! would not), and one small type reads all of them. Parameters are bound as
//! texts for the same reason.

use serde::Deserialize;

/// One row of any query here.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) row: String,
}

/// A query that is being put together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sql {
    text: String,
    values: Vec<String>,
}

impl Sql {
    /// Begins with `text`, which comes from this crate and never from outside.
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// A whole statement with its parameters, which comes from a crate of ours.
    pub(crate) fn given(text: &str, values: &[&str]) -> Self {
        Self { text: text.to_owned(), values: values.iter().map(|value| (*value).to_owned()).collect() }
    }

    /// More of the query's own text.
    pub(crate) fn push(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// A parameter that is a text.
    pub(crate) fn text(mut self, value: impl ToString) -> Self {
        self.text.push('?');
        self.values.push(value.to_string());
        self
    }

    /// A parameter that is a whole number.
    pub(crate) fn int(mut self, value: i64) -> Self {
        self.text.push_str("CAST(? AS INTEGER)");
        self.values.push(value.to_string());
        self
    }

    /// `AND column = ?`, if there is a value.
    pub(crate) fn and_equal(self, column: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.push(" AND ").push(column).push(" = ").text(value),
            None => self,
        }
    }

    /// `AND column is one of these`, where there is a choice at all.
    pub(crate) fn and_within<T: ToString>(self, column: &str, values: Option<&[T]>) -> Self {
        let Some(values) = values else { return self };
        let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
        let list = serde_json::to_string(&texts).unwrap_or_default();
        self.push(" AND ").push(column).push(" IN (SELECT value FROM json_each(").text(list).push("))")
    }

    /// The statement and its parameters.
    pub(crate) fn into_parts(self) -> (String, Vec<String>) {
        (self.text, self.values)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! The projection in a native SQLite, with the migrations that D1 has.

    use super::Sql;

    /// An empty projection.
    pub(crate) fn database() -> rusqlite::Connection {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../../d1-migrations/0001_projection.sql")).unwrap();
        connection.execute_batch(include_str!("../../../d1-migrations/0002_audit.sql")).unwrap();
        connection.execute_batch(include_str!("../../../d1-migrations/0003_shadow.sql")).unwrap();
        connection.execute_batch(include_str!("../../../d1-migrations/0004_notifications.sql")).unwrap();
        connection.execute_batch(include_str!("../../../d1-migrations/0005_email_domains.sql")).unwrap();
        connection
    }

    /// The rows that a query answers.
    pub(crate) fn rows<T: serde::de::DeserializeOwned>(connection: &rusqlite::Connection, sql: Sql) -> Vec<T> {
        let (text, values) = sql.into_parts();
        let mut statement = connection.prepare(&text).unwrap();
        let rows = statement.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>("row")).unwrap();
        rows.map(|row| serde_json::from_str(&row.unwrap()).unwrap()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_never_become_text() {
        let sql = Sql::new("SELECT 1 WHERE a = ").text("'; DROP TABLE x").push(" AND b > ").int(i64::MAX);
        let sql = sql.and_equal("c", None::<&str>).and_equal("d", Some("e"));
        let (text, values) = sql.into_parts();
        assert_eq!(text, "SELECT 1 WHERE a = ? AND b > CAST(? AS INTEGER) AND d = ?");
        assert_eq!(values, ["'; DROP TABLE x", "9223372036854775807", "e"]);
    }

    #[test]
    fn numbers_stay_exact() {
        let exact: Vec<i64> = testing::rows(
            &testing::database(),
            Sql::new("SELECT json_object('n', ").int(i64::MAX).push(") ->> 'n' || '' AS row"),
        );
        assert_eq!(exact, [i64::MAX]);
    }
}
