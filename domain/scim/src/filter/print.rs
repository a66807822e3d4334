//! Filters as text, which parses to the same filter again.

use std::fmt;

use serde_json::Value;

use super::{Filter, Literal, Operator};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Compare(path, operator, literal) => write!(f, "{path} {operator} {literal}"),
            Self::Element(path, inner) => write!(f, "{path}[{inner}]"),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::And(all) => joined(f, all, " and ", |term| matches!(term, Self::And(_) | Self::Or(_))),
            Self::Or(any) => joined(f, any, " or ", |term| matches!(term, Self::Or(_))),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, terms: &[Filter], by: &str, grouped: fn(&Filter) -> bool) -> fmt::Result {
    for (at, term) in terms.iter().enumerate() {
        if at > 0 {
            f.write_str(by)?;
        }
        if grouped(term) {
            write!(f, "({term})")?;
        } else {
            write!(f, "{term}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Value::from(text.as_str()).fmt(f),
            Self::Number(number) => f.write_str(number),
            Self::Boolean(yes) => yes.fmt(f),
            Self::Null => f.write_str("null"),
        }
    }
}
