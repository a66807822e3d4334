//! Regular expressions of the simple kind as globs.

use anyhow::{Result, bail};

/// All globs that together mean what the expression means; see
/// [`pricing::Rule`] for what a glob is. Understands what the source uses:
/// texts, escapes, `\d`, `\d{n}`, sets of letters, groups, alternatives, and
/// `?`. Anything else is an error, so that a new kind of expression is noticed
/// instead of misread.
pub(super) fn globs(regex: &str) -> Result<Vec<String>> {
    let Some(anchored) = regex.strip_prefix('^') else { bail!("`{regex}` is not anchored") };
    let (body, end) = match anchored.strip_suffix('$') {
        Some(body) if !body.ends_with('\\') => (body, ""),
        _ => (anchored, "*"),
    };
    let mut parser = Parser { regex, rest: body };
    let globs = parser.alternatives()?;
    if !parser.rest.is_empty() {
        bail!("`{regex}`: did not expect `{}`", parser.rest);
    }
    Ok(globs.into_iter().map(|glob| glob + end).collect())
}

struct Parser<'a> {
    regex: &'a str,
    rest: &'a str,
}

impl Parser<'_> {
    fn alternatives(&mut self) -> Result<Vec<String>> {
        let mut all = self.sequence()?;
        while self.skip("|") {
            all.extend(self.sequence()?);
        }
        Ok(all)
    }

    fn sequence(&mut self) -> Result<Vec<String>> {
        let mut all = vec![String::new()];
        while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
            let mut next = self.atom()?;
            if self.skip("?") {
                next.push(String::new());
            }
            all = all.iter().flat_map(|start| next.iter().map(move |end| format!("{start}{end}"))).collect();
        }
        Ok(all)
    }

    fn atom(&mut self) -> Result<Vec<String>> {
        if self.skip("(?:") || (!self.rest.starts_with("(?") && self.skip("(")) {
            let inner = self.alternatives()?;
            if !self.skip(")") {
                bail!("`{}`: a group does not end", self.regex);
            }
            return Ok(inner);
        }
        if self.skip("\\d") {
            let count = match self.rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                Some((count, rest)) => {
                    self.rest = rest;
                    count.parse()?
                }
                None => 1,
            };
            return Ok(vec!["#".repeat(count)]);
        }
        if let Some((set, rest)) = self.rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            self.rest = rest;
            return set.chars().map(|letter| self.literal(letter)).collect();
        }
        let escaped = self.skip("\\");
        let Some(letter) = self.rest.chars().next() else { bail!("`{}` ends in an escape", self.regex) };
        let special = if escaped { letter.is_ascii_alphanumeric() } else { "^$.[]{}()*+?".contains(letter) };
        if special {
            bail!("`{}`: `{letter}` is not understood here", self.regex);
        }
        self.rest = &self.rest[letter.len_utf8()..];
        Ok(vec![self.literal(letter)?])
    }

    fn literal(&self, letter: char) -> Result<String> {
        if matches!(letter, '#' | '*' | '^' | '\\') {
            bail!("`{}`: a `{letter}` cannot be written in a glob", self.regex);
        }
        Ok(letter.to_lowercase().to_string())
    }

    fn skip(&mut self, text: &str) -> bool {
        self.rest.strip_prefix(text).map(|rest| self.rest = rest).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn translation() {
        for (regex, expected) in [
            (r"^gpt-5\.4-\d{4}-\d{2}$", &["gpt-5.4-####-##"][..]),
            (r"^gemini-3\.5-flash-\d", &["gemini-3.5-flash-#*"]),
            (r"^o[134]", &["o1*", "o3*", "o4*"]),
            (r"^(typesafe/)?jev(-\d{8})?$", &["typesafe/jev-########", "typesafe/jev", "jev-########", "jev"]),
            (r"^(?:a|b)c|d$", &["ac", "bc", "d"]),
            (r"^composer\[fast=true\]$", &["composer[fast=true]"]),
        ] {
            assert_eq!(globs(regex).unwrap(), expected, "{regex}");
        }
        for regex in [r"gpt", r"^(?!x)", r"^a+$", r"^a.*$", r"^\w$", r"^[^/]$", r"^a$b", r"^(a", r"^a#"] {
            assert!(globs(regex).is_err(), "{regex}");
        }
    }
}
