//! Tags (RFC 9110: `ETag`, `If-Match`, `If-None-Match`), so that nobody
//! overwrites what somebody else has just changed, and nothing is sent twice
//! that is still the same.
//!
//! A tag is `"settings.state"`: before the dot what can be changed, after it
//! everything that the answer says. `If-None-Match` looks at the whole: a
//! balance that has moved is another answer. `If-Match` looks at what is before
//! the dot: a balance that has moved is in nobody's way. It is compared by the
//! actor, in the same step as the change.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use journal::Tag;
use serde::Serialize;

use crate::problem::Problem;

/// Something with its tag, as JSON.
pub(crate) struct Tagged<T> {
    tag: Tag,
    body: T,
    whole: bool,
}

impl<T> Tagged<T> {
    /// What a GET shows.
    pub(crate) const fn shown(tag: Tag, body: T) -> Self {
        Self { tag, body, whole: true }
    }

    /// What a change left. It may say less than a GET does, so that its tag is
    /// good for another change only.
    pub(crate) const fn changed(tag: Tag, body: T) -> Self {
        Self { tag, body, whole: false }
    }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let bytes = match serde_json::to_vec(&self.body) {
            Ok(bytes) => bytes,
            Err(error) => return Problem::internal(error).into_response(),
        };
        let tag = if self.whole { format!("\"{}.{}\"", self.tag, Tag::of(&self.body)) } else { quoted(&self.tag) };
        let mut response = Response::new(bytes.into());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// A tag as it stands in headers.
pub(crate) fn quoted(tag: &Tag) -> String {
    format!("\"{tag}\"")
}

/// What a change says that it was meant for; `None` for whatever is there.
/// What cannot be read as tags is one that nothing has, or a tag that lost its
/// quotes on the way.
pub(crate) fn if_match(headers: &HeaderMap, method: &Method) -> Option<Vec<Tag>> {
    if !matches!(*method, Method::PATCH | Method::PUT | Method::DELETE) {
        return None;
    }
    let tags = listed(headers, header::IF_MATCH).unwrap_or_else(|()| {
        let texts = headers.get_all(header::IF_MATCH).iter().filter_map(|text| text.to_str().ok());
        Some(Some(texts.map(|text| text.trim().to_owned()).collect()))
    })?;
    tags.map(|tags| tags.iter().map(|tag| Tag::shown(tag.split('.').next().unwrap_or_default())).collect())
}

/// In place of an answer that the client has: that it has not changed.
pub(crate) fn not_modified(asked: &HeaderMap, response: Response) -> Response {
    let Some(tag) = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()) else { return response };
    let known = match listed(asked, header::IF_NONE_MATCH) {
        Ok(Some(Some(tags))) => tags.iter().any(|known| tag.trim_matches('"') == known),
        Ok(Some(None)) => true,
        // What cannot be read keeps nobody from an answer.
        Ok(None) | Err(()) => false,
    };
    if !known || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, axum::body::Body::empty())
}

/// The tags in a header, without quotes: `None` where there is no such header,
/// `Some(None)` for `*`.
type Listed = Option<Option<Vec<String>>>;

/// Weak tags are taken like strong ones: proxies that compress an answer on its
/// way make its tag a weak one, and it is the same answer.
fn listed(headers: &HeaderMap, name: HeaderName) -> Result<Listed, ()> {
    let mut all = Vec::new();
    for value in headers.get_all(&name) {
        let text = value.to_str().map_err(|_| ())?.trim();
        if text == "*" {
            return Ok(Some(None));
        }
        let mut rest = text;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let opened = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"').ok_or(())?;
            let (tag, after) = opened.split_once('"').ok_or(())?;
            if !after.trim_start().is_empty() && !after.trim_start().starts_with(',') {
                return Err(());
            }
            all.push(tag.to_owned());
            rest = after;
        }
    }
    match (all.is_empty(), headers.contains_key(&name)) {
        (true, true) => Err(()),
        (true, false) => Ok(None),
        _ => Ok(Some(Some(all))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn what_a_change_was_meant_for() {
        let read = |method: Method, values: &[&str]| if_match(&headers(header::IF_MATCH, values), &method);
        let tags = |tags: &[&str]| Some(tags.iter().map(|tag| Tag::shown(tag)).collect::<Vec<_>>());
        assert_eq!(read(Method::PATCH, &[]), None);
        assert_eq!(read(Method::PATCH, &["*"]), None);
        assert_eq!(read(Method::PUT, &["\"v7.ab\""]), tags(&["v7"]));
        assert_eq!(read(Method::DELETE, &["W/\"v7\" , \"v8.x\"", "\"v9\""]), tags(&["v7", "v8", "v9"]));
        assert_eq!(read(Method::PUT, &["v7.ab"]), tags(&["v7"]), "without its quotes");
        // What never was a tag fits nothing.
        for wrong in ["", "\"\"", "\"v7", "\"a\" \"b\"", "\"a\"x", "W/v7", "\"a\",*"] {
            let read = read(Method::PATCH, &[wrong]).unwrap();
            assert!(!read.contains(&Tag::version(7u32)) && !read.contains(&Tag::shown("a")), "{wrong}");
        }
        assert_eq!(read(Method::POST, &["wrong"]), None, "nothing is there yet");
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let show = |wallet: u8| Tagged::shown(Tag::version(7u32), [wallet]).into_response();
        let tag = show(1).headers()[header::ETAG].to_str().unwrap().to_owned();
        assert!(tag.starts_with("\"v7.") && tag.ends_with('"'), "{tag}");
        let ask = |value: &str, response: Response| {
            not_modified(&headers(header::IF_NONE_MATCH, &[value]), response).status().as_u16()
        };
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert_eq!(ask(&known, show(1)), 304, "{known}");
        }
        assert_eq!(ask(&tag, show(2)), 200, "the settings are the same and the answer is not");
        for unknown in ["\"v7\"", "\"x\"", "nonsense"] {
            assert_eq!(ask(unknown, show(1)), 200, "{unknown}");
        }
        assert_eq!(ask("*", Problem::invalid("").into_response()), 400);
        let same = not_modified(&headers(header::IF_NONE_MATCH, &[&tag]), show(1));
        assert_eq!(same.headers()[header::ETAG], tag);
        assert!(!same.headers().contains_key(header::CONTENT_TYPE));
    }

    #[test]
    fn what_a_change_leaves_has_the_tag_for_the_next_change() {
        let left = Tagged::changed(Tag::version(8u32), "x").into_response();
        assert_eq!(left.headers()[header::ETAG], "\"v8\"");
    }
}
