//! A message that tries all that people should not be able to do.

use crate::message::{Action, Fact, Link, Message, Style, Tone};
use crate::token::ActionToken;

/// A token that parses; `n` is at most nine.
pub(crate) fn token(n: u8) -> ActionToken {
    n.to_string().repeat(ActionToken::LENGTH).parse().unwrap()
}

pub(crate) fn message() -> Message {
    let action = |label: &str, style, n, reason_asked| Action {
        label: label.to_owned(),
        style,
        value: token(n),
        url: Some(format!("https://alfred.example/d/{n}?a=1&b=2")),
        reason_asked,
    };
    Message {
        id: "approval_requested:req_1".to_owned(),
        title: "*Ada* <!channel> & @everyone".to_owned(),
        text: vec!["[click](https://evil.example) <b>_now_</b> `x`".to_owned(), "> quoted\n# big\n- item".to_owned()],
        facts: vec![
            Fact { label: "Reason".to_owned(), value: "<@U1> <https://evil.example|here> ||x|| ~y~".to_owned() },
            Fact { label: "Left".to_owned(), value: "12.5 credits".to_owned() },
        ],
        actions: vec![action("Approve", Style::Primary, 1, false), action("Deny", Style::Danger, 2, true)],
        link: Some(Link { label: "Open".to_owned(), url: "https://alfred.example/r?a=1&b=2".to_owned() }),
        tone: Tone::Warning,
    }
}

/// A message of which everything is as long as can be, of that one text.
pub(crate) fn longest(text: &str) -> Message {
    let much = text.repeat(5000);
    let address = format!("https://alfred.example/{}", "x".repeat(480));
    let action = |n| Action {
        label: much.clone(),
        style: Style::Plain,
        value: token(n),
        url: Some(address.clone()),
        reason_asked: true,
    };
    Message {
        id: much.clone(),
        title: much.clone(),
        text: vec![much.clone(); 6],
        facts: vec![Fact { label: much.clone(), value: much.clone() }; 60],
        actions: (0..10).map(action).collect(),
        link: Some(Link { label: much, url: address }),
        tone: Tone::Info,
    }
}
