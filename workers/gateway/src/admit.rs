//! Whether a call may be made, and what is reserved for it.

use std::rc::Rc;

use bytes::Bytes;
use identity::{ApiKey, RequestId};
use organization::{LimitField, OutputLimit, Provider, ProviderKind};
use pricing::{UsageBound, WorstCase};
use providers::openai::{self, InputBound, Surcharge};
use runtime::{Actors, now_ms};
use team::protocol::{Answer, Reserve, ReserveError, Reserved};
use worker::{Context, Env, Headers};

use crate::authenticate;
use crate::body::{Asked, Endpoint};
use crate::courier;
use crate::measure::{Expected, signed};
use crate::permit;
use crate::refuse::Refusal;
use crate::refused;
use crate::settings::{self, Prepared, Priced};
use crate::settle;
use crate::shadow;

/// The output limit of a call that sets none, for a model of which the price
/// book knows none. It is sent upstream, so that it is true.
const DEFAULT_OUTPUT: u64 = 16_384;

/// Settings may change while a call is prepared; more often than this in one
/// call, and something is wrong.
const ATTEMPTS: u32 = 4;

/// A call that is paid for.
pub(crate) struct Admitted {
    pub(crate) request: RequestId,
    pub(crate) key: ApiKey,
    pub(crate) endpoint: Endpoint,
    pub(crate) reserved: Reserved,
    pub(crate) expected: Expected,
    pub(crate) priced: Rc<Priced>,
    pub(crate) provider: Provider,
    pub(crate) provider_key: Option<String>,
    /// What is sent upstream.
    pub(crate) body: Vec<u8>,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    /// The output limit for each choice, if it was lowered.
    pub(crate) limited_to: Option<u64>,
}

/// A call as it would be made.
struct Plan {
    provider: Provider,
    priced: Rc<Priced>,
    upstream_model: String,
    bound: InputBound,
    worst: WorstCase,
    likely: ledger::Millicredits,
    /// Output limit for each choice.
    per_choice: u64,
    output: u64,
}

/// Prices a call and reserves for it. `site`: where it came to, as the client
/// named it.
pub(crate) async fn admit(
    (endpoint, request, key): (Endpoint, RequestId, ApiKey),
    (headers, site): (&Headers, Option<&str>),
    body: &Bytes,
    (env, context, actors): (&Env, &Context, &Actors),
) -> Result<Admitted, Refusal> {
    let asked = Asked::parse(endpoint, body)?;
    let tag = tag(headers)?;
    let note =
        |refusal: &Refusal| refused::note((context, actors), (request, &key, headers), Some(asked.model()), refusal);
    let mut prepared = settings::get(actors, key.organization).await?;
    for _ in 0..ATTEMPTS {
        let planned = match plan(&prepared, &asked, now_ms()) {
            Ok(plan) => {
                permit::check(&prepared, &key, headers, actors, asked.model()).await.map(|watched| (plan, watched))
            }
            Err(refusal) => Err(refusal),
        };
        let (plan, watched) = match planned {
            Ok(planned) => planned,
            Err(refusal) => {
                // Nobody has said yet that the key is good and the settings
                // are the newest, as a reservation would.
                let (_, newest) = authenticate::owner_of(&key, headers, actors).await.inspect_err(note)?;
                if newest.settings.version == prepared.settings.version {
                    note(&refusal);
                    return Err(refusal);
                }
                prepared = newest;
                continue;
            }
        };
        let general = &prepared.settings.general;
        let reserve = Reserve {
            request,
            organization: key.organization,
            key: key.hash,
            address: authenticate::address(headers),
            model: asked.model().to_owned(),
            provider: plan.provider.name.clone(),
            settings_version: prepared.settings.version,
            input: plan.worst.input,
            output_per_million: plan.worst.output_per_million,
            input_tokens: signed(plan.bound.tokens),
            output_tokens: signed(plan.output),
            choices: signed(asked.choices()),
            rate_tokens: signed(rate_tokens(&asked, &plan.bound)),
            likely: plan.likely,
            likely_tokens: signed(plan.bound.likely_tokens),
            clamp: general.output_limit == OutputLimit::Clamp,
            topped_up: false,
            tag: tag.clone(),
        };
        match courier::reserve(actors, key.team, reserve).await {
            Ok(Answer::Reserve(Ok(reserved))) => {
                shadow::note(context, actors, key.organization, watched);
                let admitted = prepare((endpoint, request, key.clone()), &asked, &prepared, plan, reserved, env);
                return admitted.inspect_err(|refusal| {
                    note(refusal);
                    // The reservation must not wait for its end.
                    settle::abandon(context, actors, key.team, request);
                });
            }
            Ok(Answer::Reserve(Err(ReserveError::StaleSettings { .. }))) => {
                prepared = settings::refresh(actors, key.organization).await?;
            }
            Ok(Answer::Reserve(Err(error))) => {
                if error == ReserveError::Storage {
                    // A storage that fails may have written all the same.
                    settle::abandon(context, actors, key.team, request);
                }
                let refusal = Refusal::reserve(&error, now_ms(), general.help.as_deref());
                return Err(match (&error, site) {
                    (ReserveError::InsufficientFunds { left, needed, .. }, Some(site)) => {
                        refusal.with_request_for(needed.saturating_sub(*left), site)
                    }
                    _ => refusal,
                });
            }
            Ok(_) => return Err(Refusal::internal()),
            Err(error) => {
                // It may have been reserved although no answer came.
                settle::abandon(context, actors, key.team, request);
                return Err(error.into());
            }
        }
    }
    Err(Refusal::busy(1))
}

/// Who serves the call, and what it may use and cost at most.
fn plan(prepared: &Prepared, asked: &Asked<'_>, now_ms: i64) -> Result<Plan, Refusal> {
    let model = asked.model();
    let provider = prepared.provider(model).ok_or_else(|| Refusal::unknown_model(model))?.clone();
    let upstream_model = provider.upstream_model(model).to_owned();
    let priced = prepared.price(&provider, &upstream_model, asked.service_tier(), now_ms)?;
    let mut speaks = false;
    for surcharge in asked.surcharges() {
        match surcharge {
            // Priced by the tier's own price, or refused with it.
            Surcharge::ServiceTier(_) => {}
            Surcharge::OutputModality(modality) if modality == "audio" && priced.audio_output => speaks = true,
            other => return Err(other.refusal().into()),
        }
    }
    let bound = asked.input_bound(&upstream_model)?;
    let usage_bound = UsageBound {
        input_audio_tokens: bound.audio_tokens,
        input_image_tokens: bound.image_tokens,
        text_output_only: !speaks,
        ..UsageBound::new(bound.tokens)
    };
    let worst = priced.tariff.worst_case(&usage_bound).map_err(|_| Refusal::uncountable_price(model))?;
    let likely = pricing::Usage { input_tokens: bound.likely_tokens, ..pricing::Usage::default() };
    let likely = priced.tariff.cost(&likely).unwrap_or(worst.input);
    let per_choice = asked.asked_output().or(priced.max_output).unwrap_or(DEFAULT_OUTPUT);
    let output = asked.worst_output(per_choice);
    Ok(Plan { provider, priced, upstream_model, bound, worst, likely, per_choice, output })
}

/// The call as it is sent, with the output that was granted.
fn prepare(
    (endpoint, request, key): (Endpoint, RequestId, ApiKey),
    asked: &Asked<'_>,
    prepared: &Prepared,
    plan: Plan,
    reserved: Reserved,
    env: &Env,
) -> Result<Admitted, Refusal> {
    let granted = u64::try_from(reserved.output_tokens).unwrap_or(0);
    let per_choice = if reserved.limited { share(asked, granted, plan.per_choice) } else { plan.per_choice };
    if reserved.limited && per_choice == 0 {
        return Err(Refusal::new(
            402,
            "insufficient_quota",
            "insufficient_quota",
            "The credits left do not pay for any output of this call. Ask for fewer choices or less output.",
        ));
    }
    let limit_field = match plan.provider.limit_field {
        LimitField::MaxCompletionTokens => openai::LimitField::AsAsked,
        LimitField::MaxTokens => openai::LimitField::MaxTokens,
    };
    let provider_key = match plan.provider.kind {
        ProviderKind::Demo => None,
        ProviderKind::Openai => prepared.key(&plan.provider, env)?,
    };
    let expected = Expected {
        input_bound: plan.bound.tokens,
        input_likely: plan.bound.likely_tokens,
        output_allowed: asked.worst_output(per_choice),
        reserved: reserved.amount,
    };
    Ok(Admitted {
        request,
        key,
        endpoint,
        body: asked.rewrite(&plan.upstream_model, per_choice, limit_field),
        stream: asked.stream(),
        include_usage: asked.include_usage(),
        limited_to: reserved.limited.then_some(per_choice),
        reserved,
        expected,
        priced: plan.priced,
        provider: plan.provider,
        provider_key,
    })
}

/// The output limit for each choice when `granted` tokens are shared. What a
/// prediction may add to each choice comes off first.
fn share(asked: &Asked<'_>, granted: u64, wanted: u64) -> u64 {
    let each = |tokens: u64| tokens.checked_div(asked.choices()).unwrap_or(tokens);
    let beside = each(asked.worst_output(wanted)).saturating_sub(wanted);
    each(granted).saturating_sub(beside).min(wanted)
}

/// What a rate limit on tokens must have room for: the likely input, and the
/// output that the client asked for in so many words.
fn rate_tokens(asked: &Asked<'_>, bound: &InputBound) -> u64 {
    let output = asked.asked_output().unwrap_or(0).saturating_mul(asked.choices());
    bound.likely_tokens.saturating_add(output)
}

/// The client's own label for the call, for reports.
fn tag(headers: &Headers) -> Result<Option<String>, Refusal> {
    match headers.get("x-alfred-tag").ok().flatten() {
        None => Ok(None),
        Some(tag) if (1..=64).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(tag)),
        Some(_) => Err(Refusal::invalid_tag()),
    }
}
