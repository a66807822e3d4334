//! What the operator's API says of each organization's secrets.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::seed::api::Api;

/// One of all.
#[derive(Deserialize)]
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) name: String,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Organization>,
    next_cursor: Option<String>,
}

/// Under which master secret an organization's secrets are sealed.
#[derive(Deserialize)]
pub(super) struct Standing {
    pub(super) key: String,
    pub(super) previous_key: Option<String>,
    pub(super) left: usize,
    pub(super) unreadable: Vec<String>,
}

/// All organizations.
pub(super) fn organizations(api: &Api) -> Result<Vec<Organization>> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: Page = read(api.get(&format!("/organizations?limit=100{cursor}"))?)?;
        all.extend(page.data);
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

/// How it stands with one.
pub(super) fn look(base_url: &str, operator_key: &str, organization: &Organization) -> Result<Standing> {
    read(Api::new(base_url, operator_key).on(&organization.id).get("/organization/sealed")?)
}

/// Seals its secrets anew.
pub(super) fn reseal(base_url: &str, operator_key: &str, organization: &Organization) -> Result<Standing> {
    read(Api::new(base_url, operator_key).on(&organization.id).post_nothing("/organization/sealed")?)
}

fn read<T: for<'a> Deserialize<'a>>(answer: Value) -> Result<T> {
    serde_json::from_value(answer).context("the answer is not as expected: is the deployment of this version?")
}
