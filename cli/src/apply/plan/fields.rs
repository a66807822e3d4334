//! Fields as they are and as they shall be.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Change, Sign};
use crate::apply::term::Term;
use crate::output::plain;

/// Longer values are not shown in full.
const LONGEST_SHOWN: usize = 120;

/// A field as a file wants it; `None` where the file does not say.
#[derive(Debug, Clone)]
pub(super) struct Want {
    name: &'static str,
    value: Option<Value>,
    nothing: &'static str,
}

impl Want {
    /// A field that always has a value.
    pub(super) fn new(name: &'static str, value: &Option<impl Serialize>) -> Self {
        Self { name, value: value.as_ref().map(|value| json!(value)), nothing: "none" }
    }

    /// A field that may have none, which `null` stands for; how that is called.
    pub(super) fn or(name: &'static str, value: Option<Option<impl Serialize>>, nothing: &'static str) -> Self {
        Self { name, value: value.map(|value| json!(value)), nothing }
    }

    /// A text that is none where it is empty.
    pub(super) fn text_or_none(name: &'static str, value: &Option<String>) -> Self {
        let text = value.as_ref().map(|text| Some(text.trim()).filter(|text| !text.is_empty()));
        Self::or(name, text, "none")
    }

    /// As it is sent for something new: left out where there is nothing to say.
    pub(super) fn term(self) -> Option<(&'static str, Term)> {
        let value = self.value.filter(|value| !value.is_null())?;
        Some((self.name, Term::Value(value)))
    }
}

/// What is different about something.
#[derive(Debug)]
pub(super) struct Patch {
    what: String,
    pub(super) changes: Vec<Change>,
    pub(super) body: Vec<(&'static str, Term)>,
}

impl Patch {
    /// Nothing yet.
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), changes: Vec::new(), body: Vec::new() }
    }

    /// Takes a field in if it is wanted otherwise than it is.
    pub(super) fn compare(&mut self, have: impl Serialize, want: Want) {
        let have = json!(have);
        let Some(value) = want.value.filter(|value| *value != have) else { return };
        let (from, to) = (shown(&have, want.nothing), shown(&value, want.nothing));
        self.note(want.name, from, to);
        self.body.push((want.name, Term::Value(value)));
    }

    /// A line of the diff.
    pub(super) fn note(&mut self, field: impl Into<String>, from: String, to: String) {
        let field = Some((field.into(), from, to));
        self.changes.push(Change { sign: Sign::Change, what: self.what.clone(), field });
    }
}

/// A value in a line of the diff.
pub(super) fn shown(value: &Value, nothing: &str) -> String {
    let text = match value {
        Value::Null => nothing.to_owned(),
        // Cedar has several lines, and a diff has one for each change.
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST_SHOWN {
        return plain(&text);
    }
    format!("{}…", plain(&text.chars().take(LONGEST_SHOWN).collect::<String>()))
}
