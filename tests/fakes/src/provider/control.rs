//! The doors for tests, under `/__control/`.

use anyhow::Context;
use hyper::{Method, Response};
use serde_json::{Map, Value, json};

use super::plan::Plan;
use super::refuse;
use super::script::Script;
use super::state::Provider;

/// Where they are.
pub(crate) const PREFIX: &str = "/__control/";

pub(crate) fn answer(provider: &Provider, method: &Method, door: &str, body: &[u8]) -> Response<Script> {
    let answer = match (method.as_str(), door) {
        ("GET", "usage") => Ok(json!(provider.books.totals())),
        ("GET", "calls") => Ok(json!(provider.books.calls())),
        ("GET", "requests") => Ok(provider.books.requests().iter().map(super::records::Recorded::to_json).collect()),
        ("GET", "mode") => Ok(json!(*provider.mode.current())),
        ("POST", "mode") => set_mode(provider, body),
        ("POST", "reset") => {
            provider.reset();
            Ok(json!({}))
        }
        _ => return refuse::because(404, "there is no such door"),
    };
    match answer {
        Ok(value) => refuse::with(200, "application/json", value.to_string()),
        Err(error) => refuse::because(400, &format!("{error:#}")),
    }
}

/// A plan, and with `times` for how many calls.
fn set_mode(provider: &Provider, body: &[u8]) -> anyhow::Result<Value> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).context("a mode is a JSON object")?;
    let times = match fields.remove("times") {
        None => None,
        Some(times) => Some(times.as_u64().context("`times` is a whole number")?),
    };
    let plan = Plan::from_object(fields)?;
    let answer = json!(plan);
    provider.mode.set(plan, times);
    Ok(answer)
}
