//! JSON bodies.

use std::borrow::Cow;

use axum::extract::{FromRequest, Request};
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::path::path_of;
use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};

/// Bodies may be so long; the largest that makes sense is a thousand prices.
const LONGEST: usize = 1 << 20;

fn too_large() -> Problem {
    Problem::new(Code::PayloadTooLarge, format!("the body may have at most {LONGEST} bytes"))
}

/// Refuses a body that says of itself that it is too long, whether or not
/// anybody would read it. One that says nothing is measured where it is read.
///
/// # Errors
/// When it is too long.
pub(crate) fn fits(headers: &HeaderMap) -> Result<(), Problem> {
    let announced: Option<u64> =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    match announced {
        Some(length) if length > u64::try_from(LONGEST).unwrap_or(u64::MAX) => Err(too_large()),
        _ => Ok(()),
    }
}

/// A body, read, and how its repetition is known.
pub(crate) struct Body<T> {
    pub(crate) value: T,
    pub(crate) repeat: Repeat,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, LONGEST).await.map_err(|error| {
            if error.to_string().contains("length limit") {
                too_large()
            } else {
                Problem::invalid("the body broke off")
            }
        })?;
        let value = read(&parts.headers, &bytes)?;
        let repeat = Repeat::read(&parts.headers, &parts.method, parts.uri.path(), &bytes)?;
        Ok(Self { value, repeat })
    }
}

/// Reads a body; one without a byte is an empty object.
fn read<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    if bytes != b"{}" && !is_json(headers) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "send the body as JSON with `content-type: application/json`",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(Code::InvalidJson, format!("the body is not UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    let text = &*without_points(text);
    // An array would be read as an object's fields in their order.
    if matches!(text.trim_start().as_bytes().first(), Some(byte) if *byte != b'{') {
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| Problem::new(Code::InvalidJson, error))?;
        return Err(Problem::invalid("the body must be an object: `{…}`"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(&mut reader).map_err(|error| {
        let path = path_of(text, &error);
        match error.classify() {
            Category::Data => Problem::invalid(at(&path, &error.to_string())),
            // Where a word is expected, a number or `null` is such an error too.
            _ if is_value(text) => Problem::invalid(at(&path, "a value of another kind is expected")),
            // Says line and column by itself.
            Category::Syntax | Category::Eof | Category::Io => Problem::new(Code::InvalidJson, error),
        }
    })?;
    reader.end().map_err(|error| Problem::new(Code::InvalidJson, error))?;
    Ok(value)
}

/// The same JSON, with whole numbers written as such: `1.0` is an integer too.
fn without_points(text: &str) -> Cow<'_, str> {
    if !text.contains(".0") || !is_value(text) {
        return Cow::Borrowed(text);
    }
    let mut whole = String::with_capacity(text.len());
    let (mut rest, mut quoted) = (text, false);
    while let Some(next) = rest.chars().next() {
        let mut taken = next.len_utf8();
        match next {
            '"' => quoted = !quoted,
            // What it escapes may be a quotation mark.
            '\\' if quoted => taken = taken.saturating_add(rest.chars().nth(1).map_or(0, char::len_utf8)),
            '.' if !quoted => {
                let after = rest.get(1..).unwrap_or_default().trim_start_matches('0');
                let zeros = rest.len().saturating_sub(after.len()).saturating_sub(1);
                if zeros > 0 && !after.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'e' | 'E')) {
                    rest = after;
                    continue;
                }
            }
            _ => {}
        }
        let (copied, left) = rest.split_at(taken);
        whole.push_str(copied);
        rest = left;
    }
    Cow::Owned(whole)
}

fn is_value(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// What is wrong, and where: the field's path in place of line and column.
fn at(path: &str, error: &str) -> String {
    let error = error.rsplit_once(" at line ").map_or(error, |(error, _)| error);
    if path.is_empty() { error.to_owned() } else { format!("`{path}`: {error}") }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        #[serde(default)]
        a: u8,
        #[serde(default)]
        #[expect(dead_code, reason = "it is only read")]
        word: Option<Word>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        One,
    }

    fn check(kind: Option<&str>, body: &[u8], expected: Result<u8, (Code, &str)>) {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        }
        match (read::<Example>(&headers, body), expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read.a, expected),
            (Err(problem), Err((code, part))) => {
                assert_eq!(problem.code, code);
                assert!(problem.document().contains(part), "{}", problem.document());
            }
            (read, expected) => panic!("{read:?} is not {expected:?}"),
        }
    }

    #[test]
    fn announced_length() {
        let ask = |length: &str| {
            let headers = [(header::CONTENT_LENGTH, length.parse().unwrap())].into_iter().collect();
            fits(&headers).err().map(|problem| problem.code)
        };
        assert_eq!((ask("0"), ask("1048576"), ask("x")), (None, None, None));
        assert_eq!(
            (ask("1048577"), ask("18446744073709551615")),
            (Some(Code::PayloadTooLarge), Some(Code::PayloadTooLarge))
        );
        assert_eq!(fits(&HeaderMap::new()), Ok(()));
    }

    #[test]
    fn unannounced_length() {
        let ask = |length: usize| {
            let request = Request::new(axum::body::Body::from(vec![b' '; length]));
            let read = futures::executor::block_on(Body::<Example>::from_request(request, &()));
            read.err().map(|problem| problem.code)
        };
        assert_eq!(ask(LONGEST), Some(Code::UnsupportedMediaType));
        assert_eq!(ask(LONGEST + 1), Some(Code::PayloadTooLarge));
    }

    #[test]
    fn bodies() {
        let json = Some("application/json; charset=utf-8");
        check(json, br#"{"a":1}"#, Ok(1));
        check(Some("application/merge-patch+json"), br#"{"a":1}"#, Ok(1));
        check(None, b"", Ok(0));
        check(None, br#"{"a":1}"#, Err((Code::UnsupportedMediaType, "content-type")));
        check(Some("text/plain"), br#"{"a":1}"#, Err((Code::UnsupportedMediaType, "content-type")));
        check(json, b"{\"a\":\n1,}", Err((Code::InvalidJson, "line 2 column 3")));
        check(json, br#"{"b":1}"#, Err((Code::InvalidRequest, "unknown field `b`")));
        check(json, br#"{"a":"x"}"#, Err((Code::InvalidRequest, "`a`: invalid type: string")));
        check(json, br#"{"word":"one"}"#, Ok(0));
        check(json, br#"{"word":5}"#, Err((Code::InvalidRequest, "`word`: a value of another kind")));
        check(json, br#"{"word":5,}"#, Err((Code::InvalidJson, "line 1")));
        check(json, b" [1]", Err((Code::InvalidRequest, "must be an object")));
        check(json, b"[1", Err((Code::InvalidJson, "EOF")));
        check(json, b"null", Err((Code::InvalidRequest, "must be an object")));
        check(json, b"{\"a\xff\":1}", Err((Code::InvalidJson, "from byte 3 on")));
        check(json, br#"{"a":1.000}"#, Ok(1));
        check(json, br#"{"a":1.0,"a":1}"#, Err((Code::InvalidRequest, "duplicate field `a`")));
        for whole in [r#"{"a":1.05}"#, r#"{"a":1.0e2}"#, r#"{"a":1.0.0}"#, r#"{"a":true.0}"#] {
            assert_eq!(without_points(whole), whole);
        }
        let quoted = r#"{"a\"1.0":"\\\"2.0 ä","b":[3.0,-4.00 ]}"#;
        assert_eq!(without_points(quoted), r#"{"a\"1.0":"\\\"2.0 ä","b":[3,-4 ]}"#);
        check(json, br#"{"a":1.5}"#, Err((Code::InvalidRequest, "`a`: invalid type: floating point `1.5`")));
        check(json, br#"{"a":1} x"#, Err((Code::InvalidJson, "trailing")));
    }
}
