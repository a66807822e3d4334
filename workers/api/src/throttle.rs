//! How often somebody may come, so that one caller does not take all of it.
//!
//! | who | counted | where |
//! |---|---|---|
//! | a key of management | by key | in the organization's actor, which every such request passes |
//! | a member's key | by key | in this isolate |
//! | whoever shows a key that does not work | by address | in this isolate |
//! | whoever signs in | by address | in this isolate |
//!
//! An isolate forgets when it ends, and there are several of them: what is
//! counted here is a bound on what one isolate is asked to do, and enough to
//! make guessing slow. Nothing of it is written anywhere.
//!
//! An address that has failed too often is not heard any more, beside keys that
//! this isolate has seen work: a colleague's broken script behind the same
//! address keeps nobody else out.

use std::cell::RefCell;
use std::collections::HashSet;
use std::net::IpAddr;

use ::runtime::now_ms;
use http::{HeaderMap, HeaderValue, header};
use identity::{ApiKey, KeyHash};
use limits::{Allowance, THROTTLE_WINDOW_MS, Throttle};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::extract::address;
use crate::problem::{Code, Problem};

/// Addresses or keys that an isolate counts at a time; 100 bytes each.
const MOST_COUNTED: usize = 20_000;

/// Where people sign in; each request there counts, whatever comes of it.
const SIGN_IN: [&str; 3] = ["/api/v1/auth/sign-in", "/api/v1/auth/callback", "/api/v1/auth/setup"];

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::new(Memory::new());
}

/// How often in a minute; `None` for as often as they like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rates {
    /// Requests with one key.
    pub(crate) requests: Option<u32>,
    /// Requests from one address whose key does not work.
    pub(crate) failures: Option<u32>,
    /// Requests to sign in from one address; each sign-in is two.
    pub(crate) sign_ins: Option<u32>,
}

impl Rates {
    /// Reads the deployment's settings (see wrangler.toml); 0 is for as often as
    /// they like, and what is left out or cannot be read is the default.
    pub(crate) fn read(setting: impl Fn(&str) -> Option<String>) -> Self {
        let rate = |name: &str, default: u32| {
            let rate = setting(name).and_then(|text| text.trim().parse().ok()).unwrap_or(default);
            (rate > 0).then_some(rate)
        };
        Self {
            requests: rate("KEY_REQUESTS_A_MINUTE", 600),
            failures: rate("FAILED_KEYS_A_MINUTE", 60),
            sign_ins: rate("SIGN_INS_A_MINUTE", 120),
        }
    }
}

/// What an isolate remembers.
struct Memory {
    failures: Throttle<u128>,
    sign_ins: Throttle<u128>,
    members: Throttle<KeyHash>,
    /// Of `authorization` headers that were seen to work.
    good: HashSet<[u8; 32]>,
}

/// Of what kind of request there were too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    Key,
    Failures,
    SignIns,
}

impl Bucket {
    /// What it is called in the headers.
    const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Failures => "failed-keys",
            Self::SignIns => "sign-ins",
        }
    }

    /// The refusal of whoever has nothing left.
    pub(crate) fn refusal(self, allowance: Allowance) -> Problem {
        let Allowance { limit, .. } = allowance;
        let what = match self {
            Self::Key => format!("this key has sent {limit} requests in a minute"),
            Self::Failures => format!("{limit} requests from your address had no key that works"),
            Self::SignIns => format!("{limit} requests to sign in came from your address in a minute"),
        };
        let detail = format!("{what}, and no more are heard: try again in {} s", allowance.resets_in_seconds());
        Problem::new(Code::RateLimited, detail).limited(self, allowance)
    }

    /// Says in an answer's headers what is left (draft-ietf-httpapi-ratelimit-headers).
    pub(crate) fn tell(self, allowance: Allowance, headers: &mut HeaderMap) {
        let name = self.name();
        let seconds = THROTTLE_WINDOW_MS.checked_div(1000).unwrap_or_default();
        let policy = format!("\"{name}\";q={};w={seconds}", allowance.limit);
        let state = format!("\"{name}\";r={};t={}", allowance.left, allowance.resets_in_seconds());
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            headers.extend(HeaderValue::from_str(&text).ok().map(|text| (http::HeaderName::from_static(name), text)));
        }
    }
}

impl Memory {
    fn new() -> Self {
        Self {
            failures: Throttle::new(MOST_COUNTED),
            sign_ins: Throttle::new(MOST_COUNTED),
            members: Throttle::new(MOST_COUNTED),
            good: HashSet::new(),
        }
    }

    /// Whether whoever shows this is heard.
    fn may_try(&self, now: i64, rates: Rates, from: u128, shown: Option<[u8; 32]>) -> Result<(), Problem> {
        let Some(limit) = rates.failures else { return Ok(()) };
        let allowance = self.failures.look(now, &from, limit);
        if allowance.left > 0 || shown.is_some_and(|shown| self.good.contains(&shown)) {
            return Ok(());
        }
        Err(Bucket::Failures.refusal(allowance))
    }

    fn failed(&mut self, now: i64, rates: Rates, from: u128, shown: Option<[u8; 32]>) {
        if let Some(shown) = shown {
            self.good.remove(&shown);
        }
        if let Some(limit) = rates.failures {
            // Whoever has nothing left is not counted on.
            let _ = self.failures.take(now, from, limit);
        }
    }

    fn worked(&mut self, shown: [u8; 32]) {
        if self.good.len() >= MOST_COUNTED {
            self.good.clear();
        }
        self.good.insert(shown);
    }

    fn signs_in(&mut self, now: i64, rates: Rates, from: u128) -> Result<(), Problem> {
        let Some(limit) = rates.sign_ins else { return Ok(()) };
        self.sign_ins.take(now, from, limit).map(|_| ()).map_err(|left| Bucket::SignIns.refusal(left))
    }

    fn member(&mut self, now: i64, rates: Rates, key: KeyHash) -> Result<Option<Allowance>, Problem> {
        let Some(limit) = rates.requests else { return Ok(None) };
        self.members.take(now, key, limit).map(Some).map_err(|left| Bucket::Key.refusal(left))
    }
}

/// Counts a request to sign in, if the path is for that.
///
/// # Errors
/// When too many came from this address.
pub(crate) fn begins(app: &App, path: &str, headers: &HeaderMap) -> Result<(), Problem> {
    if !SIGN_IN.contains(&path) {
        return Ok(());
    }
    MEMORY.with_borrow_mut(|memory| memory.signs_in(now_ms(), app.rates(), place(address(headers))))
}

/// Whether whoever shows this key is heard; asked before anybody looks at it.
///
/// # Errors
/// When too many keys from this address did not work.
pub(crate) fn may_try(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let from = place(address(headers));
    MEMORY.with_borrow(|memory| memory.may_try(now_ms(), app.rates(), from, shown(headers)))
}

/// Counts a request with a member's key, which works.
///
/// # Errors
/// When too many came.
pub(crate) fn member(app: &App, key: &ApiKey) -> Result<Option<Allowance>, Problem> {
    MEMORY.with_borrow_mut(|memory| memory.member(now_ms(), app.rates(), key.hash))
}

/// Remembers what was found out of the key: that it works, or that it does not.
pub(crate) fn ends(app: &App, request: &HeaderMap, unauthorized: bool) {
    let shown = shown(request);
    MEMORY.with_borrow_mut(|memory| match shown {
        _ if unauthorized => memory.failed(now_ms(), app.rates(), place(address(request)), shown),
        Some(shown) if app.is_known() => memory.worked(shown),
        _ => {}
    });
}

fn shown(headers: &HeaderMap) -> Option<[u8; 32]> {
    headers.get(header::AUTHORIZATION).map(|header| Sha256::digest(header.as_bytes()).into())
}

/// What is one place: a v4 address, or a v6 network of 64 bits, which is what
/// one household or office gets. Those that are not known are one place.
fn place(address: Option<IpAddr>) -> u128 {
    match address.map(|address| address.to_canonical()) {
        None => 0,
        Some(IpAddr::V4(address)) => address.to_ipv6_mapped().to_bits(),
        Some(IpAddr::V6(address)) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates { requests: Some(2), failures: Some(3), sign_ins: Some(2) };
    const OFF: Rates = Rates { requests: None, failures: None, sign_ins: None };

    fn code<T>(answer: Result<T, Problem>) -> Option<Code> {
        answer.err().map(|problem| problem.code)
    }

    #[test]
    fn settings() {
        let read = |text: Option<&str>| Rates::read(|_| text.map(str::to_owned));
        let default = Rates { requests: Some(600), failures: Some(60), sign_ins: Some(120) };
        for text in [None, Some(""), Some("many"), Some("-1")] {
            assert_eq!(read(text), default, "{text:?}");
        }
        assert_eq!(read(Some("0")), OFF);
        assert_eq!(read(Some(" 7 ")), Rates { requests: Some(7), failures: Some(7), sign_ins: Some(7) });
    }

    #[test]
    fn who_fails_too_often_is_not_heard_and_others_behind_the_address_are() {
        let mut memory = Memory::new();
        let (good, bad) = (Some([1; 32]), Some([2; 32]));
        memory.worked([1; 32]);
        for second in 0..3 {
            assert_eq!(code(memory.may_try(second * 1000, RATES, 9, bad)), None);
            memory.failed(second * 1000, RATES, 9, bad);
        }
        for shown in [bad, Some([3; 32]), None] {
            let refused = memory.may_try(3000, RATES, 9, shown).unwrap_err();
            assert_eq!(refused.code, Code::RateLimited);
            assert!(refused.document().contains("try again in 57 s"), "{}", refused.document());
        }
        assert_eq!(code(memory.may_try(3000, RATES, 9, good)), None);
        assert_eq!(code(memory.may_try(3000, RATES, 8, bad)), None, "another address");
        assert_eq!(code(memory.may_try(3000, OFF, 9, bad)), None);
        assert_eq!(code(memory.may_try(60_000, RATES, 9, bad)), None);
        // A key that was revoked is one like any other.
        memory.failed(3000, RATES, 9, good);
        assert_eq!(code(memory.may_try(3000, RATES, 9, good)), Some(Code::RateLimited));
    }

    #[test]
    fn members_and_sign_ins() {
        let mut memory = Memory::new();
        let key =
            |n| ApiKey::parse(&ApiKey::mint(identity::OrganizationId::from_u128(1), identity::TeamId::from_u128(1), n));
        let (one, other) = (key(1).unwrap().hash, key(2).unwrap().hash);
        for left in [1, 0] {
            assert_eq!(memory.member(0, RATES, one).unwrap().unwrap().left, left);
            assert_eq!(code(memory.signs_in(0, RATES, 5)), None);
        }
        assert_eq!(code(memory.member(0, RATES, one)), Some(Code::RateLimited));
        assert_eq!(code(memory.signs_in(0, RATES, 5)), Some(Code::RateLimited));
        assert_eq!((code(memory.member(0, RATES, other)), code(memory.signs_in(0, RATES, 6))), (None, None));
        assert_eq!((memory.member(0, OFF, one), code(memory.signs_in(0, OFF, 5))), (Ok(None), None));
    }

    #[test]
    fn places() {
        let of = |text: &str| place(Some(text.parse().unwrap()));
        assert_eq!(of("203.0.113.9"), of("::ffff:203.0.113.9"));
        assert_ne!(of("203.0.113.9"), of("203.0.113.8"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("203.0.113.9"), place(None));
    }

    #[test]
    fn headers() {
        let mut headers = HeaderMap::new();
        Bucket::Key.tell(Allowance { limit: 600, left: 599, resets_in_ms: 41_001 }, &mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"key\";q=600;w=60");
        assert_eq!(headers["ratelimit"], "\"key\";r=599;t=42");
    }
}
