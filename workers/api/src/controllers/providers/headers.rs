//! Headers that an organization adds to its calls.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};

/// Headers of one provider.
const MOST: usize = 30;
/// A name may be so long.
const LONGEST_NAME: usize = 200;
/// A value may be so long.
const LONGEST_VALUE: usize = 2000;

/// What belongs to the connection or is this installation's own to say.
const REFUSED: [&str; 15] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "accept-encoding",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "cookie",
];

/// Names in which one of these stands have values that are not shown.
const SECRET: [&str; 5] = ["authorization", "key", "token", "secret", "password"];
/// What is shown in their place; no value that can be sent.
const HIDDEN: &str = "…";

/// Adds, replaces and removes headers; their names become lower case.
pub(crate) fn merge(
    headers: &mut BTreeMap<String, String>,
    changes: BTreeMap<String, Option<String>>,
) -> Result<(), String> {
    for (name, value) in changes {
        let shown: String = name.chars().take(80).collect();
        let name = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .filter(|name| name.as_str().len() <= LONGEST_NAME)
            .ok_or_else(|| {
                format!("`{shown}` is not the name of a header: it has 1 to {LONGEST_NAME} of `a-z0-9-_`")
            })?;
        let name = name.as_str();
        if REFUSED.contains(&name) || name.starts_with("cf-") || name.starts_with("x-alfred-") {
            return Err(format!("the header `{name}` is not yours to set: leave it out"));
        }
        let Some(value) = value else {
            headers.remove(name);
            continue;
        };
        let fits = (1..=LONGEST_VALUE).contains(&value.len()) && value.is_ascii() && value.trim() == value;
        if !fits || HeaderValue::from_str(&value).is_err() {
            let detail = "1 to 2000 visible ASCII characters and spaces between them";
            return Err(format!("the value of the header `{name}` cannot be sent: write {detail}"));
        }
        headers.insert(name.to_owned(), value);
    }
    if headers.len() > MOST {
        return Err(format!("a provider can have {MOST} headers"));
    }
    Ok(())
}

/// The headers as they are shown, without what looks secret.
pub(crate) fn shown(mut headers: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for (name, value) in &mut headers {
        if SECRET.iter().any(|part| name.contains(part)) {
            HIDDEN.clone_into(value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str) -> bool {
        merge(&mut BTreeMap::new(), [(name.to_owned(), Some(value.to_owned()))].into()).is_ok()
    }

    #[test]
    fn names_and_values() {
        for (name, value) in [("HTTP-Referer", "https://example.com"), ("x-title", "Alfred at ACME"), ("api-key", "k")]
        {
            assert!(check(name, value), "{name}");
        }
        for (name, value) in [
            ("", "x"),
            ("a b", "x"),
            ("a:b", "x"),
            ("x\r\ny", "x"),
            ("ü", "x"),
            ("x-a", "a\r\nb"),
            ("x-a", "a\nb"),
            ("x-a", "\0"),
            ("x-a", "ü"),
            ("x-a", HIDDEN),
            ("x-a", " a"),
            ("x-a", ""),
            ("Host", "evil.example"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "x"),
            ("CF-Connecting-IP", "1.1.1.1"),
            ("X-Alfred-Request-Id", "x"),
        ] {
            assert!(!check(name, value), "{name}: {value:?}");
        }
        assert!(check(&"x".repeat(200), &"x".repeat(2000)));
        assert!(!check(&"x".repeat(201), "x"));
        assert!(!check("x-a", &"x".repeat(2001)));
    }

    #[test]
    fn secrets_are_not_shown() {
        let headers = [("api-key", "s"), ("x-auth-token", "s"), ("authorization", "s"), ("x-title", "t")];
        let shown = shown(headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert_eq!(shown.values().map(String::as_str).collect::<Vec<_>>(), [HIDDEN, HIDDEN, HIDDEN, "t"]);
    }
}
