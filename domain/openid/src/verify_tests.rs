use super::*;
use crate::issuer::Transport;
use crate::testing::{self, ec_jwk, ed_jwk, rsa_jwk, sign, sign_with_secret};
use proptest::prelude::*;
use serde_json::json;

const NOW_S: i64 = 1_800_000_000;

fn keys() -> Jwks {
    let mut jwks = [rsa_jwk(), ec_jwk(), ed_jwk()];
    for (jwk, kid) in jwks.iter_mut().zip(["rsa", "ec", "ed"]) {
        jwk["kid"] = json!(kid);
    }
    Jwks::parse(json!({"keys": jwks}).to_string().as_bytes()).unwrap()
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": "ed", "typ": "JWT"})
}

fn payload() -> Value {
    json!({
        "iss": "https://a.example",
        "sub": "248289761001",
        "aud": "alfred",
        "exp": NOW_S + 300,
        "iat": NOW_S - 10,
        "nonce": "n-0S6_WzA2Mj",
        "auth_time": NOW_S - 100,
        "email": "ada@acme.example",
        "email_verified": true,
        "name": "Ada",
    })
}

/// Verifies a token as at sign-in.
fn verify_token(token: &str) -> Result<Claims, TokenError> {
    verify_as(token, |_| {})
}

fn verify_as(token: &str, adjust: impl FnOnce(&mut Expected<'_>)) -> Result<Claims, TokenError> {
    let issuer = Issuer::parse("https://a.example", Transport::Https).unwrap();
    let mut expected = Expected::id_token(&issuer, "alfred", Algorithm::ALL, "n-0S6_WzA2Mj", NOW_S * 1000);
    adjust(&mut expected);
    verify(token, &keys(), &expected)
}

/// A genuine token with one thing changed in its payload.
fn with_claim(name: &str, value: &Value) -> String {
    let mut payload = payload();
    match value {
        Value::Null => drop(payload.as_object_mut().unwrap().remove(name)),
        value => payload[name] = value.clone(),
    }
    sign(Algorithm::EdDsa, &header().to_string(), &payload.to_string())
}

#[test]
fn genuine_tokens_are_read() {
    for (algorithm, name, kid) in
        [(Algorithm::Rs256, "RS256", "rsa"), (Algorithm::Es256, "ES256", "ec"), (Algorithm::EdDsa, "EdDSA", "ed")]
    {
        let header = json!({"alg": name, "kid": kid}).to_string();
        let claims = verify_token(&sign(algorithm, &header, &payload().to_string())).unwrap();
        assert_eq!(claims.issuer, "https://a.example");
        assert_eq!(claims.subject, "248289761001");
        assert_eq!(claims.audiences, ["alfred"]);
        assert_eq!(claims.expires_s, NOW_S + 300);
        assert_eq!(claims.issued_s, Some(NOW_S - 10));
        assert_eq!(claims.name.as_deref(), Some("Ada"));
        assert_eq!(claims.claimed_email.as_deref(), Some("ada@acme.example"));
        assert_eq!(claims.email_verified, Some(true));
        assert_eq!(claims.claim("auth_time"), Some(&json!(NOW_S - 100)));
        // Without a name the only key of its kind is the one.
        let header = json!({"alg": name}).to_string();
        assert!(verify_token(&sign(algorithm, &header, &payload().to_string())).is_ok());
    }
}

#[test]
fn tokens_of_the_specifications_fail_only_after_their_signature() {
    // They have no `sub`, or are no JWT at all.
    assert_eq!(verify_token(testing::RFC_7515_A2), Err(TokenError::MissingClaim("sub")));
    assert_eq!(verify_token(testing::RFC_7515_A3), Err(TokenError::MissingClaim("sub")));
    assert_eq!(verify_token(testing::RFC_8037_A4), Err(TokenError::Malformed));
}

#[test]
fn a_forged_signature_is_refused() {
    let genuine = with_claim("sub", &json!("248289761001"));
    let (signed, signature) = genuine.rsplit_once('.').unwrap();
    let other = with_claim("sub", &json!("somebody else"));
    let (other, _) = other.rsplit_once('.').unwrap();
    assert_eq!(verify_token(&format!("{other}.{signature}")), Err(TokenError::Signature));
    assert_eq!(verify_token(&format!("{signed}.")), Err(TokenError::Signature));
    assert_eq!(verify_token(&format!("{signed}.{}", "A".repeat(86))), Err(TokenError::Signature));
    // Another issuer's key of the same kind and name.
    let header = json!({"alg": "HS256", "kid": "ed"});
    let mac = sign_with_secret(b"x", &header.to_string(), &payload().to_string());
    let (_, mac) = mac.rsplit_once('.').unwrap();
    assert_eq!(verify_token(&format!("{signed}.{mac}")), Err(TokenError::Signature));
}

#[test]
fn the_header_decides_nothing() {
    let refused = |name: &str| TokenError::Algorithm(name.to_owned());
    let unknown = |kid: Option<&str>| TokenError::UnknownKey(kid.map(str::to_owned));
    for (header, expected) in [
        (json!({"alg": "EdDSA", "kid": "ed"}), None),
        (json!({"alg": "Ed25519", "kid": "ed"}), None),
        (json!({"alg": "EdDSA", "kid": "ed", "typ": "application/jwt"}), None),
        (json!({"alg": "EdDSA", "kid": "ed", "typ": "JOSE"}), None),
        (json!({"alg": "none", "kid": "ed"}), Some(refused("none"))),
        (json!({"alg": "None"}), Some(refused("None"))),
        (json!({"alg": "HS256", "kid": "rsa"}), Some(refused("HS256"))),
        (json!({"alg": "RS512", "kid": "rsa"}), Some(refused("RS512"))),
        (json!({"alg": "PS256", "kid": "rsa"}), Some(refused("PS256"))),
        (json!({"alg": "eddsa", "kid": "ed"}), Some(refused("eddsa"))),
        (json!({"alg": "RS256", "kid": "ed"}), Some(TokenError::KeyMismatch)),
        (json!({"alg": "EdDSA", "kid": "rsa"}), Some(TokenError::KeyMismatch)),
        (json!({"alg": "EdDSA", "kid": "new"}), Some(unknown(Some("new")))),
        (json!({"alg": "EdDSA", "kid": 7}), Some(TokenError::Malformed)),
        (json!({"alg": null, "kid": "ed"}), Some(TokenError::Malformed)),
        (json!({"kid": "ed"}), Some(TokenError::Malformed)),
        (json!({"alg": "EdDSA", "kid": "ed", "crit": ["exp"]}), Some(TokenError::Critical)),
        (json!({"alg": "EdDSA", "kid": "ed", "crit": ["b64"], "b64": false}), Some(TokenError::Critical)),
        (json!({"alg": "EdDSA", "kid": "ed", "typ": "logout+jwt"}), Some(TokenError::Type("logout+jwt".to_owned()))),
        (json!({"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"}), Some(TokenError::Type("at+jwt".to_owned()))),
        (
            json!({"alg": "EdDSA", "kid": "ed", "typ": "é+jwt/application"}),
            Some(TokenError::Type("é+jwt/application".to_owned())),
        ),
    ] {
        let token = sign(Algorithm::EdDsa, &header.to_string(), &payload().to_string());
        assert_eq!(verify_token(&token).err(), expected, "{header}");
    }
    // A key that the token brings along does not make it genuine.
    let header = json!({"alg": "ES256", "kid": "mine", "jwk": ec_jwk(), "jku": "https://evil.example", "x5u": "https://evil.example"});
    let token = sign(Algorithm::Es256, &header.to_string(), &payload().to_string());
    assert_eq!(verify_token(&token), Err(unknown(Some("mine"))));
}

#[test]
fn a_public_key_is_no_shared_secret() {
    // The attack signs with what is public: the modulus, or the key as JSON.
    let modulus = crate::encoding::from_base64url(rsa_jwk()["n"].as_str().unwrap()).unwrap();
    for secret in [modulus, rsa_jwk().to_string().into_bytes()] {
        for kid in [json!("rsa"), json!(null)] {
            let header = json!({"alg": "HS256", "kid": kid}).to_string().replace(",\"kid\":null", "");
            let token = sign_with_secret(&secret, &header, &payload().to_string());
            assert_eq!(verify_token(&token), Err(TokenError::Algorithm("HS256".to_owned())));
        }
        let token = sign_with_secret(&secret, r#"{"alg":"RS256","kid":"rsa"}"#, &payload().to_string());
        assert_eq!(verify_token(&token), Err(TokenError::Signature));
    }
    let unsigned = format!(
        "{}.{}.",
        crate::encoding::base64url(br#"{"alg":"none"}"#),
        crate::encoding::base64url(payload().to_string().as_bytes())
    );
    assert_eq!(verify_token(&unsigned), Err(TokenError::Algorithm("none".to_owned())));
}

#[test]
fn only_allowed_algorithms() {
    let token = with_claim("name", &json!("Ada"));
    let allowed = |algorithms: &'static [Algorithm]| verify_as(&token, |expected| expected.algorithms = algorithms);
    assert!(allowed(&[Algorithm::EdDsa]).is_ok());
    assert_eq!(allowed(&[Algorithm::Rs256, Algorithm::Es256]), Err(TokenError::Algorithm("EdDSA".to_owned())));
    assert_eq!(allowed(&[]), Err(TokenError::Algorithm("EdDSA".to_owned())));
}

#[test]
fn claims_must_be_right() {
    use TokenError::{AuthorizedParty, Expired, InvalidClaim, IssuedInFuture, MissingClaim, Nonce, NotYetValid};
    let issuer = |name: &str| TokenError::Issuer(name.to_owned());
    let audience = |name: &str| TokenError::Audience(name.to_owned());
    for (name, value, expected) in [
        ("iss", json!("https://b.example"), Some(issuer("https://b.example"))),
        ("iss", json!("https://a.example/"), Some(issuer("https://a.example/"))),
        ("iss", json!(null), Some(MissingClaim("iss"))),
        ("iss", json!(1), Some(InvalidClaim("iss"))),
        ("sub", json!(null), Some(MissingClaim("sub"))),
        ("sub", json!(""), Some(MissingClaim("sub"))),
        ("sub", json!(1), Some(InvalidClaim("sub"))),
        ("aud", json!("other"), Some(audience("other"))),
        ("aud", json!("Alfred"), Some(audience("Alfred"))),
        ("aud", json!(["other", "third"]), Some(audience("other`, `third"))),
        ("aud", json!(["alfred"]), None),
        ("aud", json!(["alfred", "other"]), Some(AuthorizedParty)),
        ("aud", json!([]), Some(MissingClaim("aud"))),
        ("aud", json!(null), Some(MissingClaim("aud"))),
        ("aud", json!(["alfred", 1]), Some(InvalidClaim("aud"))),
        ("aud", json!({"alfred": true}), Some(InvalidClaim("aud"))),
        ("exp", json!(null), Some(MissingClaim("exp"))),
        ("exp", json!("1900000000"), Some(InvalidClaim("exp"))),
        ("exp", json!(-1), Some(InvalidClaim("exp"))),
        ("exp", json!(NOW_S - 59), None),
        ("exp", json!(NOW_S - 60), Some(Expired)),
        ("exp", json!(0), Some(Expired)),
        ("nbf", json!(NOW_S + 60), None),
        ("nbf", json!(NOW_S + 61), Some(NotYetValid)),
        ("nbf", json!("x"), Some(InvalidClaim("nbf"))),
        ("iat", json!(NOW_S + 60), None),
        ("iat", json!(NOW_S + 61), Some(IssuedInFuture)),
        ("nonce", json!("n-0S6_WzA2Mk"), Some(Nonce)),
        ("nonce", json!(""), Some(Nonce)),
        ("nonce", json!(null), Some(MissingClaim("nonce"))),
        ("nonce", json!(1), Some(InvalidClaim("nonce"))),
    ] {
        assert_eq!(verify_token(&with_claim(name, &value)).err(), expected, "{name}: {value}");
    }
}

#[test]
fn of_several_audiences_the_one_that_asked_is_named() {
    for (audiences, azp, accepted) in [
        (json!(["alfred", "other"]), json!("alfred"), true),
        (json!(["alfred", "other"]), json!("other"), false),
        (json!(["alfred", "alfred"]), json!(null), true),
        (json!("alfred"), json!("other"), true),
    ] {
        let mut payload = payload();
        payload["aud"] = audiences.clone();
        payload["azp"] = azp.clone();
        let token = sign(Algorithm::EdDsa, &header().to_string(), &payload.to_string());
        assert_eq!(verify_token(&token).is_ok(), accepted, "{audiences} {azp}");
    }
    let token = with_claim("aud", &json!(["alfred", "https://alfred.example"]));
    assert!(verify_as(&token, |expected| expected.audiences = vec!["https://alfred.example", "alfred"]).is_ok());
    assert!(verify_as(&token, |expected| expected.audiences = Vec::new()).is_err());
}

#[test]
fn a_sign_in_or_a_token_can_be_too_old() {
    let token = with_claim("auth_time", &json!(NOW_S - 1000));
    for (age, expected) in [(1000, None), (940, None), (939, Some(TokenError::SignInTooOld))] {
        assert_eq!(verify_as(&token, |expected| expected.max_age_s = Some(age)).err(), expected, "{age}");
    }
    let token = with_claim("auth_time", &json!(null));
    let missing = Some(TokenError::MissingClaim("auth_time"));
    assert_eq!(verify_as(&token, |expected| expected.max_age_s = Some(1)).err(), missing);

    let token = with_claim("iat", &json!(NOW_S - 1000));
    for (age, expected) in [(940, None), (939, Some(TokenError::TooOld))] {
        assert_eq!(verify_as(&token, |expected| expected.max_token_age_s = Some(age)).err(), expected, "{age}");
    }
    let token = with_claim("iat", &json!(null));
    let missing = Some(TokenError::MissingClaim("iat"));
    assert_eq!(verify_as(&token, |expected| expected.max_token_age_s = Some(1)).err(), missing);
}

#[test]
fn a_workload_needs_no_nonce() {
    let issuer = Issuer::parse("https://token.actions.githubusercontent.com", Transport::Https).unwrap();
    let payload = json!({
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "https://alfred.example",
        "sub": "repo:acme/app:ref:refs/heads/main",
        "repository_owner": "acme",
        "exp": NOW_S + 300,
        "nbf": NOW_S - 300,
        "iat": NOW_S,
    });
    let token = sign(Algorithm::Rs256, r#"{"typ":"JWT","alg":"RS256","x5t":"ykN","kid":"rsa"}"#, &payload.to_string());
    let expected = Expected::bearer(&issuer, &["https://alfred.example"], &[Algorithm::Rs256], NOW_S * 1000);
    let claims = verify(&token, &keys(), &expected).unwrap();
    let rule = crate::ClaimRule::new("sub", "repo:acme/*").unwrap();
    assert_eq!(crate::admit(&[rule], &claims), Ok(()));
    assert_eq!(claimed_issuer(&token).as_deref(), Ok(issuer.as_str()));
}

#[test]
fn malformed_tokens_are_refused() {
    use TokenError::{Duplicate, Malformed, TooLarge};
    let genuine = with_claim("name", &json!("Ada"));
    let parts: Vec<&str> = genuine.split('.').collect();
    let signed = |header: &str, payload: &str| sign(Algorithm::EdDsa, header, payload);
    let header = header().to_string();
    for (token, expected) in [
        (String::new(), Malformed),
        ("..".to_owned(), Malformed),
        (parts[..2].join("."), Malformed),
        (format!("{genuine}.x"), Malformed),
        (format!("{genuine}="), Malformed),
        (format!("{genuine} "), Malformed),
        (genuine.replacen('.', ".=", 1), Malformed),
        (format!("é{genuine}"), Malformed),
        (signed("{", "{}"), Malformed),
        (signed("[]", "{}"), Malformed),
        (signed(&header, "{"), Malformed),
        (signed(&header, "[]"), Malformed),
        (signed(&header, "\u{feff}{}"), Malformed),
        (signed(r#"{"alg":"none","alg":"EdDSA","kid":"ed"}"#, "{}"), Duplicate),
        (signed(&header, r#"{"sub":"a","sub":"b"}"#), Duplicate),
        (signed(&header, r#"{"x":{"a":1,"a":2}}"#), Duplicate),
        ("x".repeat(MAX_TOKEN + 1), TooLarge),
        (signed(&header, &" ".repeat(MAX_TOKEN)), TooLarge),
    ] {
        assert_eq!(verify_token(&token), Err(expected), "{}", token.get(..80).unwrap_or(&token));
    }
}

#[test]
fn messages_say_what_to_do() {
    for (error, message) in [
        (TokenError::UnknownKey(Some("a".to_owned())), "the issuer publishes no key `a`"),
        (TokenError::UnknownKey(None), "the issuer publishes no key for the token"),
        (TokenError::Expired, "the token has expired: get a new one"),
    ] {
        assert_eq!(error.to_string(), message);
    }
}

proptest! {
    #[test]
    fn anything_is_refused_without_a_panic(token in "[A-Za-z0-9_.-]{0,200}", other: String) {
        prop_assert!(verify_token(&token).is_err());
        prop_assert!(verify_token(&other).is_err());
        let _ = claimed_issuer(&token);
    }

    /// Whatever byte of a genuine token is altered, it is not genuine.
    #[test]
    fn one_altered_character_is_refused(place: prop::sample::Index, by in "[A-Za-z0-9_.-]") {
        let genuine = with_claim("name", &json!("Ada"));
        let place = place.index(genuine.len());
        let mut altered = genuine.clone();
        altered.replace_range(place..=place, &by);
        prop_assert!(altered == genuine || verify_token(&altered).is_err());
    }
}
