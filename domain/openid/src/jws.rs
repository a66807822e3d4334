//! The compact form of a signed token (RFC 7515, 7.1), taken apart but not
//! yet believed.

use serde_json::Value;

use crate::encoding::{JsonError, from_base64url, object};

/// A token with 200 groups of Entra's is 11 KB; headers of a request may have
/// 32 KB in all at the edge.
pub(crate) const MAX_TOKEN: usize = 32 * 1024;

/// Why a text is not a signed token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JwsError {
    TooLarge,
    Malformed,
    Duplicate,
    Critical,
}

impl From<JsonError> for JwsError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Malformed => Self::Malformed,
            JsonError::Duplicate => Self::Duplicate,
        }
    }
}

/// A signed token, taken apart. Of the header only this is looked at: a key or
/// an address of one that the token brings along (`jwk`, `jku`, `x5c`, `x5u`)
/// is never used, for whoever forges the token writes them.
pub(crate) struct Jws<'a> {
    /// What the token says it is signed with.
    pub(crate) algorithm: String,
    /// The name of the key.
    pub(crate) kid: Option<String>,
    /// What kind of token it is.
    pub(crate) typ: Option<String>,
    /// The bytes that are signed: header and payload as they came.
    pub(crate) signed: &'a [u8],
    /// What they carry.
    pub(crate) payload: Vec<u8>,
    /// The signature over them.
    pub(crate) signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes a token apart.
    pub(crate) fn parse(token: &'a str) -> Result<Self, JwsError> {
        if token.len() > MAX_TOKEN {
            return Err(JwsError::TooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Malformed)?;
        // A third dot is in `payload`, and no base64: encrypted tokens have it.
        let decode = |text| from_base64url(text).ok_or(JwsError::Malformed);
        let (header, payload, signature) = (object(&decode(header)?)?, decode(payload)?, decode(signature)?);
        if header.contains_key("crit") {
            return Err(JwsError::Critical);
        }
        let text = |name| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(JwsError::Malformed),
        };
        Ok(Self {
            algorithm: text("alg")?.ok_or(JwsError::Malformed)?,
            kid: text("kid")?,
            typ: text("typ")?,
            signed: signed.as_bytes(),
            payload,
            signature,
        })
    }
}
