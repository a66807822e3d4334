//! An issuer's public keys (RFC 7517).

use std::fmt;

use ed25519_compact::{PublicKey as Ed25519Key, Signature as Ed25519Signature};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature as EcdsaSignature, VerifyingKey as P256Key};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::algorithm::Algorithm;
use crate::encoding::from_base64url;

/// Real sets have 1 to 20 keys.
const MAX_KEYS: usize = 100;
/// A hundred keys of 4096 bits with their certificate chains.
const MAX_BYTES: usize = 1024 * 1024;
/// RFC 7518, 3.3. The upper bound, 4096, is `rsa`'s own: checking a signature
/// takes the square of a key's length.
const MIN_RSA_BITS: usize = 2048;

/// Why a set of keys cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Not a set at all.
    #[error("the issuer's keys cannot be read: {0}")]
    Malformed(String),
    /// More than anybody needs.
    #[error("the issuer publishes more than {MAX_KEYS} keys")]
    TooMany,
}

/// Why no key of a set is the one for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyError {
    Unknown,
    Ambiguous,
    Mismatch,
}

/// The keys of an issuer with which Alfred can check a signature.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Jwks(Vec<Key>);

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    kid: Option<String>,
    material: Material,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.algorithm(), self.kid)
    }
}

/// A key is of one kind and for one algorithm: it cannot be used as another's.
#[derive(Clone, PartialEq, Eq)]
enum Material {
    Rsa(RsaPublicKey),
    P256(P256Key),
    Ed25519(Ed25519Key),
}

#[derive(Deserialize)]
struct WireSet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct WireKey {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// Only private keys have it.
    d: Option<Value>,
}

impl Jwks {
    /// Reads a set of keys. Those that Alfred cannot use are skipped: other
    /// kinds, for other purposes, too short, contradictory or broken, and
    /// private ones, with which anybody could sign.
    ///
    /// # Errors
    /// [`JwksError`].
    pub fn parse(json: &[u8]) -> Result<Self, JwksError> {
        if json.len() > MAX_BYTES {
            return Err(JwksError::Malformed(format!("more than {MAX_BYTES} bytes")));
        }
        let set: WireSet = serde_json::from_slice(json).map_err(|error| JwksError::Malformed(error.to_string()))?;
        if set.keys.len() > MAX_KEYS {
            return Err(JwksError::TooMany);
        }
        let mut keys: Vec<Key> = Vec::new();
        for key in set.keys.into_iter().filter_map(Key::read) {
            // The same key twice is no choice.
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok(Self(keys))
    }

    /// How many keys Alfred can use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether Alfred can use none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key for a token: the one of that name; without a name, the only one
    /// for the algorithm.
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&Key, KeyError> {
        let named = || self.0.iter().filter(|key| kid.is_none() || key.kid.as_deref() == kid);
        let mut fitting = named().filter(|key| key.algorithm() == algorithm);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(KeyError::Ambiguous),
            (None, _) if kid.is_some() && named().next().is_some() => Err(KeyError::Mismatch),
            (None, _) => Err(KeyError::Unknown),
        }
    }
}

impl Key {
    fn read(value: Value) -> Option<Self> {
        let wire: WireKey = serde_json::from_value(value).ok()?;
        let for_signatures = wire.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && wire.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !for_signatures || wire.d.is_some() {
            return None;
        }
        let material = match (wire.kty.as_str(), wire.crv.as_deref()) {
            ("RSA", _) => Material::rsa(&wire),
            ("EC", Some("P-256")) => Material::p256(&wire),
            ("OKP", Some("Ed25519")) => Material::ed25519(&wire),
            _ => None,
        }?;
        let key = Self { kid: wire.kid, material };
        let agrees = wire.alg.is_none_or(|alg| Algorithm::named(&alg) == Some(key.algorithm()));
        agrees.then_some(key)
    }

    fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa(_) => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Whether this key signed that.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa(key) => {
                key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message), signature).is_ok()
            }
            Material::P256(key) => {
                EcdsaSignature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
            Material::Ed25519(key) => {
                Ed25519Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
        }
    }
}

impl Material {
    fn rsa(wire: &WireKey) -> Option<Self> {
        let number = |text: &Option<String>| Some(BigUint::from_bytes_be(&from_base64url(text.as_deref()?)?));
        let key = RsaPublicKey::new(number(&wire.n)?, number(&wire.e)?).ok()?;
        (key.n().bits() >= MIN_RSA_BITS).then_some(Self::Rsa(key))
    }

    fn p256(wire: &WireKey) -> Option<Self> {
        let coordinate = |text: &Option<String>| from_base64url(text.as_deref()?).filter(|bytes| bytes.len() == 32);
        // 4 says that both coordinates follow (SEC 1, 2.3.3).
        let point = [&[4], coordinate(&wire.x)?.as_slice(), coordinate(&wire.y)?.as_slice()].concat();
        P256Key::from_sec1_bytes(&point).ok().map(Self::P256)
    }

    fn ed25519(wire: &WireKey) -> Option<Self> {
        Ed25519Key::from_slice(&from_base64url(wire.x.as_deref()?)?).ok().map(Self::Ed25519)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jws::Jws;
    use crate::testing::{self, ec_jwk, ed_jwk, rsa_jwk};
    use serde_json::json;

    fn set(keys: &[Value]) -> Jwks {
        Jwks::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn checks_the_signatures_of_the_specifications() {
        for (name, token, jwk) in [
            ("RFC 7515, A.2", testing::RFC_7515_A2, rsa_jwk()),
            ("RFC 7515, A.3", testing::RFC_7515_A3, ec_jwk()),
            ("RFC 8037, A.4", testing::RFC_8037_A4, ed_jwk()),
        ] {
            let jws = Jws::parse(token).unwrap();
            let algorithm = Algorithm::named(&jws.algorithm).unwrap();
            let keys = set(&[jwk]);
            let key = keys.find(None, algorithm).unwrap();
            assert!(key.signed(jws.signed, &jws.signature), "{name}");
            for place in 0..jws.signature.len() {
                let mut signature = jws.signature.clone();
                signature[place] ^= 1;
                assert!(!key.signed(jws.signed, &signature), "{name}, altered at {place}");
            }
            for signature in [&[][..], &jws.signature[1..], &[&jws.signature[..], &[0]].concat(), &[0; 64], &[0; 256]] {
                assert!(!key.signed(jws.signed, signature), "{name}: {} bytes", signature.len());
            }
            assert!(!key.signed(&jws.signed[1..], &jws.signature), "{name}, another message");
        }
    }

    #[test]
    fn skips_keys_that_it_cannot_use() {
        let with = |mut jwk: Value, name: &str, value: Value| {
            jwk[name] = value;
            jwk
        };
        // 2040 bits: the upper bytes of the example's modulus, made odd.
        let mut short = from_base64url(rsa_jwk()["n"].as_str().unwrap()).unwrap();
        short.pop();
        *short.last_mut().unwrap() |= 1;
        let short = crate::encoding::base64url(&short);
        for (why, jwk, used) in [
            ("as it is", rsa_jwk(), true),
            ("for signatures", with(rsa_jwk(), "use", json!("sig")), true),
            ("for encryption", with(rsa_jwk(), "use", json!("enc")), false),
            ("to verify", with(rsa_jwk(), "key_ops", json!(["verify"])), true),
            ("to encrypt", with(rsa_jwk(), "key_ops", json!(["encrypt"])), false),
            ("its algorithm", with(rsa_jwk(), "alg", json!("RS256")), true),
            ("longer hash", with(rsa_jwk(), "alg", json!("RS512")), false),
            ("another kind's algorithm", with(rsa_jwk(), "alg", json!("ES256")), false),
            ("a shared secret's algorithm", with(rsa_jwk(), "alg", json!("HS256")), false),
            ("short", with(rsa_jwk(), "n", json!(short)), false),
            ("even exponent", with(rsa_jwk(), "e", json!("Ag")), false),
            ("no modulus", with(rsa_jwk(), "n", json!(null)), false),
            ("a number as modulus", with(rsa_jwk(), "n", json!(7)), false),
            ("private", with(rsa_jwk(), "d", json!("AQAB")), false),
            ("P-256", ec_jwk(), true),
            ("P-384", with(ec_jwk(), "crv", json!("P-384")), false),
            ("not on the curve", with(ec_jwk(), "y", ec_jwk()["x"].clone()), false),
            ("short coordinate", with(ec_jwk(), "x", json!("AQAB")), false),
            ("Ed25519", ed_jwk(), true),
            ("Ed25519 by its newer name", with(ed_jwk(), "alg", json!("Ed25519")), true),
            ("X25519", with(ed_jwk(), "crv", json!("X25519")), false),
            ("short point", with(ed_jwk(), "x", json!("AQAB")), false),
            ("shared secret", json!({"kty": "oct", "k": "AQAB"}), false),
            ("unheard of", json!({"kty": "AKP", "alg": "ML-DSA-44"}), false),
            ("no kind", json!({}), false),
            ("no object", json!(1), false),
        ] {
            assert_eq!(set(&[jwk]).len(), usize::from(used), "{why}");
        }
    }

    #[test]
    fn finds_by_name_then_by_algorithm() {
        let named = |mut jwk: Value, kid: &str| {
            jwk["kid"] = json!(kid);
            jwk
        };
        let keys = set(&[named(rsa_jwk(), "a"), named(ec_jwk(), "b"), rsa_jwk()]);
        for (kid, algorithm, expected) in [
            (Some("a"), Algorithm::Rs256, None),
            (Some("b"), Algorithm::Es256, None),
            (Some("b"), Algorithm::Rs256, Some(KeyError::Mismatch)),
            (Some("c"), Algorithm::Rs256, Some(KeyError::Unknown)),
            (None, Algorithm::Es256, None),
            (None, Algorithm::Rs256, Some(KeyError::Ambiguous)),
            (None, Algorithm::EdDsa, Some(KeyError::Unknown)),
        ] {
            assert_eq!(keys.find(kid, algorithm).err(), expected, "{kid:?} {algorithm}");
        }
        let twice = set(&[named(rsa_jwk(), "a"), named(rsa_jwk(), "a")]);
        assert!(twice.find(Some("a"), Algorithm::Rs256).is_ok());
        let mut other = named(rsa_jwk(), "a");
        other["e"] = json!("Aw");
        let both = set(&[named(rsa_jwk(), "a"), other]);
        assert_eq!(both.find(Some("a"), Algorithm::Rs256).err(), Some(KeyError::Ambiguous));
    }

    #[test]
    fn is_bounded() {
        let of = |count| json!({"keys": vec![json!({}); count]}).to_string();
        assert_eq!(Jwks::parse(of(MAX_KEYS).as_bytes()), Ok(Jwks::default()));
        assert_eq!(Jwks::parse(of(MAX_KEYS + 1).as_bytes()), Err(JwksError::TooMany));
        for json in ["", "[]", "{}", r#"{"keys":{}}"#, &" ".repeat(MAX_BYTES + 1)] {
            assert!(matches!(Jwks::parse(json.as_bytes()), Err(JwksError::Malformed(_))));
        }
    }
}
