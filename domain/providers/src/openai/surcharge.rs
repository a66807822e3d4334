//! Parameters that cost more than the tokens of the model that is named.

use super::fields::Fields;
use super::measure::members;
use super::request_error::RequestError;
use serde_json::value::RawValue;

/// Something in a request that a price per token does not cover. Whoever
/// prices the call either has a price for it or refuses it with
/// [`Surcharge::refusal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surcharge {
    /// `service_tier`: `priority` costs more, `flex` less. `auto` and
    /// `default` are not listed: they cost the model's price, or what the
    /// provider's project is set to.
    ServiceTier(String),
    /// `modalities` asks for something other than text: `audio`, `image`.
    OutputModality(String),
    /// `web_search_options`: a fee for each search.
    WebSearch,
    /// A tool that the provider runs itself, by its `type`: fees, and tokens
    /// that the request does not bound.
    HostedTool(String),
    /// A parameter that adds content from elsewhere: fees, and tokens that the
    /// request does not bound.
    OutsideContent(String),
    /// A parameter by which a router may serve the call from another model
    /// or through a paid plug-in.
    Reroute(String),
}

impl Surcharge {
    /// The parameter that it comes from.
    #[must_use]
    pub fn param(&self) -> &str {
        match self {
            Self::ServiceTier(_) => "service_tier",
            Self::OutputModality(_) => "modalities",
            Self::WebSearch => "web_search_options",
            Self::HostedTool(_) => "tools",
            Self::OutsideContent(param) | Self::Reroute(param) => param,
        }
    }

    /// The refusal for whoever has no price for it.
    #[must_use]
    pub fn refusal(&self) -> RequestError {
        RequestError::Unpriced(self.param().to_owned())
    }
}

/// Of the routers that speak this format: OpenRouter's and LiteLLM's.
const REROUTES: &[&str] = &["models", "route", "plugins", "preset", "fallbacks"];

/// Azure's, xAI's, Alibaba's, and those of open servers.
const OUTSIDE: &[&str] = &[
    "data_sources",
    "search_parameters",
    "enable_search",
    "web_search",
    "tool_resources",
    "mcp_servers",
    "file_ids",
    "files",
    "attachments",
];

/// All of them in a request.
pub(crate) fn find(fields: &Fields<'_>) -> Result<Vec<Surcharge>, RequestError> {
    let mut found = Vec::new();
    if let Some(tier) = fields.string("service_tier")?
        && !matches!(tier.as_str(), "auto" | "default")
    {
        found.push(Surcharge::ServiceTier(tier));
    }
    for modality in strings(fields, "modalities")? {
        if modality != "text" {
            found.push(Surcharge::OutputModality(modality));
        }
    }
    if fields.get("web_search_options").is_some() {
        found.push(Surcharge::WebSearch);
    }
    for tool in raw_list(fields, "tools")? {
        let mut kinds = Vec::new();
        members(tool.get(), |key, value| {
            if key == "type" {
                kinds.push(serde_json::from_str::<String>(value).unwrap_or_default());
            }
        });
        // Said twice, it is whichever costs more.
        if let Some(kind) = kinds.into_iter().find(|kind| !matches!(kind.as_str(), "function" | "custom")) {
            found.push(Surcharge::HostedTool(kind));
        }
    }
    // Switched off, they cost nothing.
    let on = |value: &RawValue| !matches!(value.get(), "null" | "false" | "[]" | "{}");
    for (key, _) in fields.iter().filter(|(_, value)| on(value)) {
        if REROUTES.contains(&key) {
            found.push(Surcharge::Reroute(key.to_owned()));
        } else if OUTSIDE.contains(&key) {
            found.push(Surcharge::OutsideContent(key.to_owned()));
        }
    }
    Ok(found)
}

fn strings(fields: &Fields<'_>, key: &'static str) -> Result<Vec<String>, RequestError> {
    let Some(value) = fields.get(key) else {
        return Ok(Vec::new());
    };
    serde_json::from_str(value).map_err(|_| RequestError::WrongType { param: key, expected: "an array of strings" })
}

/// The elements of an array; none when it is not given.
pub(crate) fn raw_list<'a>(fields: &Fields<'a>, key: &'static str) -> Result<Vec<&'a RawValue>, RequestError> {
    let Some(value) = fields.get(key) else {
        return Ok(Vec::new());
    };
    serde_json::from_str(value).map_err(|_| RequestError::WrongType { param: key, expected: "an array" })
}
