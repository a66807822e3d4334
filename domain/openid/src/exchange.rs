//! A code becomes tokens (RFC 6749, 4.1.3 to 5.2; Core 1.0, 3.1.3).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use crate::attempt::Attempt;
use crate::callback::{Code, Refusal};
use crate::discovery::{ClientAuthentication, Discovery};

/// Three tokens of the largest kind and some room.
const MAX_BYTES: usize = 256 * 1024;

/// What the provider calls us, and how it knows that it is us.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// Our name there.
    pub id: String,
    /// Our secret there.
    pub secret: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({}, …)", self.id)
    }
}

/// The request that exchanges a code: a POST of a form. Its debug form shows
/// only where to.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Where to.
    pub url: Url,
    /// The header `authorization`, if it has one.
    pub authorization: Option<String>,
    /// The body.
    pub body: String,
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenRequest({}, …)", self.url)
    }
}

impl TokenRequest {
    /// The header `content-type`.
    pub const CONTENT_TYPE: &'static str = "application/x-www-form-urlencoded";

    /// The request for the code of that sign-in; `redirect_uri` is the one
    /// that was sent before.
    #[must_use]
    pub fn new(discovery: &Discovery, client: &Client, redirect_uri: &str, code: &Code, attempt: &Attempt) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", &code.0)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("code_verifier", attempt.verifier());
        let authorization = match discovery.authentication {
            ClientAuthentication::Basic => Some(basic(client)),
            ClientAuthentication::Post => {
                form.append_pair("client_id", &client.id).append_pair("client_secret", &client.secret);
                None
            }
        };
        Self { url: discovery.token_endpoint.clone(), authorization, body: form.finish() }
    }
}

/// Both parts are encoded as in a form before they are joined (RFC 6749,
/// 2.3.1), so that a colon in the id does no harm.
fn basic(client: &Client) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(&client.id), encode(&client.secret))))
}

/// Why a code did not become tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The provider is not well: the same sign-in cannot be tried again, for
    /// the code may be used up, but a new one can.
    #[error("the provider answered with status {0}: try again later")]
    Unavailable(u16),
    /// It said no. `invalid_client` means that the client's id or secret is
    /// wrong, `invalid_grant` that the code is too old or was used.
    #[error("the provider refused to exchange the code: {0}")]
    Refused(Refusal),
    /// It is no answer.
    #[error("the provider's answer to the exchange of the code cannot be read")]
    Malformed,
    /// It does not say who signed in.
    #[error("the provider answered without an ID token: check that the client may use the scope `openid`")]
    MissingIdToken,
}

/// What the provider gave for a code. Its debug form shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenResponse {
    /// Who signed in, not yet verified.
    pub id_token: String,
    /// With which the provider's userinfo can be asked.
    pub access_token: Option<String>,
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenResponse(…)")
    }
}

#[derive(Deserialize)]
struct Wire {
    id_token: Option<String>,
    access_token: Option<String>,
    token_type: Option<String>,
}

#[derive(Deserialize)]
struct WireError {
    error: String,
    error_description: Option<String>,
}

impl TokenResponse {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub fn parse(status: u16, body: &[u8]) -> Result<Self, ExchangeError> {
        if status >= 500 || status == 429 {
            return Err(ExchangeError::Unavailable(status));
        }
        if body.len() > MAX_BYTES {
            return Err(ExchangeError::Malformed);
        }
        // Some providers say 200 to an error.
        if let Ok(wire) = serde_json::from_slice::<WireError>(body) {
            return Err(ExchangeError::Refused(Refusal::new(&wire.error, wire.error_description.as_deref())));
        }
        if status != 200 {
            return Err(ExchangeError::Malformed);
        }
        let wire: Wire = serde_json::from_slice(body).map_err(|_| ExchangeError::Malformed)?;
        let bearer = wire.token_type.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        Ok(Self {
            id_token: wire.id_token.ok_or(ExchangeError::MissingIdToken)?,
            // One of another kind could not be used (RFC 6749, 7.1).
            access_token: wire.access_token.filter(|_| bearer),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::discovery;

    fn request(authentication: ClientAuthentication) -> TokenRequest {
        let mut discovery = discovery();
        discovery.authentication = authentication;
        let client = Client { id: "a:b c".to_owned(), secret: "s~+/=%&é".to_owned() };
        let attempt = Attempt::new([1; 32], [2; 32], [3; 32]);
        TokenRequest::new(&discovery, &client, "https://alfred.example/cb", &Code("c&d".to_owned()), &attempt)
    }

    const FORM: &str = "grant_type=authorization_code&code=c%26d&redirect_uri=https%3A%2F%2Falfred.example%2Fcb\
                        &code_verifier=AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM";

    #[test]
    fn shows_who_we_are_in_the_header_or_in_the_body() {
        let basic = request(ClientAuthentication::Basic);
        assert_eq!(basic.body, FORM);
        let encoded = basic.authorization.as_deref().unwrap().strip_prefix("Basic ").unwrap();
        let decoded = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        assert_eq!(decoded, "a%3Ab+c:s%7E%2B%2F%3D%25%26%C3%A9");

        let post = request(ClientAuthentication::Post);
        assert_eq!(post.body, format!("{FORM}&client_id=a%3Ab+c&client_secret=s%7E%2B%2F%3D%25%26%C3%A9"));
        assert_eq!(post.authorization, None);
        assert_eq!(format!("{post:?}"), "TokenRequest(https://a.example/token, …)");
    }

    #[test]
    fn reads_tokens_or_why_there_are_none() {
        let refused = |code, text| ExchangeError::Refused(Refusal::new(code, text));
        for (status, body, expected) in [
            (200, r#"{"id_token":"i","access_token":"a","token_type":"bearer","expires_in":1}"#, Ok(Some("a"))),
            (200, r#"{"id_token":"i","access_token":"a","token_type":"Bearer"}"#, Ok(Some("a"))),
            (200, r#"{"id_token":"i","access_token":"a","token_type":"mac"}"#, Ok(None)),
            (200, r#"{"id_token":"i","access_token":"a"}"#, Ok(None)),
            (200, r#"{"access_token":"a","token_type":"Bearer"}"#, Err(ExchangeError::MissingIdToken)),
            (200, r#"{"id_token":1}"#, Err(ExchangeError::Malformed)),
            (200, "<html>", Err(ExchangeError::Malformed)),
            (302, r#"{"id_token":"i"}"#, Err(ExchangeError::Malformed)),
            (200, r#"{"error":"invalid_grant"}"#, Err(refused("invalid_grant", None))),
            (400, r#"{"error":"invalid_grant","error_description":"old"}"#, Err(refused("invalid_grant", Some("old")))),
            (401, "", Err(ExchangeError::Malformed)),
            (503, r#"{"error":"x"}"#, Err(ExchangeError::Unavailable(503))),
            (429, "", Err(ExchangeError::Unavailable(429))),
        ] {
            let read = TokenResponse::parse(status, body.as_bytes()).map(|response| response.access_token);
            assert_eq!(read, expected.map(|token| token.map(str::to_owned)), "{status} {body}");
        }
    }
}
