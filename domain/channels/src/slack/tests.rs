use super::*;
use crate::command::{Command, Person};
use crate::crypto::{hex, hmac};
use crate::endpoint::Transport;
use crate::incoming::Refusal;
use crate::outgoing::Headers;
use crate::testing::{message, token};
use url::form_urlencoded;

fn config() -> Config {
    Config { api: Endpoint::parse(API, Transport::Https).unwrap(), token: Secret::parse("xoxb-1").unwrap() }
}

fn answer<'a>(status: u16, headers: &'a [(&'a str, &'a str)], body: &'a str) -> Answer<'a> {
    Answer { status, headers: Headers(headers), body: body.as_bytes() }
}

#[test]
fn calls_the_methods() {
    let posted: Posted = "C1/1700000000.000100".parse().unwrap();
    for (outgoing, method, url) in [
        (request(&message(), &config(), "C1"), Method::Post, "https://slack.com/api/chat.postMessage"),
        (update(&message(), &config(), &posted), Method::Post, "https://slack.com/api/chat.update"),
        (open_conversation(&config(), "U1"), Method::Post, "https://slack.com/api/conversations.open"),
        (
            find_user(&config(), "ada+x@acme.example"),
            Method::Get,
            "https://slack.com/api/users.lookupByEmail?email=ada%2Bx%40acme.example",
        ),
    ] {
        assert_eq!((outgoing.method, outgoing.url.as_str()), (method, url));
        assert!(outgoing.headers.contains(&("authorization", "Bearer xoxb-1".to_owned())));
    }
    let body: Value = serde_json::from_slice(&update(&message(), &config(), &posted).body).unwrap();
    assert_eq!((&body["channel"], &body["ts"]), (&json!("C1"), &json!("1700000000.000100")));
    for text in ["", "C1", "/1", "C1/", "C1/1/2"] {
        assert_eq!(text.parse::<Posted>(), Err(PostedError), "{text}");
    }
}

#[test]
fn an_error_comes_with_status_200() {
    let failed = |reason: &str, gone| Outcome::Failed {
        reason: format!("the provider answered with status 200: {reason}"),
        gone,
    };
    let ok = r#"{"ok": true, "channel": "D1", "ts": "1700000000.000100", "message": {}}"#;
    for (body, expected) in [
        (ok, Outcome::Delivered { reference: Some("D1/1700000000.000100".into()) }),
        (r#"{"ok": false, "error": "ratelimited"}"#, Outcome::Retry { after_ms: Some(7000) }),
        (r#"{"ok": false, "error": "internal_error"}"#, Outcome::Retry { after_ms: Some(7000) }),
        (r#"{"ok": false, "error": "channel_not_found"}"#, failed("channel_not_found", true)),
        (r#"{"ok": false, "error": "invalid_auth"}"#, failed("invalid_auth", false)),
        (r#"{"ok": "true"}"#, failed("no `ok` in the answer", false)),
        ("<html>", failed("no `ok` in the answer", false)),
    ] {
        assert_eq!(outcome(&answer(200, &[("Retry-After", "7")], body)), expected, "{body}");
    }
    assert_eq!(outcome(&answer(429, &[("Retry-After", "7")], "")), Outcome::Retry { after_ms: Some(7000) });
    assert_eq!(outcome(&answer(502, &[], "<html>")), Outcome::Retry { after_ms: None });

    let body = r#"{"ok": true, "channel": {"id": "D1"}, "user": {"id": "U1"}}"#;
    assert_eq!(opened(&answer(200, &[], body)), Ok("D1".into()));
    assert_eq!(found(&answer(200, &[], body)), Ok("U1".into()));
    let missing = r#"{"ok": false, "error": "users_not_found"}"#;
    assert_eq!(found(&answer(200, &[], missing)), Err(failed("users_not_found", true)));
    assert_eq!(found(&answer(200, &[], r#"{"ok": true}"#)), Err(failed("no id in the answer", false)));
}

/// Slack's own example, from "Verifying requests from Slack".
const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const TIMESTAMP: &str = "1531420618";
const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
    &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
    &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
    &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

fn secret() -> Secret {
    Secret::parse(SECRET).unwrap()
}

fn check(timestamp: &str, signature: &str, body: &str, now_s: i64) -> Result<(), Refusal> {
    let headers = [("X-Slack-Request-Timestamp", timestamp), ("X-Slack-Signature", signature)];
    verify(&secret(), Headers(&headers), body.as_bytes(), now_s * 1000).map(drop)
}

#[test]
fn the_documented_example_is_genuine() {
    assert_eq!(check(TIMESTAMP, SIGNATURE, BODY, 1_531_420_618), Ok(()));
    assert_eq!(check(TIMESTAMP, SIGNATURE, BODY, 1_531_420_918), Ok(()));
    assert_eq!(check(TIMESTAMP, SIGNATURE, BODY, 1_531_420_919), Err(Refusal::Stale), "too old");
    assert_eq!(check(TIMESTAMP, SIGNATURE, BODY, 1_531_420_317), Err(Refusal::Stale), "from the future");
    let headers = [("x-slack-request-timestamp", TIMESTAMP), ("x-slack-signature", SIGNATURE)];
    let verified = verify(&secret(), Headers(&headers), BODY.as_bytes(), 1_531_420_618_000).unwrap();
    let expected = Incoming::Command {
        replay_id: "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c".into(),
        account: "U2CERLKJA".into(),
        workspace: Some("T1DC2JH3J".into()),
        command: Ok(Command::Help),
        response_url: Some("https://hooks.slack.com/commands/T1DC2JH3J/397700885554/96rGlfmibIGlgcZRskXaIFfN".into()),
    };
    assert_eq!(verified.read(), Ok(expected));
}

#[test]
fn forged_or_altered_is_refused() {
    for (signature, body) in [
        (SIGNATURE, &format!("{BODY}&text=x")),
        (SIGNATURE, &BODY.replace("U2CERLKJA", "U2CERLKJB")),
        (&SIGNATURE.replace("v0=a2", "v0=a3"), &BODY.to_owned()),
        (&SIGNATURE.replace("v0=", "v1="), &BODY.to_owned()),
        (&SIGNATURE.replace("v0=", ""), &BODY.to_owned()),
        (&SIGNATURE[..40], &BODY.to_owned()),
        ("v0=", &BODY.to_owned()),
        ("", &BODY.to_owned()),
    ] {
        assert_eq!(check(TIMESTAMP, signature, body, 1_531_420_618), Err(Refusal::Signature), "{signature}");
    }
    // A fresh time stamp under the old signature.
    assert_eq!(check("1531420619", SIGNATURE, BODY, 1_531_420_619), Err(Refusal::Signature));
    let no_headers = verify(&secret(), Headers(&[]), BODY.as_bytes(), 0).map(drop);
    assert_eq!(no_headers, Err(Refusal::MissingHeader("x-slack-request-timestamp")));
    let large = " ".repeat(300_000);
    assert_eq!(check(TIMESTAMP, SIGNATURE, &large, 1_531_420_618), Err(Refusal::TooLarge));
}

/// What Slack would have sent.
fn read(body: &str) -> Result<Incoming, Refusal> {
    let made = hmac(SECRET.as_bytes(), &[b"v0:1000:", body.as_bytes()]);
    let signature = format!("v0={}", hex(&made));
    let headers = [("x-slack-request-timestamp", "1000"), ("x-slack-signature", &signature)];
    verify(&secret(), Headers(&headers), body.as_bytes(), 1_000_000).unwrap().read()
}

fn payload(json: &Value) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json.to_string()).finish()
}

fn pressed() -> Value {
    json!({
        "type": "block_actions",
        "user": {"id": "U1", "username": "ada", "team_id": "T1"},
        "team": {"id": "T1", "domain": "acme"},
        "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": "D1"},
        "trigger_id": "12.34.ab",
        "channel": {"id": "D1", "name": "directmessage"},
        "response_url": "https://hooks.slack.com/actions/T1/2/3",
        "state": {"values": {"reason": {"text": {"type": "plain_text_input", "value": "too &lt;much&gt;"}}}},
        "actions": [{"action_id": "answer_1", "block_id": "x", "value": token(2).as_str(), "type": "button"}],
    })
}

#[test]
fn a_pressed_button_says_who_and_which() {
    let Ok(Incoming::Decision { decision, posted, response_url }) = read(&payload(&pressed())) else {
        panic!("no decision")
    };
    assert_eq!((decision.replay_id.as_str(), decision.account.as_str()), ("12.34.ab", "U1"));
    assert_eq!((decision.workspace.as_deref(), decision.token), (Some("T1"), token(2)));
    assert_eq!((decision.reason.as_deref(), decision.reason_wanted), (Some("too <much>"), false));
    assert_eq!(posted.unwrap().to_string(), "D1/1700000000.000100");
    assert_eq!(response_url.as_deref(), Some("https://hooks.slack.com/actions/T1/2/3"));
}

#[test]
fn what_slack_leaves_out_is_left_out() {
    let mut json = pressed();
    json["team"] = Value::Null;
    for name in ["state", "container", "channel", "trigger_id", "response_url"] {
        json.as_object_mut().unwrap().remove(name);
    }
    let body = payload(&json);
    let Ok(Incoming::Decision { decision, posted: None, response_url: None }) = read(&body) else {
        panic!("no decision")
    };
    assert_eq!((decision.workspace.as_deref(), decision.reason), (Some("T1"), None));
    assert_eq!(decision.replay_id.len(), 64, "the body's hash");
}

#[test]
fn other_requests_are_told_apart() {
    let mut link = pressed();
    link["actions"][0] = json!({"action_id": "link_4", "type": "button"});
    let mut modal = pressed();
    modal["type"] = json!("view_submission");
    for body in [&payload(&link), &payload(&modal), r#"{"type": "event_callback", "event": {}}"#, "", "a=b"] {
        assert_eq!(read(body), Ok(Incoming::Other), "{body}");
    }
    let challenge = |text: &str| read(&json!({"type": "url_verification", "challenge": text}).to_string());
    assert_eq!(challenge("3eZbrw1aBm2rZgRNFdxV"), Ok(Incoming::Challenge("3eZbrw1aBm2rZgRNFdxV".into())));
    for text in ["", "<script>", &"a".repeat(257)] {
        assert!(matches!(challenge(text), Err(Refusal::Malformed(_))), "{text}");
    }
    for body in ["{", "payload=", "payload=%7B"] {
        assert!(matches!(read(body), Err(Refusal::Malformed(_))), "{body}");
    }
    let mut foreign = pressed();
    foreign["actions"][0]["value"] = json!("approve");
    assert!(matches!(read(&payload(&foreign)), Err(Refusal::Malformed(_))));
}

#[test]
fn commands_name_people_as_slack_does() {
    let typed = |text: &str| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("user_id", "U1").append_pair("command", "/alfred").append_pair("text", text);
        let Ok(Incoming::Command { command, .. }) = read(&form.finish()) else { panic!("no command") };
        command
    };
    let Ok(Command::Send { to, note, .. }) =
        typed("send <@U2|alan> 50 for <https://a.example/x?a&amp;b|a.example> &amp; <#C1|demo> &lt;3")
    else {
        panic!("not sent")
    };
    assert_eq!(to, Person::Account("U2".into()));
    assert_eq!(note.as_deref(), Some("for a.example & demo <3"));
    for (text, to) in [
        ("send <@U2> 50", Person::Account("U2".into())),
        ("send @alan 50", Person::Name("alan".into())),
        ("send <mailto:alan@acme.example|alan@acme.example> 50", Person::Email("alan@acme.example".into())),
    ] {
        assert!(matches!(typed(text), Ok(Command::Send { to: read, .. }) if read == to), "{text}");
    }
    assert!(typed("send < 50").is_err());
}
