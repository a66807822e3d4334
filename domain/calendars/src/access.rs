//! A source together with that by which it is read, and how an access token is
//! had where one is needed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::request::encoded;
use crate::source::check_id;
use crate::{CalendarError, Source, SourceError};

/// A source and its credentials. Kept sealed, as one JSON text; its `Debug`
/// shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Where absences come from.
    pub source: Source,
    /// By what.
    #[serde(default)]
    pub credentials: Credentials,
}

/// By what a source is read.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Credentials {
    /// Its address is all that it takes.
    #[default]
    Nothing,
    /// A key or token that is sent as it is.
    Key {
        /// It.
        key: String,
    },
    /// An access token for whoever has allowed it once (RFC 6749, 6).
    Refresh {
        /// The client's id at the authorization server.
        client_id: String,
        /// Its secret.
        client_secret: String,
        /// What was had when somebody allowed it.
        refresh_token: String,
    },
    /// An access token for a program of the company's own (RFC 6749, 4.4).
    Client {
        /// The company's tenant at Microsoft.
        tenant: String,
        /// The program's id there.
        client_id: String,
        /// Its secret.
        client_secret: String,
    },
}

impl Access {
    /// Checks what somebody typed. `allow_loopback` as in [`Source::check`].
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn check(&self, allow_loopback: bool) -> Result<(), SourceError> {
        if let Credentials::Client { tenant, .. } = &self.credentials {
            check_id(tenant, "a tenant at Microsoft: use its id, or one of its domains")?;
        }
        self.source.check(allow_loopback)
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({:?}, …)", self.source)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// A form to be posted for an access token. It has secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Where to.
    pub url: String,
    /// The form, `application/x-www-form-urlencoded`.
    pub form: String,
}

impl Credentials {
    /// What to post for an access token; `None` where none is needed.
    #[must_use]
    pub fn token_request(&self) -> Option<TokenRequest> {
        match self {
            Self::Nothing | Self::Key { .. } => None,
            Self::Refresh { client_id, client_secret, refresh_token } => Some(TokenRequest {
                url: "https://oauth2.googleapis.com/token".to_owned(),
                form: form(&[
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id),
                    ("client_secret", client_secret),
                    ("refresh_token", refresh_token),
                ]),
            }),
            Self::Client { tenant, client_id, client_secret } => Some(TokenRequest {
                url: format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", encoded(tenant)),
                form: form(&[
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id),
                    ("client_secret", client_secret),
                    ("scope", "https://graph.microsoft.com/.default"),
                ]),
            }),
        }
    }

    /// The key that is sent as it is.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key { key } => Some(key),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

/// The access token in an authorization server's answer (RFC 6749, 5.1).
///
/// # Errors
/// [`CalendarError::Json`].
pub fn token(bytes: &[u8]) -> Result<String, CalendarError> {
    // Nothing of the answer is shown, for it may be the token.
    let granted = serde_json::from_slice::<Granted>(bytes);
    granted.map(|granted| granted.access_token).map_err(|_| CalendarError::Json("it has no access token".to_owned()))
}

fn form(fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    fields.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_posted_for_a_token() {
        let refresh =
            Credentials::Refresh { client_id: "a b".into(), client_secret: "s&t".into(), refresh_token: "1//r".into() };
        let asked = refresh.token_request().unwrap();
        assert_eq!(asked.url, "https://oauth2.googleapis.com/token");
        let form = "grant_type=refresh_token&client_id=a%20b&client_secret=s%26t&refresh_token=1%2F%2Fr";
        assert_eq!(asked.form, form);
        let client = Credentials::Client {
            tenant: "acme.onmicrosoft.com".into(),
            client_id: "a".into(),
            client_secret: "s".into(),
        };
        let asked = client.token_request().unwrap();
        assert_eq!(asked.url, "https://login.microsoftonline.com/acme.onmicrosoft.com/oauth2/v2.0/token");
        let access = |tenant: &str| Access {
            source: Source::MicrosoftGraph { user: "ada".into() },
            credentials: Credentials::Client {
                tenant: tenant.into(),
                client_id: "a".into(),
                client_secret: "s".into(),
            },
        };
        assert!(access("acme.onmicrosoft.com").check(false).is_ok() && access("").check(false).is_err());
        assert!(asked.form.ends_with("&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"));
        assert!(Credentials::Nothing.token_request().is_none());
        assert_eq!(token(br#"{"access_token":"ya29.x","expires_in":3599}"#).as_deref(), Ok("ya29.x"));
        assert!(token(br#"{"error":"invalid_grant"}"#).is_err());
    }

    #[test]
    fn the_sealed_form_is_pinned_and_nothing_of_it_is_shown() {
        let text = r#"{"source":{"kind":"bamboohr","company":"acme"},"credentials":{"kind":"key","key":"s3cret"}}"#;
        let access: Access = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&access).unwrap(), text);
        assert_eq!(format!("{access:?}{:?}", access.credentials), "Access(Source(bamboohr, …), …)Credentials(…)");
    }
}
