//! Answers as they should not be: cuts, hangs, errors, odd frames.

use std::time::Duration;

use crate::support::{End, ask, chat, provider, settled, stream};
use fakes::provider::Outcome;
use serde_json::json;
use tokio::time::Instant;

#[tokio::test]
async fn streams_break_off_where_the_plan_says() {
    let running = provider("{}").await.unwrap();
    for (plan, end, words, outcome) in [
        (json!({"mode": "cut"}), End::Broken, 2, Outcome::Cut),
        (json!({"mode": "cut", "after": 0}), End::Broken, 0, Outcome::Cut),
        (json!({"mode": "cut", "after": 99}), End::Broken, 16, Outcome::Cut),
        (json!({"mode": "cut_inside", "after": 3}), End::Broken, 3, Outcome::Cut),
        (json!({"mode": "cut", "frames": "split", "after": 3}), End::Broken, 3, Outcome::Cut),
        (json!({"mode": "cut_headers"}), End::NoHeaders, 0, Outcome::Cut),
        (json!({"mode": "hang", "after": 4}), End::Silence, 4, Outcome::Aborted),
        (json!({"mode": "hang_headers"}), End::Silence, 0, Outcome::Aborted),
        (json!({"mode": "error_frame"}), End::Whole, 2, Outcome::Done),
    ] {
        running.reset();
        let answer = ask(&running, &stream(plan.clone())).await.unwrap();
        assert_eq!(answer.end, end, "{plan}");
        assert_eq!(answer.words(), " word".repeat(words), "{plan}");
        assert!(answer.usages().is_empty() && !answer.text().contains("[DONE]"), "{plan}");
        settled(&running).await.unwrap();
        let call = running.calls().remove(0);
        assert_eq!(
            (call.outcome, call.chunks as usize, call.output_tokens as usize),
            (outcome, words, words),
            "{plan}"
        );
        assert_eq!((call.reported, running.usage().unreported), (None, 1), "{plan}");
    }
}

#[tokio::test]
async fn a_broken_inside_frame_is_half_there() {
    let running = provider("{}").await.unwrap();
    let cut = ask(&running, &stream(json!({"mode": "cut"}))).await.unwrap();
    let inside = ask(&running, &stream(json!({"mode": "cut_inside"}))).await.unwrap();
    assert!(cut.text().ends_with("\n\n"));
    assert!(inside.body.len() > cut.body.len() && !inside.text().ends_with('\n'));
    let error = ask(&running, &stream(json!({"mode": "error_frame"}))).await.unwrap();
    assert_eq!(error.events().last().unwrap()["error"]["type"], "server_error");
}

#[tokio::test]
async fn bodies_break_off_in_the_middle() {
    let running = provider("{}").await.unwrap();
    for (mode, end, status, outcome) in [
        ("cut", End::Broken, 200, Outcome::Cut),
        ("hang", End::Silence, 200, Outcome::Aborted),
        ("cut_headers", End::NoHeaders, 0, Outcome::Cut),
        ("hang_headers", End::Silence, 0, Outcome::Aborted),
    ] {
        running.reset();
        let answer = ask(&running, &chat(json!({"mode": mode}), json!({}))).await.unwrap();
        assert_eq!((answer.end, answer.status), (end, status), "{mode}");
        settled(&running).await.unwrap();
        let call = running.calls().remove(0);
        assert_eq!((call.outcome, call.status, call.output_tokens, call.reported), (outcome, status, 0, None));
    }
    let error = ask(&running, &chat(json!({"mode": "error_frame"}), json!({}))).await.unwrap();
    assert_eq!(error.status, 200);
    assert!(error.json()["error"]["message"].is_string());
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed() {
    let running = provider(r#"{"delay_chunk_ms":150,"tokens":1000}"#).await.unwrap();
    let body = json!({"model": "gpt-4o", "stream": true});
    let left = tokio::time::timeout(Duration::from_millis(700), ask(&running, &body)).await;
    assert!(left.is_err());
    settled(&running).await.unwrap();
    let call = running.calls().remove(0);
    assert_eq!(call.outcome, Outcome::Aborted);
    assert!((1..=5).contains(&call.chunks), "{}", call.chunks);
    assert_eq!(call.output_tokens, u64::from(call.chunks));
    let totals = running.usage();
    assert_eq!((totals.aborted, totals.produced_output_tokens), (1, call.output_tokens));
}

#[tokio::test]
async fn refusals_look_like_openai_s_or_not() {
    let running = provider("{}").await.unwrap();
    for (mode, status, retry_after) in [
        ("400", 400, None),
        ("401", 401, None),
        ("404", 404, None),
        ("429", 429, Some("1")),
        ("500", 500, None),
        ("503", 503, Some("1")),
    ] {
        let answer = ask(&running, &json!({"model": format!("fake-{mode}"), "stream": true})).await.unwrap();
        assert_eq!((answer.status, answer.end), (status, End::Whole));
        assert!(answer.json()["error"]["message"].is_string());
        let header = answer.headers.get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(header, retry_after, "{mode}");
    }
    let plan = json!({"mode": "429", "retry_after": 30});
    assert_eq!(ask(&running, &chat(plan, json!({}))).await.unwrap().headers["retry-after"], "30");
    let html = ask(&running, &json!({"model": "fake-html"})).await.unwrap();
    assert_eq!((html.status, html.headers["content-type"].to_str().unwrap()), (502, "text/html"));
    assert!(html.text().starts_with("<html>"));
    assert_eq!((running.usage().calls, running.usage().refused), (0, 8));
}

#[tokio::test]
async fn odd_frames_carry_the_same_answer() {
    let running = provider("{}").await.unwrap();
    let plain = ask(&running, &stream(json!({}))).await.unwrap();
    for mode in ["crlf", "comments", "split", "giant", "burst", "invalid_json", "invalid_utf8"] {
        running.reset();
        let answer = ask(&running, &stream(json!({"mode": mode}))).await.unwrap();
        assert_eq!(answer.end, End::Whole, "{mode}");
        assert_eq!(answer.words(), plain.words(), "{mode}");
        assert_eq!(answer.usages(), plain.usages(), "{mode}");
        settled(&running).await.unwrap();
        assert_eq!(running.usage().output_tokens, 16, "{mode}");
        let text = answer.text();
        match mode {
            "crlf" => assert_eq!(text.matches('\n').count(), text.matches("\r\n").count()),
            "comments" => assert!(text.contains(": keep-alive\n\nevent: message\nid: 7\ndata:{")),
            "split" => assert!(answer.pieces > 3 * plain.pieces, "{} of {}", answer.pieces, plain.pieces),
            "giant" => assert!((3_000_000..3_100_000).contains(&text.len())),
            "burst" => assert_eq!(text.matches("data: ").count(), 1000 + 4),
            "invalid_json" => assert_eq!(answer.events().len(), plain.events().len()),
            _ => assert!(std::str::from_utf8(&answer.body).is_err()),
        }
    }
    for mode in ["invalid_json", "invalid_utf8"] {
        let answer = ask(&running, &chat(json!({"mode": mode}), json!({}))).await.unwrap();
        assert_eq!((answer.status, answer.end), (200, End::Whole));
        assert!(answer.json().is_null(), "{mode}");
    }
    let giant = ask(&running, &chat(json!({"mode": "giant"}), json!({}))).await.unwrap();
    assert!(giant.body.len() > 3_000_000 && giant.json()["usage"]["completion_tokens"] == 16);
    let split = ask(&running, &chat(json!({"mode": "split"}), json!({}))).await.unwrap();
    assert!(split.pieces > 3 && split.json()["usage"]["completion_tokens"] == 16);
}

#[tokio::test]
async fn delays_delay() {
    let running = provider("{}").await.unwrap();
    for (plan, least) in [
        (json!({"delay_headers_ms": 60}), 60),
        // Opening, three words, finish, usage and end: six pauses.
        (json!({"delay_chunk_ms": 15, "tokens": 3}), 6 * 15),
        (json!({"delay_chunk_ms": 15, "tokens": 3, "chunks": 1}), 4 * 15),
    ] {
        let start = Instant::now();
        assert_eq!(ask(&running, &stream(plan.clone())).await.unwrap().end, End::Whole);
        assert!(start.elapsed() >= Duration::from_millis(least), "{plan}");
    }
}
