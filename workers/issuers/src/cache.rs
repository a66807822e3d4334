//! What one isolate remembers of issuers. Nothing of it is a secret, and all
//! of it is what anybody may fetch.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use openid::{Claims, Expected, Issuer, IssuerMetadata, Jwks, TokenError, verify as check};
use runtime::now_ms;

use crate::Fault;
use crate::fetch::{Call, send};

/// For how long what was fetched is good. Issuers publish a new key before
/// they use it, and withdraw one that was stolen: then this is how long tokens
/// under it are still believed.
pub const MOST_AGE_MS: i64 = 15 * 60 * 1000;
/// An issuer that does not answer must not keep everybody out at once.
const MOST_STALE_MS: i64 = 6 * 60 * 60 * 1000;
/// Anybody can send tokens under keys that do not exist.
const REFETCH_AFTER_MS: i64 = 60 * 1000;
/// About 20 KB each.
const MOST_DOCUMENTS: usize = 200;

/// Something that was fetched.
struct Fetched<T> {
    what: Rc<T>,
    at_ms: i64,
    /// When it was last tried, with or without success.
    tried_ms: i64,
}

impl<T> Clone for Fetched<T> {
    fn clone(&self) -> Self {
        Self { what: Rc::clone(&self.what), ..*self }
    }
}

thread_local! {
    static DOCUMENTS: RefCell<HashMap<String, Fetched<Vec<u8>>>> = RefCell::default();
    static KEYS: RefCell<HashMap<String, Fetched<Jwks>>> = RefCell::default();
}

/// An issuer's metadata, as it is published.
pub(crate) async fn document(issuer: &Issuer) -> Result<Rc<Vec<u8>>, Fault> {
    let url = issuer.discovery_url();
    let known = DOCUMENTS.with_borrow(|all| all.get(&url).cloned());
    if let Some(known) = known.as_ref().filter(|known| is_good(known.tried_ms, known.at_ms, now_ms())) {
        return Ok(Rc::clone(&known.what));
    }
    let fetched = get(&url).await;
    DOCUMENTS.with_borrow_mut(|all| keep(all, url, known, fetched))
}

/// Verifies a token with the issuer's keys.
///
/// # Errors
/// [`Fault`].
pub async fn verify(token: &str, issuer: &IssuerMetadata, expected: &Expected<'_>) -> Result<Claims, Fault> {
    let url = issuer.jwks_uri.as_str();
    let known = keys(url, false).await?;
    match check(token, &known, expected) {
        Err(TokenError::UnknownKey(_)) => Ok(check(token, &*keys(url, true).await?, expected)?),
        checked => Ok(checked?),
    }
}

/// An issuer's keys; `again` where what is known did not suffice.
async fn keys(url: &str, again: bool) -> Result<Rc<Jwks>, Fault> {
    let now = now_ms();
    let known = KEYS.with_borrow(|all| all.get(url).cloned());
    let suffices = |known: &&Fetched<Jwks>| match again {
        false => is_good(known.tried_ms, known.at_ms, now),
        true => now.saturating_sub(known.tried_ms) < REFETCH_AFTER_MS,
    };
    if let Some(known) = known.as_ref().filter(suffices) {
        return Ok(Rc::clone(&known.what));
    }
    let fetched = match get(url).await {
        Ok(body) => Jwks::parse(&body).map_err(Fault::from),
        Err(fault) => Err(fault),
    };
    KEYS.with_borrow_mut(|all| keep(all, url.to_owned(), known, fetched))
}

/// Fresh, or old and just tried in vain.
fn is_good(tried_ms: i64, at_ms: i64, now: i64) -> bool {
    let age = now.saturating_sub(at_ms);
    age < MOST_AGE_MS || (age < MOST_STALE_MS && now.saturating_sub(tried_ms) < REFETCH_AFTER_MS)
}

/// Remembers what was fetched; what could not be is still what it was, for a
/// while.
fn keep<T>(
    all: &mut HashMap<String, Fetched<T>>,
    url: String,
    known: Option<Fetched<T>>,
    fetched: Result<T, Fault>,
) -> Result<Rc<T>, Fault> {
    let now = now_ms();
    let fetched = match (fetched, known) {
        (Ok(what), _) => Fetched { what: Rc::new(what), at_ms: now, tried_ms: now },
        (Err(_), Some(known)) if now.saturating_sub(known.at_ms) < MOST_STALE_MS => Fetched { tried_ms: now, ..known },
        (Err(fault), _) => return Err(fault),
    };
    if all.len() >= MOST_DOCUMENTS && !all.contains_key(&url) {
        all.clear();
    }
    let what = Rc::clone(&fetched.what);
    all.insert(url, fetched);
    Ok(what)
}

async fn get(url: &str) -> Result<Vec<u8>, Fault> {
    let answer = send(url, Call::default()).await?;
    match answer.status {
        200 => Ok(answer.body),
        status => Err(Fault::Status { url: url.to_owned(), status }),
    }
}
