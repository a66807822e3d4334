//! One provider's models, indexed.

use std::collections::BTreeMap;

use crate::file::ModelEntry;

/// A provider's models and the ways to find one.
///
/// Most names are exact and found in a map. What is left, a few dozen rules at
/// most, is tried in the file's order, so that the first match wins as if
/// every rule had been tried.
#[derive(Debug)]
pub(crate) struct Models {
    models: Vec<ModelEntry<'static>>,
    exact: BTreeMap<String, usize>,
    by_rule: Vec<usize>,
}

impl Models {
    pub(crate) fn new(models: Vec<ModelEntry<'static>>) -> Self {
        let mut exact = BTreeMap::new();
        let mut by_rule = Vec::new();
        for (index, model) in models.iter().enumerate() {
            match &model.called {
                None => {
                    exact.entry(model.id.to_lowercase()).or_insert(index);
                }
                Some(rule) if rule.is_exact() => {
                    for name in &rule.equals {
                        exact.entry(name.clone()).or_insert(index);
                    }
                }
                Some(_) => by_rule.push(index),
            }
        }
        Self { models, exact, by_rule }
    }

    /// Those that have a price, in the file's order.
    pub(crate) fn priced(&self) -> impl Iterator<Item = &ModelEntry<'static>> {
        self.models.iter().filter(|model| !model.prices.is_empty())
    }

    /// A name by which this model is found: its id, as a rule, but the source
    /// calls some by what they are (`regional.…`), and then one of the names
    /// that requests use. `None` if other models are found by all of these.
    pub(crate) fn name_of<'a>(&'a self, model: &'a ModelEntry<'static>) -> Option<&'a str> {
        let names = model.called.iter().flat_map(|rule| &rule.equals).map(String::as_str);
        [&*model.id].into_iter().chain(names).find(|name| {
            let found = self.find(&name.to_lowercase());
            found.is_some_and(|found| std::ptr::eq(found, model))
        })
    }

    /// The first model that is called so; the name is in lower case.
    pub(crate) fn find(&self, name: &str) -> Option<&ModelEntry<'static>> {
        let exact = self.exact.get(name).copied();
        let earlier = |index: &&usize| exact.is_none_or(|exact| **index < exact);
        let called_so = |index: &usize| {
            let rule = self.models.get(*index).and_then(|model| model.called.as_ref());
            rule.is_some_and(|rule| rule.matches(name))
        };
        let by_rule = self.by_rule.iter().take_while(earlier).find(|index| called_so(index)).copied();
        self.models.get(by_rule.or(exact)?)
    }
}

/// The name with a compact date in it (`-20251211`) written with dashes
/// (`-2025-12-11`), as some gateways write the names that providers write with
/// dashes. `None` if there is no such date.
pub(crate) fn with_dashed_date(name: &str) -> Option<String> {
    let mut parts: Vec<String> = name.split('-').map(str::to_owned).collect();
    let mut found = false;
    for part in parts.iter_mut().skip(1) {
        let (date, rest) = match part.split_once(':') {
            Some((date, rest)) => (date, format!(":{rest}")),
            None => (part.as_str(), String::new()),
        };
        if let Some((year, month, day)) = compact_date(date) {
            *part = format!("{year}-{month}-{day}{rest}");
            found = true;
        }
    }
    found.then(|| parts.join("-"))
}

/// Year, month and day of eight digits from the years 2000 to 2099.
fn compact_date(text: &str) -> Option<(&str, &str, &str)> {
    if text.len() != 8 || !text.starts_with("20") || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month_day) = text.split_at_checked(4)?;
    let (month, day) = month_day.split_at_checked(2)?;
    (("01"..="12").contains(&month) && ("01"..="31").contains(&day)).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashed_dates() {
        for (name, expected) in [
            ("gpt-5.2-20251211", Some("gpt-5.2-2025-12-11")),
            ("openai/gpt-5.2-20251211:free", Some("openai/gpt-5.2-2025-12-11:free")),
            ("gpt-20251211-mini", Some("gpt-2025-12-11-mini")),
            ("gpt-5.2", None),
            ("20251211", None),
            ("gpt-20251311", None),
            ("gpt-20251232", None),
            ("gpt-202512111", None),
            ("gpt-19991211", None),
        ] {
            assert_eq!(with_dashed_date(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn the_first_match_wins() {
        let models = Models::new(
            serde_json::from_str(
                r#"[{"id":"a","called":{"equals":["x-1","x-2"]}},
                    {"id":"b","called":{"starts_with":["x-"],"equals":["y"]}},
                    {"id":"c","called":{"equals":["x-3","z"]}},
                    {"id":"D"},
                    {"id":"e","called":{"contains":["d"]}}]"#,
            )
            .unwrap(),
        );
        for (name, expected) in [
            ("x-1", Some("a")),
            ("x-3", Some("b")),
            ("x-9", Some("b")),
            ("y", Some("b")),
            ("z", Some("c")),
            ("d", Some("D")),
            ("dd", Some("e")),
            ("b", None),
            ("", None),
        ] {
            assert_eq!(models.find(name).map(|model| &*model.id), expected, "{name}");
        }
    }
}
