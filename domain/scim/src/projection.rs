//! What of a resource is answered (RFC 7644 §3.9).

use serde_json::{Map, Value};

use crate::attribute::{Attribute, Returned};
use crate::error::{ScimError, invalid_value};
use crate::path::AttributePath;
use crate::schema::{Place, ResourceType};

/// Which attributes a client wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Projection {
    /// All that are returned by default, which are all that there are.
    #[default]
    All,
    /// These, and those that are always returned.
    Only(Vec<AttributePath>),
    /// All but these; those that are always returned stay.
    Without(Vec<AttributePath>),
}

impl Projection {
    /// Reads `attributes` and `excludedAttributes`, each a list between
    /// commas. Names that are none mean nothing.
    ///
    /// # Errors
    /// `invalidValue` if both are given.
    pub fn read(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, ScimError> {
        let names = |text: Option<&str>| -> Vec<_> {
            text.unwrap_or_default().split(',').filter_map(|name| AttributePath::read(name.trim())).collect()
        };
        let given = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
        match (given(attributes), given(excluded)) {
            (true, true) => Err(invalid_value("give `attributes` or `excludedAttributes`, not both")),
            (true, false) => Ok(Self::Only(names(attributes))),
            (false, true) => Ok(Self::Without(names(excluded))),
            (false, false) => Ok(Self::All),
        }
    }

    /// Whether an attribute is answered at all: what is not need not be read.
    #[must_use]
    pub fn wants(&self, of: &ResourceType, attribute: &str) -> bool {
        let named = |path: &AttributePath| match of.resolve(path) {
            Some(Place::Attribute { extension: None, attribute: named, sub }) if named.name == attribute => Some(sub),
            _ => None,
        };
        match self {
            Self::All => true,
            Self::Only(paths) => paths.iter().any(|path| named(path).is_some()),
            Self::Without(paths) => !paths.iter().any(|path| named(path).is_some_and(|sub| sub.is_none())),
        }
    }

    /// A resource's JSON, cut to what is wanted.
    #[must_use]
    pub fn project(&self, of: &ResourceType, resource: Value) -> Value {
        let Value::Object(whole) = resource else { return resource };
        match self {
            Self::All => Value::Object(whole),
            Self::Only(paths) => Value::Object(only(of, paths, whole)),
            Self::Without(paths) => Value::Object(without(of, paths, whole)),
        }
    }
}

fn is_always(of: &ResourceType, name: &str) -> bool {
    let path = AttributePath { urn: None, name: name.into(), sub: None };
    matches!(of.resolve(&path), Some(Place::Attribute { attribute, .. }) if attribute.returned == Returned::Always)
}

fn only(of: &ResourceType, paths: &[AttributePath], whole: Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    for path in paths {
        match of.resolve(path) {
            Some(Place::Extension(extension)) => {
                if let Some(all) = whole.get(extension.urn) {
                    kept.insert(extension.urn.into(), all.clone());
                }
            }
            Some(Place::Attribute { extension: Some(extension), attribute, sub }) => {
                let Some(Value::Object(parts)) = whole.get(extension.urn) else { continue };
                let mut holder = match kept.remove(extension.urn) {
                    Some(Value::Object(holder)) => holder,
                    _ => Map::new(),
                };
                keep(&mut holder, parts, attribute, sub);
                if !holder.is_empty() {
                    kept.insert(extension.urn.into(), Value::Object(holder));
                }
            }
            Some(Place::Attribute { extension: None, attribute, sub }) => keep(&mut kept, &whole, attribute, sub),
            None => {}
        }
    }
    kept.extend(whole.into_iter().filter(|(name, _)| is_always(of, name)));
    kept
}

/// Takes over an attribute, or one part more of it.
fn keep(kept: &mut Map<String, Value>, whole: &Map<String, Value>, of: &Attribute, sub: Option<&Attribute>) {
    let Some(value) = whole.get(of.name) else { return };
    let value = match (sub, kept.get(of.name)) {
        (None, _) => value.clone(),
        (Some(sub), known) => with_part(value, known, sub.name),
    };
    kept.insert(of.name.into(), value);
}

/// What is known of `value` already, and its part of this name.
fn with_part(value: &Value, known: Option<&Value>, name: &str) -> Value {
    match value {
        Value::Array(values) => {
            let known = |at: usize| known.and_then(|known| known.get(at));
            values.iter().enumerate().map(|(at, value)| with_part(value, known(at), name)).collect()
        }
        value => {
            let mut parts = known.and_then(Value::as_object).cloned().unwrap_or_default();
            if let Some(part) = value.get(name) {
                parts.insert(name.into(), part.clone());
            }
            Value::Object(parts)
        }
    }
}

fn without(of: &ResourceType, paths: &[AttributePath], mut whole: Map<String, Value>) -> Map<String, Value> {
    for path in paths {
        match of.resolve(path) {
            Some(Place::Extension(extension)) => {
                whole.remove(extension.urn);
            }
            Some(Place::Attribute { extension: Some(extension), attribute, sub }) => {
                if let Some(Value::Object(holder)) = whole.get_mut(extension.urn) {
                    drop(holder, attribute, sub);
                }
            }
            Some(Place::Attribute { extension: None, attribute, sub }) if !is_always(of, attribute.name) => {
                drop(&mut whole, attribute, sub);
            }
            Some(Place::Attribute { .. }) | None => {}
        }
    }
    whole
}

fn drop(holder: &mut Map<String, Value>, of: &Attribute, sub: Option<&Attribute>) {
    let Some(sub) = sub else {
        holder.remove(of.name);
        return;
    };
    match holder.get_mut(of.name) {
        Some(Value::Array(values)) => values.iter_mut().filter_map(Value::as_object_mut).for_each(|parts| {
            parts.remove(sub.name);
        }),
        Some(Value::Object(parts)) => {
            parts.remove(sub.name);
        }
        _ => {}
    }
}
