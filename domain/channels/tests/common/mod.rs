//! Every channel with a configuration, as one list.

use channels::email::{Mailbox, mime, postmark, resend};
use channels::message::Message;
use channels::push::{Ephemeral, Subscription, Urgency, Vapid};
use channels::whatsapp::Window;
use channels::{Endpoint, Outgoing, Secret, Transport, discord, push, slack, teams, telegram, whatsapp};

pub(crate) fn endpoint(text: &str) -> Endpoint {
    Endpoint::parse(text, Transport::Https).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::parse(text).unwrap()
}

pub(crate) fn whatsapp_config() -> whatsapp::Config {
    let template = |name: &str| Some(whatsapp::Template { name: name.into(), language: "en".into() });
    whatsapp::Config {
        api: endpoint(whatsapp::API),
        token: secret("EAA"),
        phone_number_id: "106".into(),
        notice: template("alfred_notice"),
        question: template("alfred_question"),
    }
}

fn ada() -> Mailbox {
    Mailbox::new(Some("Ada Lovelace"), "ada@acme.example").unwrap()
}

fn alfred() -> Mailbox {
    Mailbox::new(Some("Alfred"), "alfred@acme.example").unwrap()
}

pub(crate) fn mail(message: &Message) -> String {
    mime::mail(message, &alfred(), &ada(), 1_700_000_000_000).raw
}

/// The requests of all channels whose body is JSON, by name. The browser's is
/// encrypted.
pub(crate) fn requests(message: &Message) -> Vec<(&'static str, Outgoing)> {
    let slack = slack::Config { api: endpoint(slack::API), token: secret("xoxb") };
    let telegram = telegram::Config { api: endpoint(telegram::API), token: secret("1:A") };
    let site = endpoint("https://alfred.example");
    let discord = discord::Config { api: endpoint(discord::API), token: secret("bot"), site: site.clone() };
    let resend = resend::Config { api: endpoint(resend::API), key: secret("re_1"), from: alfred() };
    let postmark = postmark::Config {
        api: endpoint(postmark::API),
        token: secret("pm"),
        from: alfred(),
        stream: "outbound".into(),
    };
    let hook = endpoint("https://hooks.example/x");
    vec![
        ("slack", slack::request(message, &slack, "D1")),
        ("slack_webhook", slack::webhook::request(message, &hook)),
        ("teams", teams::request(message, &hook)),
        ("resend", resend::request(message, &resend, &ada())),
        ("postmark", postmark::request(message, &postmark, &ada())),
        ("telegram", telegram::request(message, &telegram, 42)),
        ("discord", discord::request(message, &discord, "11")),
        ("discord_webhook", discord::webhook::request(message, &hook, &site)),
        ("whatsapp", whatsapp::request(message, &whatsapp_config(), "1555", Window::Open).unwrap()),
    ]
}

/// A notification of the browser, encrypted.
#[allow(dead_code, reason = "each test file has a copy of this one, and not all need this")]
pub(crate) fn pushed(message: &Message) -> Outgoing {
    // RFC 8291, appendix A.
    let key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    let subscription = Subscription::new(endpoint("https://push.example/x"), key, "BTBZMqHH6r4Tts7J_aSIgg").unwrap();
    let vapid = Vapid::parse("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", &alfred()).unwrap();
    let ephemeral = Ephemeral::new([7; 32], [8; 16]).unwrap();
    push::request(message, &subscription, &vapid, &ephemeral, Urgency::Normal, 3600, 1_700_000_000_000)
}
