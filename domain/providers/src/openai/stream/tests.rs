//! One stream a row: what goes to the client, and what was read on the way.

use super::*;
use proptest::prelude::*;

/// What a client gets when `chunks` come in, with a cost of 1.5 credits.
fn run(chunks: &[&[u8]], client_asked: bool) -> (Vec<u8>, Stream) {
    let mut stream = Stream::new(client_asked);
    let mut sent = Vec::new();
    let mut take = |pieces: Vec<Piece>| {
        for piece in pieces {
            match piece {
                Piece::Forward(bytes) => sent.extend_from_slice(&bytes),
                Piece::Usage(frame) if client_asked => sent.extend_from_slice(&frame.with_cost("1.5")),
                Piece::Usage(_) => {}
            }
        }
    };
    for chunk in chunks {
        take(stream.push(&Bytes::copy_from_slice(chunk)));
    }
    take(stream.finish());
    (sent, stream)
}

fn sent(stream: &str, client_asked: bool) -> String {
    String::from_utf8(run(&[stream.as_bytes()], client_asked).0).unwrap()
}

const USAGE: &str = r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}"#;

#[test]
fn frames_that_stay_as_they_are() {
    for frame in [
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
        "data:{\"choices\":[]}\n\n",
        "\u{feff}data: {\"choices\":[]}\r\n\r\n",
        ": keep-alive\n\n",
        "event: ping\ndata\n\n",
        "\n\n\n",
        "\r\r\r\n\r\n",
        "data: [DONE]\n\n",
        "data: {broken\n\n",
        "data: [1,2]\n\n",
        "data: {\"choices\":[],\"usage\":null,\"usage\":null}\n\n",
        "data: {\"choices\":[],\"us\\u0061ge\":null}\n\n",
        "data: no end",
        "",
    ] {
        for client_asked in [true, false] {
            assert_eq!(sent(frame, client_asked), frame, "{frame:?}");
        }
    }
    let bad = b"data: {\"choices\":\xff}\n\n";
    assert_eq!(run(&[bad], false).0, bad);
}

#[test]
fn usage_is_cut_out_when_the_client_did_not_ask() {
    for (data, kept) in [
        (r#"{"a":1,"choices":[{}],"usage":null}"#, r#"{"a":1,"choices":[{}]}"#),
        (r#"{"usage" : null , "choices":[{}]}"#, r#"{ "choices":[{}]}"#),
        (r#"{"choices":[{}] , "usage": null ,"b":2}"#, r#"{"choices":[{}]  ,"b":2}"#),
        (r#"{"usage":null}"#, "{}"),
        (
            r#"{"choices":[{"delta":{"content":"\"usage\":null"}}],"usage":null}"#,
            r#"{"choices":[{"delta":{"content":"\"usage\":null"}}]}"#,
        ),
        (
            r#"{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
            r#"{"choices":[{"finish_reason":"stop"}]}"#,
        ),
        (r#"{"choices":[],"prompt_filter_results":[],"usage":null}"#, r#"{"choices":[],"prompt_filter_results":[]}"#),
    ] {
        for (start, end) in [("data: ", "\n\n"), ("id: 1\r\ndata:", "\r\n\r\n"), ("data: ", "")] {
            let frame = format!("{start}{data}{end}");
            assert_eq!(sent(&frame, false), format!("{start}{kept}{end}"));
            assert_eq!(sent(&frame, true), frame);
        }
    }
}

#[test]
fn usage_frame() {
    let cost = r#""alfred":{"cost_credits":"1.5"}"#;
    let with_cost = USAGE.replace('}', &format!(",{cost}}}"));
    for (data, asked) in [
        (
            format!(r#"{{"choices":[],"usage":{USAGE},"x":[1]}}"#),
            format!(r#"{{"choices":[],"usage":{with_cost},"x":[1]}}"#),
        ),
        (format!(r#"{{"usage":{USAGE}}}"#), format!(r#"{{"usage":{with_cost}}}"#)),
        (r#"{"choices":[],"usage":{ }}"#.to_owned(), format!(r#"{{"choices":[],"usage":{{ {cost}}}}}"#)),
    ] {
        let stream = format!("data: 1\n\ndata: {data}\n\ndata: [DONE]\n\n");
        assert_eq!(sent(&stream, false), "data: 1\n\ndata: [DONE]\n\n", "{data}");
        assert_eq!(sent(&stream, true), format!("data: 1\n\ndata: {asked}\n\ndata: [DONE]\n\n"));
    }
    for end in ["\n\n", "\r\n\r\n", "\r\r"] {
        let frame = format!("data: {{\"usage\":{USAGE}}}{end}: x\n\n");
        assert_eq!(sent(&frame, false), ": x\n\n", "{end:?}");
    }
    // Several lines become one.
    let frame = format!("event: x\ndata: {{\"choices\":[],\ndata: \"usage\":{USAGE}}}\n\n");
    assert_eq!(sent(&frame, true), format!("event: x\ndata: {{\"choices\":[], \"usage\":{with_cost}}}\n\n"));
    assert_eq!(sent(&frame, false), "");
    let frame = "data: {\"choices\":[{}],\ndata: \"usage\":null}\n\n";
    assert_eq!(sent(frame, false), "data: {\"choices\":[{}]}\n\n");
    assert_eq!(sent(frame, true), frame);
}

#[test]
fn what_is_read_on_the_way() {
    let stream = format!(
        "data: {{\"service_tier\":\"default\",\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"\"}}}}]}}\n\n\
         data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"Hello w\"}}}}]}}\n\n\
         data: {{\"choices\":[{{\"index\":1,\"delta\":{{\"reasoning_content\":\"hm\",\"reasoning\":\"hm\"}}}}]}}\n\n\
         data: {{\"choices\":[{{\"index\":1,\"delta\":{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"name\":\"f\",\"arguments\":\"{{}}\"}}}}]}}}}]}}\n\n\
         data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
         data: {{\"choices\":[{{\"index\":1,\"delta\":{{}},\"finish_reason\":\"tool_calls\"}}]}}\n\n\
         data: {{\"choices\":[],\"usage\":{USAGE}}}\n\ndata: [DONE]\n\n"
    );
    let (_, meter) = run(&[stream.as_bytes()], false);
    let choices: Vec<_> = meter.seen().choices().map(|(index, seen)| (index, *seen)).collect();
    assert_eq!((choices[0].1.content_bytes, choices[0].1.frames), (7, 1));
    assert_eq!((choices[1].1.reasoning_bytes, choices[1].1.tool_bytes, choices[1].1.frames), (2, 3, 2));
    assert_eq!(meter.seen_output_tokens(), 2 + 2);
    assert!(meter.seen().finished() && meter.is_done() && meter.error().is_none());
    assert_eq!(meter.usage().unwrap().output_tokens, 2);
    assert_eq!(meter.service_tier(), Some("default"));
}

#[test]
fn the_estimate_without_usage() {
    let chunk = |content: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{content}\"}}}}]}}\n\n");
    for (stream, tokens) in [
        (chunk("a").repeat(3), 3),
        (chunk("0123456789") + &chunk(""), 3),
        (chunk("0123456789") + "data: {cut", 3 + 1),
        (": ping\n\ndata: [DONE]\n\n".to_owned(), 0),
    ] {
        assert_eq!(run(&[stream.as_bytes()], false).1.seen_output_tokens(), tokens, "{stream}");
    }
}

#[test]
fn where_usage_comes_from() {
    for (stream, expected) in [
        ("data: [DONE]\n\n", Err(UsageError::Missing)),
        (r#"data: {"choices":[{}],"usage":null}"#, Err(UsageError::Missing)),
        (r#"data: {"choices":[],"usage":{"prompt_tokens":1}}"#, Err(UsageError::MissingCount("completion_tokens"))),
        (r#"data: {"choices":[{}],"x_groq":{"id":"r","usage":{"prompt_tokens":1,"completion_tokens":7}}}"#, Ok(7)),
        (
            "data: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n\
             data: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":4}}\n\n\
             data: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":-1}}\n\n",
            Ok(4),
        ),
    ] {
        let (_, meter) = run(&[stream.as_bytes()], true);
        assert_eq!(meter.usage().map(|usage| usage.output_tokens), expected, "{stream}");
    }
}

#[test]
fn errors_in_the_middle() {
    let stream = "data: {\"error\":{\"message\":\"overloaded, key sk-abcdefgh\",\"code\":502}}\n\n";
    let (bytes, meter) = run(&[stream.as_bytes()], false);
    assert_eq!(bytes, stream.as_bytes());
    assert_eq!(meter.error().unwrap().message, "overloaded, key [redacted]");
    assert!(!meter.is_done());
}

#[test]
fn a_frame_beyond_the_bound_is_passed_on_unread() {
    let long = format!("data: {{\"choices\":[],\"usage\":null,\"x\":\"{}\"}}\n\n", "x".repeat(MAX_FRAME));
    let stream = format!("{long}data: {{\"choices\":[{{}}],\"usage\":null}}\n\n");
    let expected = format!("{long}data: {{\"choices\":[{{}}]}}\n\n");
    for size in [4096, 1 << 20, 3 << 20] {
        let chunks: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
        let (bytes, meter) = run(&chunks, false);
        assert!(bytes == expected.as_bytes(), "in chunks of {size}");
        assert_eq!(meter.seen().unreadable_bytes(), long.len() as u64, "in chunks of {size}");
        assert!(meter.tail.capacity() <= 4 * MAX_FRAME);
    }
}

#[test]
fn whole_frames_are_passed_on_without_a_copy() {
    let chunk = Bytes::from("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n".repeat(3));
    let pieces = Stream::new(true).push(&chunk);
    assert!(
        matches!(pieces.as_slice(), [Piece::Forward(bytes)] if bytes.as_ptr() == chunk.as_ptr() && *bytes == chunk)
    );
}

/// Bits of streams, so that random ones are made of what matters.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    const PARTS: &[&[u8]] = &[
        b"data: ",
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"\r\n\r\n",
        b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\xc3\xa9\"}}],\"usage\":null}",
        b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}",
        b"{\"choices\":[],",
        b"\"usage\":{\"prompt_tokens\":3}}",
        b"data: [DONE]",
        b": ping",
        b"\xef\xbb\xbf",
        b"\xff",
        b"event: error",
    ];
    let part = proptest::sample::select(PARTS);
    proptest::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same(stream in streams(), cuts in proptest::collection::vec(0_usize..1000, 0..8), asked: bool) {
        let (whole, expected) = run(&[&stream], asked);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let (split, meter) = run(&chunks, asked);
        prop_assert_eq!(String::from_utf8_lossy(&split), String::from_utf8_lossy(&whole));
        prop_assert_eq!(meter.seen(), expected.seen());
        prop_assert_eq!(meter.usage(), expected.usage());
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(run(&bytes, asked).0, whole);
    }

    #[test]
    fn what_is_no_event_stream_passes_unchanged(bytes: Vec<u8>, asked: bool) {
        prop_assert_eq!(run(&[&bytes], asked).0, bytes);
    }
}
