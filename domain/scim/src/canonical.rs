//! What clients send, in the one form that the rest of the crate works on:
//! names as the tables write them, values of their kinds, and nothing that is
//! unknown, empty or the server's own.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::attribute::{Attribute, Kind, Mutability, find};
use crate::error::{ScimError, invalid_syntax, invalid_value, shown};
use crate::filter::folded;
use crate::path::AttributePath;
use crate::schema::{Place, ResourceType, Schema};

/// The longest text of an attribute, in bytes. Entra's longest default
/// attribute has 256 characters, of at most four bytes each.
pub(crate) const MAX_TEXT_BYTES: usize = 1024;

/// The most values of an attribute that is not a group's members. Nobody has
/// a hundred addresses.
pub(crate) const MAX_VALUES: usize = 100;

/// The most members of a group. A member is some 700 bytes when parsed, and
/// three copies of a group are there while it is changed: 42 MB of the 128 MB
/// that an isolate has.
pub(crate) const MAX_MEMBERS: usize = 20_000;

/// Reads the body of a POST or PUT.
pub(crate) fn canonical(of: &ResourceType, body: &Value) -> Result<Map<String, Value>, ScimError> {
    let body = object(body)?;
    check_schemas(body, of.core.urn)?;
    let mut resource = Map::new();
    for (key, value) in body {
        // An attribute that is not known is one that is not kept.
        match AttributePath::read(key).and_then(|path| of.resolve(&path)) {
            Some(Place::Extension(extension)) => {
                let parts = match value {
                    Value::Null => continue,
                    parts => parts.as_object().ok_or_else(|| expected(key, "an object", parts))?,
                };
                for (key, value) in parts {
                    if let Some(attribute) = find(extension.attributes, key) {
                        within(&mut resource, Some(extension), |holder| put(holder, attribute, value))?;
                    }
                }
            }
            Some(Place::Attribute { extension, attribute, sub: None }) => {
                within(&mut resource, extension, |holder| put(holder, attribute, value))?;
            }
            Some(Place::Attribute { .. }) | None => {}
        }
    }
    drop_empty(&mut resource);
    for required in of.core.attributes.iter().filter(|attribute| attribute.required) {
        if !resource.contains_key(required.name) {
            return Err(invalid_value(format!("`{}` is required", required.name)));
        }
    }
    Ok(resource)
}

/// The members of an object.
pub(crate) fn object(value: &Value) -> Result<&Map<String, Value>, ScimError> {
    value.as_object().ok_or_else(|| invalid_syntax("the body must be a JSON object"))
}

/// The member of this name, in any case.
pub(crate) fn member<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Refuses a body that does not say that it is of this schema. It may name
/// others, too: Entra names one of its own for groups.
pub(crate) fn check_schemas(body: &Map<String, Value>, urn: &str) -> Result<(), ScimError> {
    let named = match member(body, "schemas") {
        Some(Value::Array(urns)) => urns.iter().filter_map(Value::as_str).any(|one| one.eq_ignore_ascii_case(urn)),
        Some(Value::String(one)) => one.eq_ignore_ascii_case(urn),
        _ => false,
    };
    if named { Ok(()) } else { Err(invalid_syntax(format!("`schemas` must have `{urn}`"))) }
}

/// Changes the object that has the attribute: the resource, or its extension.
pub(crate) fn within<T>(
    resource: &mut Map<String, Value>,
    extension: Option<&Schema>,
    change: impl FnOnce(&mut Map<String, Value>) -> T,
) -> T {
    match extension {
        Some(schema) => change_object(resource.entry(schema.urn).or_insert(Value::Null), change),
        None => change(resource),
    }
}

/// Changes the object that `value` is, or becomes.
pub(crate) fn change_object<T>(value: &mut Value, change: impl FnOnce(&mut Map<String, Value>) -> T) -> T {
    let mut object = match std::mem::take(value) {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    let done = change(&mut object);
    *value = Value::Object(object);
    done
}

/// Drops the objects and lists that have nothing in them.
pub(crate) fn drop_empty(resource: &mut Map<String, Value>) {
    resource.retain(|_, value| match value {
        Value::Object(parts) => !parts.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Null => false,
        _ => true,
    });
}

fn put(holder: &mut Map<String, Value>, attribute: &'static Attribute, value: &Value) -> Result<(), ScimError> {
    if attribute.mutability == Mutability::ReadOnly || attribute.name == "schemas" {
        return Ok(());
    }
    if !attribute.multi {
        if let Some(value) = one(attribute, value)? {
            holder.insert(attribute.name.into(), value);
        }
        return Ok(());
    }
    let values = distinct(attribute, Vec::new(), tidy(attribute, many(attribute, value)?)?);
    holder.insert(attribute.name.into(), Value::Array(bounded(attribute, values)?));
    Ok(())
}

/// The values of an attribute that has many; a single one may stand by itself.
pub(crate) fn many(attribute: &'static Attribute, value: &Value) -> Result<Vec<Value>, ScimError> {
    match value {
        Value::Array(values) => values.iter().filter_map(|value| one(attribute, value).transpose()).collect(),
        value => Ok(one(attribute, value)?.into_iter().collect()),
    }
}

/// One value of an attribute; nothing if it is null.
///
/// What has no type in JSON that would mean something else is taken for what
/// it must be: Entra sends booleans as `"True"`, managers as a bare id, and in
/// its older form single values as `[{"value": …}]`.
pub(crate) fn one(attribute: &'static Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Kind::Complex(_), Value::Object(object)) => {
            let parts = parts(attribute, object)?;
            let parts: Map<_, _> = parts.into_iter().filter_map(|(sub, part)| Some((sub.name.into(), part?))).collect();
            Ok((!parts.is_empty()).then_some(Value::Object(parts)))
        }
        (Kind::Complex(_), Value::String(_) | Value::Number(_)) if attribute.sub("value").is_some() => {
            let part = attribute.sub("value").map(|sub| one(sub, value)).transpose()?.flatten();
            Ok(part.map(|part| Value::Object(Map::from_iter([("value".to_owned(), part)]))))
        }
        (_, Value::Array(values)) if values.len() <= 1 => match values.first() {
            Some(only) => one(attribute, only),
            None => Ok(None),
        },
        (Kind::Complex(_), _) => Err(expected(attribute.name, "an object", value)),
        (_, Value::Object(object)) if member(object, "value").is_some() => {
            member(object, "value").map_or(Ok(None), |value| one(attribute, value))
        }
        (Kind::Boolean, Value::Bool(_)) => Ok(Some(value.clone())),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(Value::Bool(true))),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(Value::Bool(false))),
        (Kind::Boolean, _) => Err(expected(attribute.name, "true or false", value)),
        (_, Value::String(text)) if text.len() > MAX_TEXT_BYTES => {
            Err(invalid_value(format!("`{}` is too long: at most {MAX_TEXT_BYTES} bytes are kept", attribute.name)))
        }
        // A blank `value` is none: so Okta sends a manager that there is not.
        (_, Value::String(text)) if text.is_empty() && attribute.name == "value" => Ok(None),
        (_, Value::String(_)) => Ok(Some(value.clone())),
        (_, Value::Number(number)) => Ok(Some(Value::String(number.to_string()))),
        (_, _) => Err(expected(attribute.name, "a text", value)),
    }
}

/// The parts of a complex value that are known and the client's to set, with
/// nothing where null was sent.
pub(crate) fn parts(
    of: &'static Attribute,
    object: &Map<String, Value>,
) -> Result<Vec<(&'static Attribute, Option<Value>)>, ScimError> {
    let known = object.iter().filter_map(|(key, value)| Some((of.sub(key)?, value)));
    let settable = known.filter(|(sub, _)| sub.mutability != Mutability::ReadOnly);
    let read = |(sub, value): (&'static Attribute, &Value)| {
        let part = one(sub, value).map_err(|error| error.within(format!("`{}`", of.name)))?;
        Ok((sub, part))
    };
    settable.map(read).collect()
}

/// Adds values to others; one that is there already is brought up to date.
pub(crate) fn distinct(attribute: &'static Attribute, mut values: Vec<Value>, added: Vec<Value>) -> Vec<Value> {
    // Few are sought one by one, without making a map of all that there are.
    const FEW: usize = 8;
    if added.len() <= FEW {
        for one in added {
            let sought = identity(attribute, &one);
            let at = values.iter().position(|value| identity(attribute, value) == sought);
            add(&mut values, at, one);
        }
        return values;
    }
    let owned = |value: &Value| {
        let (value, kind) = identity(attribute, value);
        (value.into_owned(), kind.into_owned())
    };
    let mut places: HashMap<_, _> = values.iter().enumerate().map(|(at, value)| (owned(value), at)).collect();
    for one in added {
        let at = *places.entry(owned(&one)).or_insert(values.len());
        add(&mut values, Some(at), one);
    }
    values
}

fn add(values: &mut Vec<Value>, at: Option<usize>, one: Value) {
    match (at.and_then(|at| values.get_mut(at)), one) {
        (Some(Value::Object(known)), Value::Object(parts)) => known.extend(parts),
        (Some(known), one) => *known = one,
        (None, one) => values.push(one),
    }
}

/// By what a value is known among others: a member by its id, an address by
/// itself and what it is used for.
fn identity<'v>(attribute: &'static Attribute, value: &'v Value) -> (Cow<'v, str>, Cow<'v, str>) {
    let part = |name: &str| {
        let text = value.get(name).and_then(Value::as_str).unwrap_or_default();
        let exact = attribute.sub(name).is_none_or(|sub| sub.case_exact);
        if exact { Cow::Borrowed(text) } else { Cow::Owned(folded(text)) }
    };
    let by_type = attribute.sub("value").is_some_and(|sub| sub.mutability != Mutability::Immutable);
    (part("value"), if by_type { part("type") } else { Cow::Borrowed("") })
}

/// The values that have a value.
pub(crate) fn tidy(attribute: &'static Attribute, values: Vec<Value>) -> Result<Vec<Value>, ScimError> {
    let has_value = |value: &Value| value.get("value").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if value_is_required(attribute) && !values.iter().all(has_value) {
        return Err(invalid_value(format!("each of `{}` must have a `value`", attribute.name)));
    }
    Ok(values.into_iter().filter(has_value).collect())
}

/// The values, if they are not too many.
pub(crate) fn bounded(attribute: &'static Attribute, values: Vec<Value>) -> Result<Vec<Value>, ScimError> {
    let most = if value_is_required(attribute) { MAX_MEMBERS } else { MAX_VALUES };
    if values.len() > most {
        return Err(invalid_value(format!("`{}` has too many values: at most {most} are kept", attribute.name)));
    }
    Ok(values)
}

/// Whether a value without `value` is a mistake, and not only worth nothing.
fn value_is_required(attribute: &'static Attribute) -> bool {
    attribute.sub("value").is_some_and(|sub| sub.required)
}

fn expected(name: &str, what: &str, value: &Value) -> ScimError {
    invalid_value(format!("`{name}` must be {what}, not `{}`", shown(value)))
}
