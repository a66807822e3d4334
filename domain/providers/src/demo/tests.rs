//! What the demo models answer, in one row each.

use super::*;
use crate::openai::{ChatRequest, Completion, EmbeddingsRequest, EmbeddingsResponse, Piece, Stream};
use proptest::prelude::*;
use serde_json::Value;

fn request(model: &str, text: &str, rest: &str) -> String {
    let text = Value::from(text);
    format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":{text}}}]{rest}}}"#)
}

fn ask(body: &str) -> Answer {
    answer(&ChatRequest::parse(body.as_bytes()).unwrap()).unwrap()
}

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body("c1", 7)).unwrap()
}

const TOOLS: &str = r#","tools":[{"type":"function","function":{"name":"now"}},{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}]"#;

#[test]
fn answers() {
    for (model, rest, content, finish, output, reasoning) in [
        ("demo-small", r#","demo":{"tokens":10}"#, "You said: \"Hi there\". This is the", "stop", 10, 0),
        ("demo-small", r#","metadata":{"demo_words":"3"}"#, "You said:", "stop", 3, 0),
        ("demo-small", r#","demo":{"tokens":10},"max_tokens":3"#, "You said:", "length", 3, 0),
        ("demo-small", r#","demo":{"tokens":3},"max_tokens":3"#, "You said:", "stop", 3, 0),
        ("demo-small", r#","stop":["said","zzz"]"#, "You ", "stop", 2, 0),
        ("demo-small", r#","stop":"zzz","demo":{"tokens":1}"#, "You", "stop", 1, 0),
        ("demo-reasoner", r#","demo":{"tokens":3}"#, "You said:", "stop", 131, 128),
        ("demo-reasoner", r#","max_completion_tokens":100"#, "", "length", 100, 100),
        ("demo-small", r#","response_format":{"type":"json_object"}"#, r#"{"answer":"demo"}"#, "stop", 5, 0),
        (
            "demo-small",
            r#","response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}}"#,
            r#"{"a":1}"#,
            "stop",
            2,
            0,
        ),
    ] {
        let answer = ask(&request(model, "Hi there", rest));
        let json = body(&answer);
        let choice = &json["choices"][0];
        assert_eq!(choice["message"]["content"], content, "{rest}");
        assert_eq!(choice["finish_reason"], finish, "{rest}");
        assert_eq!((answer.usage().output_tokens, answer.usage().reasoning_tokens), (output, reasoning), "{rest}");
    }
}

#[test]
fn tools() {
    for (choice, name, arguments) in [
        (r#""required""#, "now", "{}"),
        (r#"{"type":"function","function":{"name":"weather"}}"#, "weather", r#"{"city":"demo"}"#),
    ] {
        let json = body(&ask(&request("demo-small", "x", &format!(r#"{TOOLS},"tool_choice":{choice}"#))));
        let choice = &json["choices"][0];
        assert_eq!(choice["finish_reason"], "tool_calls");
        assert_eq!(choice["message"]["content"], Value::Null);
        let function = &choice["message"]["tool_calls"][0]["function"];
        assert_eq!((function["name"].as_str(), function["arguments"].as_str()), (Some(name), Some(arguments)));
    }
    for choice in [r#""auto""#, r#""none""#, r#"{"type":"function","function":{"name":"other"}}"#] {
        let json = body(&ask(&request("demo-small", "x", &format!(r#"{TOOLS},"tool_choice":{choice}"#))));
        assert_eq!(json["choices"][0]["finish_reason"], "stop", "{choice}");
    }
}

#[test]
fn models_and_cache() {
    for model in ["gpt-4o", "demo-embed", "demo"] {
        let body = request(model, "x", "");
        let refused = answer(&ChatRequest::parse(body.as_bytes()).unwrap()).unwrap_err();
        assert_eq!(refused, DemoError::NoSuchModel(model.to_owned()));
    }
    for (words, cached) in [(10, 0), (1016, 0), (1017, 512), (5000, 2432)] {
        let usage = ask(&request("demo-small", &"a ".repeat(words), "")).usage();
        assert_eq!(usage.cached_input_tokens, cached, "{} tokens", usage.input_tokens);
    }
    assert_eq!(ask(&request("demo-small", "x", r#","demo":{"delay_ms":20}"#)).delay_ms(), 20);
    assert_eq!(ask(&request("demo-small", "x", r#","metadata":{"demo_delay_ms":"99999999"}"#)).delay_ms(), 10_000);
}

#[test]
fn a_stream_is_pinned() {
    // Clients' parsers and this crate's own meter are tested against it.
    let answer = ask(&request(
        "demo-small",
        "Hi",
        r#","stream":true,"stream_options":{"include_usage":true},"demo":{"tokens":1}"#,
    ));
    let frames: String = answer.frames("c1", 7).map(|frame| String::from_utf8(frame).unwrap()).collect();
    let chunk = |choices: &str, usage: &str| {
        format!(
            "data: {{\"choices\":{choices},\"created\":7,\"id\":\"c1\",\"model\":\"demo-small\",\"object\":\"chat.completion.chunk\",\"service_tier\":\"default\",\"system_fingerprint\":\"demo\",\"usage\":{usage}}}\n\n"
        )
    };
    let choice = |delta: &str, finish: &str| {
        chunk(&format!(r#"[{{"delta":{delta},"finish_reason":{finish},"index":0,"logprobs":null}}]"#), "null")
    };
    let expected = [
        choice(r#"{"content":"","refusal":null,"role":"assistant"}"#, "null"),
        choice(r#"{"content":"You"}"#, "null"),
        choice("{}", r#""stop""#),
        chunk(
            "[]",
            r#"{"completion_tokens":1,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":0,"rejected_prediction_tokens":0},"prompt_tokens":8,"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":0},"total_tokens":9}"#,
        ),
        "data: [DONE]\n\n".to_owned(),
    ];
    // Keys are compared in no order: another crate may turn order on.
    let parse = |text: &str| {
        text.split("\n\n")
            .map(|frame| serde_json::from_str(frame.trim_start_matches("data: ")).unwrap_or(Value::Null))
            .collect::<Vec<Value>>()
    };
    assert_eq!(parse(&frames), parse(&expected.concat()));
    assert!(frames.ends_with("data: [DONE]\n\n"));
}

#[test]
fn embeddings_of_length_one() {
    for (input, count, tokens) in [(r#""Hello""#, 1, 2), (r#"["a","b","a"]"#, 3, 3), ("[[1,2],[3]]", 2, 3)] {
        let numbers = format!(r#"{{"model":"demo-embed","input":{input},"dimensions":8}}"#);
        let numbers = embeddings(&EmbeddingsRequest::parse(numbers.as_bytes()).unwrap()).unwrap();
        let json: Value = serde_json::from_slice(&numbers).unwrap();
        let data = json["data"].as_array().unwrap();
        assert_eq!(data.len(), count);
        for item in data {
            let square: f64 =
                item["embedding"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap().powi(2)).sum();
            assert!((square - 1.0).abs() < 1e-5);
        }
        if count == 3 {
            assert_eq!(data[0]["embedding"], data[2]["embedding"]);
            assert_ne!(data[0]["embedding"], data[1]["embedding"]);
        }
        assert_eq!(EmbeddingsResponse::parse(&numbers).usage.unwrap().input_tokens, tokens);
    }
    let text = br#"{"model":"demo-embed","input":"x","encoding_format":"base64"}"#;
    let json: Value = serde_json::from_slice(&embeddings(&EmbeddingsRequest::parse(text).unwrap()).unwrap()).unwrap();
    // 256 floats of 4 bytes.
    assert_eq!(json["data"][0]["embedding"].as_str().unwrap().len(), 1024_usize.div_ceil(3) * 4);
}

proptest! {
    #[test]
    fn keeps_every_limit(text: String, role in "user|system", model in 0_usize..3, n in 1_u64..4, limit in 1_u64..200, length in 0_u64..300, force: bool) {
        let tools = if force { format!(r#"{TOOLS},"tool_choice":"required""#) } else { String::new() };
        let text_json = Value::from(text);
        let body = format!(
            r#"{{"model":"{}","messages":[{{"role":"{role}","content":{text_json}}}],"n":{n},"max_tokens":{limit},"demo":{{"tokens":{length}}},"stream":true,"stream_options":{{"include_usage":true}}{tools}}}"#,
            MODELS[model]
        );
        let request = ChatRequest::parse(body.as_bytes()).unwrap();
        let answer = answer(&request).unwrap();
        let usage = answer.usage();
        prop_assert!(usage.output_tokens <= request.worst_output_tokens(limit));
        prop_assert!(usage.input_tokens <= request.input_bound("demo-small", None).unwrap().tokens);
        // Both forms report it, and the stream's meter sees no more.
        prop_assert_eq!(Completion::parse(&answer.body("c", 1)).usage, Ok(usage));
        let mut meter = Stream::new(false);
        let mut sent = 0;
        for frame in answer.frames("c", 1) {
            let pieces = meter.push(&bytes::Bytes::from(frame));
            sent += pieces.iter().filter(|piece| matches!(piece, Piece::Forward(_))).count();
        }
        prop_assert!(sent > 0 && meter.is_done() && meter.seen().finished());
        prop_assert_eq!(meter.usage(), Ok(usage));
        prop_assert!(meter.seen_output_tokens() <= usage.output_tokens + n, "{} of {}", meter.seen_output_tokens(), usage.output_tokens);
    }
}
