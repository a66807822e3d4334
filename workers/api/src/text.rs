//! Texts that people send, checked where they come in.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Models in one list.
const MOST_MODELS: usize = 200;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct $name(String);

        impl $name {
            /// The text.
            pub(crate) fn into_string(self) -> String {
                self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let check: fn(String) -> Result<String, String> = $check;
                check(text).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::try_from(String::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    };
}

text!(
    /// A name of anything: 1 to 100 characters, trimmed.
    Name,
    |text| line(text, 1, 100, "a name")
);
text!(
    /// A note on a movement, for people.
    Note,
    |text| line(text, 1, 500, "a note")
);
text!(
    /// Where people ask for more: a sentence or a link.
    Help,
    |text| line(text, 1, 500, "a help text")
);
text!(
    /// An address for mail. Whether it exists shows when mail is sent to it.
    Email,
    email
);
text!(
    /// A provider's key: it goes into a header.
    Secret,
    |text| {
        let fits = (1..=2000).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(text).ok_or_else(|| "a key or secret has 1 to 2000 visible ASCII characters".to_owned())
    }
);

/// One line of text, without spaces around it.
fn line(text: String, least: usize, most: usize, what: &str) -> Result<String, String> {
    let trimmed = text.trim();
    // Without what is trimmed it has enough, and with it not too many.
    if trimmed.chars().count() < least || text.chars().count() > most {
        return Err(format!("{what} has {least} to {most} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{what} cannot have line breaks or other control characters"));
    }
    Ok(trimmed.to_owned())
}

fn email(text: String) -> Result<String, String> {
    let wrong = || "write an e-mail address like `ada@example.com`, at most 254 characters".to_owned();
    let (mailbox, host) = text.rsplit_once('@').ok_or_else(wrong)?;
    let plain = |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if text.chars().count() > 254 || !plain(mailbox) || !plain(host) || mailbox.contains('@') || !host.contains('.') {
        return Err(wrong());
    }
    Ok(text)
}

/// Models by exact name or by a beginning that ends in `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Models(Vec<String>);

impl Models {
    /// The patterns.
    pub(crate) fn into_vec(self) -> Vec<String> {
        self.0
    }

    /// None at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Models {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let patterns = Vec::<String>::deserialize(deserializer)?;
        models(&patterns).map_err(D::Error::custom)?;
        Ok(Self(patterns))
    }
}

/// Whether these are models, and not too many.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn models(patterns: &[String]) -> Result<(), String> {
    if patterns.len() > MOST_MODELS {
        return Err(format!("a list of models has at most {MOST_MODELS}"));
    }
    for pattern in patterns {
        pattern.parse::<pricing::ModelPattern>().map_err(|error| error.to_string())?;
        if pattern.chars().any(char::is_control) {
            return Err("the name of a model cannot have control characters".to_owned());
        }
    }
    Ok(())
}

/// For a change: a field that is there, `null` or not, is `Some`; one that was
/// left out stays as it is. Use with `#[serde(default, deserialize_with = "…")]`.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// For an object within an object: a list would be taken for its fields in
/// their order. Use with `#[serde(deserialize_with = "…")]`.
pub(crate) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Option<T> {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
    }

    #[test]
    fn names() {
        assert_eq!(read::<Name>(" Ada ").unwrap().0, "Ada");
        assert!(read::<Name>(&"ä".repeat(100)).is_some());
        for text in ["", "   ", "a\nb", "a\n", &format!("{:101}", "a"), "a\u{7f}b", "\u{85}x\u{85}y", &"x".repeat(101)]
        {
            assert!(read::<Name>(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn emails() {
        for text in ["ada@example.com", "a+b@c.d.example", &format!("{}@b.de", "ä".repeat(249))] {
            assert!(read::<Email>(text).is_some(), "{text}");
        }
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a b@example.com",
            "a@b@c.de",
            &format!("{}@b.de", "x".repeat(254)),
        ] {
            assert!(read::<Email>(text).is_none(), "{text}");
        }
    }

    #[test]
    fn models() {
        let read = |json: &str| serde_json::from_str::<Models>(json).is_ok();
        assert!(read(r#"[]"#) && read(r#"["gpt-4o", "groq/*", "*"]"#));
        assert!(!read(r#"[""]"#) && !read(r#"["a*b"]"#) && !read(r#"["a\nb"]"#) && !read(r#""gpt-4o""#));
        assert!(!read(&serde_json::to_string(&vec!["m"; 201]).unwrap()));
    }

    #[test]
    fn secrets() {
        assert!(read::<Secret>("sk-1").is_some());
        for text in ["", "sk 1", "sk\n1", "ключ"] {
            assert!(read::<Secret>(text).is_none(), "{text:?}");
        }
    }
}
