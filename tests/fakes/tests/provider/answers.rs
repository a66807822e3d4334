//! Answers as they should be: limits, usage, choices, forms.

use crate::support::{End, ask, chat, get, post, provider, settled, stream};
use fakes::provider::{Options, Outcome, Plan, spawn};
use serde_json::{Value, json};

#[tokio::test]
async fn output_honours_the_limit_and_is_what_the_books_say() {
    let running = provider("{}").await.unwrap();
    for (plan, more, tokens, finish) in [
        (json!({}), json!({}), 16, "stop"),
        (json!({}), json!({"max_completion_tokens": 5}), 5, "length"),
        (json!({}), json!({"max_tokens": 7}), 7, "length"),
        (json!({}), json!({"max_tokens": 100}), 16, "stop"),
        (json!({"tokens": 40}), json!({"max_tokens": 100}), 40, "stop"),
        (json!({"tokens": 40}), json!({"max_tokens": 30, "n": 3}), 30, "length"),
        (json!({"tokens": 40, "reasoning": 10}), json!({}), 40, "stop"),
        (json!({"tokens": 0}), json!({}), 0, "stop"),
        (json!({"tokens": 4000}), json!({}), 4000, "stop"),
    ] {
        running.reset();
        let choices = more["n"].as_u64().unwrap_or(1);
        let body = chat(plan.clone(), more.clone());
        let whole = ask(&running, &body).await.unwrap().json();
        assert_eq!(whole["usage"]["completion_tokens"], json!(tokens * choices), "{body}");
        assert_eq!(whole["usage"]["prompt_tokens"], json!(8), "{body}");
        assert_eq!(whole["choices"].as_array().unwrap().len() as u64, choices);
        assert_eq!(whole["choices"][0]["finish_reason"], finish);
        let text = whole["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
        let words = tokens - plan["reasoning"].as_u64().unwrap_or(0);
        assert_eq!(text.split_whitespace().count() as u64, words);

        let mut streamed = stream(plan);
        streamed.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = ask(&running, &streamed).await.unwrap();
        assert_eq!(answer.end, End::Whole);
        assert!(answer.text().ends_with("data: [DONE]\n\n"));
        let events = answer.events();
        let first_choice = events.iter().filter(|event| event["choices"][0]["index"] == 0);
        let same: String = first_choice.filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(same, text);
        assert_eq!(answer.usages(), [whole["usage"].clone()]);
        assert!(events.iter().all(|event| event.get("usage").is_some()));

        settled(&running).await.unwrap();
        let totals = running.usage();
        assert_eq!((totals.calls, totals.done), (2, 2));
        assert_eq!((totals.input_tokens, totals.output_tokens), (16, 2 * tokens * choices));
        assert_eq!((totals.produced_input_tokens, totals.produced_output_tokens), (16, 2 * tokens * choices));
    }
}

#[tokio::test]
async fn usage_stands_where_the_plan_says() {
    let running = provider("{}").await.unwrap();
    for (plan, asked, outputs) in [
        (json!({}), false, vec![]),
        (json!({}), true, vec![4]),
        (json!({"mode": "no_usage"}), true, vec![]),
        (json!({"mode": "usage_always"}), false, vec![4]),
        (json!({"mode": "usage_last_chunk"}), false, vec![4]),
        (json!({"mode": "usage_last_chunk"}), true, vec![4]),
        (json!({"mode": "usage_every_chunk"}), false, vec![1, 2, 3, 4]),
        (json!({"mode": "usage_every_chunk"}), true, vec![1, 2, 3, 4, 4]),
        (json!({"mode": "usage_every_chunk", "chunks": 2}), false, vec![2, 4]),
    ] {
        running.reset();
        let body =
            chat(plan.clone(), json!({"stream": true, "max_tokens": 4, "stream_options": {"include_usage": asked}}));
        let answer = ask(&running, &body).await.unwrap();
        let seen: Vec<_> = answer.usages().iter().map(|usage| usage["completion_tokens"].as_u64().unwrap()).collect();
        assert_eq!(seen, outputs, "{plan} {asked}");
        assert_eq!(answer.words(), " word word word word");
        settled(&running).await.unwrap();
        assert_eq!(running.usage().unreported, u64::from(outputs.is_empty()), "{plan} {asked}");
        assert_eq!(running.usage().output_tokens, outputs.last().copied().unwrap_or(0));
    }
    let none = ask(&running, &chat(json!({"mode": "no_usage"}), json!({}))).await.unwrap().json();
    assert!(none.get("usage").is_none() && none["choices"].is_array());
}

#[tokio::test]
async fn lies_are_told_in_bodies_and_streams() {
    let running = provider("{}").await.unwrap();
    for (lie, said) in [
        ("negative", json!(-4)),
        ("fractional", json!(4.5)),
        ("string", json!("4")),
        ("null", Value::Null),
        ("huge", json!(1_000_000_000_000_000_u64)),
        ("overflow", json!(1e20)),
        ("over", json!(4 + 3)),
    ] {
        running.reset();
        let plan = json!({"lie": lie, "over_by": 3});
        let mut body = stream(plan);
        body["max_tokens"] = json!(4);
        let streamed = ask(&running, &body).await.unwrap().usages();
        body["stream"] = json!(false);
        let whole = ask(&running, &body).await.unwrap().json()["usage"].clone();
        assert_eq!(whole["completion_tokens"], said, "{lie}");
        assert_eq!(streamed, std::slice::from_ref(&whole), "{lie}");
        settled(&running).await.unwrap();
        assert!(running.calls().iter().all(|call| call.reported.as_ref() == Some(&whole)));
        let readable = said.as_u64();
        assert_eq!(running.usage().unreadable, if readable.is_some() { 0 } else { 2 }, "{lie}");
        assert_eq!(running.usage().output_tokens, 2 * readable.unwrap_or(0), "{lie}");
        assert_eq!(running.usage().produced_output_tokens, 8, "{lie}");
    }
    let missing = ask(&running, &chat(json!({"mode": "lie_missing"}), json!({}))).await.unwrap().json();
    assert!(missing["usage"].get("completion_tokens").is_none() && missing["usage"]["prompt_tokens"] == 8);
}

#[tokio::test]
async fn details_choices_tools_and_lengths() {
    let running = provider("{}").await.unwrap();
    let cached = ask(&running, &json!({"model": "fake-cached", "messages": []})).await.unwrap().json();
    assert_eq!(cached["usage"]["prompt_tokens"], 1000);
    assert_eq!(cached["usage"]["prompt_tokens_details"]["cached_tokens"], 800);
    let reasoning = ask(&running, &json!({"model": "fake-reasoning", "messages": []})).await.unwrap().json();
    assert_eq!(reasoning["usage"]["completion_tokens_details"]["reasoning_tokens"], 4);
    settled(&running).await.unwrap();
    assert_eq!((running.usage().cached_tokens, running.usage().reasoning_tokens), (800, 4));

    let tool = ask(&running, &json!({"model": "fake-tool-call", "max_tokens": 2})).await.unwrap().json();
    let arguments = tool["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert_eq!(arguments, r#"{"text":" word word"}"#);
    let streamed = ask(&running, &json!({"model": "fake-tool-call", "max_tokens": 2, "stream": true})).await.unwrap();
    let joined: String = streamed
        .events()
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str())
        .collect();
    assert_eq!(joined, arguments);

    let plain = ask(&running, &chat(json!({}), json!({}))).await.unwrap();
    assert_eq!(plain.headers["content-length"], plain.body.len().to_string().as_str());
    let chunked = ask(&running, &chat(json!({"mode": "chunked"}), json!({}))).await.unwrap();
    assert!(chunked.headers.get("content-length").is_none());
    assert_eq!(chunked.headers["transfer-encoding"], "chunked");
    assert_eq!(chunked.json()["usage"], plain.json()["usage"]);
}

#[tokio::test]
async fn embeddings_and_models() {
    let running = provider("{}").await.unwrap();
    let body = json!({"model": "text-embedding-3-small", "input": ["1234", "12345678"], "dimensions": 3});
    let answer = post(running.addr, "/v1/embeddings", &body).await.unwrap().json();
    assert_eq!(answer["data"][1], json!({"object": "embedding", "index": 1, "embedding": [0.0, 0.0, 0.0]}));
    assert_eq!(answer["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
    let body = json!({"model": "fake-lie-over", "input": "1234", "encoding_format": "base64", "dimensions": 1});
    let answer = post(running.addr, "/v1/embeddings", &body).await.unwrap().json();
    assert_eq!(answer["data"][0]["embedding"], "AAAAAA==");
    assert_eq!(answer["usage"]["prompt_tokens"], 2);
    settled(&running).await.unwrap();
    assert_eq!((running.usage().input_tokens, running.usage().output_tokens), (5, 0));
    let models = get(running.addr, "/v1/models").await.unwrap().json();
    assert_eq!(models["data"][1]["id"], "gpt-4o-mini");
}

#[tokio::test]
async fn request_before_model_before_server_and_modes_run_out() {
    let running = provider(r#"{"tokens":1}"#).await.unwrap();
    let tokens = async |body: Value| ask(&running, &body).await.unwrap().json()["usage"]["completion_tokens"].as_u64();
    let own = json!({"fake": r#"{"tokens":3}"#});
    assert_eq!(tokens(json!({"model": "gpt-4o"})).await, Some(1));
    assert_eq!(tokens(json!({"model": "fake-ok"})).await, Some(16));
    assert_eq!(tokens(json!({"model": "fake-429", "metadata": own})).await, Some(3));
    let mode = json!({"tokens": 2, "times": 2});
    assert_eq!(post(running.addr, "/__control/mode", &mode).await.unwrap().json()["tokens"], 2);
    for expected in [2, 2, 1, 1] {
        assert_eq!(tokens(json!({"model": "gpt-4o"})).await, Some(expected));
    }
    running.set_plan(Plan::of_mode("ok").unwrap(), None);
    assert_eq!(tokens(json!({"model": "gpt-4o"})).await, Some(16));
    post(running.addr, "/__control/reset", &json!({})).await.unwrap();
    assert_eq!(get(running.addr, "/__control/mode").await.unwrap().json()["tokens"], 1);
    assert_eq!(running.usage().calls, 0);
}

#[tokio::test]
async fn what_arrived_can_be_looked_at() {
    let options = Options { api_key: Some("sk-upstream".to_owned()), keep_requests: 2, ..Options::default() };
    let running = spawn(options).await.unwrap();
    for limit in [1, 2, 3] {
        ask(&running, &json!({"model": "gpt-4o", "max_completion_tokens": limit})).await.unwrap();
    }
    let requests = running.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].json()["max_completion_tokens"], 3);
    assert_eq!(requests[1].header("authorization"), "Bearer sk-upstream");
    assert_eq!(requests[1].path, "/v1/chat/completions");
    let listed = get(running.addr, "/__control/requests").await.unwrap().json();
    assert_eq!(listed[0]["body"]["max_completion_tokens"], 2);
    assert_eq!(listed[0]["headers"]["authorization"], "Bearer sk-upstream");
    settled(&running).await.unwrap();
    let calls = get(running.addr, "/__control/calls").await.unwrap().json();
    assert_eq!(calls[2]["output_tokens"], 3);
    assert_eq!(calls[2]["outcome"], "done");
    assert_eq!(get(running.addr, "/__control/usage").await.unwrap().json()["calls"], 3);

    let strict = spawn(Options { api_key: Some("another".to_owned()), ..Options::default() }).await.unwrap();
    let refused = ask(&strict, &json!({"model": "gpt-4o"})).await.unwrap();
    assert_eq!((refused.status, strict.usage().refused, strict.usage().calls), (401, 1, 0));
    assert_eq!(strict.calls()[0].outcome, Outcome::Refused);
}

#[tokio::test]
async fn nonsense_is_refused() {
    let running = provider("{}").await.unwrap();
    for (path, body, status) in [
        ("/v1/chat/completions", json!("text"), 400),
        ("/v1/chat/completions", chat(json!({"tokens": "many"}), json!({})), 400),
        ("/v1/chat/completions", json!({"model": "fake-wobble"}), 404),
        ("/v1/other", json!({}), 404),
        ("/__control/mode", json!({"mode": "wobble"}), 400),
        ("/__control/mode", json!({"times": "often"}), 400),
        ("/__control/other", json!({}), 404),
    ] {
        let answer = post(running.addr, path, &body).await.unwrap();
        assert_eq!(answer.status, status, "{path} {body}");
        assert!(answer.json()["error"]["message"].is_string(), "{path} {body}");
    }
    assert_eq!(running.usage().calls, 0);
}
