//! What a request of signing in brings along.

use audit::{Attribution, Salt};
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, Method, Uri, header};
use identity::RequestId;

use super::cookies::{Cookie, Jar};
use crate::app::{App, random};
use crate::extract::address;
use crate::problem::Problem;

/// Somebody who is not signed in yet.
pub(crate) struct Browser {
    pub(crate) app: App,
    pub(crate) site: Site,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// What follows the `?`.
    pub(crate) query: String,
    /// By what request, for the audit trail.
    pub(crate) by: Attribution,
}

/// Under which address Alfred was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// Such as `https://alfred.acme.example`.
    pub(crate) origin: String,
    pub(crate) jar: Jar,
}

impl Site {
    /// Of a request's address.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        Some(Self { origin: format!("{scheme}://{authority}"), jar: Jar::new(scheme == "https") })
    }

    /// Where providers send browsers back to.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("{}/api/v1/auth/callback", self.origin)
    }
}

impl Browser {
    /// A cookie that it sent.
    pub(crate) fn cookie(&self, cookie: Cookie) -> Option<String> {
        self.site.jar.read(&self.headers, cookie)
    }

    /// Whether a person is looking at the answer.
    pub(crate) fn wants_page(&self) -> bool {
        let accept = self.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        accept.contains("text/html")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Browser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let app = parts.extensions.get::<App>().cloned();
        let app = app.ok_or_else(|| Problem::internal("a request without bindings"))?;
        let site = Site::of(&parts.uri).ok_or_else(|| Problem::internal("a request without an address"))?;
        let by = attribution(parts)?;
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Ok(Self { app, site, method: parts.method.clone(), headers: parts.headers.clone(), query, by })
    }
}

/// By what request something is done.
pub(crate) fn attribution(parts: &Parts) -> Result<Attribution, Problem> {
    Ok(Attribution {
        request: parts.extensions.get::<RequestId>().map(ToString::to_string),
        address: address(&parts.headers).map(|address| address.to_string()),
        user_agent: parts.headers.get(header::USER_AGENT).and_then(|text| text.to_str().ok()).map(str::to_owned),
        salt: Some(Salt::from_u128(random()?)),
        ..Attribution::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_was_reached() {
        let site = Site::of(&"https://alfred.acme.example/api/v1?x".parse().unwrap()).unwrap();
        assert_eq!(site.redirect_uri(), "https://alfred.acme.example/api/v1/auth/callback");
        assert_eq!(site.jar, Jar::new(true));
        let site = Site::of(&"http://127.0.0.1:8787/".parse().unwrap()).unwrap();
        assert_eq!((site.origin.as_str(), site.jar), ("http://127.0.0.1:8787", Jar::new(false)));
        assert_eq!(Site::of(&"/api/v1".parse().unwrap()), None);
    }
}
