//! What is sent, before everything in it is known: an id that a step before it
//! makes, a secret that nobody but Alfred sees.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A body or an id of a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Term {
    /// Known.
    Value(Value),
    /// The id of what the step of this label makes.
    Made(String),
    /// What the environment has under this name.
    Secret(String),
    /// Fields.
    Object(Vec<(&'static str, Term)>),
    /// Items.
    List(Vec<Term>),
}

/// What a term lacks: it was asked for too early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TermError {
    /// No step before has made it.
    #[error("`{0}` was not made")]
    NotMade(String),
    /// The environment does not have it.
    #[error("the environment variable `{0}` is not set: a provider's key is expected in it")]
    NoSecret(String),
}

impl<T: serde::Serialize> From<T> for Term {
    fn from(value: T) -> Self {
        Self::Value(json!(value))
    }
}

impl Term {
    /// What it is, if nothing has to be made for it.
    pub(crate) fn known(&self) -> Option<Value> {
        self.resolve(&BTreeMap::new(), &|_| None).ok()
    }

    /// What it is, with the ids that were made and the secrets that there are.
    pub(crate) fn resolve(
        &self,
        made: &BTreeMap<String, String>,
        secret: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Value, TermError> {
        Ok(match self {
            Self::Value(value) => value.clone(),
            Self::Made(label) => json!(made.get(label).ok_or_else(|| TermError::NotMade(label.clone()))?),
            Self::Secret(name) => json!(secret(name).ok_or_else(|| TermError::NoSecret(name.clone()))?),
            Self::Object(fields) => {
                let fields = fields.iter().map(|(name, term)| Ok(((*name).to_owned(), term.resolve(made, secret)?)));
                Value::Object(fields.collect::<Result<Map<_, _>, _>>()?)
            }
            Self::List(items) => {
                Value::Array(items.iter().map(|item| item.resolve(made, secret)).collect::<Result<_, _>>()?)
            }
        })
    }

    /// The names of all secrets in it.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Value(_) | Self::Made(_) => Vec::new(),
            Self::Secret(name) => vec![name],
            Self::Object(fields) => fields.iter().flat_map(|(_, term)| term.secrets()).collect(),
            Self::List(items) => items.iter().flat_map(Self::secrets).collect(),
        }
    }
}
