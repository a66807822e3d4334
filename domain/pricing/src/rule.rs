//! Which names mean a model, or a provider.

use serde::{Deserialize, Serialize};

/// Matches a name if any of its lists does. All texts are lower case, and so
/// must be the name.
///
/// This is the price book's source's language of clauses, flattened: what it
/// writes as a regular expression comes down to globs and exceptions, so that
/// no regular expression has to be carried along and compiled.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// The name is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub equals: Vec<String>,
    /// The name starts with one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub starts_with: Vec<String>,
    /// The name ends with one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ends_with: Vec<String>,
    /// One of these is somewhere in the name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contains: Vec<String>,
    /// All of these are somewhere in the name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contains_all: Vec<String>,
    /// The name has the form of one of these, in which `#` stands for a digit
    /// and a `*` at the end for anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub glob: Vec<String>,
    /// Names that are not meant after all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<Box<Rule>>,
}

impl Rule {
    /// Whether the name, in lower case, is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let any = |texts: &[String], test: &dyn Fn(&str) -> bool| texts.iter().any(|text| test(text));
        let meant = any(&self.equals, &|text| name == text)
            || any(&self.starts_with, &|text| name.starts_with(text))
            || any(&self.ends_with, &|text| name.ends_with(text))
            || any(&self.contains, &|text| name.contains(text))
            || any(&self.glob, &|text| glob_matches(text, name))
            || (!self.contains_all.is_empty() && self.contains_all.iter().all(|text| name.contains(text.as_str())));
        meant && !self.except.as_ref().is_some_and(|except| except.matches(name))
    }

    /// Nothing but exact names: then an index can stand in for the rule.
    pub(crate) fn is_exact(&self) -> bool {
        let Self { equals: _, starts_with, ends_with, contains, contains_all, glob, except } = self;
        [starts_with, ends_with, contains, contains_all, glob].iter().all(|texts| texts.is_empty()) && except.is_none()
    }

    /// Without any clause.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_exact() && self.equals.is_empty()
    }
}

fn glob_matches(glob: &str, name: &str) -> bool {
    let (form, open) = match glob.strip_suffix('*') {
        Some(form) => (form, true),
        None => (glob, false),
    };
    let fits = |(want, is): (u8, u8)| {
        if want == b'#' { is.is_ascii_digit() } else { want == is }
    };
    (if open { name.len() >= form.len() } else { name.len() == form.len() }) && form.bytes().zip(name.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching() {
        for (rule, yes, no) in [
            (r#"{"equals":["gpt-4o","4o"]}"#, &["gpt-4o", "4o"][..], &["gpt-4o-", "gpt-4", ""][..]),
            (r#"{"starts_with":["gpt-"]}"#, &["gpt-", "gpt-5"], &["xgpt-5", "gpt"]),
            (r#"{"ends_with":["-mini"]}"#, &["a-mini"], &["a-mini-1"]),
            (r#"{"contains":["claude"]}"#, &["x.claude-2"], &["clau"]),
            (r#"{"contains_all":["hf","groq"]}"#, &["hf-groq", "groq_hf"], &["hf", "groq"]),
            (r#"{"glob":["g-####-#"]}"#, &["g-2026-1"], &["g-2026-12", "g-202a-1", "g-2026-", "g-٢٠٢٦-1"]),
            (r#"{"glob":["g-#*"]}"#, &["g-1", "g-1-preview"], &["g-", "g-x"]),
            (
                r#"{"starts_with":["gem"],"except":{"ends_with":["-tts"],"contains":["-tts-"]}}"#,
                &["gem-ttsx", "gem"],
                &["gem-tts", "gem-tts-1"],
            ),
            ("{}", &[], &["", "a"]),
        ] {
            let rule: Rule = serde_json::from_str(rule).unwrap();
            for name in yes {
                assert!(rule.matches(name), "{rule:?} misses {name:?}");
            }
            for name in no {
                assert!(!rule.matches(name), "{rule:?} takes {name:?}");
            }
        }
    }
}
