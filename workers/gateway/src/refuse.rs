//! Refusals in OpenAI's shape, each with what to do about it.

use std::borrow::Cow;

use jiff::Timestamp;
use ledger::Millicredits;
use limits::{LimitAmount, Unit, reset_text};
use pricing::NotPricedError;
use providers::openai::{RequestError, UpstreamError, error};
use runtime::ActorError;
use team::protocol::{LimitState, ReserveError};
use worker::{Response, ResponseBuilder, Result};

use crate::body::MAX_BODY;
use crate::headers;

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// OpenAI's `type`.
    pub(crate) kind: &'static str,
    pub(crate) code: Cow<'static, str>,
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// A body that is sent as it is, in place of our own.
    pub(crate) body: Option<Vec<u8>>,
    /// The policies that forbid it, where any do.
    pub(crate) policies: Vec<String>,
}

const INVALID: &str = "invalid_request_error";
const QUOTA: &str = "insufficient_quota";

/// The page of the management API where whoever is signed in asks for credits.
const ASK: &str = "/ask";

impl Refusal {
    pub(crate) fn new(
        status: u16,
        kind: &'static str,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        let (code, message) = (code.into(), message.into());
        let (param, headers, body, policies) = (None, Vec::new(), None, Vec::new());
        Self { status, kind, code, param, message, headers, body, policies }
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub(crate) fn header(&mut self, name: &'static str, value: impl ToString) {
        self.headers.push((name, value.to_string()));
    }

    pub(crate) fn no_key() -> Self {
        let message = "You didn't provide an API key. Send it in the header `Authorization: Bearer sk-alf-…`; \
                       OpenAI's clients do so when the key is in `OPENAI_API_KEY` or given as `api_key`.";
        Self::new(401, INVALID, "invalid_api_key", message)
    }

    pub(crate) fn invalid_key(why: &str) -> Self {
        Self::new(401, INVALID, "invalid_api_key", format!("The API key is not valid: {why}."))
    }

    pub(crate) fn unknown_key() -> Self {
        Self::invalid_key("it is not known here; ask whoever gave it to you for a new one")
    }

    pub(crate) fn too_large() -> Self {
        let message =
            format!("The request body is larger than {} MiB. Send less text, or smaller images.", MAX_BODY >> 20);
        Self::new(413, INVALID, "request_too_large", message)
    }

    pub(crate) fn body_broken() -> Self {
        Self::new(400, INVALID, "invalid_body", "The request body broke off before its end. Send it again.")
    }

    pub(crate) fn invalid_tag() -> Self {
        let message = "The header `x-alfred-tag` must be 1 to 64 visible ASCII characters.";
        Self::new(400, INVALID, "invalid_tag", message)
    }

    pub(crate) fn unknown_model(model: &str) -> Self {
        let mut refusal = Self::new(
            404,
            INVALID,
            "model_not_found",
            format!(
                "The model `{}` does not exist or no provider here serves it. `GET /v1/models` lists what you can \
                 use; an admin adds providers.",
                shown(model)
            ),
        );
        refusal.param = Some("model".to_owned());
        refusal
    }

    pub(crate) fn not_priced(error: &NotPricedError) -> Self {
        let mut refusal = Self::new(403, INVALID, "model_not_priced", capital(&format!("{error}.")));
        refusal.param = Some("model".to_owned());
        refusal
    }

    pub(crate) fn uncountable_price(model: &str) -> Self {
        let message = format!(
            "The price of `{}` is too high to be counted in credits. An admin must correct the price or the rate.",
            shown(model)
        );
        Self::new(403, INVALID, "model_not_priced", message)
    }

    /// `policies`: those that forbid it; none where they cannot be evaluated,
    /// and then nothing is permitted.
    pub(crate) fn forbidden_model(model: &str, policies: Vec<String>) -> Self {
        let why = match policies.as_slice() {
            [] => "they cannot be evaluated, and then nothing is permitted".to_owned(),
            policies => policies.join(", "),
        };
        let message = format!(
            "Your organization's policies do not permit `{}` here ({why}). `GET /v1/models` lists what you can use; an \
             admin can change the policies.",
            shown(model)
        );
        let mut refusal = Self::new(403, INVALID, "model_not_allowed", message);
        refusal.param = Some("model".to_owned());
        refusal.policies = policies;
        refusal
    }

    pub(crate) fn provider_key(provider: &str) -> Self {
        let message = format!(
            "The key of the provider `{}` cannot be read. An admin must set it again; nothing was charged.",
            shown(provider)
        );
        Self::new(502, "upstream_error", "provider_misconfigured", message)
    }

    pub(crate) fn wrong_method(method: &str, path: &str) -> Self {
        let allowed = if path == "/models" { "GET" } else { "POST" };
        let message = format!("`/v1{path}` takes {allowed}, not {method}.");
        Self::new(405, INVALID, "method_not_allowed", message).with("allow", allowed)
    }

    pub(crate) fn no_prefix(path: &str) -> Self {
        let message = format!("There is no `{path}`; it is `/v1{path}`. The client's base URL must end with `/v1`.");
        Self::new(404, INVALID, "unknown_url", message)
    }

    pub(crate) fn unknown_path(path: &str) -> Self {
        let message = format!(
            "There is no `/v1{}`. Alfred serves `/v1/chat/completions`, `/v1/embeddings` and `/v1/models`.",
            shown(path)
        );
        Self::new(404, INVALID, "unknown_url", message)
    }

    pub(crate) fn internal() -> Self {
        let message = "Something went wrong on our side. Nothing more than the call's input can have been charged; \
                       try again.";
        Self::new(500, "server_error", "internal_error", message)
    }

    /// The upstream was not reached or broke off before it answered.
    pub(crate) fn unreachable(provider: &str) -> Self {
        let message =
            format!("The provider `{}` could not be reached. Nothing was charged; try again.", shown(provider));
        Self::new(502, "upstream_error", "upstream_unreachable", message)
    }

    pub(crate) fn broke_off(provider: &str) -> Self {
        let message = format!(
            "The provider `{}` broke off in the middle of its answer. What had arrived was charged.",
            shown(provider)
        );
        Self::new(502, "upstream_error", "upstream_broke", message)
    }

    /// The upstream answered something that is no answer.
    pub(crate) fn unreadable(provider: &str) -> Self {
        let message = format!(
            "The provider `{}` answered something that is not JSON. Nothing was charged; try again.",
            shown(provider)
        );
        Self::new(502, "upstream_error", "upstream_unreadable", message)
    }

    pub(crate) fn timed_out(provider: &str, waited_ms: i64) -> Self {
        let message = format!(
            "The provider `{}` did not answer within {} s. Nothing was charged; try again, or a smaller request.",
            shown(provider),
            waited_ms / 1000
        );
        Self::new(504, "upstream_error", "upstream_timeout", message)
    }

    /// The upstream answered with an error. Its message is repeated, made safe.
    pub(crate) fn upstream(provider: &str, status: u16, retry_after: Option<String>, error: &UpstreamError) -> Self {
        let provider = shown(provider);
        let said = &error.message;
        let mut refusal = match status {
            // The request's fault: as the provider said it.
            400 | 404 | 409 | 413 | 415 | 422 => {
                let code = error.code.clone().map_or(Cow::Borrowed("upstream_refused"), Cow::Owned);
                let mut refusal = Self::new(status, INVALID, code, said.clone());
                refusal.param.clone_from(&error.param);
                refusal
            }
            401 | 403 => Self::new(
                502,
                "upstream_error",
                "provider_misconfigured",
                format!(
                    "The provider `{provider}` does not accept its key: {said}. An admin must look; nothing was charged."
                ),
            )
            .with("x-should-retry", "false"),
            429 => Self::new(
                429,
                "requests",
                "upstream_rate_limited",
                format!("The provider `{provider}` is limiting requests: {said}. Nothing was charged."),
            ),
            _ => Self::new(
                502,
                "upstream_error",
                "upstream_error",
                format!("The provider `{provider}` answered {status}: {said}. Nothing was charged."),
            ),
        };
        if let Some(seconds) = retry_after.filter(|value| value.len() <= 40 && value.is_ascii()) {
            refusal.header("retry-after", seconds);
        }
        refusal
    }

    /// The team's actor does not accept the call.
    pub(crate) fn reserve(error: &ReserveError, now_ms: i64, help: Option<&str>) -> Self {
        match error {
            ReserveError::UnknownKey => Self::unknown_key(),
            ReserveError::KeyRevoked => Self::invalid_key("it was revoked; ask for a new one"),
            ReserveError::KeyExpired { at_ms } => {
                Self::invalid_key(&format!("it expired at {}; ask for a new one", time(*at_ms)))
            }
            ReserveError::MemberSuspended => {
                let message = "Your membership is suspended. Ask your manager or an admin.";
                Self::new(403, INVALID, "member_suspended", message)
            }
            ReserveError::AddressNotAllowed => {
                let message = "Calls from your network address are not allowed with this key. Use it from an \
                               allowed network, or ask an admin to allow yours.";
                Self::new(403, INVALID, "address_not_allowed", message)
            }
            ReserveError::ModelNotAllowed { by } => {
                let message = format!(
                    "This model is not on the {by}'s list of allowed models. `GET /v1/models` lists what you can \
                     use; an admin can allow more."
                );
                let mut refusal = Self::new(403, INVALID, "model_not_allowed", message);
                refusal.param = Some("model".to_owned());
                refusal
            }
            ReserveError::RateLimited(state) => rate_limited(state, now_ms),
            ReserveError::LimitReached(state) => limit_reached(state, help),
            ReserveError::InsufficientFunds { left, needed, pool, draws, .. } => {
                let (payers, verb) = match (pool, draws) {
                    (true, Some(_)) => ("Your wallet and what you may draw from your team's pool", "have"),
                    (true, None) => ("Your wallet and your team's pool", "have"),
                    (false, _) => ("Your wallet", "has"),
                };
                let again = draws.as_ref().and_then(|draws| draws.resets_ms);
                let again = again.map(|at| format!(" You may draw anew at {}.", time(at))).unwrap_or_default();
                let message = format!(
                    "{payers} {verb} {left} credits left, and at least {needed} must be reserved for this call.{again} {} \
                     A shorter prompt, a lower output limit or a cheaper model needs less.",
                    ask(help)
                );
                Self::new(402, QUOTA, QUOTA, message).with("x-should-retry", "false")
            }
            ReserveError::AlreadyEnded => {
                let message = "This call was already answered. Send it again as a new one.";
                Self::new(409, INVALID, "already_ended", message)
            }
            ReserveError::StaleSettings { .. } | ReserveError::NeedsTopUp(_) | ReserveError::Storage => Self::busy(1),
        }
    }

    /// With where on this site more credits can be asked for, the amount filled
    /// in: as much as lacks, rounded up.
    pub(crate) fn with_request_for(mut self, lacks: Millicredits, site: &str) -> Self {
        let credits = lacks.get().max(1).saturating_add(999) / 1000;
        self.message.push_str(&format!(" Ask for {credits} more, filled in: {site}{ASK}?amount={credits}"));
        self
    }

    /// Something of ours has too much to do.
    pub(crate) fn busy(seconds: u32) -> Self {
        let message = format!("Alfred is overloaded right now. Nothing was charged; try again in {seconds} s.");
        Self::new(503, "server_error", "overloaded", message).with("retry-after", seconds)
    }

    /// The error's body.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match &self.body {
            Some(body) => body.clone(),
            None => error::body(&self.message, self.kind, self.param.as_deref(), Some(&self.code)),
        }
    }

    pub(crate) fn response(&self) -> Result<Response> {
        let mut builder =
            ResponseBuilder::new().with_status(self.status).with_header("content-type", "application/json")?;
        for (name, value) in &self.headers {
            builder = builder.with_header(name, value)?;
        }
        Ok(builder.fixed(self.bytes()))
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        let message = capital(&format!("{error}."));
        let body = error.body();
        let mut refusal = Self::new(400, RequestError::KIND, error.code(), message);
        refusal.param = error.param().map(str::to_owned);
        refusal.body = Some(body);
        refusal
    }
}

impl From<ActorError> for Refusal {
    fn from(error: ActorError) -> Self {
        worker::console_error!("{error}");
        match error {
            ActorError::Overloaded => Self::busy(2),
            ActorError::Unavailable(_) => Self::busy(1),
            ActorError::Unreadable(_) => Self::internal(),
        }
    }
}

fn rate_limited(state: &LimitState, now_ms: i64) -> Refusal {
    let wait_ms = state.resets_ms.map_or(60_000, |resets| resets.saturating_sub(now_ms).max(0));
    let seconds = wait_ms.saturating_add(999) / 1000;
    let unit = if state.limit.unit() == Unit::Tokens { "tokens" } else { "requests" };
    let whose = whose(state);
    let refusal = |message| {
        let refusal = Refusal::new(429, unit, "rate_limit_exceeded", message);
        let [limit, remaining, reset] = headers::rate_names(state.limit.unit());
        let left = state.left.max(0);
        refusal.with(limit, state.limit.amount()).with(remaining, left).with(reset, reset_text(wait_ms))
    };
    if state.needed > state.limit.amount() {
        // It will never be accepted: the SDKs must not wait and try again.
        let advice = match state.limit.unit() {
            Unit::Requests => "Ask an admin to allow calls.",
            _ => "Send a shorter prompt or ask for less output.",
        };
        let needed = LimitAmount::new(state.limit.unit(), state.needed);
        let message = format!(
            "This call needs room for {needed} {unit}, more than {whose} rate limit of {} ever leaves. {advice}",
            state.limit
        );
        return refusal(message).with("x-should-retry", "false");
    }
    let message =
        format!("{} rate limit of {} is reached. Try again in {}.", capital(&whose), state.limit, reset_text(wait_ms));
    refusal(message).with("retry-after", seconds.max(1)).with("retry-after-ms", wait_ms)
}

fn limit_reached(state: &LimitState, help: Option<&str>) -> Refusal {
    let amount = |value: i64| LimitAmount::new(state.limit.unit(), value);
    let resets = match state.resets_ms {
        Some(at) => format!("It starts anew at {}.", time(at)),
        None => "It never starts anew.".to_owned(),
    };
    let message = format!(
        "{} limit of {} leaves {}, and at least {} must be reserved for this call. {resets} {}",
        capital(&whose(state)),
        state.limit,
        amount(state.left),
        amount(state.needed),
        ask(help)
    );
    let mut refusal = Refusal::new(402, QUOTA, QUOTA, message).with("x-should-retry", "false");
    if let Some(at) = state.resets_ms {
        refusal.header("x-alfred-resets-at", time(at));
    }
    refusal
}

fn whose(state: &LimitState) -> String {
    match state.subject {
        team::protocol::Subject::Team => "your team's".to_owned(),
        team::protocol::Subject::Member(_) => "your".to_owned(),
        team::protocol::Subject::Key(_) => "this key's".to_owned(),
    }
}

fn ask(help: Option<&str>) -> String {
    match help {
        Some(help) => format!("To get more: {}.", help.trim_end_matches('.')),
        None => "Ask your team's manager or an admin for more.".to_owned(),
    }
}

fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string())
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

/// What the caller wrote, cut to what a message can bear.
fn shown(text: &str) -> String {
    text.chars().take(100).filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::{LimitId, MemberId};
    use ledger::Account;
    use limits::{Kind, Limit, Window};
    use team::protocol::Subject;

    fn state(kind: Kind, window: Window, unit: Unit, amount: i64, needed: i64) -> LimitState {
        LimitState {
            id: LimitId::from_u128(1),
            subject: Subject::Team,
            limit: Limit::new(kind, window, unit, amount).unwrap(),
            used: 0,
            reserved: 0,
            left: 500,
            needed,
            resets_ms: Some(1_700_000_060_000),
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        let now = 1_700_000_000_000;
        let funds = ReserveError::InsufficientFunds {
            account: Account::Wallet(MemberId::from_u128(1)),
            left: Millicredits::new(1500),
            needed: Millicredits::new(2000),
            pool: false,
            draws: None,
        };
        for (error, status, code, says) in [
            (ReserveError::UnknownKey, 401, "invalid_api_key", "ask whoever gave it to you"),
            (ReserveError::KeyRevoked, 401, "invalid_api_key", "was revoked"),
            (ReserveError::KeyExpired { at_ms: 0 }, 401, "invalid_api_key", "1970-01-01T00:00:00Z"),
            (ReserveError::AddressNotAllowed, 403, "address_not_allowed", "allowed network"),
            (ReserveError::ModelNotAllowed { by: Subject::Team }, 403, "model_not_allowed", "the team's list"),
            (
                ReserveError::RateLimited(Box::new(state(Kind::Rate, Window::Minute, Unit::Requests, 60, 1))),
                429,
                "rate_limit_exceeded",
                "Try again in 1m0s",
            ),
            (
                ReserveError::RateLimited(Box::new(state(Kind::Rate, Window::Minute, Unit::Tokens, 60, 61))),
                429,
                "rate_limit_exceeded",
                "ever leaves",
            ),
            (
                ReserveError::LimitReached(Box::new(state(Kind::Cap, Window::Day, Unit::Credits, 10_000, 700))),
                402,
                "insufficient_quota",
                "leaves 0.5, and at least 0.7 must be reserved for this call. It starts anew at 2023-11-14T22:14:20Z. To get more: #credits.",
            ),
            (funds, 402, "insufficient_quota", "has 1.5 credits left, and at least 2 must be reserved for this call."),
            (ReserveError::Storage, 503, "overloaded", "try again"),
        ] {
            let refusal = Refusal::reserve(&error, now, Some("#credits"));
            assert_eq!((refusal.status, refusal.code.as_ref()), (status, code));
            assert!(refusal.message.contains(says), "{}", refusal.message);
            let no_retry = refusal.headers.contains(&("x-should-retry", "false".to_owned()));
            let never = status == 402 || says == "ever leaves";
            assert_eq!(no_retry, never, "SDKs retry 429 and 5xx by themselves, and must not when it is of no use");
        }
    }

    #[test]
    fn what_lacks_is_filled_in() {
        for (lacks, amount) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (i64::MAX, i64::MAX / 1000)] {
            let refusal = Refusal::busy(1).with_request_for(Millicredits::new(lacks), "https://alfred.example");
            assert!(refusal.message.ends_with(&format!("https://alfred.example/ask?amount={amount}")), "{lacks}");
        }
    }

    #[test]
    fn an_upstream_that_refuses_is_repeated_and_its_keys_are_not_ours() {
        let error = UpstreamError::parse(br#"{"error":{"message":"bad thing","param":"tools"}}"#);
        for (status, ours, code) in [
            (400, 400, "upstream_refused"),
            (401, 502, "provider_misconfigured"),
            (429, 429, "upstream_rate_limited"),
            (500, 502, "upstream_error"),
            (503, 502, "upstream_error"),
        ] {
            let refusal = Refusal::upstream("acme", status, Some("7".into()), &error);
            assert_eq!((refusal.status, refusal.code.as_ref()), (ours, code));
            assert!(refusal.message.contains("bad thing"));
            assert!(refusal.headers.contains(&("retry-after", "7".to_owned())));
        }
        let error = UpstreamError::parse(br#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#);
        assert_eq!(Refusal::upstream("acme", 400, None, &error).code, "context_length_exceeded");
    }
}
