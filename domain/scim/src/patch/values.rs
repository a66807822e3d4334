//! One operation on an attribute that has many values.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Verb;
use super::apply::{change_single, merge};
use crate::attribute::{Attribute, Mutability};
use crate::canonical::{bounded, change_object, distinct, many, one, parts, tidy};
use crate::error::{ErrorKind, ScimError, mutability};
use crate::filter::{Filter, Literal, Operator, matches_element};

/// What is to be done with an attribute's values.
#[derive(Clone, Copy)]
pub(super) struct Change<'o> {
    pub(super) verb: Verb,
    pub(super) filter: Option<&'o Filter>,
    pub(super) sub: Option<&'static Attribute>,
    pub(super) value: Option<&'o Value>,
}

/// The values after a change.
///
/// A group has many members, and a request many operations: what is not
/// changed is passed over once.
pub(super) fn change_many(
    attribute: &'static Attribute,
    before: Vec<Value>,
    change: Change<'_>,
) -> Result<Vec<Value>, ScimError> {
    let change_it = match (change.filter, change.sub) {
        (None, None) => change_all,
        _ => change_some,
    };
    if attribute.sub("primary").is_none() {
        return bounded(attribute, change_it(attribute, before, change)?);
    }
    let primary: Vec<_> = before.iter().filter(|value| is_primary(value)).filter_map(id).map(str::to_owned).collect();
    let values = bounded(attribute, change_it(attribute, before, change)?)?;
    Ok(one_primary(&primary, values))
}

/// `members`: the list as such.
fn change_all(
    attribute: &'static Attribute,
    values: Vec<Value>,
    Change { verb, value, .. }: Change<'_>,
) -> Result<Vec<Value>, ScimError> {
    match (verb, value) {
        (Verb::Remove, None | Some(Value::Null)) => Ok(Vec::new()),
        // Entra names the members to remove in `value`.
        (Verb::Remove, Some(value)) => {
            let gone = many(attribute, value)?;
            let gone: HashSet<_> = gone.iter().filter_map(id).collect();
            Ok(values.into_iter().filter(|value| id(value).is_none_or(|id| !gone.contains(id))).collect())
        }
        (Verb::Add, Some(value)) => Ok(distinct(attribute, values, tidy(attribute, many(attribute, value)?)?)),
        (Verb::Replace, Some(value)) => Ok(distinct(attribute, Vec::new(), tidy(attribute, many(attribute, value)?)?)),
        (Verb::Add | Verb::Replace, None) => Ok(values),
    }
}

/// `emails[type eq "work"]`, `emails.value`, and both at once: some of the
/// values, or a part of each.
fn change_some(
    attribute: &'static Attribute,
    mut values: Vec<Value>,
    change: Change<'_>,
) -> Result<Vec<Value>, ScimError> {
    if let Some(filter) = change.filter {
        filter.check_element(attribute)?;
    }
    let meant = |value: &Value| change.filter.is_none_or(|filter| matches_element(filter, value, attribute));
    if change.verb == Verb::Remove && change.sub.is_none() {
        // Who is gone already need not be removed.
        values.retain(|value| !meant(value));
        return Ok(values);
    }
    let mut found = false;
    for value in values.iter_mut().filter(|value| meant(value)) {
        found = true;
        change_object(value, |parts| change_element(attribute, parts, change))?;
    }
    match (found, change.verb, change.filter) {
        (true, _, _) => {
            // Two may have become the same; the first says what it is.
            values.reverse();
            let mut values = distinct(attribute, Vec::new(), tidy(attribute, values)?);
            values.reverse();
            Ok(values)
        }
        (false, Verb::Remove, _) => Ok(values),
        (false, Verb::Replace, Some(filter)) => Err(no_target(attribute, filter)),
        (false, _, filter) => {
            // Entra adds a person's first work address at
            // `emails[type eq "work"].value`: the filter says what else it is.
            let mut parts = Map::new();
            if let Some(filter) = filter {
                seed(attribute, filter, &mut parts).ok_or_else(|| no_target(attribute, filter))?;
            }
            change_element(attribute, &mut parts, Change { verb: Verb::Add, ..change })?;
            Ok(distinct(attribute, values, tidy(attribute, vec![Value::Object(parts)])?))
        }
    }
}

fn change_element(
    attribute: &'static Attribute,
    element: &mut Map<String, Value>,
    Change { verb, sub, value, .. }: Change<'_>,
) -> Result<(), ScimError> {
    if let Some(sub) = sub {
        let before = element.get(sub.name).cloned();
        change_single(element, sub, (verb, value))?;
        if sub.mutability == Mutability::Immutable && before.is_some() && element.get(sub.name) != before.as_ref() {
            let name = attribute.name;
            return Err(mutability(format!("`{name}.{}` cannot be changed: remove one and add another", sub.name)));
        }
        return Ok(());
    }
    match (verb, value) {
        (Verb::Add, Some(Value::Object(said))) => merge(element, parts(attribute, said)?),
        (_, Some(value)) => match one(attribute, value)? {
            Some(Value::Object(new)) if verb == Verb::Replace => *element = new,
            Some(Value::Object(new)) => element.extend(new),
            _ if verb == Verb::Replace => element.clear(),
            _ => {}
        },
        (_, None) => {}
    }
    Ok(())
}

/// The parts that a value must have to be what the filter asks for; nothing
/// if the filter does not say.
fn seed(attribute: &'static Attribute, filter: &Filter, parts: &mut Map<String, Value>) -> Option<()> {
    match filter {
        Filter::And(all) => all.iter().try_for_each(|term| seed(attribute, term, parts)),
        Filter::Compare(path, Operator::Eq, literal) if path.urn.is_none() && path.sub.is_none() => {
            let value = match literal {
                Literal::Text(text) => Value::from(text.as_str()),
                Literal::Boolean(yes) => Value::from(*yes),
                Literal::Number(_) | Literal::Null => return None,
            };
            // A part that is not known is one that is not kept.
            if let Some(sub) = attribute.sub(&path.name) {
                parts.insert(sub.name.into(), one(sub, &value).ok()??);
            }
            Some(())
        }
        _ => None,
    }
}

fn no_target(attribute: &Attribute, filter: &Filter) -> ScimError {
    let detail = format!("none of `{}` is `{filter}`", attribute.name);
    ScimError::new(ErrorKind::NoTarget, detail)
}

/// By what a value is named.
fn id(value: &Value) -> Option<&str> {
    value.get("value").and_then(Value::as_str)
}

fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// At most one value is the primary one: the one that has become it
/// (RFC 7644 §3.5.2).
fn one_primary(before: &[String], mut values: Vec<Value>) -> Vec<Value> {
    let primaries: Vec<_> = values.iter().enumerate().filter(|(_, value)| is_primary(value)).collect();
    if primaries.len() < 2 {
        return values;
    }
    let was_one = |value: &Value| id(value).is_some_and(|id| before.iter().any(|old| old == id));
    let newest = primaries.iter().rev().find(|(_, value)| !was_one(value)).or_else(|| primaries.last());
    let newest = newest.map(|(at, _)| *at);
    for (at, value) in values.iter_mut().enumerate() {
        if is_primary(value) && Some(at) != newest {
            change_object(value, |parts| parts.insert("primary".into(), Value::Bool(false)));
        }
    }
    values
}
