//! What is refused and how, and what is read.

use super::*;
use proptest::prelude::*;

fn parse(body: &str) -> Result<ChatRequest<'_>, RequestError> {
    ChatRequest::parse(body.as_bytes())
}

#[test]
fn refusals() {
    let deep = "[".repeat(70) + &"]".repeat(70);
    let bomb = "[".repeat(200_000) + &"]".repeat(200_000);
    let many = (0..300).map(|place| format!(r#","k{place}":1"#)).collect::<String>();
    for (body, param, code) in [
        ("", None, "invalid_json"),
        ("{", None, "invalid_json"),
        ("{\"model\":\"m\"} x", None, "invalid_json"),
        ("[1]", None, "invalid_body"),
        ("\"text\"", None, "invalid_body"),
        ("null", None, "invalid_body"),
        (r#"{"messages":[{}]}"#, Some("model"), "missing_required_parameter"),
        (r#"{"model":null,"messages":[{}]}"#, Some("model"), "missing_required_parameter"),
        (r#"{"model":7,"messages":[{}]}"#, Some("model"), "invalid_type"),
        (r#"{"model":" ","messages":[{}]}"#, Some("model"), "empty_value"),
        (r#"{"model":"m"}"#, Some("messages"), "missing_required_parameter"),
        (r#"{"model":"m","messages":{}}"#, Some("messages"), "invalid_type"),
        (r#"{"model":"m","messages":"hi"}"#, Some("messages"), "invalid_type"),
        (r#"{"model":"m","messages":[]}"#, Some("messages"), "empty_value"),
        (r#"{"model":"m","messages":["hi"]}"#, Some("messages"), "invalid_type"),
        (r#"{"model":"m","messages":[null]}"#, Some("messages"), "invalid_type"),
        (r#"{"model":"m","messages":[{"content":7}]}"#, Some("messages"), "invalid_type"),
        (r#"{"model":"m","messages":[{"content":"\ud800"}]}"#, Some("messages"), "invalid_type"),
        (r#"{"model":"m","mod\u0065l":"m","messages":[{}]}"#, Some("model"), "duplicate_parameter"),
        (&format!(r#"{{"model":"m","messages":[{{}}]{many}}}"#), None, "too_many_parameters"),
        (&format!(r#"{{"model":"m","messages":[{{}}],"x":{deep}}}"#), Some("x"), "nested_too_deeply"),
        (&format!(r#"{{"model":"m","messages":[{{}}],"x":{bomb}}}"#), Some("x"), "nested_too_deeply"),
        (&format!(r#"{{"model":"m","messages":[{{"x":{bomb}}}]}}"#), Some("messages"), "nested_too_deeply"),
        (&format!(r#"{{"model":"m","messages":{bomb}}}"#), Some("messages"), "invalid_type"),
        (
            r#"{"model":"m","messages":[{}],"max_tokens":1,"max_completion_tokens":2}"#,
            Some("max_tokens"),
            "conflicting_limits",
        ),
    ] {
        let error = parse(body).unwrap_err();
        assert_eq!((error.param(), error.code()), (param, code), "{:.200}: {error}", body);
    }
    assert_eq!(ChatRequest::parse(b"{\"model\":\"\xff\"}").unwrap_err(), RequestError::NotUtf8 { at: 10 });
    assert_eq!(
        parse("{\"model\":\n}").unwrap_err().to_string(),
        "the body is not valid JSON: expected value at line 2 column 1"
    );
    assert_eq!(
        String::from_utf8(RequestError::Missing("model").body()).unwrap(),
        r#"{"error":{"message":"you must provide `model`","type":"invalid_request_error","param":"model","code":"missing_required_parameter"}}"#
    );
}

#[test]
fn wrong_values() {
    for (param, values) in [
        ("stream", &["1", "\"true\"", "[]"][..]),
        ("store", &["1"]),
        ("n", &["0", "129", "-1", "1.0", "\"1\"", "1e1", "true"]),
        ("best_of", &["0", "1000"]),
        ("max_tokens", &["0", "-5", "1.5", "\"9\"", "{}", "99999999999", "1e30", "99999999999999999999999"]),
        ("max_completion_tokens", &["0", "-5", "1.5", "\"9\""]),
        ("stream_options", &["true", "[]", "\"x\"", "7"]),
        ("service_tier", &["1"]),
        ("modalities", &["\"audio\"", "[1]"]),
        ("tools", &["{}", "\"x\""]),
    ] {
        for value in values {
            let body = format!(r#"{{"model":"m","messages":[{{}}],"{param}":{value}}}"#);
            let error = parse(&body).unwrap_err();
            assert_eq!(error.param(), Some(param), "{body}");
            assert!(matches!(error.code(), "invalid_type" | "invalid_value"), "{body}: {error}");
        }
        let body = format!(r#"{{"model":"m","messages":[{{}}],"{param}":null}}"#);
        assert!(parse(&body).is_ok(), "null is as if not given: {body}");
    }
    assert!(parse(r#"{"model":"m","messages":[{}],"stream_options":{"include_usage":1}}"#).is_err());
}

#[test]
fn what_is_read() {
    let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"stream":true,"n":3,"best_of":5,
        "stream_options":{"include_usage":true},"max_completion_tokens":100,"service_tier":"flex","store":true,
        "prediction":{"type":"content","content":"abc"}}"#;
    let request = parse(body).unwrap();
    assert_eq!(request.model(), "gpt-4o");
    assert!(request.stream() && request.include_usage() && request.store());
    assert_eq!((request.n(), request.choices(), request.max_output_tokens()), (3, 5, Some(100)));
    assert_eq!(request.service_tier(), Some("flex"));
    let prediction = r#"{"type":"content","content":"abc"}"#.len() as u64;
    assert_eq!(request.worst_output_tokens(100), 5 * (100 + prediction));
    assert_eq!(request.worst_output_tokens(u64::MAX), u64::MAX);
}

#[test]
fn surcharges() {
    for (rest, params) in [
        (r#""service_tier":"auto","modalities":["text"],"tools":[{"type":"function"},{"type":"custom"}]"#, &[][..]),
        (r#""service_tier":"priority""#, &["service_tier"]),
        (r#""modalities":["text","audio"],"audio":{"voice":"x"}"#, &["modalities"]),
        (r#""web_search_options":{}"#, &["web_search_options"]),
        (r#""tools":[{"type":"function"},{"type":"web_search"}]"#, &["tools"]),
        (r#""tools":[{"type":"function","type":"web_search"}]"#, &["tools"]),
        (r#""models":["a"],"plugins":[{"id":"web"}],"route":null"#, &["models", "plugins"]),
        (
            r#""data_sources":[{}],"enable_search":false,"search_parameters":{"mode":"on"}"#,
            &["data_sources", "search_parameters"],
        ),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{{}}],{rest}}}"#);
        let request = parse(&body).unwrap();
        let found: Vec<_> = request.surcharges().iter().map(Surcharge::param).collect();
        assert_eq!(found, params, "{body}");
    }
    assert_eq!(Surcharge::WebSearch.refusal().code(), "unpriced_parameter");
}

proptest! {
    #[test]
    fn any_body_is_answered(body: Vec<u8>, text: String) {
        let _ = ChatRequest::parse(&body);
        let body = format!(r#"{{"model":"m","messages":[{{"content":{text}}}]}}"#);
        let _ = ChatRequest::parse(body.as_bytes());
    }

    #[test]
    fn rewriting_keeps_everything_else(keys in proptest::collection::vec("[a-z]{3,8}x", 0..6), value in any::<f64>()) {
        let value = serde_json::json!(value).to_string();
        let mut body = String::from(r#"{"model":"m","messages":[{"content":"x"}]"#);
        for (place, key) in keys.iter().enumerate() {
            body += &format!(r#","{key}{place}":[{value},"\u00e9"]"#);
        }
        body.push('}');
        let request = ChatRequest::parse(body.as_bytes()).unwrap();
        let options = crate::openai::RewriteOptions {
            upstream_model: "m", max_output_tokens: None, include_usage: true, limit_field: Default::default(),
        };
        prop_assert_eq!(String::from_utf8(request.rewrite(&options)).unwrap(), body);
    }
}
