//! Filters (RFC 7644 §3.4.2.2).

mod evaluate;
mod parse;
mod print;
#[cfg(test)]
mod tests;

use crate::error::{ErrorKind, ScimError};
use crate::path::AttributePath;
use crate::schema::{Place, ResourceType};

pub(crate) use evaluate::{matches_element, timestamp};
pub use parse::FilterError;
pub(crate) use parse::Parser;

/// The longest filter or path, in bytes: room for some fifty ids, and a
/// quarter of the longest URL that Cloudflare passes on (16 KiB).
pub const MAX_FILTER_BYTES: usize = 4096;

/// How deep parentheses and brackets may be in each other. People write two
/// or three; each costs some stack.
pub const MAX_FILTER_DEPTH: usize = 16;

/// Which resources are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// `userName pr`: it has a value.
    Present(AttributePath),
    /// `userName eq "bjensen"`.
    Compare(AttributePath, Operator, Literal),
    /// `emails[type eq "work"]`: one of the values is such.
    Element(AttributePath, Box<Filter>),
    /// `not (…)`.
    Not(Box<Filter>),
    /// All of these, at least two.
    And(Vec<Filter>),
    /// One of these, at least two.
    Or(Vec<Filter>),
}

/// How an attribute is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater, or later.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less, or earlier.
    Lt,
    /// Less or equal.
    Le,
}

impl Operator {
    pub(crate) const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A text or a time.
    Text(String),
    /// A number, as it was written: no attribute is one, so that its value
    /// does not matter.
    Number(String),
    /// True or false.
    Boolean(bool),
    /// No value.
    Null,
}

/// A filter that asks for one name only, which a store can look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'f> {
    /// `id eq "…"`, exactly.
    Id(&'f str),
    /// `externalId eq "…"`, exactly.
    ExternalId(&'f str),
    /// `userName eq "…"`, in any case (compare with [`folded`]).
    UserName(&'f str),
    /// `displayName eq "…"`, in any case (compare with [`folded`]).
    DisplayName(&'f str),
}

/// The form in which texts are compared where case does not count.
#[must_use]
pub fn folded(text: &str) -> String {
    text.to_lowercase()
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// `invalidFilter`, with the place where it is wrong.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        Parser::new(text)
            .and_then(|mut parser| parser.filter())
            .map_err(|error| ScimError::new(ErrorKind::InvalidFilter, format!("the filter {error}")))
    }

    /// What can be looked up instead of compared, if this is all that is asked.
    #[must_use]
    pub fn lookup(&self, of: &ResourceType) -> Option<Lookup<'_>> {
        let Self::Compare(path, Operator::Eq, Literal::Text(text)) = self else { return None };
        let Some(Place::Attribute { extension: None, attribute, sub: None }) = of.resolve(path) else { return None };
        match attribute.name {
            "id" => Some(Lookup::Id(text)),
            "externalId" => Some(Lookup::ExternalId(text)),
            "userName" => Some(Lookup::UserName(text)),
            "displayName" => Some(Lookup::DisplayName(text)),
            _ => None,
        }
    }
}
