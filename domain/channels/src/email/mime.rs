//! E-mail as it travels (RFC 5322, RFC 2045 to 2047), for Cloudflare's binding
//! `send_email`, which takes a sender, a recipient and the raw message.
//!
//! Both bodies are in Base64, so no line is too long and no boundary can stand
//! in them; headers are ASCII, folded, and what is not is an encoded word. The
//! binding has no answer to read: it throws, and who calls it knows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::crypto::name_of;
use crate::message::Message;

use super::{Mailbox, letter, quoted};

/// Most bytes in an encoded word: its line may have 76 characters (RFC 2047,
/// 2), of which 9 are `Subject: `, 12 are `=?UTF-8?B?` and `?=`, and Base64
/// makes four of three bytes.
const WORD: usize = 39;
/// Longest line in a Base64 body (RFC 2045, 6.8).
const LINE: usize = 76;
/// A header that is shorter is not folded (RFC 5322, 2.1.1, with room for its
/// name).
const UNFOLDED: usize = 60;

/// What the binding takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The sender's address.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// The message, all ASCII, its lines ended by CR LF.
    pub raw: String,
}

/// Writes the mail. Written again for the same event and recipient it has the
/// same Message-ID, by which readers recognise it.
#[must_use]
pub fn mail(message: &Message, from: &Mailbox, to: &Mailbox, now_ms: i64) -> Mail {
    let letter = letter(message);
    let name = name_of(&format!("{} {}", to.address(), message.id));
    let boundary = format!("=_alfred_{name}");
    let headers = [
        ("From", mailbox(from)),
        ("To", mailbox(to)),
        ("Subject", unstructured(&letter.subject)),
        ("Date", date(now_ms)),
        ("Message-ID", format!("<{name}@{}>", from.domain())),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", format!("multipart/alternative;\r\n boundary=\"{boundary}\"")),
    ];
    let mut raw: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    for (subtype, text) in [("plain", &letter.text), ("html", &letter.html)] {
        raw.push_str(&format!(
            "\r\n--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}",
            body(text)
        ));
    }
    raw.push_str(&format!("\r\n--{boundary}--\r\n"));
    Mail { from: from.address.clone(), to: to.address.clone(), raw }
}

/// Lines of text end in CR LF also where they are encoded (RFC 2045, 6.8).
fn body(text: &str) -> String {
    let encoded = STANDARD.encode(text.replace('\n', "\r\n"));
    let lines = encoded.as_bytes().chunks(LINE).map(String::from_utf8_lossy);
    lines.map(|line| format!("{line}\r\n")).collect()
}

fn date(now_ms: i64) -> String {
    let now = Timestamp::from_millisecond(now_ms).unwrap_or_default();
    DateTimePrinter::new().timestamp_to_string(&now).unwrap_or_default()
}

fn mailbox(mailbox: &Mailbox) -> String {
    match &mailbox.name {
        Some(name) if is_plain(name) => format!("{}\r\n <{}>", quoted(name), mailbox.address),
        Some(name) => format!("{}\r\n <{}>", words(name), mailbox.address),
        None => mailbox.address.clone(),
    }
}

fn unstructured(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { words(text) }
}

/// Whether it can stand in a header as it is, and nobody takes it for an
/// encoded word.
fn is_plain(text: &str) -> bool {
    let printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    printable && text.len() <= UNFOLDED && !text.contains("=?")
}

/// Encoded words (RFC 2047, 2 and 5), one in a line; none ends within a
/// character.
fn words(text: &str) -> String {
    let mut words: Vec<String> = vec![String::new()];
    for character in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + character.len_utf8() <= WORD => word.push(character),
            _ => words.push(character.to_string()),
        }
    }
    let encoded: Vec<String> = words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
    encoded.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{longest, message};
    use proptest::prelude::*;

    fn made(message: &Message, name: &str) -> String {
        let from = Mailbox::new(Some(name), "alfred@acme.example").unwrap();
        let to = Mailbox::new(None, "ada@acme.example").unwrap();
        mail(message, &from, &to, 1_700_000_000_000).raw
    }

    fn headers(raw: &str) -> Vec<String> {
        let head = raw.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        head.split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn headers_are_those_of_a_mail() {
        let raw = made(&Message { title: "Ada sent you 50 credits".into(), ..message() }, "Alfred");
        let name = name_of("ada@acme.example approval_requested:req_1");
        assert_eq!(
            headers(&raw),
            [
                "From: \"Alfred\" <alfred@acme.example>",
                "To: ada@acme.example",
                "Subject: Ada sent you 50 credits",
                "Date: Tue, 14 Nov 2023 22:13:20 -0000",
                &format!("Message-ID: <{name}@acme.example>"),
                "Auto-Submitted: auto-generated",
                "MIME-Version: 1.0",
                &format!("Content-Type: multipart/alternative; boundary=\"=_alfred_{name}\""),
            ]
        );
    }

    #[test]
    fn what_is_not_ascii_is_encoded() {
        // Python's email.header reads all of them so.
        assert_eq!(unstructured("Zoë"), "=?UTF-8?B?Wm/Dqw==?=");
        assert_eq!(
            unstructured(&"é".repeat(25)),
            format!("=?UTF-8?B?{}w6k=?=\r\n =?UTF-8?B?w6nDqcOpw6nDqcOp?=", "w6nDqcOp".repeat(6))
        );
        assert_eq!(unstructured("=?UTF-8?B?eA==?="), "=?UTF-8?B?PT9VVEYtOD9CP2VBPT0/PQ==?=");
        assert_eq!(unstructured("Bcc: x"), "Bcc: x");
    }

    #[test]
    fn nobody_writes_a_header() {
        let title = "x\r\nBcc: eve@evil.example\r\n\r\nbody".to_owned();
        let raw = made(&Message { title, ..message() }, "Alfred\r\nReply-To: eve@evil.example");
        let names: Vec<String> = headers(&raw).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
        let expected =
            ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"];
        assert_eq!(names, expected);
    }

    #[test]
    fn no_line_is_too_long() {
        for text in ["x", "é", "😀", "=", "\u{ffff}", "\""] {
            let raw = made(&longest(text), &text.repeat(1000));
            let longest = raw.split("\r\n").map(str::len).max().unwrap();
            assert!(longest <= 76 && raw.is_ascii(), "{longest} characters of {text}");
            assert!(raw.len() < 1024 * 1024, "{} bytes of {text}", raw.len());
        }
    }

    #[test]
    fn a_time_that_is_none_does_not_panic() {
        for now_ms in [i64::MIN, -1, i64::MAX] {
            assert!(!date(now_ms).is_empty());
        }
    }

    proptest! {
        #[test]
        fn headers_come_back_as_they_were(text in "\\PC{0,200}") {
            let header = words(&text);
            let mut read = Vec::new();
            for word in header.split("\r\n ") {
                prop_assert!(word.len() <= 64);
                let word = word.strip_prefix("=?UTF-8?B?").unwrap().strip_suffix("?=").unwrap();
                read.extend(STANDARD.decode(word).unwrap());
            }
            prop_assert_eq!(String::from_utf8(read).unwrap(), text);
        }

        #[test]
        fn there_are_eight_headers_whatever_people_write(title: String, name: String) {
            let raw = made(&Message { title, ..message() }, &name);
            prop_assert!(raw.is_ascii());
            prop_assert_eq!(headers(&raw).len(), 8);
            prop_assert!(!raw.replace("\r\n", "").contains(['\r', '\n']));
        }
    }
}
