//! JSON in its one canonical form, RFC 8785 (JCS): what is hashed must be the
//! same bytes wherever it is written down.

use serde_json::{Map, Number, Value};

/// The largest integer that every reader of JSON reads as it was written:
/// 2^53 - 1 (RFC 8259, 6).
const MOST: u64 = 9_007_199_254_740_991;

/// The canonical text of a value whose numbers are [`plain`].
pub(crate) fn text(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value);
    text
}

fn write(text: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(text, item);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (place, (name, value)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(text, &Value::String(name.clone()));
                text.push(':');
                write(text, value);
            }
            text.push('}');
        }
        // Texts are escaped as the RFC wants it, and plain numbers have one form.
        scalar => text.push_str(&scalar.to_string()),
    }
}

/// The value with numbers that every program writes in the same way: what is
/// not a whole number below 2^53 becomes a text.
pub(crate) fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) if !is_plain(&number) => Value::String(number.to_string()),
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Object(fields) => {
            let plain = |(name, value): (String, Value)| (name, plain(value));
            Value::Object(fields.into_iter().map(plain).collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn is_plain(number: &Number) -> bool {
    number.as_u64().is_some_and(|value| value <= MOST)
        || number.as_i64().is_some_and(|value| value.unsigned_abs() <= MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_text_for_each_value() {
        for (value, expected) in [
            (json!({"b": 1, "a": [true, null, "x"]}), r#"{"a":[true,null,"x"],"b":1}"#),
            // The order of UTF-16, in which U+1F600 comes before U+FB33: the RFC's own example, 3.2.3.
            (
                json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7}),
                "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}",
            ),
            (json!("\u{0}\u{8}\t\n\u{c}\r\u{1f}\"\\/\u{7f}ä"), "\"\\u0000\\b\\t\\n\\f\\r\\u001f\\\"\\\\/\u{7f}ä\""),
            (
                json!([0.1, 1.0, -3, MOST, u64::MAX, i64::MIN]),
                r#"["0.1","1.0",-3,9007199254740991,"18446744073709551615","-9223372036854775808"]"#,
            ),
        ] {
            assert_eq!(text(&plain(value)), expected);
        }
    }
}
