//! Who issues tokens.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Over what a provider may be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Only TLS, as everywhere but on a developer's machine.
    Https,
    /// Also `http`, to this machine only: for development.
    HttpOnLoopback,
}

impl Transport {
    /// The address of that text, if it may be spoken to.
    #[must_use]
    pub fn url(self, text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        let allowed = url.scheme() == "https" || (self == Self::HttpOnLoopback && is_loopback(&url));
        // A fragment is never sent, and a user's name has no place here.
        let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
        (allowed && plain && url.has_host()).then_some(url)
    }
}

fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// A text that is not an issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an issuer: expected an address such as `https://login.example.com`, without `?` and `#`")]
pub struct IssuerError(String);

/// The address that names who issues tokens. It is compared as it was typed,
/// character by character (OpenID Connect Discovery 1.0, 4.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Issuer(String);

impl Issuer {
    /// Reads what an admin typed.
    ///
    /// # Errors
    /// [`IssuerError`].
    pub fn parse(text: &str, transport: Transport) -> Result<Self, IssuerError> {
        let error = || IssuerError(text.chars().take(200).collect());
        let url = transport.url(text).ok_or_else(error)?;
        // `Url` forgives white space around and inside: the comparison doesn't.
        if url.query().is_some() || text.len() > 512 || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(error());
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its metadata is (OpenID Connect Discovery 1.0, 4.1).
    #[must_use]
    pub fn discovery_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.0.strip_suffix('/').unwrap_or(&self.0))
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_or_this_machine() {
        use Transport::{HttpOnLoopback, Https};
        for (text, transport, good) in [
            ("https://login.example.com", Https, true),
            ("https://login.example.com/tenant/v2.0", Https, true),
            ("https://login.example.com:8443/", Https, true),
            ("http://login.example.com", Https, false),
            ("http://127.0.0.1:9000", Https, false),
            ("http://127.0.0.1:9000", HttpOnLoopback, true),
            ("http://[::1]:9000", HttpOnLoopback, true),
            ("http://localhost:9000", HttpOnLoopback, true),
            ("http://localhost.example.com", HttpOnLoopback, false),
            ("http://10.0.0.1", HttpOnLoopback, false),
            ("https://login.example.com?x=1", Https, false),
            ("https://login.example.com#x", Https, false),
            ("https://user@login.example.com", Https, false),
            ("https://login.example.com\n", Https, false),
            (" https://login.example.com", Https, false),
            ("login.example.com", Https, false),
            ("javascript:alert(1)", HttpOnLoopback, false),
            ("file:///etc/passwd", HttpOnLoopback, false),
            ("", Https, false),
        ] {
            assert_eq!(Issuer::parse(text, transport).is_ok(), good, "{text} over {transport:?}");
        }
    }

    #[test]
    fn metadata_is_below_the_issuer() {
        for (issuer, url) in [
            ("https://a.example", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/t/v2.0", "https://a.example/t/v2.0/.well-known/openid-configuration"),
        ] {
            assert_eq!(Issuer::parse(issuer, Transport::Https).unwrap().discovery_url(), url);
        }
    }
}
