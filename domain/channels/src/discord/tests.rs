use super::*;
use crate::command::{Command, CommandError, Person};
use crate::endpoint::Transport;
use crate::incoming::Refusal;
use crate::outgoing::Headers;
use crate::testing::{longest, message, token};
use ed25519_compact::{KeyPair, Seed};

fn config() -> Config {
    Config {
        api: Endpoint::parse(API, Transport::Https).unwrap(),
        token: Secret::parse("bot-token").unwrap(),
        site: Endpoint::parse("https://alfred.example", Transport::Https).unwrap(),
    }
}

fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(&outgoing.body).unwrap()
}

#[test]
fn calls_the_methods() {
    let posted: Posted = "11/22".parse().unwrap();
    for (outgoing, method, url) in [
        (request(&message(), &config(), "11"), Method::Post, "https://discord.com/api/v10/channels/11/messages"),
        (update(&message(), &config(), &posted), Method::Patch, "https://discord.com/api/v10/channels/11/messages/22"),
        (open_conversation(&config(), "33"), Method::Post, "https://discord.com/api/v10/users/@me/channels"),
    ] {
        assert_eq!((outgoing.method, outgoing.url.as_str()), (method, url));
        assert!(outgoing.headers.contains(&("authorization", "Bot bot-token".to_owned())));
        assert!(outgoing.headers.iter().any(|(_, value)| value == "DiscordBot (https://alfred.example/, 0.1.0)"));
    }
    let nonce = |conversation| body(&request(&message(), &config(), conversation))["nonce"].clone();
    assert_eq!(nonce("11"), nonce("11"));
    assert_ne!(nonce("11"), nonce("12"));
    assert_eq!(nonce("11").as_str().unwrap().len(), 25);
    for text in ["", "11", "11/", "/22", "11/22/33", "a/1", "11/../22"] {
        assert_eq!(text.parse::<Posted>(), Err(PostedError), "{text}");
    }
}

#[test]
fn nobody_is_pinged_and_nothing_is_markup() {
    let body = body(&request(&message(), &config(), "11"));
    assert_eq!(body["allowed_mentions"], json!({"parse": []}));
    assert_eq!(body["content"], r"\*Ada\* \<\!channel\> & \@everyone");
    let description = body["embeds"][0]["description"].as_str().unwrap();
    assert!(
        description.starts_with(r"\[click\]\(https\:\/\/evil\.example\) \<b\>\_now\_\<\/b\> \`x\`"),
        "{description}"
    );
    assert!(description.ends_with("\\> quoted\n\\# big\n\\- item"), "{description}");
    for (text, expected) in [("12.5 at 16:42", "12.5 at 16:42"), ("1. item", r"1\. item"), (r"a\*b", r"a\\\*b")] {
        assert_eq!(fit(text, 100, escaped), expected);
    }
}

#[test]
fn a_webhook_has_links_only() {
    let hook = Endpoint::parse("https://discord.com/api/webhooks/1/x", Transport::Https).unwrap();
    let outgoing = webhook::request(&message(), &hook, &config().site);
    assert_eq!(outgoing.url, "https://discord.com/api/webhooks/1/x?wait=true&with_components=true");
    let row = body(&outgoing)["components"][0]["components"].clone();
    let urls: Vec<&str> = row.as_array().unwrap().iter().map(|button| button["url"].as_str().unwrap()).collect();
    assert_eq!(
        urls,
        [
            "https://alfred.example/d/1?a=1&b=2",
            "https://alfred.example/d/2?a=1&b=2",
            "https://alfred.example/r?a=1&b=2"
        ]
    );
}

#[test]
fn the_longest_message_is_taken() {
    for text in ["x", "*", "😀", "\u{ffff}"] {
        let body = body(&request(&longest(text), &config(), "1"));
        let length = |value: &Value| crate::text::length(value.as_str().unwrap());
        let embed = &body["embeds"][0];
        let fields = embed["fields"].as_array().unwrap();
        let all: usize = fields.iter().map(|field| length(&field["name"]) + length(&field["value"])).sum();
        assert!(all + length(&embed["description"]) <= 6000 && fields.len() <= 25);
        assert!(length(&body["content"]) <= 2000);
        let row = body["components"][0]["components"].as_array().unwrap();
        assert!(row.len() <= 5 && row.iter().all(|button| length(&button["label"]) <= 80));
    }
}

#[test]
fn reads_what_became_of_it() {
    let check = |status, body: &str| outcome(&Answer { status, headers: Headers(&[]), body: body.as_bytes() });
    for (status, body, expected) in [
        (200, r#"{"id": "22", "channel_id": "11"}"#, Outcome::Delivered { reference: Some("11/22".into()) }),
        (204, "", Outcome::Delivered { reference: None }),
        (
            429,
            r#"{"message": "rate", "retry_after": 64.57, "global": false}"#,
            Outcome::Retry { after_ms: Some(64_570) },
        ),
        (429, "", Outcome::Retry { after_ms: None }),
        (503, "", Outcome::Retry { after_ms: None }),
    ] {
        assert_eq!(check(status, body), expected, "{body}");
    }
    for (status, body, gone) in [
        (404, r#"{"message": "Unknown Webhook", "code": 10015}"#, true),
        (403, r#"{"message": "Cannot send messages to this user", "code": 50007}"#, true),
        (404, r#"{"message": "404: Not Found", "code": 0}"#, false),
        (401, r#"{"message": "401: Unauthorized", "code": 0}"#, false),
        (400, r#"{"message": "Invalid Form Body", "code": 50035}"#, false),
    ] {
        assert!(matches!(check(status, body), Outcome::Failed { gone: read, .. } if read == gone), "{body}");
    }
    let opened = |status, body: &str| opened(&Answer { status, headers: Headers(&[]), body: body.as_bytes() });
    assert_eq!(opened(200, r#"{"id": "11", "type": 1}"#), Ok("11".into()));
    assert!(opened(200, "{}").is_err() && opened(403, r#"{"id": "11"}"#).is_err());
}

/// Made with PyNaCl, of the secret key 00 01 … 1f; the second adds the order
/// of the group to the signature's number, which a lax reader takes too.
const KEY: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
const SIGNATURE: &str = "c1098e97d711377f30225d53d94b89d43537f92e5b3afaddc590781b1f9f9d4b\
    2eeab335d370be3b9a090bc61a85b86448bc140dcd195f1569c2bff181257607";
const NOT_CANONICAL: &str = "c1098e97d711377f30225d53d94b89d43537f92e5b3afaddc590781b1f9f9d4b\
    1bbea992edd3d09370a60269f97e977948bc140dcd195f1569c2bff181257617";
const NOW_MS: i64 = 1_700_000_000_000;

fn check(timestamp: &str, signature: &str, body: &str, now_ms: i64) -> Result<(), Refusal> {
    let headers = [("X-Signature-Timestamp", timestamp), ("X-Signature-Ed25519", signature)];
    verify(&PublicKey::parse(KEY).unwrap(), Headers(&headers), body.as_bytes(), now_ms).map(drop)
}

#[test]
fn another_implementation_s_signature_is_genuine() {
    assert_eq!(check("1700000000", SIGNATURE, r#"{"type":1}"#, NOW_MS), Ok(()));
    assert_eq!(check("1700000000", SIGNATURE, r#"{"type":1}"#, NOW_MS + 301_000), Err(Refusal::Stale));
    assert_eq!(check("1700000000", SIGNATURE, r#"{"type":1}"#, NOW_MS - 301_000), Err(Refusal::Stale));
    for (timestamp, signature, body) in [
        ("1700000001", SIGNATURE, r#"{"type":1}"#),
        ("1700000000", SIGNATURE, r#"{"type":2}"#),
        ("1700000000", NOT_CANONICAL, r#"{"type":1}"#),
        ("1700000000", &SIGNATURE[2..], r#"{"type":1}"#),
        ("1700000000", &SIGNATURE.replace('c', "d"), r#"{"type":1}"#),
        ("1700000000", &"0".repeat(128), r#"{"type":1}"#),
        ("1700000000", "", r#"{"type":1}"#),
        ("1700000000", "zz", r#"{"type":1}"#),
    ] {
        let checked = check(timestamp, signature, body, NOW_MS);
        assert_eq!(checked, Err(Refusal::Signature), "{timestamp} {signature} {body}");
    }
    // The border between time stamp and body is not signed: moved, the bytes
    // are the same, and only the age says that something is wrong.
    assert_eq!(check("170000000", SIGNATURE, r#"0{"type":1}"#, NOW_MS), Err(Refusal::Stale));
    let key = PublicKey::parse(KEY).unwrap();
    assert_eq!(verify(&key, Headers(&[]), b"", 0).map(drop), Err(Refusal::MissingHeader("x-signature-timestamp")));
}

#[test]
fn weak_keys_are_refused() {
    // The identity, under which everything is signed, and what is no point.
    let identity = format!("01{}", "00".repeat(31));
    for text in [identity.as_str(), &"00".repeat(32), &"ff".repeat(32), "", "03a1", &KEY[..63], &format!("{KEY}00")] {
        assert_eq!(PublicKey::parse(text), Err(PublicKeyError), "{text}");
    }
}

/// What Discord would have sent.
fn read(json: &Value) -> Result<Incoming, Refusal> {
    let pair = KeyPair::from_seed(Seed::from_slice(&(0..32).collect::<Vec<u8>>()).unwrap());
    let body = json.to_string();
    let signature = crate::crypto::hex(&*pair.sk.sign(format!("1700000000{body}"), None));
    let headers = [("x-signature-timestamp", "1700000000"), ("x-signature-ed25519", signature.as_str())];
    verify(&PublicKey::parse(KEY).unwrap(), Headers(&headers), body.as_bytes(), NOW_MS).unwrap().read()
}

#[test]
fn pings_are_told_from_pressed_buttons() {
    assert_eq!(read(&json!({"id": "1", "type": 1})), Ok(Incoming::Ping));
    for asks in [false, true] {
        let pressed = json!({
            "id": "99", "type": 3, "guild_id": "77", "member": {"user": {"id": "33"}},
            "message": {"id": "22", "channel_id": "11"},
            "data": {"component_type": 2, "custom_id": button_value(&token(1), asks)},
        });
        let Ok(Incoming::Decision { decision, posted }) = read(&pressed) else { panic!("no decision") };
        assert_eq!((decision.replay_id.as_str(), decision.account.as_str()), ("99", "33"));
        assert_eq!((decision.workspace.as_deref(), decision.token), (Some("77"), token(1)));
        assert_eq!((decision.reason, decision.reason_wanted), (None, asks));
        assert_eq!(posted.unwrap().to_string(), "11/22");
    }
    for json in [json!({}), json!({"type": "1"}), json!({"type": 3, "id": "1", "data": {"custom_id": "x"}})] {
        assert!(matches!(read(&json), Err(Refusal::Malformed(_))), "{json}");
    }
}

/// `/alfred`, with a text.
fn typed(text: &str) -> Value {
    let options = json!([{"name": "text", "type": 3, "value": text}]);
    let data = json!({"id": "5", "name": "alfred", "type": 1, "options": options});
    json!({"id": "99", "type": 2, "guild_id": "77", "member": {"user": {"id": "33"}}, "data": data})
}

#[test]
fn what_is_typed_is_a_command() {
    let command = |text: &str| match read(&typed(text)) {
        Ok(Incoming::Command { replay_id, account, workspace, command }) => {
            assert_eq!((replay_id.as_str(), account.as_str(), workspace.as_deref()), ("99", "33", Some("77")));
            command
        }
        other => panic!("{text}: {other:?}"),
    };
    for (text, expected) in [("balance", Command::Balance), (" POOL ", Command::Pool), ("", Command::Help)] {
        assert_eq!(command(text), Ok(expected), "{text}");
    }
    let to = |text: &str| match command(text) {
        Ok(Command::Send { to, .. }) => to,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(to("send <@44> 5 for the demo"), Person::Account("44".into()));
    assert_eq!(to("send <@!44> 5"), Person::Account("44".into()));
    assert_eq!(to("send alan@acme.example 5"), Person::Email("alan@acme.example".into()));
    for nobody in ["send <@> 5", "send <@&44> 5", "send <@44 5", "send <#44> 5"] {
        assert!(matches!(command(nobody), Err(CommandError::Person(_))), "{nobody}");
    }
    let plain = json!({"id": "99", "type": 2, "user": {"id": "33"}, "data": {"name": "alfred"}});
    let Ok(Incoming::Command { workspace: None, command: Ok(Command::Help), .. }) = read(&plain) else { panic!() };
    for data in [json!({"name": "other"}), json!({"name": "alfred", "type": 2}), json!({})] {
        assert_eq!(read(&json!({"id": "1", "type": 2, "user": {"id": "33"}, "data": data})), Ok(Incoming::Other));
    }
    let nobody = json!({"id": "1", "type": 2, "data": {"name": "alfred"}});
    assert_eq!(read(&nobody), Err(Refusal::Malformed("no user")));
}

#[test]
fn a_code_links_an_account() {
    for text in ["link a-B_9", " LINK  a-B_9 "] {
        let Ok(Incoming::Link { replay_id, account, workspace, code }) = read(&typed(text)) else { panic!("{text}") };
        assert_eq!((replay_id.as_str(), account.as_str(), code.as_str()), ("99", "33", "a-B_9"));
        assert_eq!(workspace.as_deref(), Some("77"));
    }
    let wrong = |text: &str| match read(&typed(text)) {
        Ok(Incoming::Command { command: Err(error), .. }) => error.to_string(),
        other => panic!("{text}: {other:?}"),
    };
    assert!(wrong("link").starts_with("Something is missing. Say it like this: link"));
    assert!(wrong("link a b").starts_with("I don't understand `b`. Say it like this: link"));
}

#[test]
fn a_reason_comes_back_with_the_button() {
    let form: Value = serde_json::from_str(&reply::ask_reason(&token(1))).unwrap();
    assert_eq!((&form["type"], &form["data"]["custom_id"]), (&json!(9), &json!(token(1).as_str())));
    let submitted = json!({
        "id": "100", "type": 5, "user": {"id": "33"},
        "data": {"custom_id": form["data"]["custom_id"], "components": [
            {"type": 18, "component": {"type": 4, "custom_id": "reason", "value": " too\u{202e} much "}},
        ]},
    });
    let Ok(Incoming::Decision { decision, posted: None }) = read(&submitted) else { panic!("no decision") };
    assert_eq!((decision.reason.as_deref(), decision.reason_wanted), (Some("too much"), false));
    assert_eq!((decision.token, decision.account.as_str(), decision.workspace), (token(1), "33", None));
}

#[test]
fn replies_are_what_discord_takes() {
    assert_eq!(reply::pong(), r#"{"type":1}"#);
    let told: Value = serde_json::from_str(&reply::tell("*done*")).unwrap();
    assert_eq!(
        (&told["type"], &told["data"]["content"], &told["data"]["flags"]),
        (&json!(4), &json!(r"\*done\*"), &json!(64))
    );
    let done = Message { actions: vec![], link: None, ..message() };
    let update: Value = serde_json::from_str(&reply::update(&done)).unwrap();
    assert_eq!((&update["type"], &update["data"]["components"]), (&json!(7), &json!([])), "the buttons are gone");
}
