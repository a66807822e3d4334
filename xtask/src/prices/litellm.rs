//! The second source: sizes, and another opinion on prices.

use pricing::file::ModelEntry;
use pricing::{Rates, Usd};
use serde_json::Value;

use super::Book;

/// Our provider, the second source's names for it, and what it puts in front
/// of a model's name there.
const PROVIDERS: &[(&str, &str, &str)] = &[
    ("anthropic", "anthropic", ""),
    ("aws", "bedrock", ""),
    ("aws", "bedrock_converse", ""),
    ("azure", "azure", "azure/"),
    ("azure", "azure_ai", "azure_ai/"),
    ("baseten", "baseten", "baseten/"),
    ("cerebras", "cerebras", "cerebras/"),
    ("cloudflare", "cloudflare", "cloudflare/"),
    ("cohere", "cohere", ""),
    ("cohere", "cohere_chat", ""),
    ("databricks", "databricks", "databricks/"),
    ("deepseek", "deepseek", ""),
    ("deepseek", "deepseek", "deepseek/"),
    ("fireworks", "fireworks_ai", "fireworks_ai/"),
    ("github-copilot", "github_copilot", "github_copilot/"),
    ("google", "gemini", "gemini/"),
    ("google", "vertex_ai-language-models", ""),
    ("groq", "groq", "groq/"),
    ("minimax", "minimax", "minimax/"),
    ("mistral", "mistral", "mistral/"),
    ("moonshotai", "moonshot", "moonshot/"),
    ("novita", "novita", "novita/"),
    ("openai", "openai", ""),
    ("openrouter", "openrouter", "openrouter/"),
    ("ovhcloud", "ovhcloud", "ovhcloud/"),
    ("perplexity", "perplexity", "perplexity/"),
    ("together", "together_ai", "together_ai/"),
    ("voyageai", "voyage", "voyage/"),
    ("x-ai", "xai", "xai/"),
    ("zai", "zai", "zai/"),
];

/// Providers whose prices are compared.
const COMPARED: [&str; 7] = ["anthropic", "deepseek", "google", "groq", "mistral", "openai", "x-ai"];

/// Adds the most output tokens, and context windows where there are none. Of
/// several names for one model the largest size counts: the sizes serve as
/// upper bounds.
pub(super) fn add_sizes(book: &mut Book, table: &Value) {
    for (provider, name, facts) in entries(table) {
        let Some(entry) = book.providers.get_mut(provider) else {
            continue;
        };
        let Some(index) = position(&entry.models, &name) else {
            continue;
        };
        let Some(model) = entry.models.get_mut(index) else {
            continue;
        };
        let size = |field: &str| facts.get(field).and_then(Value::as_u64).filter(|size| *size > 0);
        model.max_output_tokens = model.max_output_tokens.max(size("max_output_tokens"));
    }
    let known: std::collections::BTreeSet<(String, String)> = windows(book);
    for (provider, name, facts) in entries(table) {
        let Some(entry) = book.providers.get_mut(provider) else {
            continue;
        };
        let Some(index) = position(&entry.models, &name) else {
            continue;
        };
        let Some(model) = entry.models.get_mut(index) else {
            continue;
        };
        if !known.contains(&(provider.to_owned(), model.id.to_string())) {
            let window = facts.get("max_input_tokens").and_then(Value::as_u64).filter(|size| *size > 0);
            model.context_window = model.context_window.max(window);
        }
    }
}

/// The models whose window the first source knows.
fn windows(book: &Book) -> std::collections::BTreeSet<(String, String)> {
    let of = |(id, entry): (&String, &pricing::file::ProviderEntry<Vec<ModelEntry<'static>>>)| {
        let known = entry.models.iter().filter(|model| model.context_window.is_some());
        known.map(|model| (id.clone(), model.id.to_string())).collect::<Vec<_>>()
    };
    book.providers.iter().flat_map(of).collect()
}

/// Where the two sources differ on the standard price of a model that both
/// call by the same name.
pub(super) fn disagreements(book: &Book, table: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let mut compared = 0_usize;
    for (provider, name, facts) in entries(table) {
        let Some(entry) = book.providers.get(provider).filter(|_| COMPARED.contains(&provider)) else {
            continue;
        };
        let Some(model) = position(&entry.models, &name).and_then(|index| entry.models.get(index)) else {
            continue;
        };
        let same_name = model.id.eq_ignore_ascii_case(&name)
            || model.called.as_ref().is_some_and(|called| called.equals.contains(&name));
        let (Some(price), true) = (model.prices.first(), same_name) else {
            continue;
        };
        compared += 1;
        for (unit, ours, field) in units(&price.rates) {
            let theirs = facts.get(field).and_then(per_million);
            if let (Some(ours), Some(theirs)) = (ours, theirs)
                && ours != theirs
            {
                lines.push(format!("{provider}/{name} {unit}: {ours} here, {theirs} there"));
            }
        }
    }
    lines.sort();
    lines.dedup();
    lines.push(format!("that is all, of {compared} names compared"));
    lines
}

fn units(rates: &Rates) -> [(&'static str, Option<Usd>, &'static str); 4] {
    [
        ("input", Some(rates.input), "input_cost_per_token"),
        ("cached_input_read", rates.cached_input_read, "cache_read_input_token_cost"),
        ("cached_input_write", rates.cached_input_write, "cache_creation_input_token_cost"),
        ("output", rates.output, "output_cost_per_token"),
    ]
}

/// Dollars per token, which the table writes as a float, as dollars per
/// million. For a report only.
fn per_million(cost: &Value) -> Option<Usd> {
    let cost: f64 = cost.as_str()?.parse().ok()?;
    Usd::from_nanos((cost * 1e15).round() as i64)
}

/// Every entry as our provider, the model's name in lower case, and the facts.
fn entries(table: &Value) -> impl Iterator<Item = (&'static str, String, &Value)> {
    table.as_object().into_iter().flatten().flat_map(|(key, facts)| {
        let is = |name: &str| facts.get("litellm_provider").and_then(Value::as_str) == Some(name);
        PROVIDERS.iter().filter(move |(_, theirs, _)| is(theirs)).filter_map(move |(ours, _, prefix)| {
            let name = key.strip_prefix(prefix)?.to_lowercase();
            Some((*ours, name, facts))
        })
    })
}

/// The first model that is called so.
fn position(models: &[ModelEntry<'_>], name: &str) -> Option<usize> {
    models.iter().position(|model| match &model.called {
        Some(rule) => rule.matches(name),
        None => model.id.eq_ignore_ascii_case(name),
    })
}
