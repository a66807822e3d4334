//! Organizations' settings in the isolate's memory, by version, with what can
//! be worked out of them once: prices and opened keys.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use identity::{OrganizationId, ProviderId};
use organization::protocol::{Answer, Command, OrderError, Question};
use organization::{Provider, Settings};
use policy::Engine;
use pricing::{PriceBook, PriceQuery, Tariff};
use runtime::{ActorError, Actors};
use vault::Vault;
use worker::Env;

use crate::refuse::Refusal;

/// Organizations whose settings one isolate remembers; about 10 KB each.
const MOST_ORGANIZATIONS: usize = 500;
/// Prices that are remembered for one organization; about 500 bytes each.
const MOST_PRICES: usize = 1000;

thread_local! {
    static KNOWN: RefCell<HashMap<OrganizationId, Rc<Prepared>>> = RefCell::default();
}

/// One version of an organization's settings, ready for use.
pub(crate) struct Prepared {
    pub(crate) settings: Settings,
    engine: OnceCell<Option<Engine>>,
    prices: RefCell<HashMap<(ProviderId, String, String), Rc<Priced>>>,
    keys: RefCell<HashMap<ProviderId, Option<String>>>,
}

/// A model's price in the organization's credits, and its sizes.
pub(crate) struct Priced {
    pub(crate) tariff: Tariff,
    pub(crate) max_output: Option<u64>,
    pub(crate) audio_output: bool,
    valid_until_ms: Option<i64>,
}

/// The settings that this isolate knows, or the actor's.
pub(crate) async fn get(actors: &Actors, id: OrganizationId) -> Result<Rc<Prepared>, Refusal> {
    if let Some(known) = KNOWN.with_borrow(|known| known.get(&id).cloned()) {
        return Ok(known);
    }
    refresh(actors, id).await
}

/// The settings that the actor has now.
pub(crate) async fn refresh(actors: &Actors, id: OrganizationId) -> Result<Rc<Prepared>, Refusal> {
    let answer = actors.organization(id, &Command::Ask(Question::Settings)).await?;
    let settings = match answer {
        Answer::Settings(Ok(settings)) => *settings,
        Answer::Settings(Err(OrderError::NotOpen)) => return Err(Refusal::unknown_key()),
        _ => return Err(ActorError::Unreadable("not settings".to_owned()).into()),
    };
    let prepared =
        Rc::new(Prepared { settings, engine: OnceCell::new(), prices: RefCell::default(), keys: RefCell::default() });
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= MOST_ORGANIZATIONS {
            known.clear();
        }
        known.insert(id, Rc::clone(&prepared));
    });
    Ok(prepared)
}

impl Prepared {
    /// The organization's own policies, parsed once; `None` when they are
    /// broken, which they cannot be if they were checked when written.
    pub(crate) fn engine(&self) -> Option<&Engine> {
        let engine = self.engine.get_or_init(|| match Engine::new(&self.settings.rules) {
            Ok(engine) => Some(engine),
            Err(error) => {
                worker::console_error!("the policies of {}: {error}", self.settings.organization);
                None
            }
        });
        engine.as_ref()
    }

    /// Who serves a model: the provider that names it most precisely.
    pub(crate) fn provider(&self, model: &str) -> Option<&Provider> {
        let precision = |provider: &Provider| {
            let patterns = provider.models.iter().filter(|pattern| match pattern.strip_suffix('*') {
                Some(beginning) => model.starts_with(beginning),
                None => *pattern == model,
            });
            patterns.map(|pattern| (!pattern.ends_with('*'), pattern.len())).max()
        };
        let serving = self.settings.providers.iter().filter(|provider| provider.serves(model));
        // Of equals the first one that was made.
        serving.rev().max_by_key(|provider| precision(provider))
    }

    /// What a model costs at a provider.
    pub(crate) fn price(
        &self,
        provider: &Provider,
        model: &str,
        service_tier: Option<&str>,
        now_ms: i64,
    ) -> Result<Rc<Priced>, Refusal> {
        let key = (provider.id, model.to_owned(), service_tier.unwrap_or_default().to_owned());
        let known = self.prices.borrow().get(&key).cloned();
        if let Some(known) = known
            && known.valid_until_ms.is_none_or(|until| now_ms < until)
        {
            return Ok(known);
        }
        let query = PriceQuery { provider: Some(provider.price_name()), model, service_tier, now_ms };
        let quote =
            self.settings.overrides.quote(PriceBook::builtin(), &query).map_err(|error| Refusal::not_priced(&error))?;
        let tariff = Tariff::new(&quote.price, self.settings.general.usd_per_million_credits)
            .map_err(|_| Refusal::uncountable_price(model))?;
        let rates = &quote.price.rates;
        let priced = Rc::new(Priced {
            tariff,
            max_output: quote.price.max_output_tokens.or(quote.price.context_window),
            audio_output: rates.output_audio.is_some(),
            valid_until_ms: quote.valid_until_ms,
        });
        let mut prices = self.prices.borrow_mut();
        if prices.len() >= MOST_PRICES {
            prices.clear();
        }
        prices.insert(key, Rc::clone(&priced));
        Ok(priced)
    }

    /// The provider's key, opened.
    pub(crate) fn key(&self, provider: &Provider, env: &Env) -> Result<Option<String>, Refusal> {
        let Some(sealed) = &provider.key else { return Ok(None) };
        if let Some(known) = self.keys.borrow().get(&provider.id) {
            return Ok(known.clone());
        }
        let secret = |name| env.secret(name).ok().map(|secret| secret.to_string());
        let previous = secret("MASTER_SECRET_PREVIOUS").filter(|secret| !secret.is_empty());
        let opened = secret("MASTER_SECRET")
            .and_then(|master| Vault::new(&master, previous.as_deref()).ok())
            .and_then(|vault| vault.open(&provider.id.to_string(), sealed).ok());
        let Some(opened) = opened else {
            worker::console_error!("the key of provider {} cannot be opened with this MASTER_SECRET", provider.id);
            return Err(Refusal::provider_key(&provider.name));
        };
        self.keys.borrow_mut().insert(provider.id, Some(opened.clone()));
        Ok(Some(opened))
    }
}
