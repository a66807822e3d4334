//! Lists in pages.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The items, in the order of their ids, which is the order in which they were made unless said otherwise.
    pub(crate) data: Vec<T>,
    /// Send it as `cursor` for the next page; `null` where the list ends.
    pub(crate) next_cursor: Option<String>,
}

/// How many items a page has: 1 to 100, 50 if not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(u8);

impl Size {
    /// As many as a page can have.
    pub(crate) const MOST: Self = Self(100);

    /// The number.
    pub(crate) const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Size {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let size = u8::deserialize(deserializer).ok().filter(|size| (1..=100).contains(size));
        size.map(Self).ok_or_else(|| D::Error::custom("`limit` is the number of items of a page, 1 to 100"))
    }
}

/// Which page of a list that has no filter.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    pub(crate) limit: Size,
}

/// The page of `items`, which are sorted by `key`, that begins after `cursor`.
///
/// # Errors
/// When `cursor` is no such key.
pub(crate) fn page<I, T, K: Ord + Display + FromStr>(
    items: impl IntoIterator<Item = I>,
    (cursor, size): (Option<&str>, Size),
    key: impl Fn(&I) -> K,
    view: impl Fn(I) -> T,
) -> Result<List<T>, Problem> {
    let cursor: Option<K> = cursor.map(|cursor| cursor.parse().map_err(unknown_cursor)).transpose()?;
    let mut items = items.into_iter().skip_while(|item| cursor.as_ref().is_some_and(|cursor| key(item) <= *cursor));
    let mut data = Vec::new();
    let mut last = None;
    for item in items.by_ref().take(size.get().into()) {
        last = Some(key(&item).to_string());
        data.push(view(item));
    }
    let next_cursor = items.next().and(last);
    Ok(List { data, next_cursor })
}

/// Why a cursor that is none was refused.
pub(crate) fn unknown_cursor<E>(_: E) -> Problem {
    Problem::invalid("`cursor` is not one that this list answered: begin without one")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(cursor: Option<&str>, size: u8) -> (Vec<u32>, Option<String>) {
        let list = page(10..15u32, (cursor, Size(size)), |n| *n, |n| n).unwrap();
        (list.data, list.next_cursor)
    }

    #[test]
    fn pages() {
        assert_eq!(numbers(None, 2), (vec![10, 11], Some("11".into())));
        assert_eq!(numbers(Some("11"), 2), (vec![12, 13], Some("13".into())));
        assert_eq!(numbers(Some("13"), 2), (vec![14], None));
        assert_eq!(numbers(Some("12"), 2), (vec![13, 14], None));
        assert_eq!(numbers(Some("14"), 2), (vec![], None));
        // What the cursor named may be gone.
        assert_eq!(numbers(Some("3"), 2), (vec![10, 11], Some("11".into())));
        assert!(page(10..15u32, (Some("x"), Size(1)), |n| *n, |n| n).is_err());
    }

    #[test]
    fn sizes() {
        let read = |text: &str| serde_json::from_str::<Size>(text).ok();
        assert_eq!(read("1"), Some(Size(1)));
        assert_eq!(read("100"), Some(Size(100)));
        for text in ["0", "101", "1000", "-1", "1.5", "\"x\""] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
