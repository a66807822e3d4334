//! The source's clauses as rules.

use anyhow::{Result, bail, ensure};
use pricing::Rule;
use serde_json::Value;

use super::glob::globs;
use super::json::{list, short, text};

/// What an expression that looks ahead excludes, which no glob can say, and
/// the rest of the expression.
fn exception(regex: &str) -> Option<(Rule, &str)> {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    if let Some(rest) = regex.strip_prefix("^(?!.*-[tT][tT][sS](?:$|-))") {
        let (ends_with, contains) = (texts(&["-tts"]), texts(&["-tts-"]));
        return Some((Rule { ends_with, contains, ..Rule::default() }, rest));
    }
    // "Not a name with a provider's in front", that is: no slash.
    let rest = regex.strip_prefix("^(?![^/]+/)")?;
    Some((Rule { contains: texts(&["/"]), ..Rule::default() }, rest))
}

/// A clause as a rule, its lists sorted.
pub(super) fn rule(clause: &Value) -> Result<Rule> {
    let one = |field: &str| Ok::<_, anyhow::Error>(vec![text(clause, field)?.to_lowercase()]);
    let mut rule = match text(clause, "_")? {
        "ClauseEquals" => Rule { equals: one("equals")?, ..Rule::default() },
        "ClauseStartsWith" => Rule { starts_with: one("starts_with")?, ..Rule::default() },
        "ClauseEndsWith" => Rule { ends_with: one("ends_with")?, ..Rule::default() },
        "ClauseContains" => Rule { contains: one("contains")?, ..Rule::default() },
        "ClauseRegex" => regex(text(clause, "regex")?)?,
        "ClauseOr" => list(clause, "or_").map(rule).try_fold(Rule::default(), |all, next| either(all, next?))?,
        "ClauseAnd" => both(list(clause, "and_").map(rule).collect::<Result<Vec<_>>>()?)?,
        _ => bail!("unknown clause: {}", short(clause)),
    };
    for texts in lists(&mut rule) {
        texts.sort();
        texts.dedup();
    }
    Ok(rule)
}

/// What an expression asks for. One that only looks ahead is a rule with an
/// exception and no clause.
fn regex(regex: &str) -> Result<Rule> {
    if let Some((except, rest)) = exception(regex) {
        let asked = if rest.is_empty() { Rule::default() } else { plain(&format!("^{rest}"))? };
        return Ok(Rule { except: Some(Box::new(except)), ..asked });
    }
    plain(regex)
}

fn plain(regex: &str) -> Result<Rule> {
    let mut rule = Rule::default();
    for glob in globs(regex)? {
        match glob.strip_suffix('*') {
            _ if glob.contains('#') => rule.glob.push(glob),
            Some(start) => rule.starts_with.push(start.to_owned()),
            None => rule.equals.push(glob),
        }
    }
    Ok(rule)
}

/// What either rule matches. A rule has one exception for all its clauses, so
/// it may not take away what the other rule matches.
fn either(mut one: Rule, mut other: Rule) -> Result<Rule> {
    for (excepting, clauses) in [(&one, &other), (&other, &one)] {
        if let Some(except) = &excepting.except {
            let harmless = clauses.equals.iter().all(|name| !except.matches(name));
            let only_names = Rule { equals: clauses.equals.clone(), ..Rule::default() } == *clauses;
            ensure!(harmless && only_names, "an exception among alternatives: {clauses:?} or {excepting:?}");
        }
    }
    let except = one.except.take().or(other.except.take());
    for (texts, more) in lists(&mut one).into_iter().zip(lists(&mut other)) {
        texts.append(more);
    }
    Ok(Rule { except, ..one })
}

/// What all rules match: one with the others' exceptions, or several texts
/// that are all in the name.
fn both(rules: Vec<Rule>) -> Result<Rule> {
    let contains = |rule: &Rule| Rule { contains: rule.contains.clone(), ..Rule::default() } == *rule;
    if rules.iter().all(|rule| contains(rule) && rule.contains.len() == 1) {
        let contains_all = rules.into_iter().flat_map(|rule| rule.contains).collect();
        return Ok(Rule { contains_all, ..Rule::default() });
    }
    match <[Rule; 2]>::try_from(rules) {
        Ok([asked, Rule { except: Some(except), .. }]) if asked.except.is_none() => {
            Ok(Rule { except: Some(except), ..asked })
        }
        other => bail!("a conjunction that cannot be written as a rule: {other:?}"),
    }
}

fn lists(rule: &mut Rule) -> [&mut Vec<String>; 6] {
    let Rule { equals, starts_with, ends_with, contains, contains_all, glob, except: _ } = rule;
    [equals, starts_with, ends_with, contains, contains_all, glob]
}
