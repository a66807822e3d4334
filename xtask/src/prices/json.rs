//! Small helps with JSON.

use anyhow::{Context, Result};
use pricing::file::ModelEntry;
use serde::Deserialize;
use serde_json::Value;

/// A model that owns its name, so that the text it was read from can go.
pub(super) struct OwnedModel(pub(super) ModelEntry<'static>);

impl<'de> Deserialize<'de> for OwnedModel {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let model = ModelEntry::deserialize(deserializer)?;
        Ok(Self(ModelEntry { id: model.id.into_owned().into(), ..model }))
    }
}

/// The text in this field.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value.get(field).and_then(Value::as_str).with_context(|| format!("no text `{field}` in {}", short(value)))
}

/// The items of this field; none if it is not there.
pub(super) fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// The field, unless it is missing or null.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|value| !value.is_null())
}

/// The beginning of a value, for messages.
pub(super) fn short(value: &Value) -> String {
    value.to_string().chars().take(200).collect()
}
