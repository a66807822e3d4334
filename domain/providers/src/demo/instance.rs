//! The smallest JSON that a schema asks for.

use serde_json::{Map, Value};

/// Schemas may refer to themselves; an instance this deep is `null` there.
const MAX_DEPTH: u32 = 16;

/// Values in one instance, all in all: references can fan out.
const MAX_VALUES: u32 = 1000;

/// An instance of a schema: what is required, and the least of it. Formats
/// and patterns are not met.
pub(crate) fn instance(schema: &Value) -> Value {
    let made = Maker { root: schema, values: 0 }.make(schema, 0);
    // Arguments are an object, whatever their schema says.
    if made.is_null() { Value::Object(Map::new()) } else { made }
}

const NULL: Value = Value::Null;

struct Maker<'s> {
    root: &'s Value,
    values: u32,
}

impl<'s> Maker<'s> {
    fn make(&mut self, schema: &'s Value, depth: u32) -> Value {
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return Value::Null;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(target.trim_start_matches('#'));
            return target.map_or(Value::Null, |target| self.make(target, depth + 1));
        }
        if let Some(value) = schema.get("const").or_else(|| schema.get("enum")?.get(0)) {
            return value.clone();
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            if let Some(first) = schema.get(key).and_then(|several| several.get(0)) {
                return self.make(first, depth + 1);
            }
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
            Some(kind) => kind.as_str(),
            None if schema.get("properties").is_some() => Some("object"),
            None => None,
        };
        match kind {
            Some("object") => self.object(schema, depth),
            Some("array") => {
                let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0).min(8);
                let item = schema.get("items").unwrap_or(&NULL);
                (0..least).map(|_| self.make(item, depth + 1)).collect()
            }
            Some("string") => {
                let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0).min(100);
                let text: String = "demo".chars().cycle().take(usize::try_from(least.max(4)).unwrap_or(4)).collect();
                text.into()
            }
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 1.into()),
            Some("boolean") => true.into(),
            _ => Value::Null,
        }
    }

    fn object(&mut self, schema: &'s Value, depth: u32) -> Value {
        let required = schema.get("required").and_then(Value::as_array);
        let mut object = Map::new();
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            let property = schema.get("properties").and_then(|properties| properties.get(name));
            let value = self.make(property.unwrap_or(&NULL), depth + 1);
            object.insert(name.to_owned(), value);
        }
        Value::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (schema, expected) in [
            ("null", "{}"),
            (r#"{"type":"object"}"#, "{}"),
            (
                r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a"]}"#,
                r#"{"a":"demo"}"#,
            ),
            (
                r#"{"properties":{"a":{"enum":["x","y"]},"b":{"type":["boolean","null"]},"c":{"type":"array","minItems":2,"items":{"type":"number","minimum":2.5}},"d":{"anyOf":[{"const":7}]}},"required":["a","b","c","d"]}"#,
                r#"{"a":"x","b":true,"c":[2.5,2.5],"d":7}"#,
            ),
            (
                r##"{"$defs":{"p":{"type":"object","properties":{"n":{"type":"string","minLength":6}},"required":["n"]}},"type":"object","properties":{"p":{"$ref":"#/$defs/p"}},"required":["p"]}"##,
                r#"{"p":{"n":"demode"}}"#,
            ),
            (r##"{"$ref":"#"}"##, "{}"),
        ] {
            assert_eq!(instance(&serde_json::from_str(schema).unwrap()).to_string(), expected, "{schema}");
        }
        let fan = r##"{"type":"array","minItems":8,"items":{"$ref":"#"}}"##;
        assert!(instance(&serde_json::from_str(fan).unwrap()).to_string().len() < 100_000);
    }
}
