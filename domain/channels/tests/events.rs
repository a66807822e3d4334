//! Every event in every channel, as it is sent. A template that changes shows
//! here what people will read.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up stops")]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use channels::event::{Answer, Answers, Asked, Event, Wanted};
use channels::message::Fact;
use channels::whatsapp::Window;
use channels::{ActionToken, Verdict, push, webhook, whatsapp};
use serde_json::Value;

fn token(letter: &str) -> ActionToken {
    letter.repeat(ActionToken::LENGTH).parse().unwrap()
}

fn fact(label: &str, value: &str) -> Fact {
    Fact { label: label.into(), value: value.into() }
}

fn asked(wanted: Wanted) -> Asked {
    let answer = |letter: &str, verb: &str| Answer {
        value: token(letter),
        url: Some(format!("https://alfred.example/o/org_1/decide/{verb}")),
    };
    Asked {
        id: "req_1".into(),
        requester: "Ada Lovelace".into(),
        wanted,
        amount: "500 credits".into(),
        reason: Some("The <demo> on Friday, see *notes*".into()),
        facts: vec![fact("Has left", "12.5 credits"), fact("Spent this month", "1,250 credits")],
        since: "23 November 2026, 16:42".into(),
        expires: Some("25 November 2026".into()),
        expires_ms: Some(1_795_564_800_000),
        url: "https://alfred.example/requests/req_1".into(),
        answers: Some(Answers { approve: answer("A", "approve"), deny: answer("D", "deny") }),
    }
}

/// One of each kind.
fn events() -> Vec<Event> {
    let url = || "https://alfred.example/wallet".to_owned();
    let boost = || Wanted::Boost { until: "30 November".into() };
    vec![
        Event::ApprovalRequested(asked(Wanted::Transfer { to: "Alan".into() })),
        Event::ApprovalReminder(Asked { id: "req_1:2".into(), ..asked(Wanted::Draw { pool: "Vision".into() }) }),
        Event::ApprovalDecided {
            id: "req_1".into(),
            wanted: boost(),
            amount: "500 credits".into(),
            verdict: Verdict::Deny,
            by: Some("Grace Hopper".into()),
            reason: Some("Ask again in December".into()),
            url: url(),
        },
        Event::ApprovalExpired {
            id: "req_1".into(),
            wanted: Wanted::Credits,
            amount: "500 credits".into(),
            url: url(),
        },
        Event::TransferReceived {
            id: "xfer_1".into(),
            from: "Alan".into(),
            amount: "50 credits".into(),
            note: Some("for the demo".into()),
            balance: "62.5 credits".into(),
            url: url(),
        },
        Event::TransferUndone {
            id: "xfer_1".into(),
            from: "Alan".into(),
            amount: "40 credits".into(),
            balance: "22.5 credits".into(),
            url: url(),
        },
        Event::CreditsLow {
            id: "mem_1:2026-11".into(),
            left: "12.5 credits".into(),
            refills: Some("1 December".into()),
            url: url(),
        },
        Event::CreditsExpiring {
            id: "mem_1:2026-11-30".into(),
            amount: "120 credits".into(),
            when: "30 November".into(),
            url: url(),
        },
        Event::PoolLow { id: "team_1:2026-11".into(), pool: "Vision".into(), left: "300 credits".into(), url: url() },
        Event::BoostStarted {
            id: "boost_1".into(),
            amount: "500 credits".into(),
            until: "30 November".into(),
            reason: Some("The deadline".into()),
            url: url(),
        },
        Event::BoostEnding {
            id: "boost_1".into(),
            left: "120 credits".into(),
            until: "30 November".into(),
            url: url(),
        },
        Event::BoostEnded {
            id: "boost_1".into(),
            used: "380 credits".into(),
            returned: "120 credits".into(),
            url: url(),
        },
        Event::AbsenceBegan {
            id: "abs_1".into(),
            lent: "300 credits".into(),
            to: "Vision".into(),
            until: Some("6 January".into()),
            url: url(),
        },
        Event::AbsenceEnded {
            id: "abs_1".into(),
            returned: "180 credits".into(),
            balance: "202.5 credits".into(),
            url: url(),
        },
        Event::AllotmentArrived {
            id: "xfer_2".into(),
            amount: "1,000 credits".into(),
            to: "your wallet".into(),
            period: Some("December 2026".into()),
            balance: "1,202.5 credits".into(),
            url: url(),
        },
        Event::PolicyNotice {
            id: "aud_1".into(),
            title: "An allotment of 5,000 credits was refused".into(),
            text: "The policy \u{201c}Large allotments\u{201d} forbids more than 1,000 at once.".into(),
            url: url(),
        },
        Event::Digest {
            id: "mem_1:2026-W47".into(),
            period: "this week".into(),
            items: vec![fact("Spent", "250 credits"), fact("Sent", "50 credits to Alan")],
            url: url(),
        },
    ]
}

fn pretty(body: &[u8]) -> String {
    sorted(serde_json::from_slice(body).unwrap())
}

/// Whether a value keeps the order of its fields is up to other crates.
fn sorted(mut value: Value) -> String {
    value.sort_all_objects();
    serde_json::to_string_pretty(&value).unwrap()
}

fn all(show: impl Fn(&Event) -> String) -> String {
    let shown = events().iter().map(|event| format!("=== {} ===\n{}\n", event.kind(), show(event))).collect::<Vec<_>>();
    shown.join("\n")
}

#[test]
fn in_every_channel() {
    for (index, (channel, _)) in common::requests(&events()[0].message()).iter().enumerate() {
        let text = all(|event| pretty(&common::requests(&event.message())[index].1.body));
        insta::assert_snapshot!(*channel, text);
    }
}

/// The headers and the text; the HTML is Resend's.
#[test]
fn in_a_mail() {
    let read = |event: &Event| {
        let raw = common::mail(&event.message());
        let mut parts = raw.split("\r\n\r\n");
        let (head, body) = (parts.next().unwrap(), parts.nth(1).unwrap());
        let encoded: String = body.lines().take_while(|line| !line.starts_with("--")).collect();
        let text = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        format!("{head}\n\n{text}").replace('\r', "")
    };
    insta::assert_snapshot!("mime", all(read));
}

#[test]
fn in_a_notification_of_the_browser() {
    let read = |event: &Event| sorted(serde_json::to_value(push::payload(&event.message())).unwrap());
    insta::assert_snapshot!("push", all(read));
}

#[test]
fn in_whatsapp_outside_of_the_window() {
    let sent = |event: &Event| {
        let config = common::whatsapp_config();
        pretty(&whatsapp::request(&event.message(), &config, "1555", Window::Closed).unwrap().body)
    };
    insta::assert_snapshot!("whatsapp_template", all(sent));
}

#[test]
fn in_a_webhook() {
    let hook = common::endpoint("https://hooks.example/x");
    let current = webhook::Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let secrets = webhook::Secrets { current, others: vec![] };
    insta::assert_snapshot!(
        "webhook",
        all(|event| pretty(&webhook::request(event, &hook, &secrets, 1_700_000_000_000).body))
    );
}

#[test]
fn as_plain_text() {
    insta::assert_snapshot!("plain_text", all(|event| event.message().plain_text()));
}

/// Events wait in queues while versions change.
#[test]
fn json_form_is_pinned() {
    let text = all(|event| serde_json::to_string(event).unwrap());
    insta::assert_snapshot!("json", text);
    for event in events() {
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["event"], event.kind());
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
}

/// Whoever was told is not told again, but of something else they are.
#[test]
fn ids_name_one_event() {
    let ids: Vec<String> = events().iter().map(|event| event.message().id).collect();
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), ids.len());
    assert_eq!(ids[0], "approval_requested:req_1");
    assert_eq!(events().iter().map(|event| event.message().id).collect::<Vec<_>>(), ids);
}

/// What is asked for and what was decided is said in words that fit.
#[test]
fn words_fit_what_is_wanted() {
    let wanted = [
        Wanted::Credits,
        Wanted::Transfer { to: "Alan".into() },
        Wanted::Boost { until: "30 November".into() },
        Wanted::Draw { pool: "Vision".into() },
    ];
    let mut lines = Vec::new();
    for wanted in wanted {
        let requested = Event::ApprovalRequested(Asked { answers: None, ..asked(wanted.clone()) }).message();
        assert!(requested.actions.is_empty());
        lines.push(requested.title);
        let decided = Event::ApprovalDecided {
            id: "req_1".into(),
            wanted,
            amount: "500 credits".into(),
            verdict: Verdict::Approve,
            by: None,
            reason: None,
            url: "https://alfred.example".into(),
        };
        let decided = decided.message();
        lines.push(format!("{}. {}", decided.title, decided.text[0]));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    Ada Lovelace asks for 500 credits
    Your request for 500 credits was approved. You can use it right away.
    Ada Lovelace wants to send 500 credits to Alan
    Your request to send 500 credits to Alan was approved. Alan has the credits now.
    Ada Lovelace asks for a boost of 500 credits until 30 November
    Your request for a boost of 500 credits until 30 November was approved. You can use it right away.
    Ada Lovelace asks to draw 500 credits from the pool of Vision
    Your request to draw 500 credits from the pool of Vision was approved. You can use it right away.
    ");
}
