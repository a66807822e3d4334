//! Sends what a plan says.

use std::collections::BTreeMap;
use std::env;

use serde_json::Value;

use super::plan::{Plan, Step};
use super::term::TermError;
use crate::api::Api;
use crate::failure::Failure;
use crate::session::text;

/// Makes all changes, in order; stops at the first that fails.
pub(crate) fn run(api: &Api, plan: &Plan) -> Result<(), Failure> {
    let secret = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    // Before anything is changed.
    if let Some(name) = plan.secrets().into_iter().find(|name| secret(name).is_none()) {
        return Err(lacking(TermError::NoSecret(name.to_owned())));
    }
    let mut made = BTreeMap::new();
    for (place, step) in plan.steps.iter().enumerate() {
        let id = send(api, step, &made, &secret).map_err(|failure| {
            let (what, all) = (step.changes.first().map(ToString::to_string).unwrap_or_default(), plan.steps.len());
            Failure::Here(format!("{failure}\nat `{what}`, after {place} of {all} steps: apply it again to go on"))
        })?;
        if let (Some(label), Some(id)) = (&step.makes, id) {
            made.insert(label.clone(), id);
        }
    }
    Ok(())
}

/// Answers the id of what was made.
fn send(
    api: &Api,
    step: &Step,
    made: &BTreeMap<String, String>,
    secret: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, Failure> {
    let ids = step.ids.iter().map(|id| Ok(id.resolve(made, secret)?.as_str().unwrap_or_default().to_owned()));
    let ids: Vec<String> = ids.collect::<Result<_, _>>().map_err(lacking)?;
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let answer = match &step.body {
        Some(body) => api.order(step.operation, &ids, &body.resolve(made, secret).map_err(lacking)?)?,
        None => api.call(step.operation, &ids)?,
    };
    Ok(answer.get("id").and_then(Value::as_str).map(|_| text(&answer, "/id").to_owned()))
}

fn lacking(error: TermError) -> Failure {
    Failure::Here(error.to_string())
}
