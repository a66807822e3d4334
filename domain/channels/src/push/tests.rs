use super::*;
use crate::crypto::{base64url, from_base64url, hmac};
use crate::email::Mailbox;
use crate::endpoint::Transport;
use crate::outgoing::Headers;
use crate::testing::{longest, message};
use aes_gcm::aead::{Aead, KeyInit};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};

/// RFC 8291, appendix A (and the example of section 5).
const UA_PUBLIC: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const UA_PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const AS_PUBLIC: &str = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
const AS_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
    EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    from_base64url(text).unwrap().try_into().unwrap()
}

fn subscription() -> Subscription {
    let endpoint = Endpoint::parse("https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV", Transport::Https);
    Subscription::new(endpoint.unwrap(), UA_PUBLIC, AUTH).unwrap()
}

fn ephemeral() -> Ephemeral {
    Ephemeral::new(bytes(AS_PRIVATE), bytes(SALT)).unwrap()
}

fn vapid() -> Vapid {
    Vapid::parse(AS_PRIVATE, &Mailbox::new(None, "push@example.com").unwrap()).unwrap()
}

#[test]
fn encrypts_as_rfc_8291_does() {
    let (auth, salt): ([u8; 16], [u8; 16]) = (bytes(AUTH), bytes(SALT));
    let secret = encrypt::agree(&subscription().key, &ephemeral().key);
    let ikm = encrypt::input_key(&secret, &subscription(), &ephemeral().key.public_key());
    let (key, nonce) = encrypt::record_keys(&ikm, &salt);
    for (value, expected) in [
        (&secret[..], "kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"),
        (&hmac(&auth, &[&secret]), "Snr3JMxaHVDXHWJn5wdC52WjpCtd2EIEGBykDcZW32k"),
        (&ikm, "S4lYMb_L0FxCeq0WhDx813KgSYqU26kOyzWUdsXYyrg"),
        (&hmac(&salt, &[&ikm]), "09_eUZGrsvxChDCGRCdkLiDXrReGOEVeSCdCcPBSJSc"),
        (&key, "oIhVW04MRdy2XN9CiKLxTg"),
        (&nonce, "4h_95klXJ5E_qnoN"),
    ] {
        assert_eq!(base64url(value), expected);
    }
    let body = encrypt::seal(b"When I grow up, I want to be a watermelon", &subscription(), &ephemeral());
    assert_eq!(base64url(&body), BODY);
    assert_eq!(base64url(&body[21..86]), AS_PUBLIC);
}

/// RFC 8292, 2.4. Its private key is not published.
#[test]
fn signs_what_rfc_8292_signs() {
    let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.\
        eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.\
        i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
    let key = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
    let signed = vapid::signed("https://push.example.net", 1_453_523_768, "mailto:push@example.com");
    assert_eq!(token.rsplit_once('.').unwrap().0, signed);
    assert!(verifies(token, key));
    assert!(!verifies(token, &vapid().public_key()));
}

/// As a push service does.
fn verifies(token: &str, key: &str) -> bool {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = VerifyingKey::from_sec1_bytes(&from_base64url(key).unwrap()).unwrap();
    let signature = Signature::from_slice(&from_base64url(signature).unwrap()).unwrap();
    key.verify(signed.as_bytes(), &signature).is_ok()
}

fn send(message: &Message) -> Outgoing {
    request(message, &subscription(), &vapid(), &ephemeral(), Urgency::High, 3600, 1_700_000_000_000)
}

/// As the browser does, with its own private key.
fn open(body: &[u8]) -> Value {
    let (salt, ours) = (body[..16].try_into().unwrap(), p256::SecretKey::from_slice(&bytes::<32>(UA_PRIVATE)).unwrap());
    let theirs = p256::PublicKey::from_sec1_bytes(&body[21..86]).unwrap();
    let ikm = encrypt::input_key(&encrypt::agree(&theirs, &ours), &subscription(), &theirs);
    let (key, nonce) = encrypt::record_keys(&ikm, &salt);
    let mut text = aes_gcm::Aes128Gcm::new(&key.into()).decrypt(&nonce.into(), &body[86..]).unwrap();
    assert_eq!(text.pop(), Some(2));
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn the_browser_reads_what_is_sent() {
    let outgoing = send(&message());
    let header = |name: &str| outgoing.headers.iter().find(|(own, _)| *own == name).unwrap().1.clone();
    assert_eq!(outgoing.url, "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV");
    assert_eq!((header("ttl").as_str(), header("urgency").as_str()), ("3600", "high"));
    assert!(header("topic").len() <= 32);
    let authorization = header("authorization");
    let (token, key) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(key, AS_PUBLIC);
    assert!(verifies(token, key));
    let claims: Value = serde_json::from_slice(&from_base64url(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(claims["aud"], "https://push.example.net");
    assert_eq!(claims["exp"], 1_700_000_000 + 12 * 60 * 60);

    let read = open(&outgoing.body);
    assert_eq!(read["title"], "*Ada* <!channel> & @everyone");
    assert_eq!(read["url"], "https://alfred.example/r?a=1&b=2");
    assert_eq!(read["actions"][1]["url"], "https://alfred.example/d/2?a=1&b=2");
}

#[test]
fn the_longest_message_is_taken() {
    for text in ["x", "\"", "\\", "\n", "😀", "\u{ffff}"] {
        let outgoing = send(&longest(text));
        assert!(outgoing.body.len() <= 4096, "{} bytes of {text}", outgoing.body.len());
        assert!(open(&outgoing.body).is_object());
    }
}

#[test]
fn what_a_browser_cannot_have_said_is_refused() {
    let endpoint = || Endpoint::parse("https://push.example.net/x", Transport::Https).unwrap();
    let not_on_the_curve = base64url(&[&[4][..], &[1; 64]].concat());
    let compressed = base64url(&[&[2][..], &from_base64url(UA_PUBLIC).unwrap()[1..33]].concat());
    for key in ["", "AAAA", &not_on_the_curve, &compressed, &base64url(&[0]), &base64url(&[0; 65])] {
        assert_eq!(Subscription::new(endpoint(), key, AUTH), Err(SubscriptionError::Key), "{key}");
    }
    for auth in ["", "AAAA", "BTBZMqHH6r4Tts7J_aSIg", "é"] {
        assert_eq!(Subscription::new(endpoint(), UA_PUBLIC, auth), Err(SubscriptionError::Auth), "{auth}");
    }
    assert!(Subscription::new(endpoint(), &format!("{UA_PUBLIC}="), &format!("{AUTH}==")).is_ok());
    assert!(Ephemeral::new([0; 32], [0; 16]).is_none() && Ephemeral::new([255; 32], [0; 16]).is_none());
    let contact = Mailbox::new(None, "push@example.com").unwrap();
    for key in ["", "AAAA", &base64url(&[0; 32]), &base64url(&[255; 32]), UA_PUBLIC] {
        assert_eq!(Vapid::parse(key, &contact).unwrap_err(), VapidError, "{key}");
    }
    assert_eq!(format!("{:?} {:?}", subscription(), vapid()), "Subscription(Endpoint(push.example.net/…)) Vapid(…)");
}

#[test]
fn reads_what_became_of_it() {
    let check = |status, headers: &[(&str, &str)]| outcome(&Answer { status, headers: Headers(headers), body: b"" });
    let location = [("Location", "https://push.example.net/m/1")];
    let reference = Some("https://push.example.net/m/1".to_owned());
    assert_eq!(check(201, &location), Outcome::Delivered { reference });
    assert_eq!(check(429, &[("retry-after", "60")]), Outcome::Retry { after_ms: Some(60_000) });
    for (status, gone) in [(404, true), (410, true), (403, false), (413, false)] {
        assert!(matches!(check(status, &[]), Outcome::Failed { gone: read, .. } if read == gone), "{status}");
    }
}
