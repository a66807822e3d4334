//! The management API, as a script calls it.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::http::StatusCode;

/// A caller with a key.
pub(crate) struct Api {
    base_url: String,
    key: String,
    organization: Option<String>,
    agent: ureq::Agent,
}

impl Api {
    pub(crate) fn new(base_url: &str, key: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Self { base_url: base_url.to_owned(), key: key.to_owned(), organization: None, agent: config.into() }
    }

    /// The operator acts on one organization.
    pub(crate) fn on(mut self, organization: &str) -> Self {
        self.organization = Some(organization.to_owned());
        self
    }

    /// Sends a POST that can be repeated: `step` is its idempotency key.
    pub(crate) fn post(&self, step: &str, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/api/v1{path}", self.base_url);
        let mut request = self
            .agent
            .post(&url)
            .header("authorization", format!("Bearer {}", self.key))
            .header("idempotency-key", format!("seed:{}", step.replace(' ', "-")));
        if let Some(organization) = &self.organization {
            request = request.header("x-alfred-organization", organization);
        }
        let response = request.send_json(body).with_context(|| format!("Alfred does not answer on {url}"))?;
        read(path, response)
    }

    /// Sends a POST that needs no body and that it does no harm to repeat.
    pub(crate) fn post_nothing(&self, path: &str) -> Result<Value> {
        let url = format!("{}/api/v1{path}", self.base_url);
        let mut request = self.agent.post(&url).header("authorization", format!("Bearer {}", self.key));
        if let Some(organization) = &self.organization {
            request = request.header("x-alfred-organization", organization);
        }
        let response = request.send_empty().with_context(|| format!("Alfred does not answer on {url}"))?;
        read(path, response)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/api/v1{path}", self.base_url);
        let request = self.agent.patch(&url).header("authorization", format!("Bearer {}", self.key));
        let response = request.send_json(body).with_context(|| format!("Alfred does not answer on {url}"))?;
        read(path, response)
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}/api/v1{path}", self.base_url);
        let mut request = self.agent.get(&url).header("authorization", format!("Bearer {}", self.key));
        if let Some(organization) = &self.organization {
            request = request.header("x-alfred-organization", organization);
        }
        let response = request.call().with_context(|| format!("Alfred does not answer on {url}"))?;
        read(path, response)
    }
}

fn read(path: &str, mut response: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let status: StatusCode = response.status();
    let text = response.body_mut().read_to_string()?;
    if !status.is_success() {
        bail!("{path} answered {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("{path} answered something that is not JSON: {text}"))
}

/// A text of an answer.
pub(crate) fn text(answer: &Value, field: &str) -> Result<String> {
    let text = answer.get(field).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("the answer has no `{field}`: {answer}"))
}
