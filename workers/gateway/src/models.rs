//! Which models a key may use, and what they cost.

use identity::RequestId;
use organization::{Provider, ProviderKind};
use pricing::{ModelPrice, PriceBook, PriceQuery, Tariff, Usage};
use providers::demo;
use runtime::{Actors, now_ms};
use serde_json::{Value, json};
use team::protocol::Me;
use worker::{Context, Env, Request, Response, ResponseBuilder};

use crate::authenticate;
use crate::headers;
use crate::permit::{self, Owner};
use crate::refuse::Refusal;
use crate::settings::Prepared;

/// More models than any client shows.
const MOST: usize = 2000;

/// `GET /v1/models`.
pub(crate) async fn list(
    id: RequestId,
    request: &Request,
    place: (&Env, &Context, &Actors),
) -> Result<Response, Refusal> {
    let (me, prepared) = authenticate::owner(id, request.headers(), place).await?;
    let models: Vec<Value> = names(&prepared)
        .into_iter()
        .filter(|name| allowed(&me, name) && is_permitted(&prepared, &me, request, name))
        .filter_map(|name| describe(&prepared, &name))
        .take(MOST)
        .collect();
    answer(id, &json!({"object": "list", "data": models}))
}

/// `GET /v1/models/{id}`; ids may have slashes.
pub(crate) async fn one(
    id: RequestId,
    request: &Request,
    place: (&Env, &Context, &Actors),
    model: &str,
) -> Result<Response, Refusal> {
    let (me, prepared) = authenticate::owner(id, request.headers(), place).await?;
    let name = percent_decode(model);
    if !allowed(&me, &name) || !is_permitted(&prepared, &me, request, &name) {
        return Err(Refusal::unknown_model(&name));
    }
    let model = describe(&prepared, &name).ok_or_else(|| Refusal::unknown_model(&name))?;
    answer(id, &model)
}

fn is_permitted(prepared: &Prepared, me: &Me, request: &Request, model: &str) -> bool {
    permit::permitted(prepared, &Owner::from(me), request.headers(), model).is_ok()
}

fn allowed(me: &Me, model: &str) -> bool {
    [&me.key.models, &me.member.models, &me.team.models].into_iter().all(|list| team::allows(list.as_ref(), model))
}

/// All models by name: those that providers list, and of their beginnings
/// (`gpt-4o*`) those that the price book knows.
fn names(prepared: &Prepared) -> Vec<String> {
    let mut names: Vec<String> = prepared.settings.providers.iter().flat_map(of_provider).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn of_provider(provider: &Provider) -> Vec<String> {
    let mut names = Vec::new();
    for pattern in &provider.models {
        let Some(beginning) = pattern.strip_suffix('*') else {
            names.push(pattern.clone());
            continue;
        };
        // Of `groq/*` the book knows what follows the slash.
        let (shown, known) = if beginning.ends_with('/') { (beginning, "") } else { ("", beginning) };
        let book: Vec<String> = if provider.kind == ProviderKind::Demo {
            demo::MODELS.iter().map(|name| (*name).to_owned()).collect()
        } else {
            PriceBook::builtin().models(provider.price_name()).map(|listing| listing.model.to_owned()).collect()
        };
        names.extend(book.into_iter().filter(|name| name.starts_with(known)).map(|name| format!("{shown}{name}")));
    }
    names
}

/// A model in OpenAI's form, with its price; `None` when nobody serves it or
/// it has no price.
fn describe(prepared: &Prepared, name: &str) -> Option<Value> {
    let provider = prepared.provider(name)?;
    let model = provider.upstream_model(name);
    let query = PriceQuery { provider: Some(provider.price_name()), model, service_tier: None, now_ms: now_ms() };
    let price = prepared.settings.overrides.quote(PriceBook::builtin(), &query).ok()?.price;
    let tariff = Tariff::new(&price, prepared.settings.general.usd_per_million_credits).ok()?;
    let per_million = |usage: Usage| tariff.cost(&usage).ok().map(|cost| cost.to_string());
    let million = 1_000_000;
    let input = per_million(Usage { input_tokens: million, ..Usage::default() });
    let cached = Usage { input_tokens: million, cached_input_tokens: million, ..Usage::default() };
    let output = per_million(Usage { output_tokens: million, ..Usage::default() });
    let ModelPrice { rates, context_window, max_output_tokens, .. } = &price;
    Some(json!({
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": provider.name,
        "alfred": {
            "credits_per_million_tokens": {
                "input": input,
                "cached_input": per_million(cached),
                "output": output,
            },
            "usd_per_million_tokens": { "input": rates.input, "output": rates.output },
            "context_window": context_window,
            "max_output_tokens": max_output_tokens,
        },
    }))
}

fn answer(id: RequestId, body: &Value) -> Result<Response, Refusal> {
    let id = id.to_string();
    let response = ResponseBuilder::new()
        .with_header("content-type", "application/json")
        .and_then(|builder| builder.with_header(headers::REQUEST_ID, &id))
        .and_then(|builder| builder.with_header(headers::X_REQUEST_ID, &id))
        .map_err(|_| Refusal::internal())?;
    Ok(response.fixed(body.to_string().into_bytes()))
}

fn percent_decode(text: &str) -> String {
    js_sys::decode_uri_component(text).map_or_else(|_| text.to_owned(), String::from)
}
