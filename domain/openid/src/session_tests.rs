use super::*;
use crate::encoding::from_base64url;
use crate::testing::sign_with_secret;
use serde_json::json;

const MASTER: &str = "a master secret of enough length";
const OLDER: &str = "the master secret that was before";
const NOW_MS: i64 = 1_800_000_000_000;

fn keys() -> SessionKeys {
    SessionKeys::new(MASTER, None).unwrap()
}

fn mint(keys: &SessionKeys) -> String {
    let (session, organization) = (SessionId::from_u128(1), OrganizationId::from_u128(2));
    keys.mint(session, organization, MemberId::from_u128(3), NOW_MS, LIFETIME_S)
}

/// A token of these, signed as Alfred would.
fn forge(keys: &SessionKeys, header: &Value, payload: &Value) -> String {
    sign_with_secret(&keys.current.secret, &header.to_string(), &payload.to_string())
}

fn header(keys: &SessionKeys) -> Value {
    json!({"alg": "HS256", "kid": keys.current.kid, "typ": TYPE})
}

fn payload() -> Value {
    json!({
        "sid": SessionId::from_u128(1),
        "org": OrganizationId::from_u128(2),
        "sub": MemberId::from_u128(3),
        "iat": NOW_MS / 1000,
        "exp": NOW_MS / 1000 + 600,
    })
}

#[test]
fn verifies_what_it_minted_until_it_expires() {
    let (keys, token) = (keys(), mint(&keys()));
    let session = keys.verify(&token, NOW_MS).unwrap();
    assert_eq!(session.session, SessionId::from_u128(1));
    assert_eq!(session.organization, OrganizationId::from_u128(2));
    assert_eq!(session.member, MemberId::from_u128(3));
    assert_eq!((session.issued_s, session.expires_s), (1_800_000_000, 1_800_000_600));
    assert_eq!(keys.verify(&token, NOW_MS + 599_999), Ok(session));
    assert_eq!(keys.verify(&token, NOW_MS + 600_000), Err(SessionError::Expired));
    assert_eq!(keys.verify(&token, NOW_MS - 60_000), Ok(session));
    assert_eq!(keys.verify(&token, NOW_MS - 61_000), Err(SessionError::IssuedInFuture));
}

#[test]
fn form_is_pinned() {
    // Instances of two versions verify each other's while one is deployed.
    let token = mint(&keys());
    let parts: Vec<String> =
        token.split('.').take(2).map(|part| String::from_utf8(from_base64url(part).unwrap()).unwrap()).collect();
    assert_eq!(parts[0], r#"{"alg":"HS256","kid":"0465d1c5f0c78205","typ":"alfred-session+jwt"}"#);
    assert_eq!(
        parts[1],
        r#"{"sid":"ses_00000000000000000000000001","org":"org_00000000000000000000000002","#.to_owned()
            + r#""sub":"mem_00000000000000000000000003","iat":1800000000,"exp":1800000600}"#
    );
    assert_eq!(token.rsplit('.').next().unwrap(), "TAgymuoReoiXGkD3UzsVMPH6I_iJ3vIuBe_x-Bfq2yE");
    assert_eq!(format!("{:?}", keys()), "SessionKeys(0465d1c5f0c78205, None)");
}

#[test]
fn any_alteration_is_refused() {
    let (keys, token) = (keys(), mint(&keys()));
    for place in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert!(keys.verify(&altered, NOW_MS).is_err(), "altered at {place}");
        assert!(keys.verify(&token[..place], NOW_MS).is_err(), "cut at {place}");
    }
}

#[test]
fn a_master_secret_can_be_changed() {
    let (older, newer) = (SessionKeys::new(OLDER, None).unwrap(), keys());
    let both = SessionKeys::new(MASTER, Some(OLDER)).unwrap();
    assert!(both.verify(&mint(&older), NOW_MS).is_ok());
    assert!(both.verify(&mint(&newer), NOW_MS).is_ok());
    assert!(newer.verify(&mint(&both), NOW_MS).is_ok(), "new ones are signed under the new secret");
    assert_eq!(newer.verify(&mint(&older), NOW_MS), Err(SessionError::UnknownKey));
    // The name of one key with the signature of the other.
    let mut header = header(&older);
    header["kid"] = json!(newer.current.kid);
    assert_eq!(both.verify(&forge(&older, &header, &payload()), NOW_MS), Err(SessionError::Signature));
    assert_eq!(SessionKeys::new("short", None).unwrap_err(), SessionError::WeakMaster);
    assert_eq!(SessionKeys::new(MASTER, Some("short")).unwrap_err(), SessionError::WeakMaster);
}

#[test]
fn only_session_tokens_are() {
    use SessionError::{Expired, IssuedInFuture, Malformed, UnknownKey};
    let keys = keys();
    assert!(keys.verify(&forge(&keys, &header(&keys), &payload()), NOW_MS).is_ok());
    for (name, value, expected) in [
        ("alg", json!("none"), Malformed),
        ("alg", json!("HS512"), Malformed),
        ("alg", json!("RS256"), Malformed),
        ("typ", json!("JWT"), Malformed),
        ("typ", json!(null), Malformed),
        ("crit", json!(["exp"]), Malformed),
        ("kid", json!("0000000000000000"), UnknownKey),
        ("kid", json!(7), Malformed),
    ] {
        let mut header = header(&keys);
        header[name] = value.clone();
        assert_eq!(keys.verify(&forge(&keys, &header, &payload()), NOW_MS), Err(expected), "{name}: {value}");
    }
    let now_s = NOW_MS / 1000;
    for (name, value, expected) in [
        ("exp", json!(null), Malformed),
        ("exp", json!("1800000600"), Malformed),
        ("exp", json!(now_s + 3601), Malformed),
        ("exp", json!(i64::MAX), Malformed),
        ("exp", json!(now_s), Expired),
        ("iat", json!(now_s + 61), IssuedInFuture),
        ("iat", json!(i64::MIN), Malformed),
        ("org", json!("team_00000000000000000000000002"), Malformed),
        ("sub", json!(null), Malformed),
        ("sid", json!("x"), Malformed),
    ] {
        let mut payload = payload();
        payload[name] = value.clone();
        assert_eq!(keys.verify(&forge(&keys, &header(&keys), &payload), NOW_MS), Err(expected), "{name}: {value}");
    }
    let twice = payload().to_string().replace("\"exp\":", "\"exp\":1800000600,\"exp\":");
    let token = sign_with_secret(&keys.current.secret, &header(&keys).to_string(), &twice);
    assert_eq!(keys.verify(&token, NOW_MS), Err(Malformed));
    let mut long = payload();
    long["more"] = json!("x".repeat(MAX_TOKEN));
    assert_eq!(keys.verify(&forge(&keys, &header(&keys), &long), NOW_MS), Err(Malformed));
    for token in ["", ".", "..", "a.b.c", &"x".repeat(MAX_TOKEN + 1)] {
        assert_eq!(keys.verify(token, NOW_MS), Err(Malformed));
    }
}

#[test]
fn a_lifetime_is_bounded() {
    let keys = keys();
    let (session, organization) = (SessionId::from_u128(1), OrganizationId::from_u128(2));
    for (lifetime, expected) in [(i64::MAX, 3600), (1, 1)] {
        let token = keys.mint(session, organization, MemberId::from_u128(3), NOW_MS, lifetime);
        assert_eq!(keys.verify(&token, NOW_MS).unwrap().expires_s, NOW_MS / 1000 + expected);
    }
    let token = keys.mint(session, organization, MemberId::from_u128(3), NOW_MS, -5);
    assert_eq!(keys.verify(&token, NOW_MS), Err(SessionError::Expired));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn derives_as_the_specification_does() {
    // RFC 5869, A.1: the first 32 of its 42 bytes.
    let salt: Vec<u8> = (0..=0x0c).collect();
    let purpose: Vec<u8> = (0xf0..=0xf9).collect();
    assert_eq!(
        hex(&derive(&[0x0b; 22], &salt, &purpose)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    );
    // RFC 4231, 4.3 and 4.7: a short key, and one longer than a block.
    assert_eq!(
        hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(
        hex(&hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}
