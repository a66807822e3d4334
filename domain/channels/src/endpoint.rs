//! Where requests go, and with which secret.

use std::fmt;

pub use openid::Transport;
use url::{Host, Url};

/// A text that is no address to send to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an address to send to: expected one that begins with `https://`, without a user name and `#`")]
pub struct EndpointError;

/// An address to send to: a provider's API, or a webhook. Webhooks' addresses
/// have secrets in their paths, so the debug form has only the host.
///
/// Whether it leads into a network of ours nobody can see from its text; the
/// shells that send see to that.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Reads an address.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn parse(text: &str, transport: Transport) -> Result<Self, EndpointError> {
        transport.url(text).map(Self).ok_or(EndpointError)
    }

    /// The address as it is.
    pub(crate) fn url(&self) -> String {
        self.0.as_str().to_owned()
    }

    /// The address with these parameters added.
    pub(crate) fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }

    /// What is below it under these names, each of which is one segment of the
    /// path whatever it contains.
    pub(crate) fn below(&self, segments: &[&str]) -> Self {
        let mut url = self.0.clone();
        // An address with a host has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty();
            for segment in segments {
                // A browser takes these two for the folder itself and the one
                // above it, and `Url` leaves them out.
                path.push(if matches!(*segment, "." | "..") { "-" } else { segment });
            }
        }
        Self(url)
    }

    /// Scheme, host and port (RFC 6454, 6.2), for whom a token is meant.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host().map(|host: Host<&str>| host.to_string()).unwrap_or_default();
        write!(f, "Endpoint({host}/…)")
    }
}

/// A text that is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a token or secret: expected 1 to 4096 printable ASCII characters without spaces")]
pub struct SecretError;

/// A provider's token or secret: ASCII without white space, so that it can
/// stand in a header. Its debug form shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Reads a secret.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let good = (1..=4096).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        good.then(|| Self(text.to_owned())).ok_or(SecretError)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The header `authorization` of most APIs.
    pub(crate) fn bearer(&self) -> (&'static str, String) {
        ("authorization", format!("Bearer {}", self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_whatever_it_contains() {
        let base = Endpoint::parse("https://api.example/v1/", Transport::Https).unwrap();
        for (segments, expected) in [
            (&["messages"][..], "https://api.example/v1/messages"),
            (&["a/b", "?c#d"], "https://api.example/v1/a%2Fb/%3Fc%23d"),
            (&["..", ".", "x"], "https://api.example/v1/-/-/x"),
            (&["bot1:A-b_c", "sendMessage"], "https://api.example/v1/bot1:A-b_c/sendMessage"),
        ] {
            assert_eq!(base.below(segments).url(), expected);
        }
        let root = Endpoint::parse("https://api.example", Transport::Https).unwrap();
        assert_eq!(root.below(&["x"]).url(), "https://api.example/x");
        assert_eq!(root.with(&[("a", "b&c")]), "https://api.example/?a=b%26c");
    }

    #[test]
    fn shows_no_secret_and_speaks_only_over_tls() {
        let hook = Endpoint::parse("https://hooks.example:8443/T0/B0/secret?x=secret", Transport::Https).unwrap();
        assert_eq!(format!("{hook:?}"), "Endpoint(hooks.example/…)");
        assert_eq!(hook.origin(), "https://hooks.example:8443");
        for text in ["http://hooks.example", "https://u:p@hooks.example", "https://a.example/#x", "ftp://a", ""] {
            assert_eq!(Endpoint::parse(text, Transport::Https), Err(EndpointError), "{text}");
        }
        assert!(Endpoint::parse("http://127.0.0.1:9000/x", Transport::HttpOnLoopback).is_ok());
    }

    #[test]
    fn secrets_fit_into_headers() {
        assert_eq!(format!("{:?}", Secret::parse("xoxb-1").unwrap()), "Secret(…)");
        for text in ["", "a b", "a\r\nx: y", "é", "a\u{0}", &"a".repeat(4097)] {
            assert_eq!(Secret::parse(text), Err(SecretError), "{text:?}");
        }
    }
}
