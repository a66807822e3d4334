//! What models cost the organization.

use std::cell::RefCell;

use axum::Json;
use identity::ProviderId;
use ledger::Millicredits;
use organization::protocol::{Act, HasTag};
use organization::{Provider, Settings};
use pricing::{CreditRate, ModelPattern, ModelPrice, Override, Overrides, PriceBook, PriceChange, PriceQuery, Usd};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Action, Body, Caller, Query, Target};
use crate::page::{List, Size, unknown_cursor};
use crate::problem::Problem;
use crate::schema;
use crate::tags::Tagged;
use crate::time::Time;

/// What a model costs at a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Price {
    /// As a request names it.
    model: String,
    #[schema(value_type = schema::ProviderId)]
    provider_id: ProviderId,
    provider: String,
    source: PriceSource,
    /// In dollars.
    #[schema(value_type = schema::ModelPrice)]
    price: ModelPrice,
    /// The list price, where the organization has another; `null` where the book has none.
    #[schema(value_type = Option<schema::ModelPrice>)]
    list_price: Option<ModelPrice>,
    /// A million tokens of input in credits, at the base rates.
    #[schema(value_type = Option<schema::Credits>)]
    credits_per_million_input_tokens: Option<Millicredits>,
    /// A million tokens of output in credits, at the base rates.
    #[schema(value_type = Option<schema::Credits>)]
    credits_per_million_output_tokens: Option<Millicredits>,
    /// From then on another price may be in force.
    #[schema(value_type = Option<schema::Time>)]
    valid_until: Option<Time>,
}

/// Where a price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PriceSource {
    /// The price book.
    List,
    /// The organization's own price or discount.
    Override,
}

/// More tokens than any model takes, and exact in the numbers of every JSON
/// reader. What was stored before may have more.
const MOST_TOKENS: u64 = 1_000_000_000_000;

/// All of the organization's own prices and discounts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Overrides)]
pub(crate) struct OverridesBody {
    /// The most precise first. Where several match a model, the first holds; they do not add up.
    #[schema(value_type = Vec<schema::Override>, max_items = 1000)]
    overrides: Overrides,
}

/// Which override is meant.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideName {
    #[serde(default)]
    provider: Option<String>,
    #[schema(value_type = schema::ModelPattern)]
    model: ModelPattern,
}

/// Some overrides to be set or removed. Others stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverridesChange {
    /// Added, or put in the place of those for the same models at the same provider.
    #[serde(default)]
    #[schema(value_type = Vec<schema::Override>, max_items = 1000)]
    set: Vec<Override>,
    #[serde(default)]
    remove: Vec<OverrideName>,
}

impl OverridesChange {
    fn apply(self, overrides: Overrides) -> Result<Overrides, Problem> {
        plausible(&self.set)?;
        let mut entries: Vec<Override> = overrides.into();
        for gone in &self.remove {
            let before = entries.len();
            entries.retain(|entry| !is_for(entry, &gone.model, gone.provider.as_deref()));
            if entries.len() == before {
                return Err(Problem::not_found("override for", &gone.model));
            }
        }
        entries.retain(|entry| !self.set.iter().any(|new| is_for(entry, &new.model, new.provider.as_deref())));
        entries.extend(self.set);
        Overrides::new(entries).map_err(Problem::invalid)
    }
}

/// Refuses numbers of tokens that can only be typing errors.
fn plausible<'a>(overrides: impl IntoIterator<Item = &'a Override>) -> Result<(), Problem> {
    for entry in overrides {
        let PriceChange::Price(price) = &entry.change else { continue };
        let tiers = price.tiers.iter().map(|tier| Some(tier.above_input_tokens));
        let mut sizes = tiers.chain([price.context_window, price.max_output_tokens]).flatten();
        if sizes.any(|size| size > MOST_TOKENS) {
            let detail = format!("the price of `{}`: no model takes more than {MOST_TOKENS} tokens", entry.model);
            return Err(Problem::invalid(detail));
        }
    }
    Ok(())
}

fn is_for(entry: &Override, model: &ModelPattern, provider: Option<&str>) -> bool {
    let same = match (entry.provider.as_deref(), provider) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (one, other) => one == other,
    };
    same && entry.model == *model
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PriceFilter {
    /// Only at this provider, by its id or name.
    provider: Option<String>,
    /// Only this model, as a request would name it.
    model: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of a page.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// The price of a model at a provider of the organization, if it has one.
fn price(settings: &Settings, provider: &Provider, model: &str, now_ms: i64) -> Option<Price> {
    let query = PriceQuery {
        provider: Some(provider.price_name()),
        model: provider.upstream_model(model),
        service_tier: None,
        now_ms,
    };
    let quote = settings.overrides.quote(PriceBook::builtin(), &query).ok()?;
    let list = PriceBook::builtin().quote(&query).ok().map(|quote| quote.price);
    let overridden = list.as_ref() != Some(&quote.price);
    let rate = settings.general.usd_per_million_credits;
    Some(Price {
        model: model.to_owned(),
        provider_id: provider.id,
        provider: provider.name.clone(),
        source: if overridden { PriceSource::Override } else { PriceSource::List },
        credits_per_million_input_tokens: credits(rate, Some(quote.price.rates.input)),
        credits_per_million_output_tokens: credits(rate, quote.price.rates.output),
        list_price: list.filter(|_| overridden),
        valid_until: quote.valid_until_ms.map(Time::from_ms),
        price: quote.price,
    })
}

fn credits(rate: CreditRate, price: Option<Usd>) -> Option<Millicredits> {
    rate.millicredits(price?).ok().map(Millicredits::new)
}

/// All prices that are asked for. A model can only be listed under a name
/// that the book or an exact pattern has.
///
/// # Errors
/// When the cursor is none that this list answered.
fn prices(settings: &Settings, asked: &PriceFilter, now_ms: i64) -> Result<List<Price>, Problem> {
    let cursor: Option<usize> =
        asked.cursor.as_deref().map(|cursor| cursor.parse().map_err(unknown_cursor)).transpose()?;
    let wanted = |provider: &&Provider| {
        asked.provider.as_ref().is_none_or(|name| provider.name == *name || provider.id.to_string() == *name)
    };
    let mut names = Vec::new();
    for provider in settings.providers.iter().filter(wanted) {
        match &asked.model {
            Some(model) if provider.serves(model) => names.push((provider, model.clone())),
            Some(_) => {}
            None => names.extend(models(settings, provider).into_iter().map(|model| (provider, model))),
        }
    }
    let mut places = names.into_iter().enumerate().skip(cursor.unwrap_or_default());
    let mut data = Vec::new();
    let mut next_cursor = None;
    for (place, (provider, model)) in places.by_ref() {
        if data.len() == usize::from(asked.limit.get()) {
            next_cursor = Some(place.to_string());
            break;
        }
        data.extend(price(settings, provider, &model, now_ms));
    }
    Ok(List { data, next_cursor })
}

/// The models that a provider can be asked for by name.
fn models(settings: &Settings, provider: &Provider) -> Vec<String> {
    let listed: Vec<&str> = PriceBook::builtin().models(provider.price_name()).map(|listing| listing.model).collect();
    let own = settings.overrides.entries().iter().map(|entry| entry.model.to_string());
    let exact = provider.models.iter().cloned().chain(own).filter(|name| !name.contains('*'));
    let mut names: Vec<String> = exact.filter(|name| provider.serves(name)).collect();
    for pattern in &provider.models {
        let Some(beginning) = pattern.strip_suffix('*') else { continue };
        // A beginning with a slash is only the way to the provider.
        let way = if beginning.ends_with('/') { beginning } else { "" };
        let listed = listed.iter().map(|model| format!("{way}{model}"));
        names.extend(listed.filter(|name| name.starts_with(beginning)));
    }
    names.sort();
    names.dedup();
    names
}

/// List what models cost at the organization's providers.
///
/// Models that a provider serves but that have no price cannot be called, and are not listed.
#[utoipa::path(get, path = "/api/v1/prices", tag = "Prices", params(PriceFilter),
    responses((status = 200, description = "A page", body = List<Price>)))]
#[worker::send]
pub(crate) async fn list_prices(
    caller: Caller,
    Query(asked): Query<PriceFilter>,
) -> Result<Json<List<Price>>, Problem> {
    let admin = caller.may(Action::ListPrices, Target::Visible).await?;
    let settings = admin.app.settings(admin.organization).await?;
    prices(&settings, &asked, admin.now()).map(Json)
}

/// Show the organization's own prices and discounts.
#[utoipa::path(get, path = "/api/v1/prices/overrides", tag = "Prices",
    responses((status = 200, description = "All of them", body = OverridesBody)))]
#[worker::send]
pub(crate) async fn get_overrides(caller: Caller) -> Result<Tagged<OverridesBody>, Problem> {
    let admin = caller.may(Action::GetOverrides, Target::Visible).await?;
    let overrides = admin.app.settings(admin.organization).await?.overrides;
    Ok(Tagged::shown(overrides.tag(), OverridesBody { overrides }))
}

/// Replace all of the organization's own prices and discounts.
#[utoipa::path(put, path = "/api/v1/prices/overrides", tag = "Prices", request_body = OverridesBody,
    responses((status = 200, description = "They hold from the next call on", body = OverridesBody)))]
#[worker::send]
pub(crate) async fn replace_overrides(
    caller: Caller,
    Body { value, repeat }: Body<OverridesBody>,
) -> Result<Tagged<OverridesBody>, Problem> {
    let admin = caller.may(Action::ReplaceOverrides, Target::Organization).await?;
    plausible(value.overrides.entries())?;
    admin.order(&repeat, Act::PutOverrides { overrides: value.overrides.clone() }).await?;
    Ok(Tagged::changed(value.overrides.tag(), value))
}

/// Set or remove some of the organization's own prices and discounts.
#[utoipa::path(patch, path = "/api/v1/prices/overrides", tag = "Prices", request_body = OverridesChange,
    responses((status = 200, description = "All of them, as they are now", body = OverridesBody)))]
#[worker::send]
pub(crate) async fn change_overrides(
    caller: Caller,
    Body { value, repeat }: Body<OverridesChange>,
) -> Result<Tagged<OverridesBody>, Problem> {
    let admin = caller.may(Action::ChangeOverrides, Target::Organization).await?;
    let read = async || {
        let overrides = admin.app.settings(admin.organization).await?.overrides;
        Ok((overrides.tag(), overrides))
    };
    let left = RefCell::new(Overrides::default());
    let alter = |overrides| {
        let overrides = value.clone().apply(overrides)?;
        left.replace(overrides.clone());
        Ok(Act::PutOverrides { overrides })
    };
    admin.change(&repeat, read, alter).await?;
    let overrides = left.into_inner();
    Ok(Tagged::changed(overrides.tag(), OverridesBody { overrides }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;
    use identity::OrganizationId;
    use organization::{General, ProviderKind};

    fn settings(overrides: &str) -> Settings {
        let provider = Provider {
            id: ProviderId::from_u128(1),
            name: "demo".into(),
            kind: ProviderKind::Demo,
            base_url: String::new(),
            key: None,
            models: vec!["demo-*".into(), "free/*".into(), "own".into()],
            prices: None,
            headers: Default::default(),
            limit_field: Default::default(),
            header_timeout_ms: 1,
            idle_timeout_ms: 1,
        };
        Settings {
            version: 1,
            organization: OrganizationId::from_u128(1),
            name: "Example".into(),
            general: General::default(),
            providers: vec![provider],
            overrides: serde_json::from_str(overrides).unwrap(),
            workloads: Vec::new(),
            rules: Vec::new(),
        }
    }

    #[test]
    fn effective_prices() {
        let own = r#"[{"model":"own","change":{"price":{"rates":{"input":"1","output":"2"}}}},
            {"model":"demo-small","change":{"discount_basis_points":5000}}]"#;
        let settings = settings(own);
        let list = |asked: &PriceFilter| prices(&settings, asked, 0).unwrap();
        let all = list(&PriceFilter::default());
        let find = |name: &str| all.data.iter().find(|price| price.model == name).unwrap();
        assert_eq!((find("own").source, find("own").list_price.is_none()), (PriceSource::Override, true));
        assert_eq!(find("own").credits_per_million_output_tokens, Some(Millicredits::new(2_000_000_000)));
        let small = find("demo-small");
        assert_eq!(small.source, PriceSource::Override);
        assert!(small.list_price.as_ref().unwrap().rates.input > small.price.rates.input);
        assert!(all.data.iter().any(|price| price.model.starts_with("free/demo-")));
        let one = list(&PriceFilter { model: Some("free/demo-small".into()), ..PriceFilter::default() });
        assert_eq!(one.data.len(), 1);
        assert!(list(&PriceFilter { provider: Some("other".into()), ..PriceFilter::default() }).data.is_empty());
    }

    #[test]
    fn pages_end() {
        let settings = settings("[]");
        let mut asked: PriceFilter = serde_json::from_str(r#"{"limit":1}"#).unwrap();
        let all = prices(&settings, &PriceFilter::default(), 0).unwrap().data.len();
        let mut seen = 0;
        loop {
            let page = prices(&settings, &asked, 0).unwrap();
            seen += page.data.len();
            let Some(next) = page.next_cursor else { break };
            asked.cursor = Some(next);
        }
        assert!(all > 1);
        assert_eq!(seen, all);
        asked.cursor = Some("x".to_owned());
        assert!(prices(&settings, &asked, 0).is_err());
    }

    #[test]
    fn some_change_and_others_stay() {
        let apply = |json: &str| {
            let start = r#"[{"model":"a*","change":{"discount_basis_points":1}},{"provider":"P","model":"a*","change":{"discount_basis_points":2}}]"#;
            let change: OverridesChange = serde_json::from_str(json).unwrap();
            change
                .apply(serde_json::from_str(start).unwrap())
                .map(|done| serde_json::to_string(&done).unwrap())
                .map_err(|problem| problem.code)
        };
        let changed = apply(r#"{"set":[{"provider":"p","model":"A*","change":{"discount_basis_points":3}}]}"#).unwrap();
        assert_eq!(changed.matches("discount").count(), 2);
        assert!(changed.contains(":3}") && changed.contains(":1}"));
        assert_eq!(apply(r#"{"remove":[{"model":"a*"}]}"#).unwrap().matches("discount").count(), 1);
        assert!(apply(r#"{"remove":[{"model":"b"}]}"#).is_err());
        let sized = |tokens: u64| {
            format!(
                r#"{{"set":[{{"model":"b","change":{{"price":{{"rates":{{"input":"1"}},"context_window":{tokens}}}}}}}]}}"#
            )
        };
        assert!(apply(&sized(MOST_TOKENS)).is_ok());
        assert_eq!(apply(&sized(MOST_TOKENS + 1)).unwrap_err(), Code::InvalidRequest);
    }
}
