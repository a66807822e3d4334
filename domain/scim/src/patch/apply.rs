//! One operation on a resource's JSON, which is in canonical form before and
//! after.

use serde_json::{Map, Value};

use super::values::{Change, change_many};
use super::{Operation, Verb};
use crate::attribute::{Attribute, Kind, Mutability, find};
use crate::canonical::{change_object, drop_empty, one, parts, within};
use crate::error::{ErrorKind, ScimError, invalid_value, mutability};
use crate::filter::Filter;
use crate::path::Path;
use crate::resource::same_id;
use crate::schema::{Place, ResourceType};

/// What was asked for, at one place.
#[derive(Clone, Copy)]
struct Request<'o> {
    verb: Verb,
    filter: Option<&'o Filter>,
    sub: Option<&'static Attribute>,
    value: Option<&'o Value>,
    /// Whether the client said in `path` that it means this, and not only
    /// among other things that it happened to send.
    explicit: bool,
}

pub(super) fn apply(
    of: &ResourceType,
    resource: &mut Map<String, Value>,
    operation: &Operation,
) -> Result<(), ScimError> {
    let (verb, value) = (operation.verb, operation.value.as_ref());
    if verb != Verb::Remove && value.is_none() {
        return Err(invalid_value("`value` is missing"));
    }
    match (&operation.path, value) {
        (Some(path), _) => apply_at(of, resource, path, (verb, value, true))?,
        (None, _) if verb == Verb::Remove => {
            return Err(ScimError::new(ErrorKind::NoTarget, "`path` is missing: say what to remove"));
        }
        (None, Some(Value::Object(values))) => {
            // The names may be paths: Entra sends `{"name.givenName": "…"}`.
            for (path, value) in values {
                apply_at(of, resource, &Path::parse(path)?, (verb, Some(value), false))?;
            }
        }
        (None, _) => return Err(invalid_value("without a `path`, `value` must be an object")),
    }
    drop_empty(resource);
    Ok(())
}

fn apply_at(
    of: &ResourceType,
    resource: &mut Map<String, Value>,
    path: &Path,
    (verb, value, explicit): (Verb, Option<&Value>, bool),
) -> Result<(), ScimError> {
    let filter = path.filter.as_ref();
    let request = Request { verb, filter, sub: None, value, explicit };
    match of.resolve(&path.attribute) {
        // An attribute that is not known is one that is not kept.
        None => Ok(()),
        Some(Place::Attribute { extension, attribute, sub }) => {
            within(resource, extension, |holder| change(holder, attribute, Request { sub, ..request }))
        }
        Some(Place::Extension(extension)) => match (verb, value) {
            (Verb::Remove, _) | (Verb::Replace, Some(Value::Null)) => {
                resource.remove(extension.urn);
                Ok(())
            }
            (_, Some(Value::Object(values))) => within(resource, Some(extension), |holder| {
                values.iter().try_for_each(|(name, value)| match find(extension.attributes, name) {
                    Some(attribute) => change(holder, attribute, Request { value: Some(value), ..request }),
                    None => Ok(()),
                })
            }),
            _ => Err(invalid_value(format!("`{path}` is a schema: `value` must be an object of its attributes"))),
        },
    }
}

fn change(
    holder: &mut Map<String, Value>,
    attribute: &'static Attribute,
    request: Request<'_>,
) -> Result<(), ScimError> {
    if attribute.name == "schemas" {
        return Ok(());
    }
    if attribute.mutability == Mutability::ReadOnly {
        return match attribute.name {
            _ if request.explicit => Err(mutability(format!("`{}` is the server's to set", attribute.name))),
            // Okta sends the group's id when it renames a group.
            "id" => same_id(holder.get("id").and_then(Value::as_str).unwrap_or_default(), request.value),
            _ => Ok(()),
        };
    }
    if let Some(sub) = request.sub.filter(|sub| sub.mutability == Mutability::ReadOnly) {
        return Err(mutability(format!("`{}.{}` is the server's to set", attribute.name, sub.name)));
    }
    let Request { verb, filter, sub, value, .. } = request;
    if attribute.multi {
        let values = match holder.remove(attribute.name) {
            Some(Value::Array(values)) => values,
            _ => Vec::new(),
        };
        let values = change_many(attribute, values, Change { verb, filter, sub, value })?;
        holder.insert(attribute.name.into(), Value::Array(values));
        return Ok(());
    }
    if filter.is_some() {
        let detail = format!("`{}` has one value only: name it without `[…]`", attribute.name);
        return Err(ScimError::new(ErrorKind::InvalidPath, detail));
    }
    match sub {
        Some(sub) => change_object(holder.entry(attribute.name).or_insert(Value::Null), |parts| {
            change_single(parts, sub, (verb, value))
        })?,
        None => change_single(holder, attribute, (verb, value))?,
    }
    drop_empty(holder);
    Ok(())
}

/// Changes an attribute, or a part of one, that has one value.
pub(super) fn change_single(
    holder: &mut Map<String, Value>,
    attribute: &'static Attribute,
    (verb, value): (Verb, Option<&Value>),
) -> Result<(), ScimError> {
    let Some(value) = value.filter(|_| verb != Verb::Remove) else { return unassign(holder, attribute) };
    if let (Kind::Complex(_), Value::Object(said)) = (attribute.kind, value) {
        // What is not said of an object stays (RFC 7644 §3.5.2.3).
        let parts = parts(attribute, said)?;
        change_object(holder.entry(attribute.name).or_insert(Value::Null), |known| merge(known, parts));
        return Ok(());
    }
    match one(attribute, value)? {
        Some(new) => {
            holder.insert(attribute.name.into(), new);
            Ok(())
        }
        None if verb == Verb::Replace => unassign(holder, attribute),
        None => Ok(()),
    }
}

/// Brings parts up to date; nothing is null.
pub(super) fn merge(known: &mut Map<String, Value>, parts: Vec<(&'static Attribute, Option<Value>)>) {
    for (sub, part) in parts {
        match part {
            Some(part) => known.insert(sub.name.into(), part),
            None => known.remove(sub.name),
        };
    }
}

fn unassign(holder: &mut Map<String, Value>, attribute: &'static Attribute) -> Result<(), ScimError> {
    if attribute.required {
        return Err(mutability(format!("`{}` is required and cannot be removed", attribute.name)));
    }
    // Without a value a person would be active; that must be said.
    if attribute.name == "active" {
        return Err(mutability("`active` cannot be removed: set it to true or false"));
    }
    holder.remove(attribute.name);
    Ok(())
}
