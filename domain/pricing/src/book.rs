//! The price book: what each model costs, by list.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use serde_json::value::RawValue;

use crate::file::{ModelEntry, PriceFile, ProviderEntry, Source};
use crate::provider::{Models, with_dashed_date};
use crate::schedule::{changes_at, in_force};
use crate::{NotPricedError, PriceQuery, Quote, Rule};

/// List prices from public sources; see `data/README.md`.
const LIST_PRICES: &str = include_str!("../data/prices.json");
/// The made-up prices of the development provider, kept apart so that the
/// list prices stay what their source says.
const DEMO_PRICES: &str = include_str!("../data/demo.json");

/// A model's name may be so long; the longest in the book has 84 letters.
const LONGEST_NAME: usize = 256;

static BUILTIN: LazyLock<PriceBook> = LazyLock::new(|| PriceBook::from_files(&[LIST_PRICES, DEMO_PRICES]));

/// What each model costs by list, by provider.
///
/// Nothing is parsed at startup. The first question costs one scan of the
/// text; the first question about a provider parses that provider's models.
/// After that a question costs a map lookup and at most a few dozen
/// comparisons of text, so it can be asked on every call; what the hot path
/// better keeps is the [`crate::Tariff`] that it makes of the answer.
#[derive(Debug)]
pub struct PriceBook {
    sources: Vec<Source>,
    providers: BTreeMap<String, Provider>,
}

#[derive(Debug)]
struct Provider {
    called: Rule,
    serves: Rule,
    falls_back_to: Vec<String>,
    text: &'static str,
    models: OnceLock<Models>,
}

/// One model of a provider's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelListing<'a> {
    /// Its name; asking for it by this name and its provider gives its price.
    pub model: &'a str,
    /// The most tokens in, where known.
    pub context_window: Option<u64>,
    /// The most tokens out, where known.
    pub max_output_tokens: Option<u64>,
}

impl PriceBook {
    /// The book that comes with the project.
    #[must_use]
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// A file that cannot be read holds no prices: every call to its models is
    /// refused, none is free. Tests see to it that the embedded files can be.
    fn from_files(files: &[&'static str]) -> Self {
        let mut book = Self { sources: Vec::new(), providers: BTreeMap::new() };
        for file in files {
            if let Ok(file) = serde_json::from_str::<PriceFile<&'static RawValue>>(file) {
                book.sources.extend(file.sources);
                book.providers.extend(file.providers.into_iter().map(|(id, entry)| (id, entry.into())));
            }
        }
        book
    }

    /// Where the prices come from, their versions and dates.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The providers' ids.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.providers.keys().map(String::as_str)
    }

    /// The models of a provider that have a price; none for a provider that
    /// the book does not know.
    pub fn models(&self, provider: &str) -> impl Iterator<Item = ModelListing<'_>> {
        let models = self.provider_called(&provider.to_lowercase()).map(|(_, provider)| provider.models());
        models.into_iter().flat_map(|models| {
            models.priced().filter_map(|model| {
                Some(ModelListing {
                    model: models.name_of(model)?,
                    context_window: model.context_window,
                    max_output_tokens: model.max_output_tokens,
                })
            })
        })
    }

    /// The list price of a model.
    ///
    /// # Errors
    /// [`NotPricedError`] if the book has none.
    pub fn quote(&self, query: &PriceQuery<'_>) -> Result<Quote, NotPricedError> {
        let (provider, model) = self.find(query.provider, query.model).ok_or_else(|| query.not_priced())?;
        let entry = in_force(&model.prices, query.now_ms).ok_or_else(|| query.not_priced())?;
        let price = entry.price(query.special_service_tier(), model).ok_or_else(|| query.no_service_tier())?;
        Ok(Quote {
            price,
            provider: Some(provider.to_owned()),
            model: model.id.to_string(),
            valid_until_ms: changes_at(&model.prices, query.now_ms),
        })
    }

    /// The model that is meant, and the provider that was asked for it. A name
    /// that is not found is tried again with its date in the usual form.
    fn find(&self, provider: Option<&str>, model: &str) -> Option<(&str, &ModelEntry<'static>)> {
        if model.len() > LONGEST_NAME || provider.is_some_and(|provider| provider.len() > LONGEST_NAME) {
            return None;
        }
        let name = model.to_lowercase();
        let (id, provider) = match provider {
            Some(provider) => self.provider_called(provider.to_lowercase().trim())?,
            None => self.providers.iter().find(|(_, provider)| provider.serves.matches(&name))?,
        };
        let found = self.find_at(provider, &name);
        Some((id, found.or_else(|| self.find_at(provider, &with_dashed_date(&name)?))?))
    }

    /// The model at a provider or, one step further, where it falls back to.
    fn find_at<'a>(&'a self, provider: &'a Provider, name: &str) -> Option<&'a ModelEntry<'static>> {
        let others = provider.falls_back_to.iter().filter_map(|id| self.providers.get(id));
        let elsewhere = || others.flat_map(|other| other.models().find(name)).next();
        provider.models().find(name).or_else(elsewhere)
    }

    /// The provider with this id, or else the first that is called so.
    fn provider_called(&self, name: &str) -> Option<(&String, &Provider)> {
        let called_so = || self.providers.iter().find(|(_, provider)| provider.called.matches(name));
        self.providers.get_key_value(name).or_else(called_so)
    }
}

impl Provider {
    fn models(&self) -> &Models {
        self.models.get_or_init(|| Models::new(serde_json::from_str(self.text).unwrap_or_default()))
    }
}

impl From<ProviderEntry<&'static RawValue>> for Provider {
    fn from(entry: ProviderEntry<&'static RawValue>) -> Self {
        Self {
            called: entry.called,
            serves: entry.serves,
            falls_back_to: entry.falls_back_to,
            text: entry.models.get(),
            models: OnceLock::new(),
        }
    }
}
