//! A sign-in that was begun, sealed into a cookie: nothing of it is kept here,
//! and nobody but the browser that began it can end it.

use ::runtime::now_ms;
use identity::OrganizationId;
use openid::Attempt;
use serde::{Deserialize, Serialize};
use vault::{Sealed, Vault};

use crate::app::random;
use crate::problem::Problem;

/// How long somebody may take at the provider.
pub(crate) const LASTS_S: i64 = 10 * 60;
/// For what the vault seals it.
const PURPOSE: &str = "sign-in attempt";

/// What the cookie has.
#[derive(Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) attempt: Attempt,
    pub(crate) organization: OrganizationId,
    /// The version of its settings.
    pub(crate) version: u64,
    /// Where to go afterwards.
    pub(crate) return_to: String,
    expires_ms: i64,
}

impl Begun {
    /// A new one.
    pub(crate) fn new(organization: OrganizationId, version: u64, return_to: String) -> Result<Self, Problem> {
        let attempt = Attempt::new(bits()?, bits()?, bits()?);
        let expires_ms = now_ms().saturating_add(LASTS_S.saturating_mul(1000));
        Ok(Self { attempt, organization, version, return_to, expires_ms })
    }

    /// As the cookie has it.
    pub(crate) fn seal(&self, vault: &Vault) -> Result<String, Problem> {
        let nonce = random()?.to_be_bytes().first_chunk::<12>().copied().unwrap_or_default();
        let text = serde_json::to_string(self).map_err(Problem::internal)?;
        let sealed = vault.seal(PURPOSE, nonce, &text).map_err(Problem::internal)?;
        match serde_json::to_value(sealed).map_err(Problem::internal)? {
            serde_json::Value::String(text) => Ok(text),
            _ => Err(Problem::internal("a sealed text is no text")),
        }
    }

    /// What a cookie has, if it is ours and not too old.
    pub(crate) fn open(vault: &Vault, cookie: &str) -> Option<Self> {
        let sealed: Sealed = serde_json::from_value(cookie.into()).ok()?;
        let begun: Self = serde_json::from_str(&vault.open(PURPOSE, &sealed).ok()?).ok()?;
        (now_ms() < begun.expires_ms).then_some(begun)
    }
}

/// 256 random bits.
fn bits() -> Result<[u8; 32], Problem> {
    let halves = [random()?.to_be_bytes(), random()?.to_be_bytes()];
    halves.concat().try_into().map_err(|_| Problem::internal("two halves are no whole"))
}

/// Where to go after signing in: a place of ours, or nowhere.
pub(crate) fn check_return(text: &str) -> Result<String, Problem> {
    let plain = text.len() <= 2000 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // `//host` and, to some browsers, `/\host` lead elsewhere.
    if plain && text.starts_with('/') && !text.starts_with("//") {
        return Ok(text.to_owned());
    }
    Err(Problem::invalid("`return_to` must be a path of this site, like `/dashboard`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away() {
        for good in ["/", "/a/b?c=d#e", "/api/v1/session"] {
            assert_eq!(check_return(good).as_deref(), Ok(good));
        }
        for bad in
            ["", "a", "//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/a\r\nb", "javascript:x"]
        {
            assert!(check_return(bad).is_err(), "{bad}");
        }
    }
}
