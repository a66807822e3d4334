//! How a resource is shown: which of its fields, under which headers.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{at, plain, table};

/// What a field is, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A name, an id, a word.
    Text,
    /// A decimal number in a string: written as it is, never as a float.
    Amount,
    /// A whole number, or an amount.
    Number,
    /// A time.
    Time,
    /// Several texts; all where there is no list.
    List,
}

/// A field of a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its header.
    pub(crate) header: &'static str,
    /// Where it is: a JSON pointer.
    pub(crate) at: &'static str,
    /// How it is written.
    pub(crate) form: Form,
}

/// A resource's fields, in the order in which they are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Its schema in the OpenAPI document.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds the columns against it"))]
    pub(crate) schema: &'static str,
    /// Its fields.
    pub(crate) columns: &'static [Column],
}

impl Column {
    fn cell(&self, item: &Value, zone: &TimeZone) -> String {
        let value = item.pointer(self.at).unwrap_or(&Value::Null);
        match (self.form, value) {
            (Form::List, Value::Null) => "all".to_owned(),
            (Form::List, Value::Array(list)) if list.is_empty() => "none".to_owned(),
            (Form::List, Value::Array(list)) => {
                let texts = list.iter().map(|text| text.as_str().map_or_else(|| text.to_string(), plain));
                texts.collect::<Vec<_>>().join(", ")
            }
            (_, Value::Null) => "-".to_owned(),
            (Form::Time, Value::String(text)) => plain(&at(text, zone)),
            (_, Value::String(text)) => plain(text),
            (_, other) => plain(&other.to_string()),
        }
    }

    fn is_right(&self) -> bool {
        matches!(self.form, Form::Amount | Form::Number)
    }
}

impl View {
    /// Some as a table; only those columns that `wanted` wants.
    pub(crate) fn rows_of(&self, items: &[Value], zone: &TimeZone, wanted: impl Fn(&Column) -> bool) -> String {
        let columns: Vec<&Column> = self.columns.iter().filter(|column| wanted(column)).collect();
        let headers: Vec<_> = columns.iter().map(|column| (column.header.to_owned(), column.is_right())).collect();
        let rows: Vec<Vec<String>> =
            items.iter().map(|item| columns.iter().map(|column| column.cell(item, zone)).collect()).collect();
        table(&headers, &rows)
    }

    /// Some as a table.
    pub(crate) fn rows(&self, items: &[Value], zone: &TimeZone) -> String {
        self.rows_of(items, zone, |_| true)
    }

    /// One, a line for each field.
    pub(crate) fn card(&self, item: &Value, zone: &TimeZone) -> String {
        let width = self.columns.iter().map(|column| column.header.len()).max().unwrap_or_default();
        let line = |column: &Column| format!("{:width$}  {}\n", column.header.to_lowercase(), column.cell(item, zone));
        self.columns.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells() {
        let cell =
            |form, value: Value| Column { header: "", at: "/x", form }.cell(&json!({ "x": value }), &TimeZone::UTC);
        for (form, value, expected) in [
            (Form::Amount, json!("9223372036854775.807"), "9223372036854775.807"),
            (Form::Number, json!(9_007_199_254_740_993_i64), "9007199254740993"),
            (Form::List, json!(null), "all"),
            (Form::List, json!([]), "none"),
            (Form::List, json!(["a*", "b"]), "a*, b"),
            (Form::Time, json!("2026-11-22T13:45:00.000Z"), "2026-11-22 13:45:00Z"),
            (Form::Time, json!(null), "-"),
            (Form::Text, json!("\u{1b}[31m"), "\u{fffd}[31m"),
            (Form::Text, json!({"b": 1}), r#"{"b":1}"#),
        ] {
            assert_eq!(cell(form, value.clone()), expected, "{value}");
        }
    }
}
