use super::*;
use serde_json::{Value, json};

fn check(source: &Value, allow_loopback: bool) -> Result<(), String> {
    let source: Source = serde_json::from_value(source.clone()).unwrap();
    source.check(allow_loopback).map_err(|error| error.to_string())
}

fn url(url: &str, allow_loopback: bool) -> Result<(), String> {
    check(&json!({"kind": "ics", "url": url}), allow_loopback)
}

#[test]
fn addresses() {
    for good in [
        "https://calendar.google.com/calendar/ical/ada%40acme.example/private-0a1b/basic.ics",
        "webcal://p01-calendars.icloud.com/published/2/abc",
        "WEBCALS://a.example/x",
        " https://a.example:8443/x?y=z ",
    ] {
        assert_eq!(url(good, false), Ok(()), "{good}");
    }
    let no_address = |text| {
        format!(
            "`{text}` is not an address that absences can be fetched from: expected one such as \
             `https://calendar.example.com/ada.ics`"
        )
    };
    for text in [
        "",
        "calendar.ics",
        "ftp://a.example/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https://a b/",
    ] {
        assert_eq!(url(text, true), Err(no_address(text)), "{text}");
    }
    for (text, expected) in [
        ("http://a.example/x", "`a.example` would be fetched without encryption: use an `https://` address"),
        ("http://127.0.0.1/x", "`127.0.0.1` would be fetched without encryption: use an `https://` address"),
        (
            "https://ada:s3cret@a.example/x",
            "the address of `a.example` contains a user name or a password: give credentials by themselves",
        ),
        (
            "webcal://ada@a.example/x",
            "the address of `a.example` contains a user name or a password: give credentials by themselves",
        ),
        (
            "https://a.example/calendar#ada",
            "the address of `a.example` contains `#`: copy the address of the feed, not of the page that shows it",
        ),
    ] {
        assert_eq!(url(text, false), Err(expected.to_owned()));
    }
    assert!(url(&format!("https://a.example/{}", "a".repeat(2_000)), false).is_err());
}

#[test]
fn development_may_use_this_machine() {
    for (text, good) in [
        ("http://localhost:9000/x.ics", true),
        ("http://127.0.0.1:9000/x.ics", true),
        ("http://[::1]:9000/x.ics", true),
        ("http://localhost.a.example/x.ics", false),
        ("http://10.0.0.1/x.ics", false),
    ] {
        assert_eq!(url(text, true).is_ok(), good, "{text}");
        assert!(url(text, false).is_err(), "{text}");
    }
}

#[test]
fn names_at_the_sources() {
    for (source, id) in [
        (json!({"kind": "google_calendar", "calendar_id": ""}), ""),
        (json!({"kind": "google_calendar", "calendar_id": "a b"}), "a b"),
        (json!({"kind": "google_calendar", "calendar_id": ".."}), ".."),
        (json!({"kind": "microsoft_graph", "user": "ada\n"}), "ada"),
        (json!({"kind": "microsoft_graph", "user": "a".repeat(321)}), &"a".repeat(80)),
        (json!({"kind": "bamboohr", "company": "acme.bamboohr.com"}), "acme.bamboohr.com"),
        (json!({"kind": "bamboohr", "company": ""}), ""),
        (json!({"kind": "bamboohr", "company": "a/b"}), "a/b"),
    ] {
        let error = check(&source, true).unwrap_err();
        assert!(error.starts_with(&format!("`{id}` is not ")), "{error}");
    }
}

#[test]
fn rules_and_mappings_are_checked_too() {
    let rule = json!({"kind": "ics", "url": "https://a.example", "rule": {"words": ["*"]}});
    assert!(check(&rule, false).unwrap_err().starts_with("`*` cannot mark absences"));
    let mapping = json!({"items": "x", "uid": "/id", "from": "/from", "until": "/until"});
    let json = json!({"kind": "json", "url": "https://a.example", "mapping": mapping});
    assert!(check(&json, false).unwrap_err().starts_with("`x` of `items` is not a JSON Pointer"));
    let webcal = json!({"kind": "json", "url": "webcal://a.example", "mapping": mapping});
    assert!(check(&webcal, false).is_err());
}

#[test]
fn stored_form_is_pinned() {
    // Sources are in organizations' settings: one that is not read is not asked.
    for json in [
        json!({"kind": "ics", "url": "https://a.example/x.ics",
            "rule": {"events": "marked", "words": ["ooo"], "free": false, "whose": "owner"}}),
        json!({"kind": "google_calendar", "calendar_id": "ada@acme.example"}),
        json!({"kind": "microsoft_graph", "user": "ada@acme.example"}),
        json!({"kind": "bamboohr", "company": "acme"}),
        json!({"kind": "json", "url": "https://hr.example/away", "mapping": {"items": "/data", "uid": "/id",
            "who": "/email", "title": "/type", "from": "/from", "until": "/to", "until_inclusive": true,
            "only": {"pointer": "/status", "equals": ["approved", 1, true]}}}),
    ] {
        let source: Source = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(source.check(false), Ok(()));
        assert_eq!(serde_json::to_value(&source).unwrap(), json);
        assert_eq!(json["kind"], source.kind());
        assert_eq!(format!("{source:?}"), format!("Source({}, …)", source.kind()));
        let mut more = json;
        more["more"] = json!(1);
        assert!(serde_json::from_value::<Source>(more).is_err());
    }
}
