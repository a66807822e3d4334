//! Asks the management API.
//!
//! What moves credits or makes something carries an `Idempotency-Key`, so that
//! it can be sent again when no answer came or Alfred asks for patience (503);
//! so can what only reads. Changes and removals are sent once. What came too
//! often (429) was not looked at, and is sent again whatever it is.

mod hear;
mod operation;
pub(crate) mod retry;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use ureq::http::{Response, StatusCode, header};

use crate::failure::Failure;
pub(crate) use operation::{Method, Operation, encoded};
pub(crate) mod operations {
    //! Every operation by name.
    pub(crate) use super::operation::*;
}

/// Longer than any operation takes: the gateway gives up on an actor earlier.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Items of a page: the most that there can be.
const PAGE: &str = "100";
/// A page of a hundred entries with everything that they can carry.
const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// Where Alfred is, and the key.
pub(crate) struct Api {
    url: String,
    key: String,
    organization: Option<String>,
    agent: ureq::Agent,
}

/// Query parameters; those that are `None` are left out.
pub(crate) type Query<'a> = &'a [(&'static str, Option<String>)];

impl Api {
    /// Nothing is sent yet.
    pub(crate) fn new(url: &str, key: &str, organization: Option<String>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // The key is for this address only.
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("alfred-cli/", env!("CARGO_PKG_VERSION")))
            .build();
        let url = url.trim_end_matches('/').to_owned();
        Self { url, key: key.to_owned(), organization, agent: config.into() }
    }

    /// The key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// What an operation without a body answers.
    pub(crate) fn call(&self, operation: &Operation, ids: &[&str]) -> Result<Value, Failure> {
        self.send(operation, ids, &[], None)
    }

    /// The same, asked for more precisely.
    pub(crate) fn query(&self, operation: &Operation, query: Query) -> Result<Value, Failure> {
        self.send(operation, &[], query, None)
    }

    /// Asks for something to be made or changed.
    pub(crate) fn order(&self, operation: &Operation, ids: &[&str], body: &Value) -> Result<Value, Failure> {
        self.send(operation, ids, &[], Some(body))
    }

    /// All items of a list, or the first `most`.
    pub(crate) fn list(
        &self,
        operation: &Operation,
        ids: &[&str],
        query: Query,
        most: Option<usize>,
    ) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let mut asked = query.to_vec();
            asked.push(("limit", Some(PAGE.to_owned())));
            asked.push(("cursor", cursor.clone()));
            let page: Page = self.read(operation, self.send(operation, ids, &asked, None)?)?;
            items.extend(page.data);
            let enough = most.is_some_and(|most| items.len() >= most);
            if enough || page.next_cursor.is_none() {
                items.truncate(most.unwrap_or(usize::MAX));
                return Ok(items);
            }
            if page.next_cursor == cursor {
                let reason = "the list does not end".to_owned();
                return Err(Failure::Unreadable { url: self.address(operation, ids, &[]), reason });
            }
            cursor = page.next_cursor;
        }
    }

    /// All items of a list, as what they are.
    pub(crate) fn all<T: DeserializeOwned>(&self, operation: &Operation, ids: &[&str]) -> Result<Vec<T>, Failure> {
        let items = self.list(operation, ids, &[], None)?;
        items.into_iter().map(|item| self.read(operation, item)).collect()
    }

    /// An answer as what it is.
    pub(crate) fn read<T: DeserializeOwned>(&self, operation: &Operation, answer: Value) -> Result<T, Failure> {
        serde_json::from_value(answer)
            .map_err(|error| Failure::Unreadable { url: self.address(operation, &[], &[]), reason: error.to_string() })
    }

    fn address(&self, operation: &Operation, ids: &[&str], query: Query) -> String {
        let given = query.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let mut address = format!("{}/api/v1{}", self.url, operation.path_to(ids));
        for (place, (name, value)) in given.enumerate() {
            debug_assert!(["cursor", "limit"].contains(&name) || operation.query.contains(&name), "{name}");
            let mark = if place == 0 { '?' } else { '&' };
            address.push_str(&format!("{mark}{name}={}", encoded(value)));
        }
        address
    }

    fn send(&self, operation: &Operation, ids: &[&str], query: Query, body: Option<&Value>) -> Result<Value, Failure> {
        let url = self.address(operation, ids, query);
        let once = match operation.method {
            Method::Post => Some(idempotency_key()?),
            _ => None,
        };
        let repeatable = matches!(operation.method, Method::Get | Method::Post);
        let mut tries = retry::Tries::new(retry::MOST);
        loop {
            let answer = self.try_once(operation.method, &url, once.as_deref(), body);
            let failure = match answer {
                Ok(mut response) if response.status().is_success() => return self.answer(&url, &mut response),
                Ok(mut response) if is_to_come_again(response.status(), repeatable) => {
                    let wait = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
                    tries.told_to_wait(wait);
                    self.refusal(&url, &mut response)
                }
                Ok(mut response) => return Err(self.refusal(&url, &mut response)),
                Err(error) => {
                    let failure = Failure::Unreachable { url: self.url.clone(), reason: error.to_string() };
                    if !repeatable {
                        return Err(failure);
                    }
                    failure
                }
            };
            match tries.next() {
                Some(pause) => std::thread::sleep(pause),
                None => return Err(failure),
            }
        }
    }

    fn try_once(
        &self,
        method: Method,
        url: &str,
        once: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(match method {
                Method::Get => "GET",
                Method::Post => "POST",
                Method::Put => "PUT",
                Method::Patch => "PATCH",
                Method::Delete => "DELETE",
            })
            .uri(url)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        if let Some(once) = once {
            request = request.header("idempotency-key", once);
        }
        if let Some(organization) = &self.organization {
            request = request.header("x-alfred-organization", organization);
        }
        match body {
            Some(body) => {
                let request = request.header(header::CONTENT_TYPE, "application/json");
                self.agent.run(request.body(body.to_string())?)
            }
            None => self.agent.run(request.body(())?),
        }
    }

    /// The JSON of an answer; `null` where it has none.
    fn answer(&self, url: &str, response: &mut Response<ureq::Body>) -> Result<Value, Failure> {
        let unreadable = |reason: String| Failure::Unreadable { url: url.to_owned(), reason };
        let text = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string();
        let text = text.map_err(|error| unreadable(error.to_string()))?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|_| unreadable("it is not JSON".to_owned()))
    }

    /// The problem document of a refusal.
    fn refusal(&self, url: &str, response: &mut Response<ureq::Body>) -> Failure {
        let status = response.status();
        let problem = self.answer(url, response).unwrap_or_default();
        let text = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
        match (text("title"), text("detail")) {
            (Some(title), Some(detail)) => Failure::Refused { status: status.as_u16(), title, detail },
            _ => Failure::Unreadable { url: url.to_owned(), reason: format!("{status} without a reason") },
        }
    }
}

/// Whether Alfred asks for patience. Who came too often has changed nothing,
/// whatever they wanted.
fn is_to_come_again(status: StatusCode, repeatable: bool) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || (repeatable && status == StatusCode::SERVICE_UNAVAILABLE)
}

/// A page of a list.
#[derive(serde::Deserialize)]
struct Page {
    data: Vec<Value>,
    next_cursor: Option<String>,
}

/// A whole list in the form of one page.
pub(crate) fn document(items: Vec<Value>) -> Value {
    json!({ "data": items, "next_cursor": null })
}

/// A body of the fields that are given.
pub(crate) fn body<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}

/// 128 random bits: no two requests have the same.
fn idempotency_key() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Here(format!("no random numbers: {error}")))?;
    Ok(format!("cli-{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests;
