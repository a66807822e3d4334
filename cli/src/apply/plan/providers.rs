//! Providers. Their keys are sent and never shown, neither by Alfred nor here.

use serde_json::Value;

use super::fields::Patch;
use super::{PlanError, Planner, Want};
use crate::api::operations as ops;
use crate::apply::file;
use crate::apply::state;
use crate::apply::term::Term;

/// What Alfred shows in the place of a header that is secret.
const HIDDEN: &str = "…";

impl Planner<'_> {
    pub(super) fn providers(&mut self) -> Result<(), PlanError> {
        let (file, state) = (self.file, self.state);
        for (name, provider) in &file.providers {
            let label = format!("provider {name}");
            match state.providers.iter().find(|other| other.name == *name) {
                Some(there) => {
                    let patch = change(&label, provider, there, self.options.send_keys);
                    self.change(ops::CHANGE_PROVIDER, vec![Term::from(there.id)], patch);
                }
                None => {
                    let body = new(&label, name, provider)?;
                    self.make(&label, ops::CREATE_PROVIDER, Vec::new(), body);
                }
            }
        }
        let prune = self.options.prune;
        let gone = state.providers.iter().filter(|there| prune && !file.providers.contains_key(&there.name));
        for there in gone {
            self.remove(format!("provider {}", there.name), ops::REMOVE_PROVIDER, vec![Term::from(there.id)]);
        }
        Ok(())
    }
}

fn wants(provider: &file::Provider) -> [Want; 7] {
    let base_url = provider.base_url.as_deref().map(canonical);
    [
        Want::new("kind", &provider.kind),
        Want::new("base_url", &base_url),
        Want::new("models", &provider.models),
        Want::text_or_none("prices", &provider.prices),
        Want::new("limit_field", &provider.limit_field),
        Want::new("header_timeout_seconds", &provider.header_timeout_seconds),
        Want::new("idle_timeout_seconds", &provider.idle_timeout_seconds),
    ]
}

fn new(label: &str, name: &str, provider: &file::Provider) -> Result<Vec<(&'static str, Term)>, PlanError> {
    let missing = |field| PlanError::Missing { what: label.to_owned(), field };
    provider.kind.ok_or_else(|| missing("kind"))?;
    provider.models.as_ref().ok_or_else(|| missing("models"))?;
    let mut body = vec![("name", Term::from(name))];
    body.extend(wants(provider).into_iter().filter_map(Want::term));
    if !provider.headers.is_empty() {
        body.push(("headers", Term::from(&provider.headers)));
    }
    body.extend(provider.api_key_env.clone().map(|variable| ("api_key", Term::Secret(variable))));
    Ok(body)
}

fn change(label: &str, provider: &file::Provider, there: &state::Provider, send_keys: bool) -> Patch {
    let mut patch = Patch::new(label);
    let have = serde_json::json!(there);
    let fields =
        ["kind", "base_url", "models", "prices", "limit_field", "header_timeout_seconds", "idle_timeout_seconds"];
    for (want, field) in wants(provider).into_iter().zip(fields) {
        patch.compare(have.get(field), want);
    }
    let moved = patch.body.iter().any(|(field, _)| *field == "base_url");
    let mut headers: Vec<(String, Value)> = Vec::new();
    for (name, value) in &provider.headers {
        let have = there.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        if have.is_some_and(|have| have == value || have == HIDDEN) {
            continue;
        }
        let from = if have.is_some() { "(another)" } else { "none" };
        patch.note(format!("header {name}"), from.to_owned(), "(not shown)".to_owned());
        headers.push((name.clone(), Value::from(value.as_str())));
    }
    if !headers.is_empty() {
        patch.body.push(("headers", Term::Value(Value::Object(headers.into_iter().collect()))));
    }
    // Alfred does not send an old key to another address.
    if let Some(variable) = provider.api_key_env.as_ref().filter(|_| !there.has_key || moved || send_keys) {
        let from = if there.has_key { "(stored)" } else { "none" };
        patch.note("api_key", from.to_owned(), format!("from {variable}"));
        patch.body.push(("api_key", Term::Secret(variable.clone())));
    }
    patch
}

/// An address as Alfred keeps it.
fn canonical(url: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{}://{}{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
}
