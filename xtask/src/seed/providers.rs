//! Real providers, one line of `.dev.vars` away.

use std::fs;

use anyhow::Result;
use serde_json::{Value, json};

use super::DevJson;
use super::api::{Api, text};
use crate::support::workspace;

/// A line of `.dev.vars`, and the provider that it adds.
struct Known {
    variable: &'static str,
    name: &'static str,
    base_url: &'static str,
    models: &'static [&'static str],
}

const KNOWN: [Known; 5] = [
    Known {
        variable: "OPENAI_API_KEY",
        name: "openai",
        base_url: "https://api.openai.com/v1",
        models: &["gpt-*", "o1*", "o3*", "o4*", "text-embedding-*", "openai/*"],
    },
    Known { variable: "GROQ_API_KEY", name: "groq", base_url: "https://api.groq.com/openai/v1", models: &["groq/*"] },
    Known {
        variable: "MISTRAL_API_KEY",
        name: "mistral",
        base_url: "https://api.mistral.ai/v1",
        models: &["mistral-*", "mistral/*"],
    },
    Known {
        variable: "DEEPSEEK_API_KEY",
        name: "deepseek",
        base_url: "https://api.deepseek.com/v1",
        models: &["deepseek-*", "deepseek/*"],
    },
    Known {
        variable: "OPENROUTER_API_KEY",
        name: "openrouter",
        base_url: "https://openrouter.ai/api/v1",
        models: &["openrouter/*"],
    },
];

/// Adds the providers whose keys `.dev.vars` has, and gives those that are there
/// the key that it has now. Answers the names of those that are new.
pub(crate) fn add_real(seeded: &DevJson) -> Result<Vec<&'static str>> {
    let Some(admin_key) = &seeded.admin_key else { return Ok(Vec::new()) };
    let Ok(variables) = fs::read_to_string(workspace::path(".dev.vars")) else { return Ok(Vec::new()) };
    let admin = Api::new(&seeded.base_url, admin_key);
    let there = admin.get("/providers?limit=100")?;
    let there = there.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    let is = |provider: &&Value, name: &str| text(provider, "name").is_ok_and(|other| other == name);
    let mut added = Vec::new();
    for known in &KNOWN {
        let Some(key) = value(&variables, known.variable) else { continue };
        if let Some(provider) = there.iter().find(|provider| is(provider, known.name)) {
            let path = format!("/providers/{}", text(provider, "id")?);
            admin.patch(&path, &json!({"api_key": key}))?;
            continue;
        }
        let body = json!({
            "name": known.name,
            "kind": "openai",
            "base_url": known.base_url,
            "api_key": key,
            "models": known.models,
        });
        admin.post(&format!("provider {}", known.name), "/providers", &body)?;
        added.push(known.name);
    }
    Ok(added)
}

/// The value of a `KEY=VALUE` line, without its quotes.
fn value<'a>(variables: &'a str, name: &str) -> Option<&'a str> {
    variables.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (key.trim() == name && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_dev_vars() {
        let variables = "# a comment\nOPENAI_API_KEY = \"sk-x\"\nGROQ_API_KEY=\nMISTRAL_API_KEY='m'";
        for (name, expected) in
            [("OPENAI_API_KEY", Some("sk-x")), ("GROQ_API_KEY", None), ("MISTRAL_API_KEY", Some("m")), ("OTHER", None)]
        {
            assert_eq!(value(variables, name), expected, "{name}");
        }
    }
}
