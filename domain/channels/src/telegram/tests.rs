use super::*;
use crate::command::Command;
use crate::endpoint::Transport;
use crate::incoming::Refusal;
use crate::message::Message;
use crate::outgoing::Headers;
use crate::testing::{longest, message, token};

fn config() -> Config {
    Config { api: Endpoint::parse(API, Transport::Https).unwrap(), token: Secret::parse("123:ABC-d_e").unwrap() }
}

fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(&outgoing.body).unwrap()
}

#[test]
fn calls_the_methods() {
    let posted = "-100/7".parse::<Posted>().unwrap();
    assert_eq!((posted.chat, posted.message, posted.to_string().as_str()), (-100, 7, "-100/7"));
    for (outgoing, url) in [
        (request(&message(), &config(), 5), "https://api.telegram.org/bot123:ABC-d_e/sendMessage"),
        (update(&message(), &config(), posted), "https://api.telegram.org/bot123:ABC-d_e/editMessageText"),
        (answer(&config(), "q1", "Done\n."), "https://api.telegram.org/bot123:ABC-d_e/answerCallbackQuery"),
        (ask_reason(&config(), 5), "https://api.telegram.org/bot123:ABC-d_e/sendMessage"),
    ] {
        assert_eq!(outgoing.url, url);
        assert!(!format!("{outgoing:?}").contains("ABC"));
    }
    let edited = body(&update(&message(), &config(), posted));
    assert_eq!((&edited["chat_id"], &edited["message_id"]), (&json!(-100), &json!(7)));
    assert_eq!(body(&answer(&config(), "q1", "Done\n."))["text"], "Done .");
    for text in ["", "5", "a/1", "1/2/3", "/"] {
        assert_eq!(text.parse::<Posted>(), Err(PostedError), "{text}");
    }
}

#[test]
fn buttons_carry_tokens_and_links() {
    let keyboard = body(&request(&message(), &config(), 5))["reply_markup"]["inline_keyboard"].clone();
    let expected = json!([
        [
            {"text": "Approve", "callback_data": token(1).as_str()},
            {"text": "Deny", "callback_data": format!("r.{}", token(2).as_str())}
        ],
        [{"text": "Open", "url": "https://alfred.example/r?a=1&b=2"}]
    ]);
    assert_eq!(keyboard, expected);
    for (url, there) in [
        ("https://alfred.example", true),
        ("http://alfred.example", false),
        ("https://localhost/x", false),
        ("https://127.0.0.1/x", false),
        ("https://[::1]/x", false),
    ] {
        let link = Some(Link { label: "Open".into(), url: url.into() });
        let keyboard = keyboard_of(&Message { link, actions: vec![], ..message() });
        assert_eq!(keyboard.is_empty(), !there, "{url}");
    }
}

fn keyboard_of(message: &Message) -> Vec<Value> {
    body(&request(message, &config(), 5))["reply_markup"]["inline_keyboard"].as_array().unwrap().clone()
}

#[test]
fn the_longest_message_is_taken() {
    for text in ["x", "&", "\"", "😀", "@x", "\u{ffff}"] {
        let body = body(&request(&longest(text), &config(), 5));
        let length = crate::text::length(body["text"].as_str().unwrap());
        assert!(length <= 4096, "{length} of {text}");
        assert_eq!(body["text"].as_str().unwrap().matches("<b>").count(), 1);
        for button in keyboard_of(&longest(text)).iter().flat_map(|row| row.as_array().unwrap()) {
            assert!(button["callback_data"].as_str().is_none_or(|data| (1..=64).contains(&data.len())));
        }
    }
}

#[test]
fn reads_what_became_of_it() {
    let check = |status, body: &str| outcome(&Answer { status, headers: Headers(&[]), body: body.as_bytes() });
    let failed =
        |reason: &str, gone| Outcome::Failed { reason: format!("the provider answered with status {reason}"), gone };
    for (status, body, expected) in [
        (
            200,
            r#"{"ok": true, "result": {"message_id": 7, "chat": {"id": -100}}}"#,
            Outcome::Delivered { reference: Some("-100/7".into()) },
        ),
        (200, r#"{"ok": true, "result": true}"#, Outcome::Delivered { reference: None }),
        (
            429,
            r#"{"ok": false, "error_code": 429, "description": "Too Many", "parameters": {"retry_after": 35}}"#,
            Outcome::Retry { after_ms: Some(35_000) },
        ),
        (500, "", Outcome::Retry { after_ms: None }),
        (
            400,
            r#"{"ok": false, "description": "Bad Request: message is not modified: …"}"#,
            Outcome::Delivered { reference: None },
        ),
        (
            403,
            r#"{"ok": false, "description": "Forbidden: bot was blocked by the user"}"#,
            failed("403: Forbidden: bot was blocked by the user", true),
        ),
        (
            400,
            r#"{"ok": false, "description": "Bad Request: chat not found"}"#,
            failed("400: Bad Request: chat not found", true),
        ),
        (
            400,
            r#"{"ok": false, "description": "Bad Request: can't parse entities"}"#,
            failed("400: Bad Request: can't parse entities", false),
        ),
        (401, r#"{"ok": false, "description": "Unauthorized"}"#, failed("401: Unauthorized", false)),
        (404, r#"{"ok": false, "description": "Not Found"}"#, failed("404: Not Found", false)),
        (200, "<html>", failed("200: no `ok` in the answer", false)),
    ] {
        assert_eq!(check(status, body), expected, "{body}");
    }
}

fn secret() -> Secret {
    Secret::parse("told-with-setWebhook").unwrap()
}

fn read(json: &Value) -> Result<Incoming, Refusal> {
    let headers = [("X-Telegram-Bot-Api-Secret-Token", "told-with-setWebhook")];
    verify(&secret(), Headers(&headers), json.to_string().as_bytes()).unwrap().read()
}

#[test]
fn only_telegram_knows_the_secret() {
    let check = |headers: &[(&str, &str)]| verify(&secret(), Headers(headers), b"{}").map(drop);
    assert_eq!(check(&[("x-telegram-bot-api-secret-token", "told-with-setWebhook")]), Ok(()));
    for other in ["", "told-with-setWebhoo", "told-with-setWebhook ", "TOLD-WITH-SETWEBHOOK"] {
        assert_eq!(check(&[("x-telegram-bot-api-secret-token", other)]), Err(Refusal::Signature), "{other}");
    }
    assert_eq!(check(&[]), Err(Refusal::MissingHeader("x-telegram-bot-api-secret-token")));
    let large = vec![b' '; 300_000];
    assert_eq!(verify(&secret(), Headers(&[]), &large).map(drop), Err(Refusal::TooLarge));
}

#[test]
fn a_pressed_button_says_who_and_which() {
    let query = |data: &str| {
        json!({"update_id": 10, "callback_query": {
            "id": "4382", "from": {"id": 42, "is_bot": false, "first_name": "Ada"},
            "message": {"message_id": 7, "chat": {"id": 42, "type": "private"}}, "data": data,
        }})
    };
    for asks in [false, true] {
        let Ok(Incoming::Decision { decision, query, posted }) = read(&query(&button_value(&token(1), asks))) else {
            panic!("no decision")
        };
        assert_eq!((decision.replay_id.as_str(), decision.account.as_str()), ("10", "42"));
        assert_eq!((decision.token, decision.reason_wanted, decision.workspace), (token(1), asks, None));
        assert_eq!((query.as_str(), posted), ("4382", Some(Posted { chat: 42, message: 7 })));
    }
    assert!(matches!(read(&query("x")), Err(Refusal::Malformed(_))));
}

/// A message with that text in that chat, with more fields.
fn written(text: &str, chat: i64, more: Value) -> Incoming {
    let mut message = json!({"message_id": 8, "from": {"id": 42}, "chat": {"id": chat}, "text": text});
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    read(&json!({"update_id": 11, "message": message})).unwrap()
}

#[test]
fn messages_link_reply_or_command() {
    let (replay_id, account) = (|| "11".to_owned(), || "42".to_owned());
    let link = |code: &str| Incoming::Link { replay_id: replay_id(), account: account(), chat: 42, code: code.into() };
    let command = |command| Incoming::Command { replay_id: replay_id(), account: account(), chat: 42, command };
    let long = format!("/start {}", "a".repeat(65));
    for (text, expected) in [
        ("/start AB-c_9", link("AB-c_9")),
        ("/start", command(Ok(Command::Help))),
        ("/start a b", command(Ok(Command::Help))),
        ("/start <x>", Incoming::Other),
        (&long, Incoming::Other),
        ("/balance", command(Ok(Command::Balance))),
        ("/balance@alfred_bot", command(Ok(Command::Balance))),
        ("hello", Incoming::Other),
        (" ", Incoming::Other),
    ] {
        assert_eq!(written(text, 42, json!({})), expected, "{text}");
    }
    assert_eq!(written("/start AB-c_9", -5, json!({})), Incoming::Other, "in a group");
    let to = Posted { chat: -5, message: 7 };
    let reply = json!({"reply_to_message": {"message_id": 7, "chat": {"id": -5}}});
    let text = Some("too much".to_owned());
    assert_eq!(
        written(" too much ", -5, reply),
        Incoming::Reply { replay_id: replay_id(), account: account(), to, text }
    );
}

#[test]
fn what_is_no_update_is_refused() {
    assert!(matches!(read(&json!({})), Err(Refusal::Malformed(_))));
    assert!(matches!(read(&json!([])), Err(Refusal::Malformed(_))));
    assert_eq!(read(&json!({"update_id": 1})), Ok(Incoming::Other));
    assert_eq!(read(&json!({"update_id": 1, "message": {"text": "/help"}})), Ok(Incoming::Other));
}
