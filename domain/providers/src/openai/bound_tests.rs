//! What the input bound counts, and that it is one.

use super::*;
use proptest::prelude::*;

fn bound(messages: &str, rest: &str, model: &str, window: Option<u64>) -> Result<InputBound, RequestError> {
    let body = format!(r#"{{"model":"m","messages":{messages}{rest}}}"#);
    ChatRequest::parse(body.as_bytes()).unwrap().input_bound(model, window)
}

#[test]
fn input_bounds() {
    // 150 for the request, 12 for a message, 12 for a part or a call.
    for (messages, rest, tokens) in [
        (r#"[{"content":"abc"}]"#, "", 150 + 12 + 3),
        (r#"[{"content":null}]"#, "", 150 + 12),
        (r#"[{"role":"user","content":"abc"}]"#, "", 150 + 12 + 4 + 3),
        (r#"[{"role":"user","content":"\u00e9\n"},{"content":""}]"#, "", 150 + 24 + 4 + 3),
        (r#"[{"content":"abc","content":"de"}]"#, "", 150 + 12 + 5),
        (r#"[{"content":[{"type":"text","text":"abc"},"de"]}]"#, "", 150 + 12 + 12 + 5),
        (r#"[{"content":"","tool_calls":[{"id":"1"}]}]"#, "", 150 + 12 + 12 + 12),
        (r#"[{"content":"a"}]"#, r#","temperature":0.5,"user":"abc","metadata":{"a":"b"}"#, 150 + 12 + 1),
        // What is not known counts as its JSON, and two for each comma.
        (r#"[{"content":"a"}]"#, r#","guided":{"a":[1,2]}"#, 150 + 12 + 1 + 11 + 2),
        // A list of tools 200, a tool 24.
        (r#"[{"content":"a"}]"#, r#","tools":[{"type":"function"}]"#, 150 + 12 + 1 + 200 + 24 + 21),
        (r#"[{"content":"a"}]"#, r#","response_format":{"type":"text"}"#, 150 + 12 + 1 + 200 + 15),
    ] {
        let got = bound(messages, rest, "m", None).unwrap();
        assert_eq!(got.tokens, tokens, "{messages} {rest}");
        assert!(got.likely_tokens <= got.tokens);
    }
    let got = bound(r#"[{"content":"four words of text"}]"#, "", "m", None).unwrap();
    assert_eq!(got.likely_tokens, 6 + 3 + 3);
}

#[test]
fn media_is_not_text() {
    let data = "A".repeat(400_000);
    let image = format!(
        r#"[{{"content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}","detail":"low"}}}}]}}]"#
    );
    let got = bound(&image, "", "gpt-4o", None).unwrap();
    assert_eq!((got.image_tokens, got.tokens), (85, 85 + 150 + 24));
    let got = bound(&image, "", "unknown", None).unwrap();
    assert_eq!(got.image_tokens, 48_169);
    // A part cannot hide its image behind another type.
    let hidden = r#"[{"content":[{"type":"text","image_url":"https://a/b","text":"x"},{"image_url":null}]}]"#;
    assert_eq!(bound(hidden, "", "gpt-4o", None).unwrap().image_tokens, 1445);
    let audio = format!(r#"[{{"content":[{{"type":"input_audio","input_audio":{{"data":"{data}","format":"x"}}}}]}}]"#);
    assert_eq!(bound(&audio, "", "gpt-audio", None).unwrap().audio_tokens, 300_003);
}

#[test]
fn what_the_request_does_not_bound() {
    for message in [
        r#"{"content":[{"type":"file","file":{"file_id":"file-1"}}]}"#,
        r#"{"content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA"}}]}"#,
        r#"{"content":[{"type":"video_url","video_url":{"url":"https://a/b.mp4"}}]}"#,
        r#"{"content":[{"type":"image","source":{"data":"AAAA"}}]}"#,
        r#"{"content":{"type":"new","thing":1}}"#,
        r#"{"role":"assistant","audio":{"id":"audio_1"}}"#,
        r#"{"content":"x","images":["https://a/b"]}"#,
    ] {
        let messages = format!("[{message}]");
        let error = bound(&messages, "", "m", None).unwrap_err();
        assert_eq!((error.param(), error.code()), (Some("messages"), "unbounded_content"), "{message}");
        assert_eq!(bound(&messages, "", "m", Some(128_000)).unwrap().tokens, 128_000, "{message}");
    }
    assert!(bound(r#"[{"role":"assistant","audio":null,"content":"x"}]"#, "", "m", None).is_ok());
}

/// A message's content in one of its shapes, and how many bytes of text it has.
fn contents() -> impl Strategy<Value = (serde_json::Value, usize)> {
    prop_oneof![
        any::<String>().prop_map(|text| (text.clone().into(), text.len())),
        proptest::collection::vec(any::<String>(), 0..4).prop_map(|texts| {
            let bytes = texts.iter().map(String::len).sum();
            let parts: Vec<_> = texts.iter().map(|text| serde_json::json!({"type": "text", "text": text})).collect();
            (parts.into(), bytes)
        }),
    ]
}

proptest! {
    #[test]
    fn bound_is_at_least_the_text(contents in proptest::collection::vec((contents(), any::<String>(), any::<String>()), 1..5)) {
        let mut bytes = 0;
        let messages: Vec<_> = contents.iter().map(|((content, size), role, arguments)| {
            bytes += size + role.len() + arguments.len();
            serde_json::json!({"role": role, "content": content,
                "tool_calls": [{"id": "", "function": {"name": "", "arguments": arguments}}]})
        }).collect();
        let schema = contents.iter().map(|(_, role, _)| role.as_str()).collect::<Vec<_>>();
        bytes += schema.iter().map(|text| text.len()).sum::<usize>();
        let body = serde_json::json!({"model": "m", "messages": messages, "tools": [{"type": "function", "d": schema}]});
        let body = serde_json::to_vec(&body).unwrap();
        let request = ChatRequest::parse(&body).unwrap();
        let bound = request.input_bound("m", None).unwrap();
        prop_assert!(bound.tokens >= bytes as u64);
        prop_assert!(bound.likely_tokens <= bound.tokens);
    }
}
