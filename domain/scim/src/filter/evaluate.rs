//! Whether a resource is what a filter asks for.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::{Filter, Literal, Operator, folded};
use crate::attribute::{Attribute, Kind};
use crate::error::{ErrorKind, ScimError};
use crate::path::AttributePath;
use crate::schema::{Place, ResourceType};

/// In what the names of a filter are looked up.
#[derive(Clone, Copy)]
enum Scope<'s> {
    Resource(&'s ResourceType),
    Element(&'static Attribute),
}

impl Filter {
    /// Whether the resource, in its JSON form, is one that is meant. An
    /// attribute that the type does not have has no value (RFC 7644 §3.4.2.1);
    /// of many values, one must match.
    #[must_use]
    pub fn matches(&self, resource: &Value, of: &ResourceType) -> bool {
        self.holds(resource, Scope::Resource(of))
    }

    /// Refuses what cannot be compared: the order of booleans, times that are
    /// none, an object as such.
    ///
    /// # Errors
    /// `invalidFilter`.
    pub fn check(&self, of: &ResourceType) -> Result<(), ScimError> {
        self.fits(Scope::Resource(of)).map_err(|detail| ScimError::new(ErrorKind::InvalidFilter, detail))
    }

    /// The same for a value filter, whose names are the attribute's parts.
    pub(crate) fn check_element(&self, of: &'static Attribute) -> Result<(), ScimError> {
        self.fits(Scope::Element(of)).map_err(|detail| ScimError::new(ErrorKind::InvalidFilter, detail))
    }

    fn holds(&self, json: &Value, scope: Scope<'_>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|term| term.holds(json, scope)),
            Self::Or(any) => any.iter().any(|term| term.holds(json, scope)),
            Self::Not(inner) => !inner.holds(json, scope),
            Self::Present(path) => named(path, scope).is_some_and(|name| name.values(json).into_iter().any(is_present)),
            Self::Element(path, inner) => named(path, scope).is_some_and(|name| {
                let scope = Scope::Element(name.attribute);
                name.values(json).into_iter().any(|value| inner.holds(value, scope))
            }),
            Self::Compare(path, operator, literal) => match named(path, scope).and_then(Named::compared) {
                Some((leaf, name)) => compare(leaf, &name.values(json), *operator, literal),
                None => (*operator == Operator::Ne) != (*literal == Literal::Null),
            },
        }
    }

    fn fits(&self, scope: Scope<'_>) -> Result<(), String> {
        match self {
            Self::And(terms) | Self::Or(terms) => terms.iter().try_for_each(|term| term.fits(scope)),
            Self::Not(inner) => inner.fits(scope),
            Self::Present(_) => Ok(()),
            Self::Element(path, inner) => match named(path, scope) {
                Some(name) if name.attribute.subs().is_empty() || name.sub.is_some() => {
                    Err(format!("`{path}` has no parts: compare it without `[…]`"))
                }
                Some(name) => inner.fits(Scope::Element(name.attribute)),
                None => Ok(()),
            },
            Self::Compare(path, operator, literal) => {
                let Some(name) = named(path, scope) else { return Ok(()) };
                let Some((leaf, _)) = name.compared() else {
                    return Err(format!("`{path}` has parts: compare one of them, such as `{path}.formatted`"));
                };
                fits_kind(path, leaf, *operator, literal)
            }
        }
    }
}

/// Whether one of many values is what a value filter asks for.
pub(crate) fn matches_element(filter: &Filter, element: &Value, of: &'static Attribute) -> bool {
    filter.holds(element, Scope::Element(of))
}

/// The point in time that a text says.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn fits_kind(path: &AttributePath, leaf: &Attribute, operator: Operator, literal: &Literal) -> Result<(), String> {
    let by_text = matches!(operator, Operator::Co | Operator::Sw | Operator::Ew);
    let by_identity = matches!(operator, Operator::Eq | Operator::Ne);
    match (leaf.kind, literal) {
        (Kind::Boolean, _) if !by_identity => {
            Err(format!("`{path}` is true or false: compare it with `eq` or `ne`, not `{operator}`"))
        }
        (Kind::DateTime, Literal::Text(text)) if !by_text && timestamp(text).is_none() => {
            Err(format!("`{path}` is a time: write it like `2026-01-31T12:00:00Z`"))
        }
        _ => Ok(()),
    }
}

/// An attribute that was found.
#[derive(Clone, Copy)]
struct Named {
    extension: Option<&'static str>,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
}

fn named(path: &AttributePath, scope: Scope<'_>) -> Option<Named> {
    match scope {
        Scope::Resource(of) => match of.resolve(path)? {
            Place::Attribute { extension, attribute, sub } => {
                Some(Named { extension: extension.map(|schema| schema.urn), attribute, sub })
            }
            Place::Extension(_) => None,
        },
        Scope::Element(of) if path.urn.is_none() && path.sub.is_none() => {
            Some(Named { extension: None, attribute: of.sub(&path.name)?, sub: None })
        }
        Scope::Element(_) => None,
    }
}

impl Named {
    /// What is compared: the attribute or the part that was named, or `value`.
    fn compared(self) -> Option<(&'static Attribute, Self)> {
        match self.sub {
            Some(sub) => Some((sub, self)),
            None => {
                let leaf = self.attribute.compared()?;
                let sub = (!std::ptr::eq(leaf, self.attribute)).then_some(leaf);
                Some((leaf, Self { sub, ..self }))
            }
        }
    }

    fn values(self, json: &Value) -> Vec<&Value> {
        let holder = match self.extension {
            Some(urn) => json.get(urn),
            None => Some(json),
        };
        let Some(value) = holder.and_then(|holder| holder.get(self.attribute.name)) else { return Vec::new() };
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            value => vec![value],
        };
        match self.sub {
            Some(sub) => values.into_iter().filter_map(|value| value.get(sub.name)).collect(),
            None => values,
        }
    }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(is_present),
        Value::Object(parts) => parts.values().any(is_present),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compare(leaf: &Attribute, values: &[&Value], operator: Operator, literal: &Literal) -> bool {
    let present = values.iter().any(|value| is_present(value));
    match (literal, operator) {
        (Literal::Null, Operator::Eq) => !present,
        (Literal::Null, Operator::Ne) => present,
        (Literal::Null, _) => false,
        (_, Operator::Ne) if !present => true,
        _ => values.iter().any(|value| compare_one(leaf, value, operator, literal)),
    }
}

fn compare_one(leaf: &Attribute, value: &Value, operator: Operator, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::String(value), Literal::Text(text)) => compare_texts(leaf, value, operator, text),
        (Value::Bool(value), Literal::Boolean(yes)) => ordered(operator, value.cmp(yes)),
        // Entra writes booleans as texts.
        (Value::Bool(value), Literal::Text(text)) => ordered(
            operator,
            if text.eq_ignore_ascii_case(&value.to_string()) { Ordering::Equal } else { Ordering::Less },
        ),
        _ => operator == Operator::Ne,
    }
}

fn compare_texts(leaf: &Attribute, value: &str, operator: Operator, text: &str) -> bool {
    if leaf.kind == Kind::DateTime
        && let (Some(value), Some(text)) = (timestamp(value), timestamp(text))
    {
        return ordered(operator, value.cmp(&text));
    }
    if leaf.case_exact {
        return compare_forms(value, operator, text);
    }
    compare_forms(&folded(value), operator, &folded(text))
}

fn compare_forms(value: &str, operator: Operator, text: &str) -> bool {
    match operator {
        Operator::Co => value.contains(text),
        Operator::Sw => value.starts_with(text),
        Operator::Ew => value.ends_with(text),
        _ => ordered(operator, value.cmp(text)),
    }
}

fn ordered(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}
