//! Names of attributes, and the paths of PATCH (RFC 7644 §3.5.2, figure 7).

use std::fmt;

use crate::error::{ErrorKind, ScimError};
use crate::filter::{Filter, Parser};

/// An attribute's name: perhaps under a schema's URN, perhaps with a
/// sub-attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The schema, if it was said.
    pub urn: Option<String>,
    /// The attribute.
    pub name: String,
    /// The sub-attribute.
    pub sub: Option<String>,
}

impl AttributePath {
    /// Reads `userName`, `name.givenName` or either after a URN and a colon.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (urn, rest) = match text.rsplit_once(':') {
            Some((urn, rest)) => (Some(urn.to_owned()), rest),
            None => (None, text),
        };
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        let urn_is_one = urn.as_ref().is_none_or(|urn| is_urn(urn));
        let all_are_names = is_name(name) && sub.is_none_or(is_name);
        (urn_is_one && all_are_names).then(|| Self { urn, name: name.to_owned(), sub: sub.map(str::to_owned) })
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.name)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// Whether a character can be part of a name.
pub(crate) fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// A letter and then name characters; `$ref` is one, too.
pub(crate) fn is_name(text: &str) -> bool {
    let text = text.strip_prefix('$').unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_name_character)
}

fn is_urn(text: &str) -> bool {
    let begins = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    begins && text.chars().all(|c| is_name_character(c) || c == ':' || c == '.')
}

/// Where a PATCH operation works: `emails[type eq "work"].value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The attribute; its `sub` is what stands behind the filter, if there is one.
    pub attribute: AttributePath,
    /// Which of its values.
    pub filter: Option<Filter>,
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// `invalidPath`, with the place where it is wrong.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        Parser::new(text)
            .and_then(|mut parser| parser.path())
            .map_err(|error| ScimError::new(ErrorKind::InvalidPath, format!("the path {error}")))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(filter) = &self.filter else { return self.attribute.fmt(f) };
        let plain = AttributePath { sub: None, ..self.attribute.clone() };
        write!(f, "{plain}[{filter}]")?;
        match &self.attribute.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        // RFC 7644 §3.5.2, and what Entra sends.
        for text in [
            "members",
            "name.familyName",
            r#"addresses[type eq "work"]"#,
            r#"members[value eq "2819c223-7f76-453a-919d-413861904646"]"#,
            r#"members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName"#,
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            r#"urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work" and primary eq true].value"#,
            "members.$ref",
        ] {
            assert_eq!(Path::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn refusals() {
        for (text, message) in [
            ("", "the path is wrong at character 1: expected an attribute's name"),
            ("a.b.c", "the path is wrong at character 1: expected an attribute's name"),
            ("1a", "the path is wrong at character 1: expected an attribute's name"),
            ("x:userName", "the path is wrong at character 1: expected an attribute's name"),
            ("emails[", "the path is wrong at character 8: expected an attribute's name"),
            (r#"emails[type eq "x""#, "the path is wrong at character 19: expected `]`"),
            (r#"emails[type eq "x"] "#, "the path is wrong at character 20: expected the end"),
            (r#"emails[type eq "x"].a.b"#, "the path is wrong at character 21: expected a sub-attribute's name"),
            (r#"emails.a[type eq "x"]"#, "the path is wrong at character 9: expected the end"),
            (r#"emails[a[b pr]]"#, "the path is wrong at character 9: expected an operator such as `eq`"),
        ] {
            let error = Path::parse(text).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidPath, message), "{text}");
        }
    }
}
