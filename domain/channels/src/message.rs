//! What somebody is told, before any channel has given it a form.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::text::{Escape, Page, line, paragraph, unlinked, verbatim};
use crate::token::ActionToken;

/// Longest text without markup: a long mail.
const MOST_PLAIN: usize = 20_000;

/// A message, the same for all channels. All of its texts are shown as they
/// are: what looks like markup, a link or a mention in them does nothing. Only
/// the addresses of `link` and `actions` can be followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Names what happened: whoever has been told of it in a channel is not
    /// told again. It is the same each time the message is made.
    pub id: String,
    /// What happened, in a line.
    pub title: String,
    /// More of it, in paragraphs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<String>,
    /// Details, the most important first: where there is little room the last
    /// are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// What can be done about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// Where more is to be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// Whether it is good or bad news.
    #[serde(default)]
    pub tone: Tone,
}

/// A detail: what it is, and how much, who or when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// How much, who or when.
    pub value: String,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What stands on it; 20 characters are shown everywhere.
    pub label: String,
    /// How it looks.
    #[serde(default)]
    pub style: Style,
    /// What comes back when it is pressed. No two buttons of a message have
    /// the same.
    pub value: ActionToken,
    /// Where the same can be done, for channels in which nothing comes back:
    /// Teams, e-mail and webhooks. Without it they have no such button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether a reason can be given with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reason_asked: bool,
}

/// How a button looks, where a channel has more than one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// What most will want.
    Primary,
    /// What refuses or takes away.
    Danger,
    /// Neither.
    #[default]
    Plain,
}

/// An address of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What is there.
    pub label: String,
    /// The address, `https` or `http`. Another is left out.
    pub url: String,
}

/// Whether a message is good or bad news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Neither.
    #[default]
    Info,
    /// Good.
    Success,
    /// Something to see to.
    Warning,
}

impl Message {
    /// The message without any markup, for what has none; links stand in
    /// it in full.
    #[must_use]
    pub fn plain_text(&self) -> String {
        self.plain(verbatim)
    }

    /// The same for readers that make links out of text: only ours become any.
    pub(crate) fn plain_unlinked(&self) -> String {
        self.plain(unlinked)
    }

    fn plain(&self, escape: Escape) -> String {
        let mut page = Page::new(MOST_PLAIN);
        page.add("", &line(&self.title), "\n\n", escape);
        for text in self.paragraphs() {
            page.add("", &text, "\n\n", escape);
        }
        for Fact { label, value } in self.facts_up_to(50) {
            page.add("", &format!("{label}: {value}"), "\n", escape);
        }
        if !self.facts.is_empty() {
            page.add_whole("\n");
        }
        let links = self.actions.iter().filter_map(Action::as_link);
        for (label, url) in links.chain(self.link.as_ref().and_then(Link::checked)) {
            page.add_whole(&format!("{label}: {url}\n"));
        }
        page.finish()
    }

    /// The paragraphs, clean, without empty ones.
    pub(crate) fn paragraphs(&self) -> impl Iterator<Item = String> {
        self.text.iter().map(|text| paragraph(text)).filter(|text| !text.is_empty())
    }

    /// The paragraphs as one text.
    pub(crate) fn body(&self) -> String {
        self.paragraphs().collect::<Vec<_>>().join("\n\n")
    }

    /// The facts, clean, at most `most`; the last says how many are missing.
    pub(crate) fn facts_up_to(&self, most: usize) -> Vec<Fact> {
        let clean = |fact: &Fact| Fact { label: line(&fact.label), value: line(&fact.value) };
        if self.facts.len() <= most {
            return self.facts.iter().map(clean).collect();
        }
        let shown = most.saturating_sub(1);
        let missing = Fact { label: "…".to_owned(), value: format!("and {} more", self.facts.len() - shown) };
        self.facts.iter().take(shown).map(clean).chain([missing]).collect()
    }
}

impl Action {
    /// The label and the address, for channels in which nothing comes back.
    pub(crate) fn as_link(&self) -> Option<(String, String)> {
        Some((line(&self.label), checked_url(self.url.as_deref()?)?))
    }
}

impl Link {
    /// The label and the address, if it is one.
    pub(crate) fn checked(&self) -> Option<(String, String)> {
        Some((line(&self.label), checked_url(&self.url)?))
    }
}

/// The address as browsers write it: only ASCII, and nothing that would have
/// to be escaped between quotes.
fn checked_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let url = matches!(url.scheme(), "https" | "http").then(|| String::from(url))?;
    Some(url.replace('\'', "%27"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        let fact = |label: &str, value: &str| Fact { label: label.into(), value: value.into() };
        Message {
            id: "transfer_received:xfer_1".into(),
            title: "Ada sent\nyou 50 credits".into(),
            text: vec!["For the demo, see https://evil.example.".into(), " ".into()],
            facts: vec![fact("From", "Ada"), fact("Left", "")],
            actions: vec![Action {
                label: "Undo".into(),
                style: Style::Danger,
                value: "A".repeat(40).parse().unwrap(),
                url: Some("https://alfred.example/u/'x".into()),
                reason_asked: false,
            }],
            link: Some(Link { label: "Open".into(), url: "https://alfred.example/w?a=1&b=2".into() }),
            tone: Tone::Success,
        }
    }

    #[test]
    fn plain_text_has_all_of_it() {
        insta::assert_snapshot!(message().plain_text(), @r"
        Ada sent you 50 credits

        For the demo, see https://evil.example.

        From: Ada
        Left: –

        Undo: https://alfred.example/u/%27x
        Open: https://alfred.example/w?a=1&b=2
        ");
        let unlinked = message().plain_unlinked();
        assert!(!unlinked.contains("evil.example") && unlinked.contains("https://alfred.example/w?a=1&b=2"));
    }

    #[test]
    fn addresses_are_addresses() {
        for (text, expected) in [
            ("https://a.example", Some("https://a.example/")),
            ("http://127.0.0.1:8787/x?y=\"z\"", Some("http://127.0.0.1:8787/x?y=%22z%22")),
            ("https://é.example/<é>", Some("https://xn--9ca.example/%3C%C3%A9%3E")),
            ("https://a.example/\r\nX: y", Some("https://a.example/X:%20y")),
            ("https://a.example/#'\"", Some("https://a.example/#%27%22")),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("tg://user?id=1", None),
            ("/relative", None),
            ("", None),
        ] {
            assert_eq!(checked_url(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn says_how_many_facts_are_missing() {
        let facts = (1..=12).map(|n| Fact { label: format!("label {n}"), value: n.to_string() }).collect();
        let message = Message { facts, ..message() };
        assert_eq!(message.facts_up_to(12).len(), 12);
        let few = message.facts_up_to(10);
        assert_eq!((few.len(), &*few[9].label, &*few[9].value), (10, "…", "and 3 more"));
    }

    #[test]
    fn json_form_is_pinned() {
        // Messages wait in queues while versions change.
        insta::assert_snapshot!(serde_json::to_string(&message()).unwrap(), @r#"{"id":"transfer_received:xfer_1","title":"Ada sent\nyou 50 credits","text":["For the demo, see https://evil.example."," "],"facts":[{"label":"From","value":"Ada"},{"label":"Left","value":""}],"actions":[{"label":"Undo","style":"danger","value":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","url":"https://alfred.example/u/'x"}],"link":{"label":"Open","url":"https://alfred.example/w?a=1&b=2"},"tone":"success"}"#);
        let least: Message = serde_json::from_str(r#"{"id": "x", "title": "y"}"#).unwrap();
        assert_eq!((least.tone, least.actions.len()), (Tone::Info, 0));
    }
}
