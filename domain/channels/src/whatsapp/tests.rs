use super::*;
use crate::endpoint::Transport;
use crate::incoming::Refusal;
use crate::message::Tone;
use crate::outgoing::Headers;
use crate::testing::{longest, message, token};

fn config() -> Config {
    let template = |name: &str| Some(Template { name: name.into(), language: "en".into() });
    Config {
        api: Endpoint::parse(API, Transport::Https).unwrap(),
        token: Secret::parse("EAA1").unwrap(),
        phone_number_id: "106540352242922".into(),
        notice: template("alfred_notice"),
        question: template("alfred_question"),
    }
}

fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(&outgoing.body).unwrap()
}

#[test]
fn the_window_is_open_for_a_day() {
    for (last, window) in [
        (None, Window::Closed),
        (Some(0), Window::Closed),
        (Some(1), Window::Open),
        (Some(Window::LENGTH_MS), Window::Open),
        (Some(i64::MIN), Window::Closed),
    ] {
        assert_eq!(Window::of(last, Window::LENGTH_MS), window, "{last:?}");
    }
}

#[test]
fn outside_of_the_window_there_is_a_template() {
    let bare = Config { notice: None, question: None, ..config() };
    let notice = Message { actions: vec![], ..message() };
    for message in [&message(), &notice] {
        assert_eq!(request(message, &bare, "1", Window::Closed), Err(RequestError::NoTemplate));
        assert!(request(message, &bare, "1", Window::Open).is_ok());
    }
    let one = Message { actions: vec![message().actions.remove(0)], ..message() };
    assert_eq!(request(&one, &config(), "1", Window::Closed), Err(RequestError::Buttons(1)));
    assert_eq!(body_of(request(&notice, &config(), "1", Window::Closed))["template"]["name"], "alfred_notice");
    let outgoing = request(&message(), &config(), "15551234567", Window::Closed).unwrap();
    assert_eq!(outgoing.url, "https://graph.facebook.com/v23.0/106540352242922/messages");
    assert!(outgoing.headers.contains(&("authorization", "Bearer EAA1".to_owned())));
    let body = body(&outgoing);
    assert_eq!((&body["type"], &body["to"]), (&json!("template"), &json!("15551234567")));
    let components = body["template"]["components"].as_array().unwrap();
    for parameter in components[0]["parameters"].as_array().unwrap() {
        let text = parameter["text"].as_str().unwrap();
        assert!(!text.contains(['\n', '\t']) && !text.contains("  ") && !text.is_empty(), "{text}");
    }
    assert_eq!(components[2]["parameters"][0]["payload"], format!("r.{}", token(2).as_str()));
    assert_eq!(body["template"]["name"], "alfred_question");
}

fn body_of(outgoing: Result<Outgoing, RequestError>) -> Value {
    body(&outgoing.unwrap())
}

#[test]
fn nothing_of_people_is_markup() {
    for (text, expected) in [
        ("*bold* _it_ ~no~ `x` ```y```", "∗bold∗ ˍitˍ ∼no∼ ˋxˋ ˋˋˋyˋˋˋ"),
        ("snake_case 2*3 a~b", "snake_case 2*3 a~b"),
        ("中*文*字", "中∗文∗字"),
        ("> quote\n- item\n* item\n1. item", "^> quote\n^- item\n∗ item\n^1. item"),
        ("https://evil.example", "https:^/^/^evil.^example"),
        ("a-b > c", "a-b > c"),
    ] {
        let made = fit(text, 1000, escaped);
        assert_eq!(made.replace(JOINER, "^"), expected);
    }
}

#[test]
fn the_longest_message_is_taken() {
    let length = |value: &Value| crate::text::length(value.as_str().unwrap());
    for text in ["x", "*", "😀", "@x", "\u{ffff}"] {
        let message = longest(text);
        let interactive = body_of(request(&message, &config(), "1", Window::Open))["interactive"].clone();
        assert!(length(&interactive["body"]["text"]) <= 1024 && length(&interactive["header"]["text"]) <= 60);
        let buttons = interactive["action"]["buttons"].as_array().unwrap();
        assert_eq!(buttons.len(), 3);
        for button in buttons {
            assert!(length(&button["reply"]["title"]) <= 20 && length(&button["reply"]["id"]) <= 256);
        }
        let plain = Message { actions: vec![], ..message.clone() };
        let sent = body_of(request(&plain, &config(), "1", Window::Open))["text"]["body"].clone();
        assert!(length(&sent) <= 4096, "{text}");
        let link = message.link.unwrap().url;
        assert!(sent.as_str().unwrap().ends_with(&link), "the link has its place");
        let template = body_of(request(&plain, &config(), "1", Window::Closed));
        for parameter in template["template"]["components"][0]["parameters"].as_array().unwrap() {
            assert!(length(&parameter["text"]) <= PLACEHOLDER);
        }
    }
}

#[test]
fn a_message_of_a_title_alone_has_a_body() {
    let actions = message().actions;
    let bare = Message {
        id: "x".into(),
        title: "Ada asks".into(),
        text: vec![],
        facts: vec![],
        actions,
        link: None,
        tone: Tone::Info,
    };
    let sent = body_of(request(&bare, &config(), "1", Window::Open));
    assert_eq!(sent["interactive"]["body"]["text"], "Ada asks");
    let template = body_of(request(&bare, &config(), "1", Window::Closed));
    assert_eq!(template["template"]["components"][0]["parameters"][1]["text"], "–");
}

#[test]
fn reads_what_became_of_it() {
    let check = |status, body: &str| outcome(&Answer { status, headers: Headers(&[]), body: body.as_bytes() });
    let sent = r#"{"messages": [{"id": "wamid.1"}], "contacts": [{"wa_id": "1"}]}"#;
    assert_eq!(check(200, sent), Outcome::Delivered { reference: Some("wamid.1".into()) });
    for (status, body) in [
        (400, r#"{"error": {"message": "(#131056) pair rate limit", "code": 131056}}"#),
        (429, r#"{"error": {"message": "(#130429) rate limit", "code": 130429}}"#),
        (429, r#"{"error": {"message": "new", "code": 999}}"#),
        (500, r#"{"error": {"message": "new", "code": 999}}"#),
        (503, ""),
    ] {
        assert_eq!(check(status, body), Outcome::Retry { after_ms: None }, "{body}");
    }
    for (status, body, gone) in [
        (400, r#"{"error": {"message": "undeliverable", "code": 131026}}"#, true),
        (401, r#"{"error": {"message": "token", "code": 190}}"#, false),
        (404, r#"{"error": {"message": "no such id", "code": 100}}"#, false),
    ] {
        assert!(matches!(check(status, body), Outcome::Failed { gone: read, .. } if read == gone), "{body}");
    }
}

#[test]
fn the_address_is_ours_if_the_token_is() {
    let token = Secret::parse("typed-at-meta").unwrap();
    let ask = |mode, shown, text| {
        challenge(&token, &[("hub.mode", mode), ("hub.verify_token", shown), ("hub.challenge", text)])
    };
    assert_eq!(ask("subscribe", "typed-at-meta", "1158201444"), Ok("1158201444".into()));
    assert_eq!(ask("subscribe", "typed-at-met", "1158201444"), Err(Refusal::Signature));
    assert!(matches!(ask("unsubscribe", "typed-at-meta", "1"), Err(Refusal::Malformed(_))));
    for text in ["", "<script>", &"1".repeat(257)] {
        assert!(matches!(ask("subscribe", "typed-at-meta", text), Err(Refusal::Malformed(_))), "{text}");
    }
    assert_eq!(challenge(&token, &[("hub.mode", "subscribe")]), Err(Refusal::Signature));
}

/// Made with Python's hmac.
const SIGNED: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;
const SIGNATURE: &str = "sha256=d3e4f9da0ce6c71ab3dba55929b8eeeee2455349e534924ead19f98d143e904f";

#[test]
fn another_implementation_s_signature_is_genuine() {
    let secret = Secret::parse("app-secret").unwrap();
    let check = |signature, body| verify(&secret, Headers(&[("X-Hub-Signature-256", signature)]), body).map(drop);
    assert_eq!(check(SIGNATURE, SIGNED), Ok(()));
    for (signature, body) in [
        (SIGNATURE, &b"{}"[..]),
        (&SIGNATURE.replace("d3", "d4"), SIGNED),
        (&SIGNATURE[..40], SIGNED),
        (&SIGNATURE[7..], SIGNED),
        ("sha256=", SIGNED),
        ("sha1=00", SIGNED),
    ] {
        assert_eq!(check(signature, body), Err(Refusal::Signature), "{signature}");
    }
    assert_eq!(verify(&secret, Headers(&[]), SIGNED).map(drop), Err(Refusal::MissingHeader("x-hub-signature-256")));
    let other = Secret::parse("another-secret").unwrap();
    let headers = [("x-hub-signature-256", SIGNATURE)];
    assert_eq!(verify(&other, Headers(&headers), SIGNED).map(drop), Err(Refusal::Signature));
}

/// What Meta would have sent.
fn read(value: &Value) -> Result<Vec<Incoming>, Refusal> {
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
        {"field": "messages", "value": value}
    ]}]})
    .to_string();
    let signature = format!("sha256={}", crate::crypto::hex(&crate::crypto::hmac(b"app-secret", &[body.as_bytes()])));
    let headers = [("x-hub-signature-256", signature.as_str())];
    verify(&Secret::parse("app-secret").unwrap(), Headers(&headers), body.as_bytes()).unwrap().read()
}

#[test]
fn reads_all_that_came() {
    let message = |id: &str, more: Value| {
        let mut message = json!({"from": "15551234567", "id": id, "timestamp": "1700000000"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let reply =
        json!({"interactive": {"type": "button_reply", "button_reply": {"id": token(1).as_str(), "title": "x"}}});
    let asking = format!("r.{}", token(2).as_str());
    let value = json!({
        "metadata": {"display_phone_number": "1555", "phone_number_id": "106"},
        "messages": [
            message("wamid.1", reply),
            message("wamid.2", json!({"button": {"payload": asking, "text": "Deny"}})),
            message("wamid.3", json!({"button": {"payload": "not ours"}})),
            message("wamid.4", json!({"text": {"body": "balance"}})),
            message("wamid.5", json!({"text": {"body": " too much "}, "context": {"id": "wamid.0"}})),
            message("wamid.6", json!({"type": "image"})),
        ],
        "statuses": [
            {"id": "wamid.7", "status": "delivered"},
            {"id": "wamid.8", "status": "failed", "errors": [{"code": 131_047, "title": "Re-engagement message"}]},
        ],
    });
    let account = || "15551234567".to_owned();
    let workspace = || Some("106".to_owned());
    let decision = |id: &str, n, reason_wanted| {
        Incoming::Decision(crate::incoming::Decision {
            replay_id: id.into(),
            account: account(),
            workspace: workspace(),
            token: token(n),
            reason: None,
            reason_wanted,
        })
    };
    let expected = vec![
        decision("wamid.1", 1, false),
        decision("wamid.2", 2, true),
        Incoming::Written {
            replay_id: "wamid.4".into(),
            account: account(),
            workspace: workspace(),
            text: "balance".into(),
        },
        Incoming::Reply {
            replay_id: "wamid.5".into(),
            account: account(),
            workspace: workspace(),
            to: "wamid.0".into(),
            text: Some("too much".into()),
        },
        Incoming::Undelivered {
            replay_id: "failed:wamid.8".into(),
            message: "wamid.8".into(),
            reason: "Re-engagement message".into(),
            window_closed: true,
        },
    ];
    assert_eq!(read(&value), Ok(expected));
    for value in [json!({}), json!([]), json!({"messages": {}}), json!({"messages": [1, null, {"id": 1}]})] {
        assert_eq!(read(&value), Ok(vec![]), "{value}");
    }
}
