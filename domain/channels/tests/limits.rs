//! Whatever people write: every channel takes the message, nothing in it does
//! anything, and nothing panics.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot be set up stops")]

mod common;

use channels::message::{Action, Fact, Link, Message, Style, Tone};
use channels::whatsapp::{Window, request as whatsapp};
use proptest::prelude::*;
use serde_json::Value;

/// Text as people write it, with what channels react to.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[<>&*_~`|\\[\\](){}#@!:/.\\-\"'\\\\ \\n]{1,12}",
        Just("https://evil.example/x".to_owned()),
        Just("<!channel> <@U1> @everyone [a](https://evil.example)".to_owned()),
        Just("=?UTF-8?B?eA==?=\r\nBcc: eve@evil.example".to_owned()),
        Just("{{DATE(2026-01-01T00:00:00Z)}}".to_owned()),
        (1usize..600, "[a-z<&😀é]").prop_map(|(n, letter)| letter.repeat(n)),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

prop_compose! {
    fn message()(
        id in text(),
        title in text(),
        paragraphs in prop::collection::vec(text(), 0..5),
        facts in prop::collection::vec((text(), text()), 0..30),
        labels in prop::collection::vec(text(), 0..6),
        url in prop_oneof![text(), Just("https://alfred.example/r?a=1&b='2'".to_owned())],
        asks: bool,
    ) -> Message {
        let action = |(n, label): (usize, &String)| Action {
            label: label.clone(),
            style: Style::Plain,
            value: char::from(b'A' + u8::try_from(n).unwrap()).to_string().repeat(40).parse().unwrap(),
            url: Some(url.clone()),
            reason_asked: asks,
        };
        Message {
            actions: labels.iter().enumerate().map(action).collect(),
            link: Some(Link { label: title.clone(), url: url.clone() }),
            facts: facts.into_iter().map(|(label, value)| Fact { label, value }).collect(),
            text: paragraphs,
            tone: Tone::Info,
            id,
            title,
        }
    }
}

fn units(value: &Value) -> usize {
    value.as_str().unwrap().encode_utf16().count()
}

fn list<'a>(value: &'a Value, place: &str) -> &'a [Value] {
    value.pointer(place).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// All objects of JSON that have a field.
fn with<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| with(value, name, found)),
        Value::Object(fields) => {
            if fields.contains_key(name) {
                found.push(value);
            }
            fields.values().for_each(|value| with(value, name, found));
        }
        _ => {}
    }
}

fn check_slack(body: &Value) {
    assert!(units(&body["text"]) <= 4000);
    let blocks = list(body, "/blocks");
    assert!(blocks.len() <= 50);
    assert_eq!(blocks[0]["type"], "header");
    assert!(units(&blocks[0]["text"]["text"]) <= 150);
    for block in blocks {
        assert!(list(block, "/fields").len() <= 10 && list(block, "/elements").len() <= 25);
        assert!(block["text"].is_null() || units(&block["text"]["text"]) <= 3000);
        assert!(list(block, "/fields").iter().all(|field| units(&field["text"]) <= 2000));
        for button in list(block, "/elements") {
            assert!(units(&button["text"]["text"]) <= 75);
            assert!(button["value"].is_null() || units(&button["value"]) <= 2000);
            assert!(button["url"].is_null() || units(&button["url"]) <= 3000);
        }
    }
    let mut texts = Vec::new();
    with(body, "emoji", &mut texts);
    for text in texts {
        assert_eq!(text["type"], "plain_text", "`mrkdwn` has no escape");
        check_entities(text["text"].as_str().unwrap(), &["&amp;", "&lt;", "&gt;"], &['<', '>']);
        assert!(units(&text["text"]) >= 1);
    }
    check_entities(body["text"].as_str().unwrap(), &["&amp;", "&lt;", "&gt;"], &['<', '>']);
    assert!(!body.to_string().contains("mrkdwn\":true"));
}

/// Every `&` begins one of the entities, whole, and there is no raw special.
fn check_entities(text: &str, entities: &[&str], raw: &[char]) {
    for (place, _) in text.match_indices('&') {
        assert!(entities.iter().any(|entity| text[place..].starts_with(entity)), "cut or raw: {text}");
    }
    assert!(!text.contains(raw), "raw: {text}");
}

fn check_telegram(body: &Value) {
    let text = body["text"].as_str().unwrap();
    assert!((1..=4096).contains(&units(&body["text"])));
    let inside = text.strip_prefix("<b>").unwrap().replacen("</b>", "", 1);
    check_entities(&inside, &["&amp;", "&lt;", "&gt;", "&quot;"], &['<', '>', '"']);
    for mention in ["@e", "https:/", "evil.example"] {
        assert!(!text.contains(mention), "{mention} in {text}");
    }
    for button in list(body, "/reply_markup/inline_keyboard").iter().flat_map(|row| row.as_array().unwrap()) {
        assert!(units(&button["text"]) >= 1);
        assert!(button["callback_data"].as_str().is_none_or(|data| data.len() <= 64));
    }
}

fn check_discord(body: &Value) {
    assert_eq!(body["allowed_mentions"], serde_json::json!({"parse": []}));
    assert!((1..=2000).contains(&units(&body["content"])));
    let mut all = 0;
    let mut texts = vec![&body["content"]];
    for embed in list(body, "/embeds") {
        assert!(list(embed, "/fields").len() <= 25);
        if let Some(description) = embed.get("description") {
            assert!((1..=4096).contains(&units(description)));
            texts.push(description);
            all += units(description);
        }
        for field in list(embed, "/fields") {
            assert!((1..=256).contains(&units(&field["name"])) && (1..=1024).contains(&units(&field["value"])));
            all += units(&field["name"]) + units(&field["value"]);
            texts.extend([&field["name"], &field["value"]]);
        }
    }
    assert!(all <= 6000);
    for text in texts {
        // Whatever marks text has its own backslash, and none was cut off.
        let mut rest = text.as_str().unwrap().chars();
        while let Some(c) = rest.next() {
            assert!(!"*_~`|<>#@[]()-+/!".contains(c), "raw {c} in {text}");
            assert!(c != '\\' || rest.next().is_some_and(|next| next.is_ascii_punctuation()), "cut in {text}");
        }
        assert!(!text.as_str().unwrap().contains("://"), "a link in {text}");
    }
    for button in list(body, "/components").iter().flat_map(|row| list(row, "/components")) {
        assert!((1..=80).contains(&units(&button["label"])));
        assert!(button["custom_id"].is_null() || units(&button["custom_id"]) <= 100);
        assert!(button["url"].is_null() || units(&button["url"]) <= 512);
    }
}

fn check_teams(body: &Value) {
    let mut runs = Vec::new();
    with(body, "text", &mut runs);
    for run in runs {
        assert_eq!(run["type"], "TextRun", "a `TextBlock` knows Markdown");
        assert!(!run["text"].as_str().unwrap().contains("{{"));
    }
    assert!(list(body, "/attachments/0/content/actions").len() <= 6);
    assert!(body.to_string().len() <= 28 * 1024);
}

/// What marks text stands only inside of words, but in our own addresses.
fn check_marks(text: &str) {
    for line in text.lines().filter(|line| !line.contains(": http")) {
        let characters: Vec<char> = line.chars().collect();
        assert!(!characters.contains(&'`'), "{line}");
        for (place, _) in characters.iter().enumerate().filter(|(_, c)| "*_~".contains(**c)) {
            // Where the text was cut off, the word may have been, too; what
            // nothing opens marks nothing.
            let word = |place: usize| characters.get(place).is_some_and(|c| c.is_ascii_alphanumeric());
            let cut = characters.get(place + 1) == Some(&'…');
            assert!(place > 0 && word(place - 1) && (cut || word(place + 1)), "{line}");
        }
        assert!(!line.starts_with(['>', '-', '1']), "{line}");
    }
}

fn check_whatsapp(body: &Value) {
    if body["type"] == "text" {
        assert!((1..=4096).contains(&units(&body["text"]["body"])));
        // The title is bold.
        let text = body["text"]["body"].as_str().unwrap().strip_prefix('*').unwrap();
        let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
        check_marks(title.strip_suffix('*').unwrap());
        check_marks(rest);
        return;
    }
    check_marks(body["interactive"]["header"]["text"].as_str().unwrap());
    check_marks(body["interactive"]["body"]["text"].as_str().unwrap());
    let content = &body["interactive"];
    assert!((1..=60).contains(&units(&content["header"]["text"])));
    assert!((1..=1024).contains(&units(&content["body"]["text"])));
    let buttons = list(content, "/action/buttons");
    assert!((1..=3).contains(&buttons.len()));
    for button in buttons {
        assert!((1..=20).contains(&units(&button["reply"]["title"])));
        assert!((1..=256).contains(&units(&button["reply"]["id"])));
    }
}

fn check_html(html: &str) {
    // Between our own tags there is no raw special; in them, no quotation mark
    // but those that end attributes.
    let mut rest = html;
    while let Some((text, tag)) = rest.split_once('<') {
        check_entities(text, &["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"], &['>', '"', '\'']);
        let (tag, after) = tag.split_once('>').unwrap();
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        let known =
            ["!doctype", "html", "head", "meta", "title", "body", "div", "h1", "p", "br", "table", "tr", "td", "a"];
        assert!(known.contains(&name), "<{tag}>");
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        rest = after;
    }
    for href in html.split("href=\"").skip(1) {
        assert!(href.starts_with("https://") || href.starts_with("http://"), "{href}");
    }
    // Only in addresses that we were told to link to.
    let text: String = html.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text).collect();
    assert!(!text.contains("evil.example"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_channel_takes_whatever_people_write(message in message()) {
        for (channel, outgoing) in common::requests(&message) {
            let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
            match channel {
                "slack" | "slack_webhook" => check_slack(&body),
                "teams" => check_teams(&body),
                "telegram" => check_telegram(&body),
                "discord" | "discord_webhook" => check_discord(&body),
                "whatsapp" => check_whatsapp(&body),
                "resend" => check_html(body["html"].as_str().unwrap()),
                "postmark" => check_html(body["HtmlBody"].as_str().unwrap()),
                other => prop_assert!(false, "{other} is not checked"),
            }
            for (name, value) in &outgoing.headers {
                prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{name}: {value:?}");
            }
        }
        prop_assert!(common::pushed(&message).body.len() <= 4096);
        let mail = common::mail(&message);
        prop_assert!(mail.is_ascii() && mail.split("\r\n").all(|line| line.len() <= 78 && !line.contains(['\r', '\n'])));
        prop_assert!(!mail.contains("\r\nBcc:"));
        let closed = whatsapp(&message, &common::whatsapp_config(), "1", Window::Closed);
        prop_assert_eq!(closed.is_ok(), [0, 2].contains(&message.actions.len()));
    }
}
