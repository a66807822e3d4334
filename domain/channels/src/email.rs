//! E-mail: addresses, and what a mail says. Each way to send one is a file of
//! its own.
//!
//! A mail has the message twice, as text and as HTML. Actions are signed
//! [links](crate::link) to a page that asks again: programs that scan mails
//! follow links.

pub mod mime;
pub mod postmark;
pub mod resend;

use std::fmt;

use crate::message::{Action, Link, Message, Tone};
use crate::text::{At, fit, line, unlinked, verbatim};

/// RFC 5321, 4.5.3.1.
const MOST_LOCAL: usize = 64;
const MOST_DOMAIN: usize = 253;
const MOST_NAME: usize = 100;
/// Longer subjects are cut off by readers anyway.
const SUBJECT: usize = 150;
const BODY: usize = 20_000;
const FACTS: usize = 50;
const FACT: usize = 500;
const BUTTON: usize = 60;

/// A text that mail cannot be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an e-mail address: expected one such as `ada@acme.example`, in ASCII")]
pub struct MailboxError(String);

/// Somebody's address, and their name if it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    name: Option<String>,
    address: String,
}

impl Mailbox {
    /// Reads an address. What is odd but allowed (quotes, comments, letters
    /// beyond ASCII before the `@`) is refused: no provider takes all of it,
    /// and who can write such an address can write headers.
    ///
    /// # Errors
    /// [`MailboxError`].
    pub fn new(name: Option<&str>, address: &str) -> Result<Self, MailboxError> {
        let error = || MailboxError(fit(&line(address), 100, verbatim));
        let (local, domain) = address.split_once('@').ok_or_else(error)?;
        let atom = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b));
        let dotted =
            |text: &str, good: &dyn Fn(&str) -> bool| text.split('.').all(|part| !part.is_empty() && good(part));
        let label = |text: &str| {
            let hyphen = text.starts_with('-') || text.ends_with('-');
            !hyphen && text.len() <= 63 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let good = local.len() <= MOST_LOCAL && domain.len() <= MOST_DOMAIN;
        if !good || !dotted(local, &atom) || !dotted(domain, &label) {
            return Err(error());
        }
        let name = name.map(|name| fit(&line(name), MOST_NAME, verbatim));
        Ok(Self { name, address: address.to_owned() })
    }

    /// The address alone.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    fn domain(&self) -> &str {
        self.address.split_once('@').map_or("", |(_, domain)| domain)
    }
}

/// As APIs take it, in Unicode: `"Ada \"Countess\" Lovelace" <ada@acme.example>`.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} <{}>", quoted(name), self.address),
            None => f.write_str(&self.address),
        }
    }
}

/// A quoted string (RFC 5322, 3.2.4).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What a mail says.
struct Letter {
    subject: String,
    text: String,
    html: String,
}

fn letter(message: &Message) -> Letter {
    Letter {
        subject: fit(&line(&message.title), SUBJECT, verbatim),
        text: message.plain_unlinked(),
        html: html(message),
    }
}

/// Styles are in the elements, because some readers drop a style sheet.
fn html(message: &Message) -> String {
    let title = fit(&line(&message.title), SUBJECT, escaped);
    let accent = match message.tone {
        Tone::Info => "#3b5bdb",
        Tone::Success => "#2b8a3e",
        Tone::Warning => "#e67700",
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body style=\"margin:0;padding:24px;font-family:sans-serif;line-height:1.5;color:#212529\">\n\
         <div style=\"max-width:600px;margin:0 auto;border-top:4px solid {accent};padding-top:16px\">\n\
         <h1 style=\"font-size:20px;margin:0 0 16px\">{title}</h1>\n"
    );
    for text in message.body().split("\n\n").filter(|text| !text.is_empty()).take(100) {
        let text = fit(text, BODY / 4, escaped).replace('\n', "<br>\n");
        out.push_str(&format!("<p style=\"margin:0 0 16px\">{text}</p>\n"));
    }
    let facts = message.facts_up_to(FACTS);
    if !facts.is_empty() {
        out.push_str("<table role=\"presentation\" style=\"border-collapse:collapse;margin:0 0 16px\">\n");
        for fact in facts {
            let cell = |text: &str| fit(text, FACT, escaped);
            out.push_str(&format!(
                "<tr><td style=\"padding:2px 16px 2px 0;color:#495057\">{}</td><td style=\"padding:2px 0\">{}</td></tr>\n",
                cell(&fact.label),
                cell(&fact.value)
            ));
        }
        out.push_str("</table>\n");
    }
    let buttons: Vec<_> = message.actions.iter().filter_map(Action::as_link).collect();
    if !buttons.is_empty() {
        out.push_str("<p style=\"margin:0 0 16px\">\n");
        for link in buttons {
            let look = format!(
                "display:inline-block;padding:8px 20px;margin-right:8px;border:1px solid {accent};\
                 border-radius:4px;color:{accent};text-decoration:none"
            );
            out.push_str(&anchor(link, &look));
        }
        out.push_str("</p>\n");
    }
    if let Some(link) = message.link.as_ref().and_then(Link::checked) {
        let anchor = anchor(link, &format!("color:{accent}"));
        out.push_str(&format!("<p style=\"margin:0\">\n{anchor}</p>\n"));
    }
    out.push_str("</div>\n</body>\n</html>\n");
    out
}

fn anchor((label, url): (String, String), look: &str) -> String {
    // An address is not for `escaped`, which breaks links.
    let url = url.replace('&', "&amp;");
    let label = fit(&label, BUTTON, escaped);
    format!("<a href=\"{url}\" style=\"{look}\">{label}</a>\n")
}

/// Text of people in HTML, which readers also search for links.
fn escaped(at: At, out: &mut String) {
    match at.it {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        _ => unlinked(at, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::message;

    #[test]
    fn only_plain_addresses_are_taken() {
        for address in ["ada@acme.example", "a.b+c@x-y.example", "o'neil@acme.example", "a@localhost"] {
            assert_eq!(Mailbox::new(None, address).unwrap().to_string(), address);
        }
        let long = format!("{}@acme.example", "a".repeat(65));
        for address in [
            "",
            "ada",
            "@acme.example",
            "ada@",
            "ada@acme..example",
            ".ada@acme.example",
            "ada@-acme.example",
            "ada@acme.example, eve@evil.example",
            "ada@acme.example\r\nBcc: eve@evil.example",
            "\"a b\"@acme.example",
            "ada@acme@evil.example",
            "ada <ada@acme.example>",
            "ada @acme.example",
            "dä@acme.example",
            "ada@dä.example",
            "ada@[127.0.0.1]",
            &long,
        ] {
            assert!(Mailbox::new(None, address).is_err(), "{address}");
        }
        let error = Mailbox::new(None, "ada\r\nX: y").unwrap_err().to_string();
        assert_eq!(error, "`ada X: y` is not an e-mail address: expected one such as `ada@acme.example`, in ASCII");
    }

    #[test]
    fn a_name_stays_a_name() {
        for (name, expected) in [
            ("Ada Lovelace", "\"Ada Lovelace\" <a@b.example>"),
            ("Ada \"Countess\" \\", "\"Ada \\\"Countess\\\" \\\\\" <a@b.example>"),
            ("x\" <eve@evil.example>, \"", "\"x\\\" <eve@evil.example>, \\\"\" <a@b.example>"),
            ("Ada\r\nBcc: eve@evil.example", "\"Ada Bcc: eve@evil.example\" <a@b.example>"),
            ("Zoë 😀", "\"Zoë 😀\" <a@b.example>"),
        ] {
            assert_eq!(Mailbox::new(Some(name), "a@b.example").unwrap().to_string(), expected);
        }
    }

    #[test]
    fn nothing_of_people_is_markup() {
        let html = html(&message());
        for tag in ["<b>", "<!channel>", "<@U1>", "<https"] {
            assert!(!html.contains(tag), "{tag} in {html}");
        }
        let hrefs: Vec<&str> = html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(
            hrefs,
            [
                "https://alfred.example/d/1?a=1&amp;b=2",
                "https://alfred.example/d/2?a=1&amp;b=2",
                "https://alfred.example/r?a=1&amp;b=2"
            ]
        );
        assert!(!html.contains("evil.example"), "a reader would make a link of it");
    }
}
