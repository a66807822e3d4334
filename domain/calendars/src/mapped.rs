//! Any list of absences in JSON, by a mapping of where to find what.
//!
//! Points in time are dates (`2025-06-30`), date-times with or without an
//! offset (RFC 3339), or seconds since 1970.

use std::ops::Range;

use jiff::tz::TimeZone;
use limits::Zone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::absence::{Absence, OPEN_MS, Read, Skipped};
use crate::error::{CalendarError, shown};
use crate::json::{self, Point};
use crate::request::{Request, Validators};
use crate::zones;

/// In bytes; longer ones are mistakes.
const MAX_POINTER: usize = 500;
/// Values of `only`.
const MAX_VALUES: usize = 100;

/// Where to find what. All are JSON Pointers (RFC 6901): `/data/0/id`, with
/// `~1` for a slash in a name and `~0` for a tilde; empty is the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The list, in the document.
    pub items: String,
    /// In an item: its name, which stays the same. A text or a number.
    pub uid: String,
    /// In an item: who is away, a text or a number. Left out if all items are
    /// about the same person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// In an item: what it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// In an item: when the absence begins.
    pub from: String,
    /// In an item: when it ends. A `null` there means that nobody knows.
    pub until: String,
    /// Whether a date at `until` is the last day of the absence, and not the
    /// first day after it.
    #[serde(default)]
    pub until_inclusive: bool,
    /// Which items count; all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
}

/// Which items count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// In an item: what decides.
    pub pointer: String,
    /// One of these has to be there: texts, numbers or truth values, compared
    /// exactly.
    pub equals: Vec<Value>,
}

/// Why a mapping cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not a JSON Pointer.
    #[error("`{pointer}` of `{name}` is not a JSON Pointer: expected one such as `/data/items`, or `` for the whole")]
    Pointer {
        /// Of which field.
        name: &'static str,
        /// What it is.
        pointer: String,
    },
    /// It would be the whole item, which is no text and no time.
    #[error("`{0}` is empty, which means the whole item: expected a JSON Pointer such as `/id`")]
    Empty(&'static str),
    /// Nothing would count, or nothing could equal it.
    #[error("`only` needs 1 to {MAX_VALUES} values in `equals`: texts, numbers, `true` or `false`")]
    Values,
}

impl Mapping {
    /// Checks what somebody typed.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn check(&self) -> Result<(), MappingError> {
        check("items", &self.items)?;
        let within = [
            ("uid", Some(&self.uid)),
            ("who", self.who.as_ref()),
            ("title", self.title.as_ref()),
            ("from", Some(&self.from)),
            ("until", Some(&self.until)),
            ("only.pointer", self.only.as_ref().map(|only| &only.pointer)),
        ];
        for (name, pointer) in within {
            let Some(pointer) = pointer else { continue };
            check(name, pointer)?;
            if pointer.is_empty() {
                return Err(MappingError::Empty(name));
            }
        }
        let plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
        let good = |only: &Only| (1..=MAX_VALUES).contains(&only.equals.len()) && only.equals.iter().all(plain);
        if self.only.as_ref().is_none_or(good) { Ok(()) } else { Err(MappingError::Values) }
    }
}

fn check(name: &'static str, pointer: &str) -> Result<(), MappingError> {
    let escaped = pointer.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    let plain = pointer.len() <= MAX_POINTER && !pointer.contains(char::is_control);
    if plain && escaped && (pointer.is_empty() || pointer.starts_with('/')) {
        Ok(())
    } else {
        Err(MappingError::Pointer { name, pointer: shown(pointer) })
    }
}

/// Asks for the document, of a [`Source`](crate::Source) that has been checked.
#[must_use]
pub fn request(url: &str, validators: &Validators) -> Request {
    Request::new(url.to_owned(), "application/json").unless(validators)
}

/// The absences of the document that lie in the window, by a mapping that has
/// been checked. Dates, and times without an offset, are those of `zone`.
///
/// # Errors
/// [`CalendarError`].
pub fn absences(bytes: &[u8], window: &Range<i64>, zone: &Zone, mapping: &Mapping) -> Result<Read, CalendarError> {
    let document: Value = json::read(bytes, window)?;
    let items = match document.pointer(&mapping.items) {
        Some(Value::Array(items)) => items,
        other => {
            let found = other.map_or("nothing", kind);
            return Err(CalendarError::NoList { pointer: shown(&mapping.items), found });
        }
    };
    json::few(items)?;
    let zone = zones::of(zone);
    let counts = |item: &&Value| match &mapping.only {
        Some(only) => item.pointer(&only.pointer).is_some_and(|value| only.equals.contains(value)),
        None => true,
    };
    let (mut absences, mut skipped) = (Vec::new(), Vec::new());
    for item in items.iter().filter(counts) {
        match absence(item, mapping, &zone) {
            Ok(absence) => absences.push(absence),
            Err(reason) => {
                let uid = item.pointer(&mapping.uid).and_then(text).unwrap_or_default();
                skipped.push(Skipped { uid, reason });
            }
        }
    }
    Ok(Read::new(absences, skipped, window))
}

fn absence(item: &Value, mapping: &Mapping, zone: &TimeZone) -> Result<Absence, String> {
    let named = |pointer: &str| {
        let value = item.pointer(pointer).ok_or_else(|| format!("there is nothing at `{pointer}`"))?;
        text(value).ok_or_else(|| format!("at `{pointer}` is {}, not a text or a number", kind(value)))
    };
    let uid = named(&mapping.uid)?;
    let who = mapping.who.as_deref().map(named).transpose()?;
    let title = mapping.title.as_deref().and_then(|pointer| text(item.pointer(pointer)?));
    let point = |pointer: &str| {
        let value = item.pointer(pointer).ok_or_else(|| format!("there is nothing at `{pointer}`"))?;
        point(value).map_err(|reason| format!("at `{pointer}` {reason}"))
    };
    let beyond = || "its times are beyond the calendar".to_owned();
    let from_ms = point(&mapping.from)?.moment(zone).ok_or_else(beyond)?;
    let until_ms = match item.pointer(&mapping.until) {
        Some(Value::Null) => OPEN_MS,
        _ => {
            let until = point(&mapping.until)?;
            let end = if mapping.until_inclusive { until.end(zone) } else { until.moment(zone) };
            end.ok_or_else(beyond)?
        }
    };
    if until_ms < from_ms {
        return Err("it ends before it begins".to_owned());
    }
    if until_ms == from_ms {
        return Err("it ends when it begins: is the last day part of it (`until_inclusive`)?".to_owned());
    }
    Ok(Absence { from_ms, until_ms, uid, who, title })
}

fn point(value: &Value) -> Result<Point, String> {
    match value {
        Value::String(text) => Point::parse(text)
            .ok_or_else(|| format!("is `{}`: expected a date like `2025-06-30` or a time of RFC 3339", shown(text))),
        Value::Number(number) => {
            let seconds = number.as_i64().ok_or_else(|| format!("is `{number}`: expected whole seconds since 1970"))?;
            // In milliseconds all times since 1973 are larger, in seconds all
            // of the calendar's are smaller.
            let at_ms = seconds.checked_mul(1000).filter(|_| seconds.unsigned_abs() < 100_000_000_000);
            at_ms
                .map(Point::Moment)
                .ok_or_else(|| format!("is `{number}`: expected seconds since 1970, these seem to be milliseconds"))
        }
        other => Err(format!("is {}: expected a date, a time or seconds since 1970", kind(other))),
    }
}

/// A name, as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(shown(text.trim())).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
