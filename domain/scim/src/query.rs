//! What a list request asks for, in its query or in the body of a POST to
//! `/.search` (RFC 7644 §3.4.2, §3.4.3), and what it is answered.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::canonical::{check_schemas, member, object};
use crate::error::{ScimError, invalid_value, shown};
use crate::filter::Filter;
use crate::path::AttributePath;
use crate::projection::Projection;
use crate::schema::ResourceType;
use crate::sort::{Order, Sort};

/// The most resources of one answer: Okta asks for 200 at a time, the most
/// that any provider is known to.
pub const MAX_RESULTS: usize = 200;

/// How many resources are answered if nothing was said: Okta's and Entra's
/// usual page.
pub const DEFAULT_RESULTS: usize = 100;

/// Which resources a client wants, and what of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Which.
    pub filter: Option<Filter>,
    /// In which order.
    pub sort: Option<Sort>,
    /// From which on; the first is 1.
    pub start_index: usize,
    /// How many, at most; 0 asks for their number only.
    pub count: usize,
    /// What of them.
    pub projection: Projection,
}

impl Query {
    /// The schema of the body of a `/.search`.
    pub const SEARCH_SCHEMA: &'static str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

    /// Reads the parameters of a request's query, decoded. Their names are
    /// taken in any case; what is not known is ignored.
    ///
    /// # Errors
    /// `invalidFilter`, `invalidValue`.
    pub fn from_parameters<'p>(
        of: &ResourceType,
        parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Self, ScimError> {
        let parameters: Map<_, _> =
            parameters.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        Self::read(of, &parameters)
    }

    /// Reads the body of a POST to `/.search`.
    ///
    /// # Errors
    /// `invalidSyntax`, `invalidFilter`, `invalidValue`.
    pub fn from_search(of: &ResourceType, body: &Value) -> Result<Self, ScimError> {
        let body = object(body)?;
        check_schemas(body, Self::SEARCH_SCHEMA)?;
        Self::read(of, body)
    }

    fn read(of: &ResourceType, given: &Map<String, Value>) -> Result<Self, ScimError> {
        let filter = text(given, "filter")?.map(|text| Filter::parse(&text)).transpose()?;
        if let Some(filter) = &filter {
            filter.check(of)?;
        }
        let order = match text(given, "sortOrder")? {
            None => Order::Ascending,
            Some(order) if order.eq_ignore_ascii_case("ascending") => Order::Ascending,
            Some(order) if order.eq_ignore_ascii_case("descending") => Order::Descending,
            Some(_) => return Err(invalid_value("`sortOrder` must be `ascending` or `descending`")),
        };
        let by = match text(given, "sortBy")? {
            Some(name) => {
                Some(AttributePath::read(&name).ok_or_else(|| invalid_value("`sortBy` must be an attribute's name"))?)
            }
            None => None,
        };
        let attributes = text(given, "attributes")?;
        let excluded = text(given, "excludedAttributes")?;
        Ok(Self {
            filter,
            sort: by.map(|by| Sort { by, order }),
            start_index: number(given, "startIndex")?.unwrap_or(1).max(1),
            count: number(given, "count")?.unwrap_or(DEFAULT_RESULTS).min(MAX_RESULTS),
            projection: Projection::read(attributes.as_deref(), excluded.as_deref())?,
        })
    }

    /// The answer, out of all resources of the type in their JSON form.
    #[must_use]
    pub fn answer(&self, of: &ResourceType, resources: impl IntoIterator<Item = Value>) -> Value {
        let meant = |resource: &Value| self.filter.as_ref().is_none_or(|filter| filter.matches(resource, of));
        let mut found: Vec<_> = resources.into_iter().filter(meant).collect();
        if let Some(sort) = &self.sort {
            sort.sort(of, &mut found);
        }
        let total = found.len();
        let page = found.into_iter().skip(self.start_index.saturating_sub(1)).take(self.count);
        list_response(total, self.start_index, page.map(|resource| self.projection.project(of, resource)).collect())
    }
}

/// The answer to a list request: these of `total` resources, from
/// `start_index` on.
#[must_use]
pub fn list_response(total: usize, start_index: usize, resources: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// A text, or texts between commas; a blank one was not given.
fn text(given: &Map<String, Value>, name: &str) -> Result<Option<String>, ScimError> {
    let text = match member(given, name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(texts)) if texts.iter().all(Value::is_string) => {
            texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        Some(other) => return Err(invalid_value(format!("`{name}` must be a text, not `{}`", shown(other)))),
    };
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// A whole number; a negative one counts as 0 (RFC 7644 §3.4.2.4).
fn number(given: &Map<String, Value>, name: &str) -> Result<Option<usize>, ScimError> {
    let number = match member(given, name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    let number = number.ok_or_else(|| invalid_value(format!("`{name}` must be a whole number")))?;
    Ok(Some(usize::try_from(number.max(0)).unwrap_or(usize::MAX)))
}
