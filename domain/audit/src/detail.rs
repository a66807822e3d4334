//! What of a record is personal or bulky: outside its hash, so that it can be
//! erased.

use std::fmt;
use std::str::FromStr;

use ledger::Hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::canonical;

/// Most bytes of a detail's JSON.
pub(crate) const MOST_BYTES: usize = 16 * 1024;

/// Most characters of the texts. At six bytes each, escaped, they are 8 KB:
/// they fit where `before` and `after` do not.
const MOST_ADDRESS: usize = 64;
const MOST_USER_AGENT: usize = 256;
const MOST_NOTE: usize = 1000;

/// Most bytes of a question; a larger one is not kept. Beside the texts it
/// fits where `before` and `after` do not.
const MOST_QUESTION: usize = 4 * 1024;

/// 128 random bits beside a detail. They go when the detail goes, and its
/// digest says nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(u128);

impl Salt {
    /// The salt of these bits, from the platform's generator in production.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Salt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let salt = u128::from_str_radix(text, 16).ok().map(Self);
        // In one form only.
        salt.filter(|salt| salt.to_string() == text).ok_or_else(|| format!("`{text}` is not 128 bits in hexadecimal"))
    }
}

impl Serialize for Salt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What of a record is personal or bulky.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// Keeps the digest from being guessed.
    pub salt: Salt,
    /// Where the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the client said that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The resource as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The resource as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// What policies were asked when it was decided whether it is allowed, as
    /// `policy` writes it: so it can be asked again of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Value>,
    /// A note for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Detail {
    /// A detail that says nothing yet.
    #[must_use]
    pub const fn new(salt: Salt) -> Self {
        Self { salt, address: None, user_agent: None, before: None, after: None, question: None, note: None }
    }

    /// What the record's hash covers in place of the detail: the SHA-256 of
    /// the salt's 32 digits and of the canonical JSON (RFC 8785) of the rest.
    #[must_use]
    pub fn digest(&self) -> Hash {
        Hash::of([self.salt.to_string().as_bytes(), self.canonical().as_bytes()])
    }

    /// All but the salt.
    fn canonical(&self) -> String {
        let texts = [("address", &self.address), ("user_agent", &self.user_agent), ("note", &self.note)];
        let values = [("before", &self.before), ("after", &self.after), ("question", &self.question)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text.as_deref()?))));
        let values = values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        canonical::text(&Value::Object(texts.chain(values).collect()))
    }

    /// The detail in its form, and within its bounds: texts are cut, and the
    /// larger of `before` and `after`, or both, give way to their SHA-256.
    pub(crate) fn bounded(self) -> Self {
        let mut bounded = Self {
            salt: self.salt,
            address: cut(self.address, MOST_ADDRESS),
            user_agent: cut(self.user_agent, MOST_USER_AGENT),
            before: given(self.before),
            after: given(self.after),
            question: given(self.question).filter(|question| size(Some(question)) <= MOST_QUESTION),
            note: cut(self.note, MOST_NOTE),
        };
        for _ in 0..2 {
            if bounded.canonical().len() <= MOST_BYTES {
                break;
            }
            let (before, after) = (size(bounded.before.as_ref()), size(bounded.after.as_ref()));
            let larger = if before > after { &mut bounded.before } else { &mut bounded.after };
            match larger.as_ref().map(marker) {
                Some(marker) if before.max(after) > size(Some(&marker)) => *larger = Some(marker),
                _ => break,
            }
        }
        bounded
    }
}

/// `null` is nothing: it would be read back as nothing.
fn given(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.is_null()).map(canonical::plain)
}

fn size(value: Option<&Value>) -> usize {
    value.map_or(0, |value| canonical::text(value).len())
}

/// What stands for a value that was too large.
fn marker(value: &Value) -> Value {
    let text = canonical::text(value);
    json!({"omitted": {"bytes": text.len(), "sha256": Hash::of([text.as_bytes()])}})
}

/// The text, not longer than so many characters.
pub(crate) fn cut(text: Option<String>, most: usize) -> Option<String> {
    text.map(|text| match text.char_indices().nth(most) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail() -> Detail {
        Detail {
            salt: Salt::from_u128(7),
            address: Some("203.0.113.9".into()),
            user_agent: Some("curl/8".into()),
            before: Some(json!({"name": "old", "amount": 1})),
            after: Some(json!({"name": "new", "amount": 2})),
            question: None,
            note: Some("why".into()),
        }
    }

    #[test]
    fn form_and_digest_are_pinned() {
        // Digests are in chains that are kept for years.
        let detail = detail();
        let text = r#"{"salt":"00000000000000000000000000000007","address":"203.0.113.9","user_agent":"curl/8","before":{"amount":1,"name":"old"},"after":{"amount":2,"name":"new"},"note":"why"}"#;
        // The order of a value's fields is the JSON library's own.
        assert_eq!(serde_json::to_value(&detail).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(serde_json::from_str::<Detail>(text).unwrap(), detail);
        assert_eq!(
            detail.canonical(),
            r#"{"address":"203.0.113.9","after":{"amount":2,"name":"new"},"before":{"amount":1,"name":"old"},"note":"why","user_agent":"curl/8"}"#
        );
        insta::assert_snapshot!(detail.digest(), @"21e666a132fd916ef91896a3cebb47887ef7213603c3d90bf5ff3996c5d86b0e");
        insta::assert_snapshot!(Detail::new(Salt::from_u128(7)).digest(), @"7fb158c6463570d04bef5104a9dc1effaaa9430e00821f04ee9f0ade02e5bab2");
    }

    #[test]
    fn every_part_is_in_the_digest() {
        let whole = detail();
        for other in [
            Detail { salt: Salt::from_u128(8), ..whole.clone() },
            Detail { address: None, ..whole.clone() },
            Detail { user_agent: Some("curl/9".into()), ..whole.clone() },
            Detail { before: whole.after.clone(), after: whole.before.clone(), ..whole.clone() },
            Detail { after: None, ..whole.clone() },
            Detail { note: Some(String::new()), ..whole.clone() },
        ] {
            assert_ne!(other.digest(), whole.digest(), "{other:?}");
        }
    }

    #[test]
    fn a_salt_has_one_form() {
        assert_eq!("00000000000000000000000000000007".parse(), Ok(Salt::from_u128(7)));
        for text in ["", "7", "+0000000000000000000000000000007", "0000000000000000000000000000000A"] {
            assert!(text.parse::<Salt>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_too_large_gives_way_to_its_hash() {
        let large = |length: usize| Some(json!({"text": "\u{1}".repeat(length)}));
        let bounded = |before, after| Detail { before, after, ..detail() }.bounded();
        let is_marker = |value: &Option<Value>| value.as_ref().unwrap().get("omitted").is_some();

        let small = bounded(large(1000), large(1000));
        assert_eq!((small.before, small.after), (large(1000), large(1000)), "12 KB stay");
        let one = bounded(large(2000), large(1000));
        assert!(is_marker(&one.before) && one.after == large(1000), "the larger goes");
        let both = bounded(large(5000), large(9000));
        assert!(is_marker(&both.before) && is_marker(&both.after));
        insta::assert_snapshot!(both.after.unwrap(), @r#"{"omitted":{"bytes":54011,"sha256":"607be6c54af132d3dc0714d16e44dbdb3838c604acb1a270fcbf51973c14c23a"}}"#);

        let endless = Some("\u{1}".repeat(100_000));
        let worst = Detail { address: endless.clone(), user_agent: endless.clone(), note: endless, ..detail() };
        let worst = Detail { before: large(50_000), after: large(50_000), ..worst }.bounded();
        assert_eq!(worst.user_agent.as_ref().map(String::len), Some(256));
        assert!(worst.canonical().len() <= MOST_BYTES, "{} bytes", worst.canonical().len());
        assert_eq!(worst.clone().bounded(), worst, "once is enough");
    }

    #[test]
    fn what_was_sealed_is_read_back_with_its_digest() {
        let odd = json!({"float": 0.1, "large": u64::MAX, "null": null, "ä\u{1f600}": ["\u{0}", -0.0]});
        let sealed = Detail { before: Some(Value::Null), after: Some(odd), ..detail() }.bounded();
        let after = sealed.after.as_ref().unwrap();
        assert_eq!((&after["float"], &after["large"]), (&json!("0.1"), &json!(u64::MAX.to_string())));
        let read: Detail = serde_json::from_str(&serde_json::to_string(&sealed).unwrap()).unwrap();
        assert_eq!((read.digest(), &read), (sealed.digest(), &sealed));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut(Some("äöü".into()), 2).as_deref(), Some("äö"));
        assert_eq!(cut(Some("äöü".into()), 3).as_deref(), Some("äöü"));
        assert_eq!(cut(None, 3), None);
    }
}
