//! Base64url and JSON, read strictly.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use subtle::ConstantTimeEq;

/// Base64url without padding (RFC 7515, 2).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url; padding, line breaks and stray bits are refused, so that
/// bytes have one spelling only.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Whether two texts are the same, in a time that does not depend on where
/// they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// Text from outside that people will see: printable, and at most 200
/// characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

/// Why a text is not an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// Not JSON, or something other than an object.
    Malformed,
    /// A name stands twice in an object: readers disagree on which counts
    /// (RFC 7519, 4), so neither does.
    Duplicate,
}

/// Reads a JSON object in which no name stands twice, at any depth.
pub(crate) fn object(json: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match serde_json::from_slice(json) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        Ok(_) => Err(JsonError::Malformed),
        // The visitor takes any value: its only own complaint is a duplicate.
        Err(error) if error.is_data() => Err(JsonError::Duplicate),
        Err(_) => Err(JsonError::Malformed),
    }
}

/// A value in whose objects no name stands twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = map.next_entry::<String, Strict>()? {
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn duplicates_are_told_from_malformed() {
        for (json, expected) in [
            (r#"{"a":1,"b":{"a":[null,true,-2,1.5,"x"]}}"#, Ok(())),
            (r#"{"a":1,"a":1}"#, Err(JsonError::Duplicate)),
            // The same name in another spelling.
            (r#"{"a":1,"\u0061":1}"#, Err(JsonError::Duplicate)),
            (r#"{"b":[{"a":1,"a":2}]}"#, Err(JsonError::Duplicate)),
            ("[]", Err(JsonError::Malformed)),
            ("{", Err(JsonError::Malformed)),
            ("{} {}", Err(JsonError::Malformed)),
            (r#"{"a":1e999}"#, Err(JsonError::Malformed)),
            (&format!("{{\"a\":{}{}}}", "[".repeat(1000), "]".repeat(1000)), Err(JsonError::Malformed)),
        ] {
            assert_eq!(object(json.as_bytes()).map(drop), expected, "{json}");
        }
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let json = r#"{"a":[1,-1,1.5,18446744073709551615,"\n",null,false,{"b":{}}],"c":"d"}"#;
        assert_eq!(Value::Object(object(json.as_bytes()).unwrap()), serde_json::from_str::<Value>(json).unwrap());
    }

    #[test]
    fn bytes_have_one_spelling() {
        assert_eq!(from_base64url("AQ"), Some(vec![1]));
        for text in ["AQ==", "AR", "A", "A+==", "A Q", "AQ\n"] {
            assert_eq!(from_base64url(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>, text: String) {
            let _ = object(&bytes);
            prop_assert_eq!(from_base64url(&base64url(&bytes)), Some(bytes));
            prop_assert!(same(&text, &text));
        }
    }
}
