//! The top level of a JSON body: its keys in their order, each with the
//! untouched text of its value.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::request_error::RequestError;
use super::scan::scan;

/// OpenAI's chat completions know some forty parameters; the search for
/// duplicates below is quadratic in this.
const MAX_FIELDS: usize = 256;

/// Deepest nesting of a parameter. JSON schemas in use stay below 20; parsers
/// upstream give up from 100 on or, worse, recurse.
pub(crate) const MAX_DEPTH: u64 = 64;

/// Largest limit that is accepted. No model has a window near it, and times
/// 128 choices it still fits an `i64`.
const MAX_COUNT: u64 = u32::MAX as u64;

/// A JSON object's keys and values in their order.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads a request's body.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(body).map_err(|error| RequestError::NotUtf8 { at: error.valid_up_to() })?;
        let fields: Self = serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => RequestError::NotAnObject,
            _ => RequestError::NotJson { reason: error.to_string() },
        })?;
        if fields.0.len() > MAX_FIELDS {
            return Err(RequestError::TooManyParameters(MAX_FIELDS));
        }
        for (place, (key, _)) in fields.0.iter().enumerate() {
            if fields.0.iter().skip(place + 1).any(|(other, _)| other == key) {
                return Err(RequestError::Duplicate(shown(key)));
            }
        }
        Ok(fields)
    }

    /// All keys with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), *value))
    }

    /// The value of `key`; `null` counts as not given, as upstream.
    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value.get()).filter(|value| *value != "null")
    }

    /// `key` as true or false.
    pub(crate) fn flag(&self, key: &'static str) -> Result<Option<bool>, RequestError> {
        match self.get(key) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(RequestError::WrongType { param: key, expected: "true or false" }),
        }
    }

    /// `key` as a whole number from 1 to `max`.
    pub(crate) fn count(&self, key: &'static str, max: Option<u64>) -> Result<Option<u64>, RequestError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let max = max.unwrap_or(MAX_COUNT);
        let out_of_range = RequestError::OutOfRange { param: key, min: 1, max };
        let digits = value.strip_prefix('-').unwrap_or(value);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RequestError::WrongType { param: key, expected: "an integer" });
        }
        match value.parse::<u64>() {
            Ok(count) if (1..=max).contains(&count) => Ok(Some(count)),
            _ => Err(out_of_range),
        }
    }

    /// `key` as a string.
    pub(crate) fn string(&self, key: &'static str) -> Result<Option<String>, RequestError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        serde_json::from_str(value).map(Some).map_err(|_| RequestError::WrongType { param: key, expected: "a string" })
    }

    /// `key` as an object.
    pub(crate) fn object(&self, key: &'static str) -> Result<Option<Fields<'a>>, RequestError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match serde_json::from_str::<Self>(value) {
            Ok(fields) if fields.0.len() <= MAX_FIELDS => Ok(Some(fields)),
            _ => Err(RequestError::WrongType { param: key, expected: "an object" }),
        }
    }

    /// The model's name, which every body must have.
    pub(crate) fn model(&self) -> Result<String, RequestError> {
        let model = self.string("model")?.ok_or(RequestError::Missing("model"))?;
        if model.trim().is_empty() {
            return Err(RequestError::Empty("model"));
        }
        // Names in use stay below 100 bytes; it is repeated in journals.
        if model.len() > 256 || model.chars().any(char::is_control) {
            return Err(RequestError::WrongType { param: "model", expected: "a name of at most 256 bytes" });
        }
        Ok(model)
    }

    /// Refuses what nests too deeply anywhere but in `measured`, whose own
    /// walk looks at that.
    pub(crate) fn check_depth(&self, measured: &str) -> Result<(), RequestError> {
        match self.iter().find(|(key, value)| *key != measured && scan(value.get()).depth > MAX_DEPTH) {
            Some((key, _)) => Err(RequestError::TooDeep(shown(key))),
            None => Ok(()),
        }
    }
}

/// A client's own words, short enough to be repeated in an error.
fn shown(key: &str) -> String {
    key.chars().filter(|letter| !letter.is_control()).take(64).collect()
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::with_capacity(16);
                while let Some((Key(key), value)) = map.next_entry()? {
                    // One too many is enough to refuse it.
                    if fields.len() <= MAX_FIELDS {
                        fields.push((key, value));
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A key, borrowed from the body unless it has escapes.
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
