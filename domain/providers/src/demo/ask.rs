//! What a request wants of a demo model.

use serde_json::Value;

use super::instance::instance;
use super::text::tokens;
use super::{CONTEXT_WINDOW, MAX_OUTPUT_TOKENS};
use crate::openai::ChatRequest;

/// Longest pause before a frame.
const MAX_DELAY_MS: u64 = 10_000;

/// What the template puts around a message and around the request.
const PER_MESSAGE: u64 = 4;
const PER_REQUEST: u64 = 3;

/// What an answer consists of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    /// Words, as many as are wanted.
    Words,
    /// Exactly this JSON.
    Json(String),
    /// A call of a tool.
    Call { name: String, arguments: String },
}

/// A request, read for the demo models.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) last_user_text: String,
    pub(crate) prompt_tokens: u64,
    /// Wanted length in tokens.
    pub(crate) length: Option<u64>,
    pub(crate) limit: u64,
    pub(crate) delay_ms: u64,
    pub(crate) stop: Vec<String>,
    pub(crate) form: Form,
}

impl Ask {
    pub(crate) fn read(request: &ChatRequest<'_>) -> Self {
        let get = |name| request.parameter(name).and_then(|json| serde_json::from_str::<Value>(json).ok());
        let messages = get("messages").unwrap_or_default();
        let mut prompt_tokens = PER_REQUEST;
        let mut last_user_text = String::new();
        for message in messages.as_array().into_iter().flatten() {
            let mut text = String::new();
            collect_text(message.get("content").unwrap_or(&Value::Null), &mut text);
            prompt_tokens += PER_MESSAGE + tokens(&text);
            for key in ["tool_calls", "function_call"] {
                prompt_tokens += message.get(key).map_or(0, all_tokens);
            }
            if message.get("role").and_then(Value::as_str) == Some("user") {
                last_user_text = text;
            }
        }
        for name in ["tools", "functions", "response_format"] {
            prompt_tokens += get(name).as_ref().map_or(0, all_tokens);
        }
        let demo = get("demo").unwrap_or_default();
        let metadata = get("metadata").unwrap_or_default();
        let setting = |direct: &str, names: &[&str]| {
            let given = demo.get(direct).or_else(|| names.iter().find_map(|name| metadata.get(*name)))?;
            given.as_u64().or_else(|| given.as_str()?.parse().ok())
        };
        Self {
            last_user_text,
            prompt_tokens: prompt_tokens.min(CONTEXT_WINDOW),
            length: setting("tokens", &["demo_tokens", "demo_words"]),
            limit: request.max_output_tokens().unwrap_or(MAX_OUTPUT_TOKENS).min(MAX_OUTPUT_TOKENS),
            delay_ms: setting("delay_ms", &["demo_delay_ms"]).unwrap_or(0).min(MAX_DELAY_MS),
            stop: stops(get("stop")),
            form: form(&get("tools"), &get("tool_choice"), &get("response_format")),
        }
    }
}

/// All text in a content: a string, or the `text` of its parts.
fn collect_text(content: &Value, text: &mut String) {
    match content {
        Value::String(part) => text.push_str(part),
        Value::Array(parts) => parts.iter().for_each(|part| collect_text(part, text)),
        Value::Object(part) => collect_text(part.get("text").unwrap_or(&Value::Null), text),
        _ => {}
    }
}

/// Tokens of every key and value. Without the JSON around them, so that they
/// are never more than the bytes that the bound counts.
fn all_tokens(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::String(text) => tokens(text),
        Value::Array(values) => values.iter().map(all_tokens).sum(),
        Value::Object(object) => object.iter().map(|(key, value)| tokens(key) + all_tokens(value)).sum(),
        Value::Bool(_) | Value::Number(_) => 1,
    }
}

fn stops(stop: Option<Value>) -> Vec<String> {
    let list = match stop {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    // OpenAI takes four.
    list.into_iter().filter(|one| !one.is_empty()).take(4).collect()
}

/// A tool is called when the request insists on one; otherwise the answer is
/// JSON when that is asked for, or words.
fn form(tools: &Option<Value>, choice: &Option<Value>, format: &Option<Value>) -> Form {
    if let Some((name, schema)) = forced_tool(tools, choice) {
        return Form::Call { name: name.to_owned(), arguments: instance(schema).to_string() };
    }
    let Some(format) = format else {
        return Form::Words;
    };
    match format.get("type").and_then(Value::as_str) {
        Some("json_object") => Form::Json(r#"{"answer":"demo"}"#.to_owned()),
        Some("json_schema") => {
            let schema = format.pointer("/json_schema/schema").unwrap_or(&Value::Null);
            Form::Json(instance(schema).to_string())
        }
        _ => Form::Words,
    }
}

fn forced_tool<'v>(tools: &'v Option<Value>, choice: &Option<Value>) -> Option<(&'v str, &'v Value)> {
    let wanted = match choice.as_ref()? {
        Value::String(word) if word == "required" => None,
        Value::Object(object) => Some(object.get("function")?.get("name")?.as_str()?),
        _ => return None,
    };
    tools.as_ref()?.as_array()?.iter().find_map(|tool| {
        let function = tool.get("function")?;
        let name = function.get("name")?.as_str()?;
        let fits = wanted.is_none_or(|wanted| wanted == name);
        fits.then(|| (name, function.get("parameters").unwrap_or(&Value::Null)))
    })
}
