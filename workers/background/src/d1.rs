//! Statements of `projector` on D1.

use projector::Statement;
use storage::Value;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Result};

/// Runs statements in one transaction. Answers how many rows the last one
/// changed.
pub(crate) async fn transact(db: &D1Database, statements: &[Statement]) -> Result<usize> {
    let prepared = statements.iter().map(|(sql, values)| prepare(db, sql, values));
    let results = db.batch(prepared.collect::<Result<Vec<_>>>()?).await?;
    let meta = results.last().map(worker::D1Result::meta).transpose()?.flatten();
    Ok(meta.and_then(|meta| meta.changes).unwrap_or(0))
}

/// A statement with its parameters.
pub(crate) fn prepare(db: &D1Database, sql: &str, values: &[Value]) -> Result<D1PreparedStatement> {
    let values: Vec<JsValue> = values.iter().map(bind).collect();
    db.prepare(sql).bind(&values)
}

fn bind(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        // Below 2^53, or the storage would have refused it.
        #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "times and counts are below 2^53")]
        Value::Int(value) => JsValue::from_f64(*value as f64),
        Value::Text(text) => JsValue::from_str(text),
    }
}
