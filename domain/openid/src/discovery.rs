//! A provider's metadata (OpenID Connect Discovery 1.0, 3).

use serde::Deserialize;
use url::Url;

use crate::algorithm::Algorithm;
use crate::encoding::shown;
use crate::issuer::{Issuer, Transport};

/// Real documents have 2 to 5 KB.
const MAX_BYTES: usize = 256 * 1024;

/// Why metadata cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Not a metadata document at all.
    #[error("the provider's metadata cannot be read ({0}): check that the issuer is right")]
    Malformed(String),
    /// It speaks of another issuer.
    #[error(
        "the metadata is of the issuer `{found}`, not of `{expected}`: configure the issuer exactly as it is there"
    )]
    OtherIssuer {
        /// What is configured.
        expected: String,
        /// What the document says.
        found: String,
    },
    /// An endpoint that sign-in needs is not there.
    #[error("the provider's metadata has no `{0}`: signing in is not possible with it")]
    Missing(&'static str),
    /// An endpoint is no address, or would be spoken to in the clear.
    #[error("the provider's `{0}` is not an https address")]
    Insecure(&'static str),
    /// It signs in no way that Alfred checks.
    #[error("the provider signs ID tokens with none of RS256, ES256 and EdDSA")]
    NoAlgorithm,
    /// It does not do the flow that Alfred uses.
    #[error("the provider does not support the authorization code flow")]
    NoCodeFlow,
    /// It wants clients to show who they are in another way.
    #[error("the provider accepts neither `client_secret_basic` nor `client_secret_post` from clients")]
    NoAuthentication,
}

/// How a client shows the token endpoint who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `client_secret_basic`: in the header.
    Basic,
    /// `client_secret_post`: in the body.
    Post,
}

/// What Alfred must know of an issuer to check its tokens. Issuers at which
/// nobody signs in, such as GitHub Actions, publish no more than this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerMetadata {
    /// Who it is; equal to what was configured.
    pub issuer: Issuer,
    /// Where the keys are.
    pub jwks_uri: Url,
    /// What tokens may be signed with, of what Alfred checks; never empty.
    pub algorithms: Vec<Algorithm>,
}

/// What of a provider's metadata Alfred uses to sign people in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// Who it is and how its tokens are checked.
    pub tokens: IssuerMetadata,
    /// Where people sign in.
    pub authorization_endpoint: Url,
    /// Where a code becomes tokens.
    pub token_endpoint: Url,
    /// Where more claims are, for an access token.
    pub userinfo_endpoint: Option<Url>,
    /// Where people sign out.
    pub end_session_endpoint: Option<Url>,
    /// Whether it says that it supports PKCE with S256. Alfred always sends a
    /// challenge; some providers support it and don't say so.
    pub pkce: bool,
    /// How Alfred shows who it is.
    pub authentication: ClientAuthentication,
    /// Whether its callbacks always carry `iss` (RFC 9207).
    pub callback_has_issuer: bool,
}

/// As it is on the wire; what has a default there has it here.
#[derive(Deserialize)]
struct Wire {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    jwks_uri: Option<String>,
    userinfo_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    response_types_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: Option<bool>,
}

impl IssuerMetadata {
    /// Reads the document that was fetched from [`Issuer::discovery_url`], of
    /// an issuer whose tokens are trusted.
    ///
    /// # Errors
    /// The first four and [`DiscoveryError::NoAlgorithm`].
    pub fn parse(json: &[u8], issuer: &Issuer, transport: Transport) -> Result<Self, DiscoveryError> {
        Self::of(&mut Wire::parse(json)?, issuer, transport)
    }

    fn of(wire: &mut Wire, issuer: &Issuer, transport: Transport) -> Result<Self, DiscoveryError> {
        let found = wire.issuer.take().ok_or(DiscoveryError::Missing("issuer"))?;
        if found != issuer.as_str() {
            return Err(DiscoveryError::OtherIssuer { expected: issuer.to_string(), found: shown(&found) });
        }
        Ok(Self {
            issuer: issuer.clone(),
            jwks_uri: required(transport, "jwks_uri", wire.jwks_uri.take())?,
            algorithms: algorithms(wire.id_token_signing_alg_values_supported.take())?,
        })
    }
}

impl Discovery {
    /// Reads the document that was fetched from [`Issuer::discovery_url`], of
    /// a provider at which people sign in.
    ///
    /// # Errors
    /// [`DiscoveryError`].
    pub fn parse(json: &[u8], issuer: &Issuer, transport: Transport) -> Result<Self, DiscoveryError> {
        let mut wire = Wire::parse(json)?;
        let tokens = IssuerMetadata::of(&mut wire, issuer, transport)?;
        if wire.response_types_supported.is_some_and(|types| !has(&types, "code")) {
            return Err(DiscoveryError::NoCodeFlow);
        }
        Ok(Self {
            tokens,
            authorization_endpoint: required(transport, "authorization_endpoint", wire.authorization_endpoint)?,
            token_endpoint: required(transport, "token_endpoint", wire.token_endpoint)?,
            userinfo_endpoint: optional(transport, "userinfo_endpoint", wire.userinfo_endpoint)?,
            end_session_endpoint: optional(transport, "end_session_endpoint", wire.end_session_endpoint)?,
            pkce: wire.code_challenge_methods_supported.is_some_and(|methods| has(&methods, "S256")),
            authentication: authentication(wire.token_endpoint_auth_methods_supported)?,
            callback_has_issuer: wire.authorization_response_iss_parameter_supported.unwrap_or(false),
        })
    }
}

impl Wire {
    fn parse(json: &[u8]) -> Result<Self, DiscoveryError> {
        if json.len() > MAX_BYTES {
            return Err(DiscoveryError::Malformed(format!("more than {MAX_BYTES} bytes")));
        }
        serde_json::from_slice(json).map_err(|error| DiscoveryError::Malformed(error.to_string()))
    }
}

fn optional(transport: Transport, name: &'static str, text: Option<String>) -> Result<Option<Url>, DiscoveryError> {
    text.map(|text| transport.url(&text).ok_or(DiscoveryError::Insecure(name))).transpose()
}

fn required(transport: Transport, name: &'static str, text: Option<String>) -> Result<Url, DiscoveryError> {
    optional(transport, name, text)?.ok_or(DiscoveryError::Missing(name))
}

fn has(values: &[String], value: &str) -> bool {
    values.iter().any(|one| one == value)
}

/// Every provider must support RS256 (Core 1.0, 15.1), so a document without
/// the list means that.
fn algorithms(names: Option<Vec<String>>) -> Result<Vec<Algorithm>, DiscoveryError> {
    let Some(names) = names else { return Ok(vec![Algorithm::Rs256]) };
    let mut known: Vec<Algorithm> = names.iter().filter_map(|name| Algorithm::named(name)).collect();
    // Ed25519 has two names.
    known.dedup();
    if known.is_empty() { Err(DiscoveryError::NoAlgorithm) } else { Ok(known) }
}

/// No list means Basic. Of both it is the body, for providers decode a header
/// in two ways: as the specification says, and not at all.
fn authentication(methods: Option<Vec<String>>) -> Result<ClientAuthentication, DiscoveryError> {
    let Some(methods) = methods else { return Ok(ClientAuthentication::Basic) };
    if has(&methods, "client_secret_post") {
        Ok(ClientAuthentication::Post)
    } else if has(&methods, "client_secret_basic") {
        Ok(ClientAuthentication::Basic)
    } else {
        Err(DiscoveryError::NoAuthentication)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn document() -> Value {
        json!({
            "issuer": "https://a.example",
            "authorization_endpoint": "https://a.example/authorize",
            "token_endpoint": "https://a.example/token",
            "jwks_uri": "https://keys.example/jwks",
            "userinfo_endpoint": "https://a.example/userinfo",
            "response_types_supported": ["code", "id_token"],
            "id_token_signing_alg_values_supported": ["HS256", "RS256", "ES256", "none"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post"],
            "something_new": {"a": 1}
        })
    }

    fn read(document: &Value, transport: Transport) -> Result<Discovery, DiscoveryError> {
        let issuer = Issuer::parse("https://a.example", transport).unwrap();
        Discovery::parse(document.to_string().as_bytes(), &issuer, transport)
    }

    #[test]
    fn reads_what_alfred_uses() {
        let discovery = read(&document(), Transport::Https).unwrap();
        assert_eq!(discovery.token_endpoint.as_str(), "https://a.example/token");
        assert_eq!(discovery.tokens.algorithms, [Algorithm::Rs256, Algorithm::Es256]);
        assert_eq!(discovery.authentication, ClientAuthentication::Post);
        assert_eq!(discovery.end_session_endpoint, None);
        assert!(discovery.pkce && !discovery.callback_has_issuer);
    }

    #[test]
    fn what_is_not_said_has_the_specification_s_default() {
        let mut document = document();
        let object = document.as_object_mut().unwrap();
        object.retain(|name, _| !name.ends_with("_supported"));
        let discovery = read(&document, Transport::Https).unwrap();
        assert_eq!(discovery.tokens.algorithms, [Algorithm::Rs256]);
        assert_eq!(discovery.authentication, ClientAuthentication::Basic);
        assert!(!discovery.pkce);
    }

    #[test]
    fn an_issuer_of_tokens_needs_no_more_than_keys() {
        // GitHub Actions' and a Kubernetes cluster's documents.
        for document in [
            json!({"issuer": "https://a.example", "jwks_uri": "https://a.example/.well-known/jwks",
                "response_types_supported": ["id_token"], "id_token_signing_alg_values_supported": ["RS256"]}),
            json!({"issuer": "https://a.example", "jwks_uri": "https://a.example/openid/v1/jwks",
                "authorization_endpoint": "urn:kubernetes:programmatic_authorization",
                "response_types_supported": ["id_token"], "id_token_signing_alg_values_supported": ["RS256"]}),
        ] {
            let issuer = Issuer::parse("https://a.example", Transport::Https).unwrap();
            let json = document.to_string();
            let metadata = IssuerMetadata::parse(json.as_bytes(), &issuer, Transport::Https).unwrap();
            assert_eq!(metadata.algorithms, [Algorithm::Rs256]);
            assert_eq!(read(&document, Transport::Https), Err(DiscoveryError::NoCodeFlow));
        }
    }

    #[test]
    fn refuses_with_the_reason() {
        use DiscoveryError::{Insecure, Missing, NoAlgorithm, NoAuthentication, NoCodeFlow};
        let other = |found: &str| DiscoveryError::OtherIssuer {
            expected: "https://a.example".to_owned(),
            found: found.to_owned(),
        };
        for (name, value, expected) in [
            ("issuer", json!("https://b.example"), other("https://b.example")),
            // Not even a slash may differ.
            ("issuer", json!("https://a.example/"), other("https://a.example/")),
            ("issuer", json!(null), Missing("issuer")),
            ("token_endpoint", json!(null), Missing("token_endpoint")),
            ("token_endpoint", json!("http://a.example/token"), Insecure("token_endpoint")),
            ("token_endpoint", json!("http://127.0.0.1/token"), Insecure("token_endpoint")),
            ("jwks_uri", json!("/jwks"), Insecure("jwks_uri")),
            ("authorization_endpoint", json!("javascript:alert(1)"), Insecure("authorization_endpoint")),
            ("userinfo_endpoint", json!("http://a.example/"), Insecure("userinfo_endpoint")),
            ("id_token_signing_alg_values_supported", json!(["HS256", "none"]), NoAlgorithm),
            ("token_endpoint_auth_methods_supported", json!(["private_key_jwt"]), NoAuthentication),
            ("response_types_supported", json!(["id_token"]), NoCodeFlow),
        ] {
            let mut document = document();
            document[name] = value.clone();
            assert_eq!(read(&document, Transport::Https), Err(expected), "{name}: {value}");
        }
        for document in [json!([]), json!({"issuer": 1}), json!("x")] {
            assert!(matches!(read(&document, Transport::Https), Err(DiscoveryError::Malformed(_))), "{document}");
        }
    }

    #[test]
    fn development_may_use_this_machine() {
        let mut document = document();
        document["token_endpoint"] = json!("http://127.0.0.1:9000/token");
        assert!(read(&document, Transport::HttpOnLoopback).is_ok());
        document["token_endpoint"] = json!("http://a.example/token");
        assert_eq!(read(&document, Transport::HttpOnLoopback), Err(DiscoveryError::Insecure("token_endpoint")));
    }
}
