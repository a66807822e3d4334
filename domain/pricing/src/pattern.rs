//! Which models an organization's own price is for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A pattern may be so long, as a model's name may.
const LONGEST: usize = 256;

/// One model by its name, or all whose names begin alike: `gpt-4o`, `gpt-4*`,
/// and `*` for all. Upper and lower case are the same.
///
/// The name is the one that a request says, so that `gpt-4o` does not stand
/// for `gpt-4o-2024-08-06`; `gpt-4o*` stands for both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelPattern {
    text: String,
    prefix: bool,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// No text.
    #[error("a model pattern cannot be empty: write a model's name, a beginning with `*`, or `*` for all models")]
    Empty,
    /// A `*` before the end.
    #[error("`{0}` has a `*` before its end: only the end of a model pattern may be open")]
    StarInside(String),
    /// Longer than any model's name.
    #[error("a model pattern may have at most 256 letters, not {0}")]
    TooLong(usize),
}

impl ModelPattern {
    /// Whether this model is meant.
    #[must_use]
    pub fn matches(&self, model: &str) -> bool {
        let begins = model.get(..self.text.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.text));
        begins && (self.prefix || model.len() == self.text.len())
    }

    /// What decides between patterns that match the same name, the greatest
    /// first: a whole name beats a beginning, and a longer beginning a
    /// shorter one.
    pub(crate) fn precision(&self) -> (bool, usize) {
        (!self.prefix, self.text.len())
    }
}

impl FromStr for ModelPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > LONGEST {
            return Err(PatternError::TooLong(text.len()));
        }
        let (start, prefix) = match text.strip_suffix('*') {
            Some(start) => (start, true),
            None => (text, false),
        };
        if start.contains('*') {
            return Err(PatternError::StarInside(text.to_owned()));
        }
        Ok(Self { text: start.to_ascii_lowercase(), prefix })
    }
}

impl fmt::Display for ModelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.prefix { "*" } else { "" })
    }
}

impl Serialize for ModelPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModelPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching() {
        for (pattern, yes, no) in [
            ("gpt-4o", &["gpt-4o", "GPT-4o"][..], &["gpt-4o-mini", "gpt-4", "xgpt-4o", ""][..]),
            ("GPT-4*", &["gpt-4", "gpt-4o", "GPT-4.1"], &["gpt-5", "gpt-"]),
            ("*", &["", "anything", "ü"], &[]),
            ("a*", &["a", "aü"], &["ü", "ä"]),
        ] {
            let pattern: ModelPattern = pattern.parse().unwrap();
            for model in yes {
                assert!(pattern.matches(model), "{pattern} misses {model}");
            }
            for model in no {
                assert!(!pattern.matches(model), "{pattern} takes {model}");
            }
        }
    }

    #[test]
    fn refusals() {
        for (text, expected) in [
            ("", PatternError::Empty),
            ("a*b", PatternError::StarInside("a*b".to_owned())),
            ("**", PatternError::StarInside("**".to_owned())),
            (&"a".repeat(257), PatternError::TooLong(257)),
        ] {
            assert_eq!(text.parse::<ModelPattern>(), Err(expected));
        }
    }
}
