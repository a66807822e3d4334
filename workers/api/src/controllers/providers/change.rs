//! What a provider shall be, put together and checked as a whole.

use std::collections::BTreeMap;

use identity::ProviderId;
use issuers::address::{self, Reach};
use organization::{LimitField, Provider, ProviderKind};
use serde::Deserialize;
use utoipa::ToSchema;

use super::headers;
use crate::app::App;
use crate::controllers::sealed::seal;
use crate::problem::Problem;
use crate::schema;
use crate::text::{Models, Name, Secret, given};

/// A new provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProvider {
    /// Unique in the organization. The price book is asked by it unless `prices` says otherwise.
    #[schema(value_type = schema::Name)]
    name: Name,
    #[schema(value_type = schema::ProviderKind)]
    kind: ProviderKind,
    /// Where its API is, up to and with the version: `https://api.openai.com/v1`. Left out for `demo`.
    #[serde(default)]
    #[schema(value_type = Option<schema::BaseUrl>)]
    base_url: Option<String>,
    /// Stored sealed, never shown again.
    #[serde(default)]
    #[schema(value_type = Option<schema::ProviderSecret>)]
    api_key: Option<Secret>,
    /// Models that it serves. A beginning with a slash (`groq/*`) is not sent on to it.
    #[schema(value_type = Vec<schema::ModelPattern>, min_items = 1, max_items = 200)]
    models: Models,
    /// By which name the price book knows it.
    #[serde(default)]
    #[schema(value_type = Option<schema::Name>)]
    prices: Option<Name>,
    /// Headers that are added or replaced on the way.
    #[serde(default)]
    #[schema(value_type = BTreeMap<schema::HeaderName, schema::HeaderValue>)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    #[schema(value_type = schema::LimitField)]
    limit_field: LimitField,
    /// How long it may take to begin its answer; 120 if left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 600)]
    header_timeout_seconds: Option<i64>,
    /// How long it may be silent in the middle of a stream; 60 if left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 600)]
    idle_timeout_seconds: Option<i64>,
}

/// Changes to a provider. What is left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderChange {
    #[schema(value_type = Option<schema::Name>)]
    name: Option<Name>,
    #[schema(value_type = Option<schema::ProviderKind>)]
    kind: Option<ProviderKind>,
    #[schema(value_type = Option<schema::BaseUrl>)]
    base_url: Option<String>,
    /// `null` for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::ProviderSecret>)]
    api_key: Option<Option<Secret>>,
    #[schema(value_type = Option<Vec<schema::ModelPattern>>, min_items = 1, max_items = 200)]
    models: Option<Models>,
    /// `null` for its own name.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::Name>)]
    prices: Option<Option<Name>>,
    /// Each header is added, replaced, or removed by `null`; others stay.
    #[serde(default)]
    #[schema(value_type = BTreeMap<schema::HeaderName, schema::HeaderChange>)]
    headers: BTreeMap<String, Option<String>>,
    #[schema(value_type = Option<schema::LimitField>)]
    limit_field: Option<LimitField>,
    #[schema(minimum = 1, maximum = 600)]
    header_timeout_seconds: Option<i64>,
    #[schema(minimum = 1, maximum = 600)]
    idle_timeout_seconds: Option<i64>,
}

impl NewProvider {
    /// The changes that make it of a blank one.
    pub(crate) fn into_change(self) -> ProviderChange {
        ProviderChange {
            name: Some(self.name),
            kind: Some(self.kind),
            base_url: self.base_url,
            api_key: Some(self.api_key),
            models: Some(self.models),
            prices: Some(self.prices),
            headers: self.headers.into_iter().map(|(name, value)| (name, Some(value))).collect(),
            limit_field: Some(self.limit_field),
            header_timeout_seconds: self.header_timeout_seconds,
            idle_timeout_seconds: self.idle_timeout_seconds,
        }
    }
}

/// A provider before it is anything.
pub(crate) fn blank(id: ProviderId) -> Provider {
    Provider {
        id,
        name: String::new(),
        kind: ProviderKind::default(),
        base_url: String::new(),
        key: None,
        models: Vec::new(),
        prices: None,
        headers: BTreeMap::new(),
        limit_field: LimitField::default(),
        header_timeout_ms: Provider::DEFAULT_HEADER_TIMEOUT_MS,
        idle_timeout_ms: Provider::DEFAULT_IDLE_TIMEOUT_MS,
    }
}

impl ProviderChange {
    /// The provider with these changes, its key sealed.
    pub(crate) fn apply(self, app: &App, provider: Provider) -> Result<Provider, Problem> {
        let (mut provider, key) = self.merge(provider, app.reach()).map_err(Problem::invalid)?;
        if let Some(key) = key {
            provider.key = Some(seal(&app.vault()?, &provider.id.to_string(), &key.into_string())?);
        }
        Ok(provider)
    }

    /// The provider with these changes, and the key that is to be sealed.
    fn merge(self, mut provider: Provider, reach: Reach) -> Result<(Provider, Option<Secret>), String> {
        provider.name = self.name.map_or(provider.name, Name::into_string);
        provider.kind = self.kind.unwrap_or(provider.kind);
        provider.limit_field = self.limit_field.unwrap_or(provider.limit_field);
        if let Some(prices) = self.prices {
            provider.prices = prices.map(Name::into_string);
        }
        if let Some(models) = self.models {
            if models.is_empty() {
                return Err(
                    "`models` needs at least one: a model's name, a beginning with `*`, or `*` for all".to_owned()
                );
            }
            provider.models = models.into_vec();
        }
        for (seconds, ms) in [
            (self.header_timeout_seconds, &mut provider.header_timeout_ms),
            (self.idle_timeout_seconds, &mut provider.idle_timeout_ms),
        ] {
            if let Some(seconds) = seconds {
                let asked = seconds.checked_mul(1000).filter(|ms| (1..=Provider::LONGEST_TIMEOUT_MS).contains(ms));
                *ms = asked.ok_or("a timeout is 1 to 600 seconds")?;
            }
        }
        if let Some(base_url) = self.base_url {
            let moved = base_url != provider.base_url;
            if moved && provider.key.is_some() && self.api_key.is_none() {
                return Err("another `base_url` needs its `api_key` again: the old key is not sent to another address"
                    .to_owned());
            }
            provider.base_url = base_url;
        }
        match (provider.kind, provider.base_url.is_empty()) {
            (ProviderKind::Openai, true) => {
                return Err("`base_url` is missing: say where the provider's API is".to_owned());
            }
            (ProviderKind::Demo, false) => return Err("`base_url` must be left out: `demo` is built in".to_owned()),
            (ProviderKind::Openai, false) => provider.base_url = address::check(&provider.base_url, reach)?,
            (ProviderKind::Demo, true) => {}
        }
        headers::merge(&mut provider.headers, self.headers)?;
        let key = match self.api_key {
            None => None,
            Some(key) => {
                provider.key = None;
                key
            }
        };
        if (provider.key.is_some() || key.is_some()) && provider.headers.contains_key("authorization") {
            return Err(
                "leave `api_key` out or set it to `null` where a header `authorization` is given: only one can be sent"
                    .to_owned(),
            );
        }
        Ok((provider, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(provider: Provider, json: &str) -> Result<(Provider, Option<Secret>), String> {
        let change: ProviderChange = serde_json::from_str(json).map_err(|error| error.to_string())?;
        change.merge(provider, Reach::Public)
    }

    fn example() -> Provider {
        let new: NewProvider = serde_json::from_str(
            r#"{"name":"groq","kind":"openai","base_url":"https://api.groq.example/v1","models":["groq/*"],"headers":{"X-A":"1"}}"#,
        )
        .unwrap();
        let (provider, _) = new.into_change().merge(blank(ProviderId::from_u128(1)), Reach::Public).unwrap();
        let key = serde_json::from_str(r#""v1:sealed""#).unwrap();
        Provider { key: Some(key), ..provider }
    }

    #[test]
    fn what_is_left_out_stays() {
        assert_eq!(merge(example(), "{}").unwrap(), (example(), None));
        let (changed, key) =
            merge(example(), r#"{"headers":{"x-a":null,"x-b":"2"},"idle_timeout_seconds":5,"prices":"g"}"#).unwrap();
        assert_eq!(changed.headers.into_iter().collect::<Vec<_>>(), [("x-b".to_owned(), "2".to_owned())]);
        assert_eq!((changed.idle_timeout_ms, changed.prices.as_deref(), key), (5000, Some("g"), None));
        assert!(changed.key.is_some());
        let (changed, key) = merge(example(), r#"{"api_key":null}"#).unwrap();
        assert_eq!((changed.key, key), (None, None));
        let (changed, key) = merge(example(), r#"{"api_key":"sk-new"}"#).unwrap();
        assert_eq!((changed.key, key.unwrap().into_string()), (None, "sk-new".to_owned()));
    }

    #[test]
    fn refusals() {
        for (json, part) in [
            (r#"{"models":[]}"#, "at least one"),
            (r#"{"kind":"demo"}"#, "must be left out"),
            (r#"{"base_url":"https://evil.example/v1"}"#, "needs its `api_key` again"),
            (r#"{"base_url":"http://api.groq.example/v1","api_key":"k"}"#, "https"),
            (r#"{"base_url":""}"#, "needs its `api_key` again"),
            (r#"{"base_url":"","api_key":null}"#, "`base_url` is missing"),
            (r#"{"header_timeout_seconds":601}"#, "1 to 600 seconds"),
            (r#"{"header_timeout_seconds":0}"#, "1 to 600 seconds"),
            (r#"{"headers":{"Authorization":"Bearer x"}}"#, "only one can be sent"),
            (r#"{"id":"x"}"#, "unknown field `id`"),
        ] {
            let error = merge(example(), json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
        assert!(merge(example(), r#"{"headers":{"Authorization":"Bearer x"},"api_key":null}"#).is_ok());
    }
}
