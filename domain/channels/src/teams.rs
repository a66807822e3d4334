//! Microsoft Teams, by a Workflows webhook ("When a Teams webhook request is
//! received"): into one channel or chat, and nothing comes back. Actions are
//! signed [links](crate::link).
//!
//! What it follows: Adaptive Cards 1.4, <https://adaptivecards.io/explorer>.
//! All text is in `TextRun`s, which know no Markdown; a `TextBlock` would, and
//! has no escape that all clients agree on. `{{DATE(…)}}`, which clients
//! replace in any text, is broken up.

use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::message::{Action, Link, Message, Tone};
use crate::outgoing::{Answer, Method, Outcome, Outgoing, set};
use crate::text::{At, JOINER, fit, line, verbatim};

/// Teams takes 28 KB. In UTF-16 units, of which each has at most three bytes,
/// these are 19 KB with ten facts; addresses and names add six.
const TITLE: usize = 200;
const BODY: usize = 2500;
const LABEL: usize = 60;
const VALUE: usize = 250;
const FACTS: usize = 10;
const BUTTON: usize = 60;
/// Teams shows six.
const BUTTONS: usize = 4;
const URL: usize = 1000;

/// Posts the message to a webhook.
#[must_use]
pub fn request(message: &Message, webhook: &Endpoint) -> Outgoing {
    let body = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card(message),
        }],
    });
    Outgoing::json(Method::Post, webhook.url(), &body)
}

/// What became of a message: 202 means that the flow was started. There is no
/// reference.
#[must_use]
pub fn outcome(answer: &Answer<'_>) -> Outcome {
    answer.outcome(None)
}

fn card(message: &Message) -> Value {
    let title = line(&message.title);
    let heading = block(vec![run(&title, TITLE, json!({"size": "Large", "weight": "Bolder"}))]);
    let mut body = vec![json!({"type": "Container", "style": style(message.tone), "bleed": true, "items": [heading]})];
    let paragraphs = message.body();
    if !paragraphs.is_empty() {
        body.push(block(vec![run(&paragraphs, BODY, json!({}))]));
    }
    for fact in message.facts_up_to(FACTS) {
        let label = format!("{}: ", fit(&fact.label, LABEL, verbatim));
        let label = run(&label, LABEL + 2, json!({"weight": "Bolder"}));
        body.push(block(vec![label, run(&fact.value, VALUE, json!({}))]));
    }
    let links = message.actions.iter().filter_map(Action::as_link).take(BUTTONS);
    let links = links.chain(message.link.as_ref().and_then(Link::checked));
    let open = |(label, url): (String, String)| {
        let title = fit(&label, BUTTON, escaped);
        json!({"type": "Action.OpenUrl", "title": title, "url": url})
    };
    let actions: Vec<Value> = links.filter(|(_, url)| url.len() <= URL).map(open).collect();
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": fit(&title, TITLE, escaped),
        "msteams": {"width": "Full"},
        "body": body,
        "actions": actions,
    })
}

fn block(runs: Vec<Value>) -> Value {
    json!({"type": "RichTextBlock", "inlines": runs})
}

fn run(text: &str, limit: usize, mut look: Value) -> Value {
    set(&mut look, "type", "TextRun");
    set(&mut look, "text", fit(text, limit, escaped));
    look
}

const fn style(tone: Tone) -> &'static str {
    match tone {
        Tone::Info => "emphasis",
        Tone::Success => "good",
        Tone::Warning => "warning",
    }
}

/// The only thing that does something in text without Markdown.
fn escaped(at: At, out: &mut String) {
    out.push(at.it);
    if at.it == '{' && at.after == Some('{') {
        out.push(JOINER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Transport;
    use crate::outgoing::Headers;
    use crate::testing::{longest, message};

    fn webhook() -> Endpoint {
        Endpoint::parse("https://prod.example/workflows/1?sig=x", Transport::Https).unwrap()
    }

    #[test]
    fn posts_a_card_to_the_webhook() {
        let outgoing = request(&message(), &webhook());
        assert_eq!(outgoing.url, "https://prod.example/workflows/1?sig=x");
        let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
        let card = &body["attachments"][0]["content"];
        let urls: Vec<&str> = card["actions"].as_array().unwrap().iter().map(|a| a["url"].as_str().unwrap()).collect();
        assert_eq!(
            urls,
            [
                "https://alfred.example/d/1?a=1&b=2",
                "https://alfred.example/d/2?a=1&b=2",
                "https://alfred.example/r?a=1&b=2"
            ]
        );
        assert!(!body.to_string().contains("\"TextBlock\""), "it would know Markdown");
    }

    #[test]
    fn dates_of_people_stay_text() {
        let made = fit("{{DATE(2026-01-01T00:00:00Z)}} {a} {{{", 1000, escaped);
        assert_eq!(made.replace(JOINER, "~"), "{~{DATE(2026-01-01T00:00:00Z)}} {a} {~{~{");
    }

    #[test]
    fn the_longest_message_is_taken() {
        for text in ["\u{ffff}", "\"", "{", "\u{1f600}"] {
            let length = request(&longest(text), &webhook()).body.len();
            assert!(length <= 28 * 1024, "{length} bytes of {text}");
        }
    }

    #[test]
    fn accepted_is_delivered() {
        let check = |status| outcome(&Answer { status, headers: Headers(&[]), body: b"" });
        assert_eq!(check(202), Outcome::Delivered { reference: None });
        assert_eq!(check(429), Outcome::Retry { after_ms: None });
        assert!(matches!(check(404), Outcome::Failed { gone: true, .. }));
        assert!(matches!(check(400), Outcome::Failed { gone: false, .. }));
    }
}
