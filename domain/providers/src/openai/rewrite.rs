//! The body that is sent upstream.

use serde_json::value::RawValue;

use super::chat::ChatRequest;
use super::fields::Fields;

/// How the upstream wants to be told the output limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LimitField {
    /// In the field that the client used, or in `max_completion_tokens`.
    #[default]
    AsAsked,
    /// Always in `max_tokens`, for upstreams that ignore the newer field.
    MaxTokens,
}

/// What is changed on the way upstream.
#[derive(Debug, Clone, Copy)]
pub struct RewriteOptions<'o> {
    /// What the upstream calls the model.
    pub upstream_model: &'o str,
    /// The limit of output tokens for each choice; `None` leaves the
    /// client's.
    pub max_output_tokens: Option<u64>,
    /// Ask for usage in a stream. Has no effect on a call without one.
    pub include_usage: bool,
    /// Where the limit goes.
    pub limit_field: LimitField,
}

impl ChatRequest<'_> {
    /// Writes the body to send. Every value that is not changed is
    /// byte-identical, in the client's order; white space between them is
    /// not kept.
    #[must_use]
    pub fn rewrite(&self, options: &RewriteOptions<'_>) -> Vec<u8> {
        let limit = options.max_output_tokens.or(self.max_output_tokens()).map(|limit| limit.to_string());
        let asks_usage = self.stream() && options.include_usage;
        let given = |key: &str| self.fields().iter().any(|(name, _)| name == key);

        let mut object = Object::default();
        for (key, value) in self.fields().iter() {
            match (key, &limit) {
                ("model", _) => object.member(key, &text(options.upstream_model)),
                ("stream_options", _) if asks_usage => object.member(key, &with_usage(value)),
                ("max_tokens" | "max_completion_tokens", Some(limit)) => {
                    if self.limits_by(key, options.limit_field) {
                        object.member(key, limit);
                    }
                }
                _ => object.member(key, value.get()),
            }
        }
        if let Some(limit) = &limit {
            for key in ["max_tokens", "max_completion_tokens"] {
                if self.limits_by(key, options.limit_field) && !given(key) {
                    object.member(key, limit);
                }
            }
        }
        if asks_usage && !given("stream_options") {
            object.member("stream_options", r#"{"include_usage":true}"#);
        }
        object.finish()
    }

    /// Whether the limit is sent in `key`.
    fn limits_by(&self, key: &str, field: LimitField) -> bool {
        match field {
            LimitField::MaxTokens => key == "max_tokens",
            LimitField::AsAsked if key == "max_tokens" => self.gave_max_tokens(),
            LimitField::AsAsked => self.gave_max_completion_tokens() || !self.gave_max_tokens(),
        }
    }
}

/// The client's stream options with `include_usage` on.
fn with_usage(options: &RawValue) -> String {
    let mut object = Object::default();
    if let Ok(fields) = serde_json::from_str::<Fields<'_>>(options.get()) {
        for (key, value) in fields.iter().filter(|(key, _)| *key != "include_usage") {
            object.member(key, value.get());
        }
    }
    object.member("include_usage", "true");
    String::from_utf8(object.finish()).unwrap_or_default()
}

/// A string as JSON.
pub(crate) fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// A JSON object in the making.
#[derive(Default)]
pub(crate) struct Object(Vec<u8>);

impl Object {
    /// Adds a member; `value` is JSON.
    pub(crate) fn member(&mut self, key: &str, value: &str) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        self.0.extend_from_slice(text(key).as_bytes());
        self.0.push(b':');
        self.0.extend_from_slice(value.as_bytes());
    }

    /// Closes it.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, limit: Option<u64>, limit_field: LimitField, expected: &str) {
        let request = ChatRequest::parse(body.as_bytes()).unwrap();
        let options =
            RewriteOptions { upstream_model: "up/m", max_output_tokens: limit, include_usage: true, limit_field };
        assert_eq!(String::from_utf8(request.rewrite(&options)).unwrap(), expected, "{body}");
    }

    #[test]
    fn only_what_must_change_changes() {
        use LimitField::{AsAsked, MaxTokens};
        for (body, limit, field, expected) in [
            (
                r#"{ "x":{"b": 1.00,"a":1e2}, "model":"m", "messages":[{ "role":"user"}], "é\u0041":"\u00e9" }"#,
                Some(7),
                AsAsked,
                r#"{"x":{"b": 1.00,"a":1e2},"model":"up/m","messages":[{ "role":"user"}],"éA":"\u00e9","max_completion_tokens":7}"#,
            ),
            (
                r#"{"model":"m","max_tokens":100,"messages":[{}],"top_p":1}"#,
                Some(50),
                AsAsked,
                r#"{"model":"up/m","max_tokens":50,"messages":[{}],"top_p":1}"#,
            ),
            (
                r#"{"model":"m","max_tokens":100,"messages":[{}],"max_completion_tokens":100}"#,
                Some(50),
                AsAsked,
                r#"{"model":"up/m","max_tokens":50,"messages":[{}],"max_completion_tokens":50}"#,
            ),
            (
                r#"{"model":"m","messages":[{}],"max_completion_tokens":100}"#,
                Some(50),
                MaxTokens,
                r#"{"model":"up/m","messages":[{}],"max_tokens":50}"#,
            ),
            (
                r#"{"model":"m","messages":[{}],"max_completion_tokens":100}"#,
                None,
                MaxTokens,
                r#"{"model":"up/m","messages":[{}],"max_tokens":100}"#,
            ),
            (
                r#"{"model":"m","max_tokens":null,"messages":[{}]}"#,
                Some(5),
                AsAsked,
                r#"{"model":"up/m","messages":[{}],"max_completion_tokens":5}"#,
            ),
            (
                r#"{"model":"m","max_tokens":null,"messages":[{}]}"#,
                None,
                AsAsked,
                r#"{"model":"up/m","max_tokens":null,"messages":[{}]}"#,
            ),
            (
                r#"{"model":"m","messages":[{}],"stream":true}"#,
                None,
                AsAsked,
                r#"{"model":"up/m","messages":[{}],"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","stream_options":null,"messages":[{}],"stream":true}"#,
                None,
                AsAsked,
                r#"{"model":"up/m","stream_options":{"include_usage":true},"messages":[{}],"stream":true}"#,
            ),
            (
                r#"{"model":"m","messages":[{}],"stream":true,"stream_options":{"include_usage":false,"include_obfuscation":false,"include_usage":false}}"#,
                None,
                AsAsked,
                r#"{"model":"up/m","messages":[{}],"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","messages":[{}],"stream":false,"stream_options":{"x":1}}"#,
                None,
                AsAsked,
                r#"{"model":"up/m","messages":[{}],"stream":false,"stream_options":{"x":1}}"#,
            ),
        ] {
            check(body, limit, field, expected);
        }
    }
}
