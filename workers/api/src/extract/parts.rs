//! Ids in the path, parameters in the query, and requests without a body.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use http::Uri;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};

/// The one id in the path.
pub(crate) struct Id<T>(pub(crate) T);

impl<S: Send + Sync, T: FromStr<Err: std::fmt::Display>> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(unreadable)?;
        read(&text).map(Self)
    }
}

/// The two ids in the path.
pub(crate) struct Ids<A, B>(pub(crate) A, pub(crate) B);

impl<S, A, B> FromRequestParts<S> for Ids<A, B>
where
    S: Send + Sync,
    A: FromStr<Err: std::fmt::Display>,
    B: FromStr<Err: std::fmt::Display>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path((one, other)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(unreadable)?;
        Ok(Self(read(&one)?, read(&other)?))
    }
}

/// What is no id names nothing.
fn read<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| Problem::new(Code::NotFound, error))
}

fn unreadable(error: axum::extract::rejection::PathRejection) -> Problem {
    Problem::invalid(error.body_text())
}

/// The parameters after the question mark.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        read_query(&parts.uri).map(Self)
    }
}

fn read_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    if !is_utf8(uri.query().unwrap_or_default()) {
        return Err(Problem::invalid("the query is not UTF-8"));
    }
    axum::extract::Query::try_from_uri(uri).map(|read| read.0).map_err(|error| {
        let text = error.body_text();
        Problem::invalid(text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text))
    })
}

/// Whether the text is UTF-8 once its percents are decoded. The usual reading
/// of queries would put other characters in place of what is not.
fn is_utf8(query: &str) -> bool {
    let mut bytes = Vec::with_capacity(query.len());
    let mut rest = query.as_bytes();
    while let [first, after @ ..] = rest {
        let coded = || {
            let digits = std::str::from_utf8(after.get(..2).filter(|_| *first == b'%')?).ok()?;
            u8::from_str_radix(digits, 16).ok()
        };
        match coded() {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// A request whose repetition is known although it has no body.
pub(crate) struct Unrepeated(pub(crate) Repeat);

impl<S: Send + Sync> FromRequestParts<S> for Unrepeated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Repeat::read(&parts.headers, &parts.method, parts.uri.path(), b"").map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Paging;

    #[test]
    fn queries() {
        let read = |query: &str| read_query::<Paging>(&format!("/?{query}").parse().unwrap());
        assert_eq!(read("cursor=a%20%C3%A4&limit=7").unwrap().cursor.as_deref(), Some("a ä"));
        for (query, part) in [
            ("cursor=%ff", "not UTF-8"),
            ("cursor=%c3", "not UTF-8"),
            ("limit=x", "limit: "),
            ("limit=1&limit=2", "duplicate field"),
            ("x=1", "unknown field `x`"),
        ] {
            let document = read(query).unwrap_err().document();
            assert!(document.contains(part), "{query}: {document}");
        }
        assert!(read("cursor=%zz&limit=%3").is_err_and(|problem| !problem.document().contains("UTF-8")));
    }
}
